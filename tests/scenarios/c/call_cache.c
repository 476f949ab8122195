/* tests/scenarios/c/call_cache.c - calls about what is cached: caches, stores, cache-aside. */
#include <string.h>
#include <time.h>

#include "tests/scenarios/c/scenario.h"

void close_store(void *store)
{
    recsys_store_unref(store);
}

static void close_cache(void *cache)
{
    recsys_cache_destroy(cache);
}

static void close_aside(void *aside)
{
    recsys_aside_destroy(aside);
}

static recsys_status call_sleep(struct scenario *s, const json_t *step, json_t *result,
                                recsys_error *err)
{
    struct timespec time = {0, (long)member_number(step, "ms") * 1000000L};

    (void)s;
    (void)result;
    (void)err;
    while (nanosleep(&time, &time) != 0) {
    }
    return RECSYS_OK;
}

static recsys_status call_key(struct scenario *s, const json_t *step, json_t *result,
                              recsys_error *err)
{
    char key[RECSYS_KEY_MAX + 1] = "";
    size_t n, size = sizeof key;
    const recsys_bytes *values = member_list_of_bytes(s, step, "values", &n);
    recsys_status status =
        recsys_key_format(member_text(step, "pattern"), values, n, key, &size, err);

    json_object_set_new(result, "key", json_string(key));
    return status;
}

/* -- the in-process cache -- */

static recsys_cache_options cache_options_of(const json_t *wanted)
{
    recsys_cache_options options = RECSYS_CACHE_OPTIONS_INIT;

    options.n_shards = (uint32_t)member_number(wanted, "n_shards");
    options.max_bytes = member_number(wanted, "max_bytes");
    options.max_value_bytes = member_number(wanted, "max_value_bytes");
    options.ttl_ms = (uint32_t)member_number(wanted, "ttl_ms");
    return options;
}

static recsys_status call_cache(struct scenario *s, const json_t *step, json_t *result,
                                recsys_error *err)
{
    const recsys_cache_options options = cache_options_of(json_object_get(step, "options"));
    recsys_cache *cache;
    recsys_status status = recsys_cache_create(&options, &cache, err);

    (void)result;
    scenario_keep(s, step, cache, close_cache);
    return status;
}

static recsys_status call_cache_set(struct scenario *s, const json_t *step, json_t *result,
                                    recsys_error *err)
{
    (void)result;
    return recsys_cache_set(scenario_object(s, step, "cache", close_cache),
                            member_bytes(step, "key"), member_bytes(step, "value"),
                            member_number(step, "ttl_ms"), err);
}

static recsys_status call_cache_get(struct scenario *s, const json_t *step, json_t *result,
                                    recsys_error *err)
{
    recsys_cache_entry *entry;
    recsys_status status = recsys_cache_get(scenario_object(s, step, "cache", close_cache),
                                            member_bytes(step, "key"), &entry, err);
    if (status != RECSYS_OK)
        return status;
    size_t size;
    const char *value = recsys_cache_entry_get(entry, &size);
    json_object_set_new(result, "value", json_stringn(value, size));
    recsys_cache_release(entry);
    return status;
}

static recsys_status call_cache_remove(struct scenario *s, const json_t *step, json_t *result,
                                       recsys_error *err)
{
    (void)result;
    return recsys_cache_remove(scenario_object(s, step, "cache", close_cache),
                               member_bytes(step, "key"), err);
}

static recsys_status call_cache_clear(struct scenario *s, const json_t *step, json_t *result,
                                      recsys_error *err)
{
    recsys_cache_stats stats = RECSYS_CACHE_STATS_INIT;
    recsys_cache *cache = scenario_object(s, step, "cache", close_cache);

    recsys_cache_clear(cache);
    recsys_status status = recsys_cache_get_stats(cache, &stats, err);
    json_object_set_new(result, "entries", json_integer((json_int_t)stats.entries));
    json_object_set_new(result, "sets", json_integer((json_int_t)stats.sets));
    json_object_set_new(result, "hits", json_integer((json_int_t)stats.hits));
    json_object_set_new(result, "misses", json_integer((json_int_t)stats.misses));
    return status;
}

