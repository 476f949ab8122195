/* tests/integration/celery/celery_reads.c - reads what Celery's workers have written.
 *
 *   celery_reads CASES.json      with RECSYS_TEST_REDIS, from celery_results.py
 *
 * Each case names a task, the status that recsys_recycling_get_task() must have, and for
 * OK the very JSON. Prints what differs, then "N passed, N failed". */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "recsys/recycling.h"
#include "recsys/redis.h"
#include "tests/support/check.h"

#define TASK_DB 9u

/* Task results are no matter of the database. */
static recsys_status refuse_query(void *self, void *session, const char *statement,
                                  const recsys_datum *parameters, size_t n, uint32_t timeout_ms,
                                  recsys_rows *rows, recsys_error *err)
{
    (void)self, (void)session, (void)parameters, (void)n, (void)timeout_ms, (void)rows, (void)err;
    fprintf(stderr, "the database was asked: %s\n", statement);
    abort();
}

static recsys_status refuse_begin(void *self, uint32_t timeout_ms, void **session,
                                  recsys_error *err)
{
    (void)session;
    return refuse_query(self, NULL, "begin", NULL, 0, timeout_ms, NULL, err);
}

static recsys_status refuse_end(void *self, void *session, uint32_t commit, uint32_t timeout_ms,
                                recsys_error *err)
{
    (void)commit;
    return refuse_query(self, session, "end", NULL, 0, timeout_ms, NULL, err);
}

static void destroy_nothing(void *self)
{
    (void)self;
}

static recsys_source *create_source(void)
{
    static const recsys_source_driver driver = {
        .struct_size = (uint32_t)sizeof driver,
        .query = refuse_query,
        .begin = refuse_begin,
        .end = refuse_end,
        .destroy = destroy_nothing,
    };
    recsys_source *source;
    recsys_error err;

    CHECK_OK(recsys_source_create("none", &driver, NULL, &source, &err), &err);
    return source;
}

static recsys_store *create_store(void)
{
    const char *port = getenv("RECSYS_TEST_REDIS");
    recsys_redis_options options = RECSYS_REDIS_OPTIONS_INIT;
    recsys_store *store;
    recsys_error err;

    CHECK(port != NULL);
    options.port = (uint32_t)strtoul(port, NULL, 10);
    options.db = TASK_DB;
    options.command_timeout_ms = 2000;
    CHECK_OK(recsys_redis_create("tasks", &options, NULL, &store, &err), &err);
    return store;
}

static int is_as_expected(recsys_domains *domains, const json_t *wanted)
{
    const char *name = json_string_value(json_object_get(wanted, "name"));
    const char *outcome = json_string_value(json_object_get(wanted, "outcome"));
    const char *task_id = json_string_value(json_object_get(wanted, "task_id"));
    recsys_value value = {0};
    recsys_error err = {0};
    char *text = NULL;
    int good = 0;

    recsys_status status = recsys_recycling_get_task(domains, task_id, &value, &err);
    json_t *got = value.data == NULL
                      ? NULL
                      : json_loadb(value.data, value.size, JSON_REJECT_DUPLICATES, NULL);
    if (strcmp(recsys_status_name(status), outcome) != 0) {
        printf("FAILED: %s: %s (%s), want %s\n", name, recsys_status_name(status), err.message,
               outcome);
    } else if (status != RECSYS_OK && value.data != NULL) {
        printf("FAILED: %s: a value in spite of %s\n", name, outcome);
    } else if (status == RECSYS_OK && !json_equal(got, json_object_get(wanted, "json"))) {
        text = json_dumps(json_object_get(wanted, "json"), 0);
        printf("FAILED: %s: %.*s, want %s\n", name, (int)value.size, (const char *)value.data,
               text);
    } else {
        good = 1;
    }
    free(text);
    json_decref(got);
    recsys_value_release(&value);
    return good;
}

int main(int argc, char **argv)
{
    json_t *cases = argc == 2 ? json_load_file(argv[1], 0, NULL) : NULL;
    recsys_domains_options options = RECSYS_DOMAINS_OPTIONS_INIT;
    recsys_store *stores[TASK_DB + 1] = {NULL};
    recsys_domains *domains;
    size_t n_passed = 0, index;
    json_t *wanted;
    recsys_error err;

    CHECK(json_array_size(cases) > 0);
    options.source = create_source();
    stores[TASK_DB] = create_store();
    options.stores = stores;
    options.n_stores = TASK_DB + 1;
    CHECK_OK(recsys_domains_create(&options, &domains, &err), &err);
    CHECK_OK(recsys_recycling_add_domains(domains, &err), &err);
    json_array_foreach(cases, index, wanted) n_passed += (size_t)is_as_expected(domains, wanted);
    printf("%zu passed, %zu failed\n", n_passed, json_array_size(cases) - n_passed);
    recsys_domains_destroy(domains);
    recsys_store_unref(stores[TASK_DB]);
    recsys_source_unref(options.source);
    index = json_array_size(cases) - n_passed;
    json_decref(cases);
    return index != 0;
}
