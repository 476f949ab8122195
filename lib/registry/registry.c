/* lib/registry/registry.c - published models behind one interface.
 *
 * Calls go to a driver: local.c's for a directory, another library's for a server. Arguments and
 * the driver's results are checked here, once for all drivers, and how the driver has answered is
 * noted for the status.
 */
#include "lib/registry/registry.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/callback.h"
#include "lib/base/clock.h"
#include "lib/base/error.h"
#include "lib/base/json_scan.h"
#include "lib/base/refs.h"
#include "lib/base/structs.h"

#define MAX_DESCRIPTION ((size_t)1 << 20)

recsys_status recsys_registry_create(const char *label, const recsys_registry_driver *driver,
                                     void *self, recsys_registry **out, recsys_error *err)
{
    recsys_registry_driver seen;
    recsys_registry *registry = NULL;
    recsys_status status;
    int result;

    if (out != NULL)
        *out = NULL;
    if (driver == NULL)
        status = rs_error(err, RECSYS_E_INVALID, "recsys_registry_create: driver is NULL");
    else
        status = rs_struct_read(&seen, sizeof seen, driver, RECSYS_REGISTRY_DRIVER_SIZE_V1,
                                "recsys_registry_create: driver", err);
    if (status == RECSYS_OK)
        status = rs_reserved(seen.reserved, "recsys_registry_create: driver.reserved", err);
    if (status != RECSYS_OK)
        goto fail;
    if (label == NULL || out == NULL || seen.destroy == NULL || seen.find == NULL ||
        seen.list == NULL) {
        status = rs_error(err, RECSYS_E_INVALID,
                          "recsys_registry_create: an argument or one of the driver's functions "
                          "destroy, find and list is missing");
        goto fail;
    }
    registry = rs_alloc_array(1, sizeof *registry);
    if (registry == NULL || (registry->label = rs_copy_text(label)) == NULL) {
        status = rs_error_nomem(err, "registry");
        goto fail;
    }
    result = rs_lock_init(&registry->lock);
    if (result != 0) {
        status = rs_error_sys(err, result, "cannot make the lock of a registry");
        goto fail;
    }
    registry->driver = seen;
    registry->self = self;
    registry->state.struct_size = (uint32_t)sizeof registry->state;
    atomic_init(&registry->refs, 1u);
    *out = registry;
    return RECSYS_OK;

fail:
    if (registry != NULL)
        rs_free(registry->label);
    rs_free(registry);
    /* For every struct_size: the first version of the struct had this field. */
    if (driver != NULL && driver->destroy != NULL)
        driver->destroy(self);
    return status;
}

recsys_registry *recsys_registry_ref(recsys_registry *registry)
{
    if (registry != NULL)
        rs_refs_take(&registry->refs);
    return registry;
}

void recsys_registry_unref(recsys_registry *registry)
{
    if (registry == NULL || !rs_refs_drop(&registry->refs))
        return;
    registry->driver.destroy(registry->self);
    rs_lock_destroy(&registry->lock);
    rs_free(registry->label);
    rs_free(registry);
}

void *recsys_registry_get_self(const recsys_registry *registry, void (*destroy)(void *self))
{
    if (registry == NULL || destroy == NULL || registry->driver.destroy != destroy)
        return NULL;
    return registry->self;
}

/* The result of a driver's function; `what` in messages is "registry LABEL: the driver's find". */
static recsys_status judge(const recsys_registry *registry, const char *function,
                           recsys_status returned, const recsys_error *said, recsys_error *err)
{
    char what[192];

    if (returned == RECSYS_OK)
        return RECSYS_OK;
    snprintf(what, sizeof what, "registry %.120s: the driver's %s", registry->label, function);
    return rs_callback_result(returned, said, err, what);
}

/* Did the registry itself answer? Then also "no such model" is an answer. */
static int is_answer(recsys_status status)
{
    return status == RECSYS_OK || status == RECSYS_E_NOT_FOUND;
}