/* -- stores -- */

static recsys_status call_store(struct scenario *s, const json_t *step, json_t *result,
                                recsys_error *err)
{
    const recsys_cache_options options = cache_options_of(json_object_get(step, "options"));
    recsys_store *store;
    recsys_status status =
        recsys_store_create_memory(member_need(step, "as"), &options, &store, err);

    (void)result;
    scenario_keep(s, step, store, close_store);
    return status;
}

static recsys_status call_store_set(struct scenario *s, const json_t *step, json_t *result,
                                    recsys_error *err)
{
    uint32_t when = member_true(step, "if_absent") ? RECSYS_STORE_IF_ABSENT : RECSYS_STORE_ALWAYS;

    (void)result;
    return recsys_store_set(scenario_object(s, step, "store", close_store),
                            member_bytes(step, "key"), member_bytes(step, "value"),
                            member_number(step, "ttl_ms"), when, err);
}

static recsys_status call_store_get(struct scenario *s, const json_t *step, json_t *result,
                                    recsys_error *err)
{
    size_t n;
    const recsys_bytes *keys = member_list_of_bytes(s, step, "keys", &n);
    recsys_value *values = scenario_memory(s, n, sizeof *values);
    recsys_status status = recsys_store_get(scenario_object(s, step, "store", close_store), keys, n,
                                            values, NULL, err);
    json_t *list = json_array();

    for (size_t i = 0; i < n; i++)
        json_array_append_new(list, json_of_value(&values[i]));
    json_object_set_new(result, "values", list);
    return status;
}

static recsys_status call_store_remove(struct scenario *s, const json_t *step, json_t *result,
                                       recsys_error *err)
{
    size_t n;
    uint64_t removed = 0;
    const recsys_bytes *keys = member_list_of_bytes(s, step, "keys", &n);
    recsys_status status =
        recsys_store_remove(scenario_object(s, step, "store", close_store), keys, n, &removed, err);

    json_object_set_new(result, "removed", json_integer((json_int_t)removed));
    return status;
}

static recsys_status call_store_get_or_set(struct scenario *s, const json_t *step, json_t *result,
                                           recsys_error *err)
{
    recsys_value present = {NULL, 0, NULL, NULL};
    recsys_status status = recsys_store_get_or_set(
        scenario_object(s, step, "store", close_store), member_bytes(step, "key"),
        member_bytes(step, "value"), member_number(step, "ttl_ms"), &present, NULL, err);

    json_object_set_new(result, "present", json_of_value(&present));
    return status;
}

static recsys_status call_store_replace(struct scenario *s, const json_t *step, json_t *result,
                                        recsys_error *err)
{
    (void)result;
    return recsys_store_replace(scenario_object(s, step, "store", close_store),
                                member_bytes(step, "key"), member_bytes(step, "prefix"),
                                member_bytes(step, "value"), member_number(step, "ttl_ms"), err);
}

static int32_t add_key(recsys_bytes key, void *keys)
{
    char text[RECSYS_KEY_MAX + 1] = "";

    memcpy(text, key.data, key.size < sizeof text ? key.size : sizeof text - 1);
    json_object_set_new(keys, text, json_true());
    return 0;
}

static recsys_status call_store_scan(struct scenario *s, const json_t *step, json_t *result,
                                     recsys_error *err)
{
    size_t n;
    uint64_t cursor = 0;
    const recsys_bytes *parts = member_list_of_bytes(s, step, "parts", &n);
    json_t *keys = json_object(); /* a set */
    recsys_status status;

    do
        status = recsys_store_scan(scenario_object(s, step, "store", close_store), parts, n,
                                   &cursor, add_key, keys, err);
    while (status == RECSYS_OK && cursor != 0);
    json_object_set_new(result, "keys", keys);
    return status;
}

