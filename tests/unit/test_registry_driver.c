/* Covers lib/registry/registry.c: a driver behind the interface, and a deployment over it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "recsys/deployment.h"
#include "recsys/registry.h"
#include "tests/support/bundle.h"

/* A server of one model, "films", whose only version lies at `bundle`. */
static struct {
    int n_destroyed, n_found, n_fetched, n_listed;
    recsys_status find, fetch; /* what these answer */
    uint32_t flags;
    const char *stamp, *version, *description;
    size_t description_size; /* 0 = all of it */
    recsys_registry_question asked;
    char uri[64], name[64], selector[64];
} server;

static char *root, bundle[300];
static recsys_registry *registry;
static recsys_error err;

static void copy(char *to, size_t size, const char *text)
{
    snprintf(to, size, "%s", text == NULL ? "" : text);
}

static void destroy(void *self)
{
    assert_ptr_equal(self, &server);
    server.n_destroyed++;
}

static recsys_status find(void *self, const recsys_registry_question *question,
                          recsys_registry_location *out, recsys_error *said)
{
    (void)self;
    assert_int_equal(said->status, RECSYS_OK);
    assert_int_equal(question->struct_size, sizeof *question);
    server.n_found++;
    server.asked = *question;
    copy(server.uri, sizeof server.uri, question->uri);
    copy(server.name, sizeof server.name, question->name);
    copy(server.selector, sizeof server.selector,
         question->version != NULL ? question->version
         : question->alias != NULL ? question->alias
                                   : question->stage);
    copy(out->name, sizeof out->name, question->name);
    copy(out->version, sizeof out->version, server.version);
    copy(out->stamp, sizeof out->stamp, server.stamp);
    out->flags = server.flags;
    return server.find;
}

static recsys_status fetch(void *self, recsys_registry_location *location, recsys_error *said)
{
    (void)self;
    server.n_fetched++;
    assert_string_equal(location->stamp, server.stamp);
    copy(location->path, sizeof location->path, bundle);
    return server.fetch == RECSYS_OK ? RECSYS_OK
                                     : recsys_error_set(said, server.fetch, "the line is cut");
}

static recsys_status describe(void *self, const recsys_registry_location *location,
                              recsys_value *out, recsys_error *said)
{
    (void)self, (void)said;
    assert_string_equal(location->name, "films");
    *out = (recsys_value){server.description,
                          server.description_size != 0 ? server.description_size
                                                       : strlen(server.description),
                          NULL, NULL};
    return RECSYS_OK;
}

static recsys_status list(void *self, const char *name, recsys_registry_callback callback,
                          void *user_data, recsys_error *said)
{
    recsys_registry_entry entry = RECSYS_REGISTRY_ENTRY_INIT;

    (void)self, (void)said, (void)name;
    entry.name = "films";
    entry.version = "1";
    for (int i = 0; i < 3; i++) /* goes on although the callback has stopped */
        (void)callback(&entry, user_data);
    return RECSYS_OK;
}

static const recsys_registry_driver whole = {
    (uint32_t)sizeof(recsys_registry_driver), 0u, destroy, find, fetch, describe, list, NULL, NULL};

static int set_up(void **state)
{
    struct bundle written;

    (void)state;
    memset(&server, 0, sizeof server);
    server.stamp = "a";
    server.version = "7";
    server.description = "{}";
    root = bundle_make_directory();
    snprintf(bundle, sizeof bundle, "%s/bundle", root);
    bundle_write(&written, bundle, 20, 30, 8, 1, BUNDLE_CATALOG);
    bundle_free(&written);
    return recsys_registry_create("http://registry", &whole, &server, &registry, &err);
}

static int tear_down(void **state)
{
    (void)state;
    recsys_registry_unref(registry);
    bundle_remove_directory(root);
    free(root);
    return 0;
}