static void note(recsys_registry *registry, recsys_status status, uint32_t flags,
                 const recsys_error *failure)
{
    uint64_t now = rs_clock_unix_ms();

    rs_lock_take(&registry->lock);
    registry->state.kept = (flags & RECSYS_REGISTRY_KEPT) != 0;
    if (is_answer(status) && !registry->state.kept)
        registry->state.answered_ms = now;
    if (status != RECSYS_OK) {
        registry->state.failed_ms = now;
        registry->state.failure = *failure;
    }
    rs_lock_give(&registry->lock);
}

recsys_status recsys_registry_get_status(recsys_registry *registry, recsys_registry_status *out,
                                         recsys_error *err)
{
    recsys_registry_status now;
    recsys_status status = rs_struct_begin(out, RECSYS_REGISTRY_STATUS_SIZE_V1,
                                           "recsys_registry_get_status: out", err);

    if (status != RECSYS_OK)
        return status;
    if (registry == NULL)
        return rs_error(err, RECSYS_E_INVALID, "recsys_registry_get_status: registry is NULL");
    rs_lock_take(&registry->lock);
    now = registry->state;
    rs_lock_give(&registry->lock);
    rs_struct_write(out, &now, sizeof now);
    return RECSYS_OK;
}

/* A text that a driver has filled in, and must have ended. */
static int is_ended(const char *text, size_t size)
{
    return memchr(text, '\0', size) != NULL;
}

static int is_whole(const recsys_registry_location *location)
{
    return is_ended(location->name, sizeof location->name) && location->name[0] != '\0' &&
           is_ended(location->version, sizeof location->version) && location->version[0] != '\0' &&
           is_ended(location->path, sizeof location->path) &&
           is_ended(location->stamp, sizeof location->stamp);
}

static recsys_status find(recsys_registry *registry, const char *uri,
                          recsys_registry_location *found, recsys_error *err)
{
    struct rs_uri parsed;
    recsys_error said = {0};
    recsys_status status = rs_uri_parse(uri, &parsed, err);

    if (status != RECSYS_OK)
        return status;
    recsys_registry_question question = {
        .struct_size = (uint32_t)sizeof question,
        .uri = uri,
        .name = parsed.name,
        .version = parsed.version[0] == '\0' ? NULL : parsed.version,
        .alias = parsed.alias[0] == '\0' ? NULL : parsed.alias,
        .stage = parsed.stage,
    };
    if (question.alias != NULL && strcmp(question.alias, "latest") == 0)
        question.alias = NULL; /* as models:/NAME/latest */
    status = registry->driver.find(registry->self, &question, found, &said);
    found->struct_size = (uint32_t)sizeof *found;
    if (status == RECSYS_OK && !is_whole(found))
        status = recsys_error_set(&said, RECSYS_E_CALLBACK,
                                  "the registry's driver found a version without name or number");
    recsys_error failure = {0};
    status = judge(registry, "find", status, &said, &failure);
    note(registry, status, found->flags, &failure);
    return status == RECSYS_OK ? RECSYS_OK : rs_error_copy(err, &failure);
}

static recsys_status fetch(recsys_registry *registry, recsys_registry_location *location,
                           recsys_error *err)
{
    recsys_error said = {0};
    recsys_status status = RECSYS_OK;

    if (location->path[0] != '\0')
        return RECSYS_OK;
    if (registry->driver.fetch != NULL) {
        status = registry->driver.fetch(registry->self, location, &said);
        location->struct_size = (uint32_t)sizeof *location;
    }
    if (status == RECSYS_OK && (!is_whole(location) || location->path[0] == '\0'))
        status = recsys_error_set(&said, RECSYS_E_CALLBACK,
                                  "the registry's driver found a bundle without a path");
    return judge(registry, "fetch", status, &said, err);
}