/* -- cache-aside -- */

static uint32_t aside_flags(const json_t *wanted)
{
    static const struct {
        const char *name;
        uint32_t flag;
    } flags[] = {{"json", RECSYS_ASIDE_JSON},
                 {"no_stale", RECSYS_ASIDE_NO_STALE},
                 {"no_negative", RECSYS_ASIDE_NO_NEGATIVE},
                 {"no_jitter", RECSYS_ASIDE_NO_JITTER},
                 {"no_refresh", RECSYS_ASIDE_NO_REFRESH}};
    uint32_t sum = 0;

    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
        if (member_true(wanted, flags[i].name))
            sum |= flags[i].flag;
    return sum;
}

static recsys_status call_aside(struct scenario *s, const json_t *step, json_t *result,
                                recsys_error *err)
{
    const json_t *wanted = json_object_get(step, "options");
    recsys_aside_options options = RECSYS_ASIDE_OPTIONS_INIT;
    recsys_aside *aside;

    (void)result;
    options.flags = aside_flags(wanted);
    options.ttl_ms = (uint32_t)member_number(wanted, "ttl_ms");
    options.stale_ms = (uint32_t)member_number(wanted, "stale_ms");
    options.negative_ttl_ms = (uint32_t)member_number(wanted, "negative_ttl_ms");
    options.max_value_bytes = member_number(wanted, "max_value_bytes");
    options.label = member_text(wanted, "label");
    recsys_status status =
        recsys_aside_create(scenario_object(s, step, "store", close_store), &options, &aside, err);
    scenario_keep(s, step, aside, close_aside);
    return status;
}

static recsys_status call_aside_get(struct scenario *s, const json_t *step, json_t *result,
                                    recsys_error *err)
{
    recsys_value value = {NULL, 0, NULL, NULL};
    uint32_t outcome = 0;
    recsys_status status = recsys_aside_get(scenario_object(s, step, "aside", close_aside),
                                            member_bytes(step, "key"), &value, &outcome, err);

    json_object_set_new(result, "value", json_of_value(&value));
    json_object_set_new(result, "outcome", json_of_outcome(outcome));
    return status;
}

/* The step's orders to its loader or writer, and how often that ran. */
struct told {
    const json_t *told;
    int runs;
};

/* The failure that a loader or writer was told to return; RECSYS_OK if none. */
static recsys_status told_failure(const json_t *told, recsys_error *err)
{
    const char *fails = member_text(told, "fails");

    return fails == NULL ? RECSYS_OK
                         : recsys_error_set(err, status_of(fails), member_text(told, "message"));
}

static recsys_status load(recsys_aside_load *load, void *user_data, recsys_error *err)
{
    struct told *told = user_data;
    recsys_status status = told_failure(told->told, err);

    told->runs++;
    if (status != RECSYS_OK)
        return status;
    return recsys_aside_load_set(
        load, member_bytes(told->told, "value"), member_number(told->told, "version"),
        member_number(told->told, "ttl_ms"),
        member_true(told->told, "uncached") ? RECSYS_ASIDE_UNCACHED : 0, err);
}

static recsys_status call_get_or_load(struct scenario *s, const json_t *step, json_t *result,
                                      recsys_error *err)
{
    struct told told = {json_object_get(step, "load"), 0};
    recsys_value value = {NULL, 0, NULL, NULL};
    uint32_t outcome = 0;
    recsys_status status = recsys_aside_get_or_load(
        scenario_object(s, step, "aside", close_aside), member_bytes(step, "key"), load, &told,
        (uint32_t)member_number(step, "timeout_ms"), &value, &outcome, err);

    json_object_set_new(result, "value", json_of_value(&value));
    json_object_set_new(result, "outcome", json_of_outcome(outcome));
    json_object_set_new(result, "loads", json_integer(told.runs));
    return status;
}