static void each_form_of_a_uri_is_one_question(void **state)
{
    recsys_registry_location found = RECSYS_REGISTRY_LOCATION_INIT;

    (void)state;
    assert_int_equal(recsys_registry_find(registry, "models:/films/3", &found, &err), RECSYS_OK);
    assert_string_equal(server.uri, "models:/films/3");
    assert_string_equal(server.name, "films");
    assert_non_null(server.asked.version);
    assert_string_equal(server.selector, "3");
    assert_int_equal(recsys_registry_find(registry, "models:/films@1", &found, &err), RECSYS_OK);
    assert_non_null(server.asked.alias);
    assert_string_equal(server.selector, "1");
    assert_int_equal(recsys_registry_find(registry, "models:/films/production", &found, &err),
                     RECSYS_OK);
    assert_non_null(server.asked.stage);
    assert_string_equal(server.selector, "Production");
    static const char *const latest[] = {"models:/films/latest", "models:/films@latest"};
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(recsys_registry_find(registry, latest[i], &found, &err), RECSYS_OK);
        assert_null(server.asked.version);
        assert_null(server.asked.alias);
        assert_null(server.asked.stage);
    }
    assert_int_equal(recsys_registry_find(registry, "models:/f\xc3\xbc r 100%/1", &found, &err),
                     RECSYS_OK);
    assert_string_equal(server.name, "f\xc3\xbc r 100%");
    assert_int_equal(recsys_registry_find(registry, "models:/a\nb/1", &found, &err),
                     RECSYS_E_INVALID);
}

static void resolving_finds_and_fetches(void **state)
{
    recsys_registry_location found = RECSYS_REGISTRY_LOCATION_INIT;

    (void)state;
    assert_int_equal(recsys_registry_find(registry, "models:/films/7", &found, &err), RECSYS_OK);
    assert_string_equal(found.path, "");
    assert_int_equal(server.n_fetched, 0);
    assert_int_equal(recsys_registry_fetch(registry, &found, &err), RECSYS_OK);
    assert_string_equal(found.path, bundle);
    assert_int_equal(recsys_registry_fetch(registry, &found, &err), RECSYS_OK);
    assert_int_equal(server.n_fetched, 1); /* it is here */
    assert_int_equal(recsys_registry_resolve(registry, "models:/films/7", &found, &err), RECSYS_OK);
    assert_int_equal(server.n_fetched, 2);
    assert_string_equal(found.version, "7");

    server.fetch = RECSYS_E_IO;
    recsys_registry_location before = RECSYS_REGISTRY_LOCATION_INIT;
    assert_int_equal(recsys_registry_find(registry, "models:/films/7", &before, &err), RECSYS_OK);
    found = before;
    assert_int_equal(recsys_registry_fetch(registry, &found, &err), RECSYS_E_IO);
    assert_string_equal(err.message, "the line is cut");
    assert_memory_equal(&found, &before, sizeof found);
}

static void a_driver_that_breaks_its_contract_is_told(void **state)
{
    recsys_registry_location found = RECSYS_REGISTRY_LOCATION_INIT;
    recsys_value text;

    (void)state;
    server.version = "";
    assert_int_equal(recsys_registry_find(registry, "models:/films/7", &found, &err),
                     RECSYS_E_CALLBACK);
    server.version = "7";
    server.find = 7;
    assert_int_equal(recsys_registry_find(registry, "models:/films/7", &found, &err),
                     RECSYS_E_CALLBACK);
    server.find = RECSYS_OK;
    assert_int_equal(recsys_registry_find(registry, "models:/films/7", &found, &err), RECSYS_OK);
    static const char *const bad[] = {"", "[]", "{", "{} {}", "{\"a\":nan}"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        server.description = bad[i];
        assert_int_equal(recsys_registry_describe(registry, &found, &text, &err), RECSYS_E_FORMAT);
        assert_null(text.data);
    }
    server.description = "{\"metrics\":{\"accuracy\":0.5}}";
    assert_int_equal(recsys_registry_describe(registry, &found, &text, &err), RECSYS_OK);
    assert_int_equal(text.size, strlen(server.description));
    recsys_value_release(&text);
}

static int32_t stop_at_once(const recsys_registry_entry *entry, void *user_data)
{
    (void)entry, (void)user_data;
    server.n_listed++;
    return 5;
}

static void a_stopped_walk_calls_no_more(void **state)
{
    (void)state;
    assert_int_equal(recsys_registry_list(registry, NULL, stop_at_once, NULL, &err),
                     RECSYS_E_STOPPED);
    assert_int_equal(server.n_listed, 1);
    assert_int_equal(recsys_registry_list(registry, "a/b", stop_at_once, NULL, &err),
                     RECSYS_E_INVALID);
}

