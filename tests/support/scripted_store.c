/* tests/support/scripted_store.c - see scripted_store.h. */
#include "tests/support/scripted_store.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/store/store.h"

/* 1 if the call is to fail. */
static int begin(struct scripted_store *script, enum scripted_operation operation, recsys_bytes key)
{
    unsigned long call = script->n_calls++;
    int fails = script->n_fail > 0 && call >= script->fail_at &&
                call - script->fail_at < script->n_fail &&
                (script->only < 0 || script->only == (int)operation);

    if (script->watch != NULL)
        script->watch(operation, key, script->user_data);
    return fails;
}

static recsys_status fail(const struct scripted_store *script, recsys_error *err)
{
    if (err != NULL) {
        err->status = script->status;
        snprintf(err->message, sizeof err->message, "as the script says");
    }
    return script->status;
}

static recsys_status scripted_get(void *self, const recsys_bytes *keys, size_t n,
                                  recsys_value *values, uint64_t *incarnation, recsys_error *err)
{
    struct scripted_store *script = self;

    if (begin(script, SCRIPTED_GET, keys[n - 1]))
        return fail(script, err);
    recsys_status status = recsys_store_get(script->inner, keys, n, values, incarnation, err);
    *incarnation += script->incarnation;
    return status;
}

static recsys_status scripted_set(void *self, recsys_bytes key, recsys_bytes value, uint64_t ttl_ms,
                                  uint32_t when, recsys_error *err)
{
    struct scripted_store *script = self;
    int fails = begin(script, SCRIPTED_SET, key);

    if (fails && !script->happens)
        return fail(script, err);
    recsys_status status = recsys_store_set(script->inner, key, value, ttl_ms, when, err);
    return fails ? fail(script, err) : status;
}

static recsys_status scripted_remove(void *self, const recsys_bytes *keys, size_t n,
                                     uint64_t *n_removed, recsys_error *err)
{
    struct scripted_store *script = self;
    int fails = begin(script, SCRIPTED_REMOVE, keys[0]);

    if (fails && !script->happens)
        return fail(script, err);
    recsys_status status = recsys_store_remove(script->inner, keys, n, n_removed, err);
    return fails ? fail(script, err) : status;
}

static recsys_status scripted_get_or_set(void *self, recsys_bytes key, recsys_bytes value,
                                         uint64_t ttl_ms, recsys_value *present,
                                         uint64_t *incarnation, recsys_error *err)
{
    struct scripted_store *script = self;
    int fails = begin(script, SCRIPTED_GET_OR_SET, key);

    if (fails && !script->happens)
        return fail(script, err);
    recsys_status status =
        recsys_store_get_or_set(script->inner, key, value, ttl_ms, present, incarnation, err);
    *incarnation += script->incarnation;
    return fails ? fail(script, err) : status;
}

static recsys_status scripted_replace(void *self, recsys_bytes key, recsys_bytes prefix,
                                      recsys_bytes value, uint64_t ttl_ms, recsys_error *err)
{
    struct scripted_store *script = self;
    int fails = begin(script, SCRIPTED_REPLACE, key);

    if (fails && !script->happens)
        return fail(script, err);
    recsys_status status = recsys_store_replace(script->inner, key, prefix, value, ttl_ms, err);
    return fails ? fail(script, err) : status;
}

static recsys_status scripted_exchange(void *self, const recsys_exchange *exchange,
                                       recsys_error *err)
{
    struct scripted_store *script = self;
    int fails = begin(script, SCRIPTED_EXCHANGE, exchange->key);

    if (fails && !script->happens)
        return fail(script, err);
    recsys_status status = rs_store_exchange(script->inner, exchange, err);
    return fails ? fail(script, err) : status;
}

static recsys_status scripted_scan(void *self, const recsys_bytes *parts, size_t n,
                                   uint64_t *cursor, recsys_key_callback callback, void *user_data,
                                   recsys_error *err)
{
    struct scripted_store *script = self;

    if (begin(script, SCRIPTED_SCAN, parts[0]))
        return fail(script, err);
    return recsys_store_scan(script->inner, parts, n, cursor, callback, user_data, err);
}

static recsys_status scripted_ping(void *self, recsys_error *err)
{
    struct scripted_store *script = self;

    return begin(script, SCRIPTED_PING, (recsys_bytes){NULL, 0}) ? fail(script, err) : RECSYS_OK;
}

static void scripted_destroy(void *self)
{
    struct scripted_store *script = self;

    recsys_store_unref(script->inner);
    script->inner = NULL;
}

static uint64_t scripted_now(void *user_data)
{
    return ((const struct scripted_store *)user_data)->now_ms;
}

recsys_store *scripted_store_create(struct scripted_store *script, uint32_t failures)
{
    static const recsys_store_driver driver = {
        .struct_size = (uint32_t)sizeof driver,
        .get = scripted_get,
        .set = scripted_set,
        .remove = scripted_remove,
        .get_or_set = scripted_get_or_set,
        .replace = scripted_replace,
        .exchange = scripted_exchange,
        .scan = scripted_scan,
        .ping = scripted_ping,
        .destroy = scripted_destroy,
    };
    recsys_store_options options = RECSYS_STORE_OPTIONS_INIT;
    recsys_cache_options cache = RECSYS_CACHE_OPTIONS_INIT;
    recsys_store *store = NULL;
    recsys_error err;

    memset(script, 0, sizeof *script);
    script->now_ms = 1000000;
    script->only = -1;
    cache.n_shards = 1;
    cache.max_bytes = (uint64_t)4 << 20;
    cache.now_ms = options.now_ms = scripted_now;
    cache.user_data = options.user_data = script;
    options.failures = failures == 0 ? UINT32_MAX : failures;
    if (recsys_store_create_memory("inner", &cache, &script->inner, &err) != RECSYS_OK ||
        recsys_store_create("scripted", &driver, script, &options, &store, &err) != RECSYS_OK) {
        fprintf(stderr, "scripted store: %s\n", err.message);
        abort();
    }
    return store;
}

void scripted_store_fail(struct scripted_store *script, unsigned long n, recsys_status status,
                         int happens)
{
    script->fail_at = script->n_calls;
    script->n_fail = n;
    script->status = status;
    script->happens = happens;
}

void scripted_store_heal(struct scripted_store *script)
{
    script->n_fail = 0;
}