static recsys_status call_aside_set(struct scenario *s, const json_t *step, json_t *result,
                                    recsys_error *err)
{
    (void)result;
    return recsys_aside_set(scenario_object(s, step, "aside", close_aside),
                            member_bytes(step, "key"), member_bytes(step, "value"),
                            member_number(step, "version"), member_number(step, "ttl_ms"), err);
}

static recsys_status change(recsys_aside_changes *changes, void *user_data, recsys_error *err)
{
    const struct told *told = user_data;
    recsys_status status = told_failure(told->told, err);
    const json_t *values = json_object_get(told->told, "values");

    for (size_t i = 0; status == RECSYS_OK && i < json_array_size(values); i++)
        if (!json_is_null(json_array_get(values, i)))
            status = recsys_aside_changes_set(
                changes, i, bytes_of(json_string_value(json_array_get(values, i))),
                member_number(told->told, "version"), err);
    return status;
}

static recsys_status call_aside_write(struct scenario *s, const json_t *step, json_t *result,
                                      recsys_error *err)
{
    size_t n;
    struct told told = {json_object_get(step, "write"), 0};
    const recsys_bytes *keys = member_list_of_bytes(s, step, "keys", &n);

    (void)result;
    return recsys_aside_write(scenario_object(s, step, "aside", close_aside), keys, n, change,
                              &told, err);
}

static recsys_status call_invalidate(struct scenario *s, const json_t *step, json_t *result,
                                     recsys_error *err)
{
    recsys_aside *aside = scenario_object(s, step, "aside", close_aside);
    size_t n;
    uint64_t removed = 0;
    recsys_status status;

    if (member_true(step, "all"))
        return recsys_aside_invalidate_all(aside, err);
    if (json_object_get(step, "parts") == NULL) {
        const recsys_bytes *keys = member_list_of_bytes(s, step, "keys", &n);
        return recsys_aside_invalidate(aside, keys, n, err);
    }
    const recsys_bytes *parts = member_list_of_bytes(s, step, "parts", &n);
    status = recsys_aside_invalidate_matching(aside, parts, n, &removed, err);
    json_object_set_new(result, "removed", json_integer((json_int_t)removed));
    return status;
}

static recsys_status call_aside_stats(struct scenario *s, const json_t *step, json_t *result,
                                      recsys_error *err)
{
    recsys_aside_stats stats = RECSYS_ASIDE_STATS_INIT;
    recsys_status status =
        recsys_aside_get_stats(scenario_object(s, step, "aside", close_aside), &stats, err);

    json_object_set_new(result, "hits", json_integer((json_int_t)stats.hits));
    json_object_set_new(result, "misses", json_integer((json_int_t)stats.misses));
    json_object_set_new(result, "negative", json_integer((json_int_t)stats.negative));
    json_object_set_new(result, "stale", json_integer((json_int_t)stats.stale));
    json_object_set_new(result, "loads", json_integer((json_int_t)stats.loads));
    json_object_set_new(result, "load_failures", json_integer((json_int_t)stats.load_failures));
    json_object_set_new(result, "fills", json_integer((json_int_t)stats.fills));
    json_object_set_new(result, "epochs", json_integer((json_int_t)stats.epochs));
    return status;
}

const struct named_call cache_calls[] = {
    {"sleep", call_sleep},
    {"key", call_key},
    {"cache", call_cache},
    {"cache_set", call_cache_set},
    {"cache_get", call_cache_get},
    {"cache_remove", call_cache_remove},
    {"cache_clear", call_cache_clear},
    {"store", call_store},
    {"store_set", call_store_set},
    {"store_get", call_store_get},
    {"store_remove", call_store_remove},
    {"store_get_or_set", call_store_get_or_set},
    {"store_replace", call_store_replace},
    {"store_scan", call_store_scan},
    {"aside", call_aside},
    {"aside_get", call_aside_get},
    {"get_or_load", call_get_or_load},
    {"aside_set", call_aside_set},
    {"aside_write", call_aside_write},
    {"invalidate", call_invalidate},
    {"aside_stats", call_aside_stats},
    {NULL, NULL},
};
