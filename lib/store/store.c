/* lib/store/store.c - the store object: create, references, destroy, statistics.
 *
 * calls.c passes calls on to the driver, breaker.c decides whether a call may pass, probe.c closes
 * an open breaker again.
 */
#include "lib/store/store.h"

#include <stddef.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/refs.h"
#include "lib/base/structs.h"

#define DEFAULT_TTL_MS 300000u

void recsys_value_release(recsys_value *value)
{
    if (value == NULL)
        return;
    if (value->release != NULL)
        value->release(value->hold);
    *value = (recsys_value){NULL, 0, NULL, NULL};
}

static int is_complete(const recsys_store_driver *driver)
{
    return driver->get != NULL && driver->set != NULL && driver->remove != NULL &&
           driver->get_or_set != NULL && driver->replace != NULL && driver->scan != NULL &&
           driver->ping != NULL && driver->destroy != NULL;
}

static recsys_status read_arguments(const char *name, const recsys_store_driver *driver,
                                    const recsys_store_options *options,
                                    recsys_store_driver *functions, recsys_store_options *given,
                                    recsys_error *err)
{
    if (driver == NULL)
        return rs_error(err, RECSYS_E_INVALID, "recsys_store_create: driver is NULL");
    recsys_status status =
        rs_struct_read(functions, sizeof *functions, driver, RECSYS_STORE_DRIVER_SIZE_V1,
                       "recsys_store_create: driver", err);
    if (status != RECSYS_OK)
        return status;
    if (name == NULL || name[0] == '\0')
        return rs_error(err, RECSYS_E_INVALID, "recsys_store_create: a store needs a name");
    if (!is_complete(functions))
        return rs_error(err, RECSYS_E_INVALID,
                        "recsys_store_create: the driver of %s lacks a function; only rate_limit "
                        "and exchange may be NULL",
                        name);
    status = rs_struct_read(given, sizeof *given, options, RECSYS_STORE_OPTIONS_SIZE_V1,
                            "recsys_store_create: options", err);
    if (status != RECSYS_OK)
        return status;
    status = rs_reserved(functions->reserved, "recsys_store_create: driver.reserved", err);
    if (status != RECSYS_OK)
        return status;
    return rs_reserved(given->flags & ~(uint32_t)RECSYS_STORE_PROBED,
                       "recsys_store_create: options.flags", err);
}

recsys_status recsys_store_create(const char *name, const recsys_store_driver *driver, void *self,
                                  const recsys_store_options *options, recsys_store **out,
                                  recsys_error *err)
{
    recsys_store_driver functions = {0};
    recsys_store_options given;
    recsys_store *store = NULL;
    char *name_copy = NULL;
    int result, has_lock = 0;

    if (out != NULL)
        *out = NULL;
    recsys_status status = out == NULL
                               ? rs_error(err, RECSYS_E_INVALID, "recsys_store_create: out is NULL")
                               : read_arguments(name, driver, options, &functions, &given, err);
    if (status != RECSYS_OK)
        goto fail;
    store = rs_alloc_aligned(1, sizeof *store);
    name_copy = rs_copy_text(name);
    if (store == NULL || name_copy == NULL) {
        status = rs_error_nomem(err, "store");
        goto fail;
    }
    result = rs_lock_init(&store->telling);
    has_lock = result == 0;
    if (result == 0)
        result = rs_breaker_init(&store->breaker, &given);
    if (result != 0) {
        status = rs_error_sys(err, result, "cannot make the store %s", name);
        goto fail;
    }
    store->driver = functions;
    store->self = self;
    store->name = name_copy;
    store->breaker.name = name_copy;
    store->flags = given.flags;
    store->ttl_ms = given.ttl_ms == 0                 ? DEFAULT_TTL_MS
                    : given.ttl_ms == RECSYS_NEVER_32 ? RECSYS_NEVER
                                                      : given.ttl_ms;
    store->tellers = NULL;
    atomic_init(&store->refs, 1u);
    atomic_init(&store->silent_until_ns, 0u);
    store->forks = rs_fork_count();
    store->is_in_process = 0;
    store->count = NULL;
    *out = store;
    return RECSYS_OK;

fail:
    if (has_lock)
        rs_lock_destroy(&store->telling);
    rs_free(name_copy);
    rs_free_aligned(store);
    /* `self` is OWNED also if the driver's size is wrong: every version of the struct has
     * `destroy` in this place. */
    if (driver != NULL && driver->destroy != NULL)
        driver->destroy(self);
    return status;
}

recsys_store *recsys_store_ref(recsys_store *store)
{
    if (store != NULL)
        rs_refs_take(&store->refs);
    return store;
}

void recsys_store_unref(recsys_store *store)
{
    if (store == NULL || !rs_refs_drop(&store->refs))
        return;
    store->driver.destroy(store->self);
    while (store->tellers != NULL) {
        struct rs_teller *teller = store->tellers;
        store->tellers = teller->next;
        rs_free(teller);
    }
    rs_breaker_destroy(&store->breaker);
    rs_lock_destroy(&store->telling);
    rs_free(store->name);
    rs_free_aligned(store);
}

const char *recsys_store_get_name(const recsys_store *store)
{
    return store == NULL ? "" : store->name;
}

void *recsys_store_get_self(const recsys_store *store, void (*destroy)(void *self))
{
    return store != NULL && store->driver.destroy == destroy ? store->self : NULL;
}

recsys_status recsys_store_get_stats(recsys_store *store, recsys_store_stats *out,
                                     recsys_error *err)
{
    recsys_store_stats stats = RECSYS_STORE_STATS_INIT;
    recsys_status status =
        rs_struct_begin(out, RECSYS_STORE_STATS_SIZE_V1, "recsys_store_get_stats: out", err);

    if (status != RECSYS_OK)
        return status;
    if (store == NULL)
        return rs_error(err, RECSYS_E_INVALID, "recsys_store_get_stats: store is NULL");
    status = rs_store_check_fork(store, err);
    if (status != RECSYS_OK)
        return status;
    rs_breaker_get_stats(&store->breaker, &stats);
    if (store->count != NULL)
        store->count(store->self, &stats);
    rs_struct_write(out, &stats, sizeof stats);
    return RECSYS_OK;
}