static void what_a_driver_cannot_do_is_unsupported(void **state)
{
    (void)state;
    assert_int_equal(recsys_registry_publish(registry, bundle, "films", NULL, &err),
                     RECSYS_E_UNSUPPORTED);
    assert_non_null(strstr(err.message, "http://registry"));
    assert_int_equal(recsys_registry_set_alias(registry, "films", "a", "1", &err),
                     RECSYS_E_UNSUPPORTED);
    assert_int_equal(recsys_registry_remove_alias(registry, "films", "a", &err),
                     RECSYS_E_UNSUPPORTED);
}

static void the_status_says_how_the_registry_has_answered(void **state)
{
    recsys_registry_location found = RECSYS_REGISTRY_LOCATION_INIT;
    recsys_registry_status now = RECSYS_REGISTRY_STATUS_INIT;

    (void)state;
    assert_int_equal(recsys_registry_get_status(registry, &now, &err), RECSYS_OK);
    assert_true(now.answered_ms == 0 && now.failed_ms == 0 && now.kept == 0);
    server.flags = RECSYS_REGISTRY_KEPT;
    assert_int_equal(recsys_registry_find(registry, "models:/films/7", &found, &err), RECSYS_OK);
    assert_int_equal(found.flags, RECSYS_REGISTRY_KEPT);
    assert_int_equal(recsys_registry_get_status(registry, &now, &err), RECSYS_OK);
    assert_true(now.answered_ms == 0 && now.kept == 1);
    server.flags = 0;
    server.find = RECSYS_E_NOT_FOUND;
    assert_int_equal(recsys_registry_find(registry, "models:/films/7", &found, &err),
                     RECSYS_E_NOT_FOUND);
    assert_int_equal(recsys_registry_get_status(registry, &now, &err), RECSYS_OK);
    assert_true(now.answered_ms > 0 && now.failed_ms > 0 && now.kept == 0);
    assert_int_equal(now.failure.status, RECSYS_E_NOT_FOUND);
}

static void a_registry_that_cannot_be_made_destroys_its_driver(void **state)
{
    recsys_registry_driver part = whole;
    recsys_registry *other = NULL;

    (void)state;
    part.find = NULL;
    assert_int_equal(recsys_registry_create("x", &part, &server, &other, &err), RECSYS_E_INVALID);
    part = whole;
    part.reserved = 1;
    assert_int_equal(recsys_registry_create("x", &part, &server, &other, &err),
                     RECSYS_E_UNSUPPORTED);
    part = whole;
    part.struct_size = 8;
    assert_int_equal(recsys_registry_create("x", &part, &server, &other, &err), RECSYS_E_INVALID);
    assert_int_equal(recsys_registry_create(NULL, &whole, &server, &other, &err), RECSYS_E_INVALID);
    assert_int_equal(server.n_destroyed, 4);
    assert_null(other);
    assert_ptr_equal(recsys_registry_get_self(registry, destroy), &server);
    assert_null(recsys_registry_get_self(registry, free));
}

/* A poll asks once, and fetches only what it does not know. */
static void a_poll_fetches_only_another_meaning(void **state)
{
    recsys_deployment_options options = RECSYS_DEPLOYMENT_OPTIONS_INIT;
    recsys_deployment *deployment = NULL;
    uint32_t changed = 0;

    (void)state;
    options.registry = registry;
    assert_int_equal(
        recsys_deployment_create("models:/films@champion", &options, &deployment, &err), RECSYS_OK);
    assert_int_equal(recsys_deployment_poll(deployment, &changed, &err), RECSYS_OK);
    assert_int_equal(changed, 1);
    for (int i = 0; i < 3; i++)
        assert_int_equal(recsys_deployment_poll(deployment, &changed, &err), RECSYS_OK);
    assert_int_equal(server.n_found, 4);
    assert_int_equal(server.n_fetched, 1);

    server.stamp = "b";
    server.fetch = RECSYS_E_IO; /* may pass: tried again */
    assert_int_equal(recsys_deployment_poll(deployment, &changed, &err), RECSYS_E_IO);
    assert_int_equal(recsys_deployment_poll(deployment, &changed, &err), RECSYS_E_IO);
    assert_int_equal(server.n_fetched, 3);
    server.fetch = RECSYS_OK;
    assert_int_equal(recsys_deployment_poll(deployment, &changed, &err), RECSYS_OK);
    assert_int_equal(changed, 0); /* the same content */
    assert_int_equal(recsys_deployment_poll(deployment, &changed, &err), RECSYS_OK);
    assert_int_equal(server.n_fetched, 4);

    server.stamp = "c";
    server.fetch = RECSYS_E_FORMAT; /* so may this: some upload after they register */
    assert_int_equal(recsys_deployment_poll(deployment, &changed, &err), RECSYS_E_FORMAT);
    assert_int_equal(recsys_deployment_poll(deployment, &changed, &err), RECSYS_E_FORMAT);
    assert_int_equal(server.n_fetched, 6);
    recsys_deployment_destroy(deployment);
}