static recsys_status find_and_fetch(recsys_registry *registry, const char *uri, int is_fetched,
                                    recsys_registry_location *out, const char *function,
                                    recsys_error *err)
{
    recsys_registry_location found = RECSYS_REGISTRY_LOCATION_INIT;
    char what[64];

    snprintf(what, sizeof what, "%s: out", function);
    recsys_status status = rs_struct_begin(out, RECSYS_REGISTRY_LOCATION_SIZE_V1, what, err);
    if (status != RECSYS_OK)
        return status;
    if (registry == NULL || uri == NULL)
        return rs_error(err, RECSYS_E_INVALID, "%s: an argument is missing", function);
    status = find(registry, uri, &found, err);
    if (status == RECSYS_OK && is_fetched)
        status = fetch(registry, &found, err);
    if (status == RECSYS_OK)
        rs_struct_write(out, &found, sizeof found);
    return status;
}

recsys_status recsys_registry_resolve(recsys_registry *registry, const char *uri,
                                      recsys_registry_location *out, recsys_error *err)
{
    return find_and_fetch(registry, uri, 1, out, "recsys_registry_resolve", err);
}

recsys_status recsys_registry_find(recsys_registry *registry, const char *uri,
                                   recsys_registry_location *out, recsys_error *err)
{
    return find_and_fetch(registry, uri, 0, out, "recsys_registry_find", err);
}

static recsys_status read_location(const recsys_registry *registry,
                                   const recsys_registry_location *location,
                                   recsys_registry_location *out, const char *function,
                                   recsys_error *err)
{
    char what[64];

    if (registry == NULL || location == NULL)
        return rs_error(err, RECSYS_E_INVALID, "%s: an argument is missing", function);
    snprintf(what, sizeof what, "%s: location", function);
    recsys_status status =
        rs_struct_read(out, sizeof *out, location, RECSYS_REGISTRY_LOCATION_SIZE_V1, what, err);
    if (status == RECSYS_OK && !is_whole(out))
        return rs_error(
            err, RECSYS_E_INVALID,
            "%s: the location has no name or version; recsys_registry_find() fills it in",
            function);
    return status;
}

recsys_status recsys_registry_fetch(recsys_registry *registry, recsys_registry_location *location,
                                    recsys_error *err)
{
    recsys_registry_location found;
    recsys_status status = read_location(registry, location, &found, "recsys_registry_fetch", err);

    if (status == RECSYS_OK)
        status = fetch(registry, &found, err);
    if (status == RECSYS_OK)
        rs_struct_write(location, &found, sizeof found);
    return status;
}

recsys_status recsys_registry_describe(recsys_registry *registry,
                                       const recsys_registry_location *location, recsys_value *out,
                                       recsys_error *err)
{
    recsys_registry_location found;
    recsys_error said = {0};
    recsys_status status;

    if (out == NULL)
        return rs_error(err, RECSYS_E_INVALID, "recsys_registry_describe: out is NULL");
    *out = (recsys_value){NULL, 0, NULL, NULL};
    status = read_location(registry, location, &found, "recsys_registry_describe", err);
    if (status != RECSYS_OK)
        return status;
    if (registry->driver.describe == NULL) {
        *out = (recsys_value){"{}", 2, NULL, NULL};
        return RECSYS_OK;
    }
    status = registry->driver.describe(registry->self, &found, out, &said);
    if (status == RECSYS_OK && out->size > MAX_DESCRIPTION)
        status = recsys_error_set(&said, RECSYS_E_LIMIT,
                                  "the registry's description of a version is larger than 1 MiB");
    else if (status == RECSYS_OK &&
             (out->data == NULL || out->size == 0 || *(const char *)out->data != '{' ||
              !rs_json_is_valid(out->data, out->size)))
        status = recsys_error_set(&said, RECSYS_E_FORMAT,
                                  "the registry's description of a version is no JSON object");
    if (status != RECSYS_OK)
        recsys_value_release(out);
    return judge(registry, "describe", status, &said, err);
}

/* The caller's callback, and where it has stopped. */
struct registry_walk {
    recsys_registry_callback callback;
    void *user_data;
    int32_t stop;
};

