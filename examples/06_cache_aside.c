/* examples/06_cache_aside.c - read through a cache, change the truth, read again.
 *
 * The store is the in-process one; with recsys_redis_create() in its place
 * (example 07) the rest stays as it is and other processes share the cache.
 */
#include <stdio.h>
#include <string.h>

#include <recsys/recsys.h>

/* The truth: a database in your service. */
static char name[32] = "Ada";
static int loads;

static recsys_status load(recsys_aside_load *into, void *user_data, recsys_error *err)
{
    char json[64];
    recsys_bytes value = {json, 0};

    (void)user_data;
    loads++;
    value.size = (size_t)snprintf(json, sizeof json, "{\"name\":\"%s\"}", name);
    return recsys_aside_load_set(into, value, 0, 0, 0, err);
}

/* Changes the truth. recsys_aside_write() invalidates afterwards, so the order is always right. */
static recsys_status rename_user(recsys_aside_changes *changes, void *user_data, recsys_error *err)
{
    (void)changes;
    (void)err;
    (void)snprintf(name, sizeof name, "%s", (const char *)user_data);
    return RECSYS_OK;
}

static recsys_status show(recsys_aside *cache, recsys_bytes key, recsys_error *err)
{
    static const char *const outcomes[] = {"", "hit", "stale", "negative", "miss", "unknown"};
    recsys_value value;
    uint32_t outcome;
    recsys_status status =
        recsys_aside_get_or_load(cache, key, load, NULL, 0, &value, &outcome, err);

    if (status == RECSYS_OK)
        printf("%-4s %.*s\n", outcomes[outcome], (int)value.size, (const char *)value.data);
    recsys_value_release(&value);
    return status;
}

int main(void)
{
    recsys_aside_options options = RECSYS_ASIDE_OPTIONS_INIT;
    recsys_store *store = NULL;
    recsys_aside *cache = NULL;
    recsys_bytes id = {"42", 2}, key;
    char text[RECSYS_KEY_MAX + 1];
    recsys_error err = {0};
    int failed = 1;

    options.flags = RECSYS_ASIDE_JSON;
    options.ttl_ms = 3600 * 1000;
    key.data = text;
    key.size = sizeof text;
    if (recsys_store_create_memory("profiles", NULL, &store, &err) == RECSYS_OK &&
        recsys_aside_create(store, &options, &cache, &err) == RECSYS_OK &&
        recsys_key_format("user:profile:{id}", &id, 1, text, &key.size, &err) == RECSYS_OK &&
        show(cache, key, &err) == RECSYS_OK && show(cache, key, &err) == RECSYS_OK &&
        recsys_aside_write(cache, &key, 1, rename_user, "Grace", &err) == RECSYS_OK &&
        show(cache, key, &err) == RECSYS_OK)
        failed = 0;
    if (failed)
        fprintf(stderr, "%s\n", err.message);
    else
        printf("loaded %d times\n", loads);
    recsys_aside_destroy(cache);
    recsys_store_unref(store);
    return failed;
}