/* A value has a size, and nothing ends it. */
static void a_description_is_as_long_as_its_size(void **state)
{
    recsys_deployment_options options = RECSYS_DEPLOYMENT_OPTIONS_INIT;
    recsys_model_info info = RECSYS_MODEL_INFO_INIT;
    recsys_deployment *deployment = NULL;
    uint32_t changed = 0;

    (void)state;
    server.description = "{\"a\":10},\"b\":{}";
    server.description_size = strlen("{\"a\":10}");
    options.registry = registry;
    assert_int_equal(
        recsys_deployment_create("models:/films@champion", &options, &deployment, &err), RECSYS_OK);
    assert_int_equal(recsys_deployment_poll(deployment, &changed, &err), RECSYS_OK);
    recsys_model *model = recsys_deployment_acquire(deployment);
    assert_int_equal(recsys_model_get_info(model, &info, &err), RECSYS_OK);
    assert_non_null(strstr(info.metadata, "\"registry\":{\"a\":10}}"));
    recsys_model_unref(model);
    recsys_deployment_destroy(deployment);
}

/* A server that was away says the same as before: nobody has chosen that model again. */
static void a_rollback_outlasts_a_server_that_cannot_be_asked(void **state)
{
    static const recsys_status failures[] = {RECSYS_E_IO, RECSYS_E_NOT_FOUND};
    recsys_deployment_options options = RECSYS_DEPLOYMENT_OPTIONS_INIT;
    recsys_deployment_status now = RECSYS_DEPLOYMENT_STATUS_INIT;
    recsys_deployment *deployment = NULL;
    uint32_t changed = 0;
    struct bundle written;

    (void)state;
    options.registry = registry;
    assert_int_equal(
        recsys_deployment_create("models:/films@champion", &options, &deployment, &err), RECSYS_OK);
    assert_int_equal(recsys_deployment_poll(deployment, &changed, &err), RECSYS_OK);
    server.stamp = "b";
    server.version = "8";
    snprintf(bundle, sizeof bundle, "%s/other", root);
    bundle_write(&written, bundle, 20, 30, 8, 2, BUNDLE_CATALOG);
    bundle_free(&written);
    assert_int_equal(recsys_deployment_poll(deployment, &changed, &err), RECSYS_OK);
    assert_int_equal(changed, 1);
    assert_int_equal(recsys_deployment_rollback(deployment, &err), RECSYS_OK);
    for (size_t i = 0; i < sizeof failures / sizeof failures[0]; i++) {
        server.find = failures[i];
        assert_int_equal(recsys_deployment_poll(deployment, &changed, &err), failures[i]);
        assert_int_equal(recsys_deployment_reload(deployment, NULL, &err), failures[i]);
        server.find = RECSYS_OK;
        assert_int_equal(recsys_deployment_poll(deployment, &changed, &err), RECSYS_OK);
        assert_int_equal(changed, 0);
        assert_int_equal(recsys_deployment_get_status(deployment, &now, &err), RECSYS_OK);
        assert_string_equal(now.active.version, "7");
    }
    server.stamp = "c"; /* another meaning, and the model of before behind it */
    assert_int_equal(recsys_deployment_poll(deployment, &changed, &err), RECSYS_OK);
    assert_int_equal(changed, 1);
    recsys_deployment_destroy(deployment);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(each_form_of_a_uri_is_one_question),
        T(resolving_finds_and_fetches),
        T(a_driver_that_breaks_its_contract_is_told),
        T(a_stopped_walk_calls_no_more),
        T(what_a_driver_cannot_do_is_unsupported),
        T(the_status_says_how_the_registry_has_answered),
        T(a_registry_that_cannot_be_made_destroys_its_driver),
        T(a_poll_fetches_only_another_meaning),
        T(a_description_is_as_long_as_its_size),
        T(a_rollback_outlasts_a_server_that_cannot_be_asked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
