/* tests/fuzz/fuzz_celery.c - any bytes as what Celery has written for a task. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <jansson.h>

#include "recsys/recycling.h"
#include "tests/support/fake_source.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int condition)
{
    if (!condition)
        __builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct fake_source fake = {.fails = RECSYS_E_IO};
    static const recsys_bytes key = {"celery-task-meta-1b9d6bcd", 25};
    static recsys_store *store;
    static recsys_domains *domains;
    recsys_bytes raw = {data, size};
    recsys_value json;
    recsys_error err;

    if (domains == NULL) {
        recsys_domains_options options = RECSYS_DOMAINS_OPTIONS_INIT;
        recsys_store *stores[10] = {NULL};
        recsys_source *source;

        must(recsys_store_create_memory("9", NULL, &store, &err) == RECSYS_OK);
        source = fake_source_create(&fake);
        options.source = source;
        stores[9] = store;
        options.stores = stores;
        options.n_stores = 10;
        must(recsys_domains_create(&options, &domains, &err) == RECSYS_OK);
        must(recsys_recycling_add_domains(domains, &err) == RECSYS_OK);
    }
    must(recsys_store_set(store, key, raw, 0, RECSYS_STORE_ALWAYS, &err) == RECSYS_OK);
    recsys_status status = recsys_recycling_get_task(domains, "1b9d6bcd", &json, &err);
    if (status != RECSYS_OK) {
        must(json.data == NULL && (status == RECSYS_E_FORMAT || status == RECSYS_E_LIMIT));
        return 0;
    }
    /* A result stands in the answer as it was written, so what jansson cannot
     * hold there (a number such as 1e999) it cannot hold here. */
    json_t *task = json_loadb(json.data, json.size, JSON_ALLOW_NUL, NULL);
    json_t *written = json_loadb((const char *)data, size, JSON_ALLOW_NUL, NULL);
    must(task != NULL || written == NULL);
    if (task != NULL)
        must(json_is_object(task) && json_is_string(json_object_get(task, "status")) &&
             strcmp(json_string_value(json_object_get(task, "task_id")), "1b9d6bcd") == 0);
    json_decref(written);
    json_decref(task);
    recsys_value_release(&json);
    return 0;
}