static int32_t visit(const recsys_registry_entry *entry, void *user_data)
{
    struct registry_walk *walk = user_data;

    if (walk->stop == 0)
        walk->stop = walk->callback(entry, walk->user_data);
    return walk->stop;
}

recsys_status recsys_registry_list(recsys_registry *registry, const char *name,
                                   recsys_registry_callback callback, void *user_data,
                                   recsys_error *err)
{
    struct registry_walk walk = {callback, user_data, 0};
    recsys_error said = {0};
    recsys_status status = RECSYS_OK;

    if (registry == NULL || callback == NULL)
        return rs_error(err, RECSYS_E_INVALID, "recsys_registry_list: an argument is missing");
    if (name != NULL)
        status = rs_registry_check_text(name, "model name", err);
    if (status != RECSYS_OK)
        return status;
    status = registry->driver.list(registry->self, name, visit, &walk, &said);
    if (walk.stop != 0)
        return rs_walk_result(walk.stop, err, "recsys_registry_list: the callback");
    return judge(registry, "list", status, &said, err);
}

recsys_status recsys_registry_publish(recsys_registry *registry, const char *bundle,
                                      const char *name, recsys_registry_location *out,
                                      recsys_error *err)
{
    recsys_registry_location unwanted = RECSYS_REGISTRY_LOCATION_INIT;
    recsys_registry_location made = RECSYS_REGISTRY_LOCATION_INIT;
    recsys_error said = {0};

    if (out == NULL)
        out = &unwanted;
    recsys_status status =
        rs_struct_begin(out, RECSYS_REGISTRY_LOCATION_SIZE_V1, "recsys_registry_publish: out", err);
    if (status != RECSYS_OK)
        return status;
    if (registry == NULL || bundle == NULL)
        return rs_error(err, RECSYS_E_INVALID, "recsys_registry_publish: an argument is missing");
    status = rs_registry_check_text(name, "model name", err);
    if (status == RECSYS_OK && registry->driver.publish == NULL)
        status = rs_error(err, RECSYS_E_UNSUPPORTED,
                          "registry %.150s: this library cannot publish here; publish with the "
                          "registry's own client",
                          registry->label);
    if (status != RECSYS_OK)
        return status;
    status = registry->driver.publish(registry->self, bundle, name, &made, &said);
    if (status == RECSYS_OK)
        rs_struct_write(out, &made, sizeof made);
    return judge(registry, "publish", status, &said, err);
}

static recsys_status move_alias(recsys_registry *registry, const char *name, const char *alias,
                                const char *version, recsys_error *err)
{
    recsys_error said = {0};
    recsys_status status;

    if (registry == NULL)
        return rs_error(err, RECSYS_E_INVALID, "registry: the registry is NULL");
    status = rs_registry_check_text(name, "model name", err);
    if (status == RECSYS_OK)
        status = rs_registry_check_text(alias, "alias", err);
    if (status == RECSYS_OK && strcmp(alias, "latest") == 0)
        return rs_error(err, RECSYS_E_INVALID,
                        "registry: \"latest\" always is the highest version; choose another alias");
    if (status == RECSYS_OK && registry->driver.set_alias == NULL)
        status = rs_error(err, RECSYS_E_UNSUPPORTED,
                          "registry %.150s: this library cannot move aliases here; move them with "
                          "the registry's own client",
                          registry->label);
    if (status != RECSYS_OK)
        return status;
    status = registry->driver.set_alias(registry->self, name, alias, version, &said);
    return judge(registry, "set_alias", status, &said, err);
}

recsys_status recsys_registry_set_alias(recsys_registry *registry, const char *name,
                                        const char *alias, const char *version, recsys_error *err)
{
    if (version == NULL)
        return rs_error(err, RECSYS_E_INVALID, "recsys_registry_set_alias: version is NULL");
    return move_alias(registry, name, alias, version, err);
}

recsys_status recsys_registry_remove_alias(recsys_registry *registry, const char *name,
                                           const char *alias, recsys_error *err)
{
    return move_alias(registry, name, alias, NULL, err);
}
