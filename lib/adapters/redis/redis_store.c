/* lib/adapters/redis/redis_store.c - Redis behind the driver's interface of store.h.
 *
 * Each function asks one thing and says what the answer must look like. Values are handed out in
 * the memory they were parsed into. Keys, values and patterns never appear in messages: they may be
 * personal data.
 *
 * No command is sent twice: after a time-out or a lost connection a write may
 * have happened, and a second read would only double the wait.
 *
 * A cursor of Redis is handed out with MARK, a bit Redis does not use, so that
 * a scan that was stopped on its first page is not taken for a finished one.
 */
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "lib/adapters/redis/redis_call.h"
#include "lib/adapters/redis/redis_glob.h"
#include "lib/adapters/redis/redis_pool.h"
#include "lib/adapters/redis/redis_scripts.h"
#include "lib/adapters/redis/redis_settings.h"
#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/gcra.h"
#include "lib/base/structs.h"
#include "recsys/redis.h"

#define MAX_TTL_MS ((uint64_t)1 << 52)  /* Redis adds the present time to it */
#define MAX_ROOM_US ((uint64_t)1 << 52) /* 142 years; sums with a time stay exact in Lua */
#define MAX_PATTERN ((size_t)64 << 10)
#define KEYS_A_STEP 1000u
#define MAX_KEYS_A_STEP ((size_t)1 << 22) /* a table that shrinks gives many at once */
#define MARK ((uint64_t)1 << 63)

struct redis_store {
    struct rs_redis_settings settings;
    struct rs_redis_scripts scripts;
    struct rs_redis_ways ways;
};

static void add_ttl(struct rs_redis_command *command, uint64_t ttl_ms)
{
    rs_redis_add_text(command, "PX");
    rs_redis_add_number(command, ttl_ms < MAX_TTL_MS ? ttl_ms : MAX_TTL_MS);
}

/* Hand out what the reply has; nothing for nil. */
static void move_value(struct rs_redis_reply *reply, recsys_value *out)
{
    if (reply->type == RS_REDIS_BYTES) {
        *out = (recsys_value){reply->bytes, reply->size, reply->bytes, rs_free};
        reply->bytes = NULL;
    }
}

static int are_values(const struct rs_redis_reply *reply, size_t n)
{
    if (reply->n != n)
        return 0;
    for (size_t i = 0; i < n; i++)
        if (reply->items[i].type != RS_REDIS_BYTES && reply->items[i].type != RS_REDIS_NIL)
            return 0;
    return 1;
}

static recsys_status redis_get(void *self, const recsys_bytes *keys, size_t n, recsys_value *values,
                               uint64_t *incarnation, recsys_error *err)
{
    static const struct rs_redis_question one = {.command = "GET",
                                                 .types = RS_REDIS_BYTES | RS_REDIS_NIL};
    const struct rs_redis_question several = {
        .command = "MGET", .types = RS_REDIS_ARRAY, .max_items = n, .fits = are_values, .n = n};
    const struct rs_redis_question *question = n == 1 ? &one : &several;
    struct redis_store *store = self;
    struct rs_redis_call call;
    struct rs_redis_reply reply;

    rs_redis_call_begin(&call, &store->ways, keys, n, 2, strlen("MGET"), err);
    rs_redis_begin(call.command, n + 1);
    rs_redis_add_text(call.command, question->command);
    for (size_t i = 0; i < n; i++)
        rs_redis_add_key(call.command, keys[i]);
    recsys_status status = rs_redis_call_ask(&call, question, &reply, err);
    if (status == RECSYS_OK && n == 1)
        move_value(&reply, &values[0]);
    for (size_t i = 0; status == RECSYS_OK && n != 1 && i < n; i++)
        move_value(&reply.items[i], &values[i]);
    *incarnation = call.incarnation;
    rs_redis_call_end(&call);
    rs_redis_reply_clear(&reply);
    return status;
}

static recsys_status redis_set(void *self, recsys_bytes key, recsys_bytes value, uint64_t ttl_ms,
                               uint32_t when, recsys_error *err)
{
    struct redis_store *store = self;
    struct rs_redis_call call;
    struct rs_redis_reply reply;
    int if_absent = when == RECSYS_STORE_IF_ABSENT;
    const struct rs_redis_question question = {
        .command = "SET", .types = RS_REDIS_OK | (if_absent ? RS_REDIS_NIL : 0)};

    rs_redis_call_begin(&call, &store->ways, &key, 1, 6, value.size, err);
    rs_redis_begin(call.command, 3u + (ttl_ms != RECSYS_NEVER ? 2u : 0u) + (if_absent ? 1u : 0u));
    rs_redis_add_text(call.command, "SET");
    rs_redis_add_key(call.command, key);
    rs_redis_add(call.command, value.data, value.size);
    if (ttl_ms != RECSYS_NEVER)
        add_ttl(call.command, ttl_ms);
    if (if_absent)
        rs_redis_add_text(call.command, "NX");
    recsys_status status = rs_redis_call_ask(&call, &question, &reply, err);
    rs_redis_call_end(&call);
    if (status == RECSYS_OK && reply.type == RS_REDIS_NIL)
        status =
            rs_error(err, RECSYS_E_EXISTS, "%s: SET: the key has a value", store->settings.where);
    rs_redis_reply_clear(&reply);
    return status;
}

static int is_count(const struct rs_redis_reply *reply, size_t n)
{
    return reply->integer >= 0 && (uint64_t)reply->integer <= n;
}

static recsys_status redis_remove(void *self, const recsys_bytes *keys, size_t n,
                                  uint64_t *n_removed, recsys_error *err)
{
    const struct rs_redis_question question = {
        .command = "UNLINK", .types = RS_REDIS_INTEGER, .fits = is_count, .n = n};
    struct redis_store *store = self;
    struct rs_redis_call call;
    struct rs_redis_reply reply;

    rs_redis_call_begin(&call, &store->ways, keys, n, 2, strlen("UNLINK"), err);
    rs_redis_begin(call.command, n + 1);
    rs_redis_add_text(call.command, "UNLINK");
    for (size_t i = 0; i < n; i++)
        rs_redis_add_key(call.command, keys[i]);
    recsys_status status = rs_redis_call_ask(&call, &question, &reply, err);
    rs_redis_call_end(&call);
    if (status == RECSYS_OK)
        *n_removed = (uint64_t)reply.integer;
    return status;
}

static recsys_bytes decimal(uint64_t number, char text[24])
{
    int size = snprintf(text, 24, "%llu", (unsigned long long)number);

    return (recsys_bytes){text, (size_t)size};
}

/* As the scripts take it: 0 means no expiry. */
static recsys_bytes decimal_ttl(uint64_t ttl_ms, char text[24])
{
    if (ttl_ms == RECSYS_NEVER)
        return decimal(0, text);
    return decimal(ttl_ms < MAX_TTL_MS ? ttl_ms : MAX_TTL_MS, text);
}

static recsys_status redis_get_or_set(void *self, recsys_bytes key, recsys_bytes value,
                                      uint64_t ttl_ms, recsys_value *present, uint64_t *incarnation,
                                      recsys_error *err)
{
    static const struct rs_redis_question question = {
        .command = "get-or-set script", .types = RS_REDIS_BYTES | RS_REDIS_NIL | RS_REDIS_NOSCRIPT};
    struct redis_store *store = self;
    struct rs_redis_reply reply;
    char number[24];
    const recsys_bytes arguments[2] = {value, decimal_ttl(ttl_ms, number)};
    const struct rs_redis_script script = {RS_SCRIPT_GET_OR_SET, &key, 1, arguments, 2};
    recsys_status status =
        rs_redis_run(&store->ways, &store->scripts, &script, &question, &reply, incarnation, err);

    if (status == RECSYS_OK)
        move_value(&reply, present);
    rs_redis_reply_clear(&reply);
    return status;
}

/* Of an integer: 0 or 1. */
static int is_decided(const struct rs_redis_reply *reply, size_t n)
{
    (void)n;
    return reply->integer == 0 || reply->integer == 1;
}

static recsys_status redis_replace(void *self, recsys_bytes key, recsys_bytes prefix,
                                   recsys_bytes value, uint64_t ttl_ms, recsys_error *err)
{
    static const struct rs_redis_question question = {.command = "replace script",
                                                      .types = RS_REDIS_INTEGER | RS_REDIS_NOSCRIPT,
                                                      .fits = is_decided};
    struct redis_store *store = self;
    struct rs_redis_reply reply;
    char number[24];
    uint64_t incarnation;
    const recsys_bytes arguments[3] = {prefix, value, decimal_ttl(ttl_ms, number)};
    const struct rs_redis_script script = {RS_SCRIPT_REPLACE, &key, 1, arguments,
                                           value.data == NULL ? 1 : 3};
    recsys_status status =
        rs_redis_run(&store->ways, &store->scripts, &script, &question, &reply, &incarnation, err);

    if (status == RECSYS_OK && reply.integer == 0)
        status = rs_error(err, RECSYS_E_NOT_FOUND,
                          "%s: replace: the key has no value that begins with these bytes",
                          store->settings.where);
    return status;
}

static recsys_status redis_exchange(void *self, const recsys_exchange *exchange, recsys_error *err)
{
    static const struct rs_redis_question question = {.command = "exchange script",
                                                      .types = RS_REDIS_INTEGER | RS_REDIS_NOSCRIPT,
                                                      .fits = is_decided};
    struct redis_store *store = self;
    struct rs_redis_reply reply;
    const recsys_bytes keys[2] = {exchange->companion_key, exchange->key}, nothing = {"", 0};
    char number[24], seen[41] = "";
    uint64_t incarnation;
    recsys_status status =
        exchange->seen.data == NULL ? RECSYS_OK : rs_redis_sha1(exchange->seen, seen, err);

    if (status != RECSYS_OK)
        return status;
    const recsys_bytes arguments[6] = {
        {(exchange->flags & RECSYS_EXCHANGE_IF_SEEN) != 0 ? "1" : "0", 1},
        exchange->prefix.data == NULL ? nothing : exchange->prefix,
        {seen, strlen(seen)},
        decimal_ttl(exchange->ttl_ms, number),
        exchange->companion.data == NULL ? nothing : exchange->companion,
        exchange->value};
    const struct rs_redis_script script = {RS_SCRIPT_EXCHANGE, keys, 2, arguments,
                                           exchange->value.data == NULL ? 5 : 6};
    status =
        rs_redis_run(&store->ways, &store->scripts, &script, &question, &reply, &incarnation, err);
    if (status == RECSYS_OK && reply.integer == 0)
        status = rs_error(err, RECSYS_E_NOT_FOUND,
                          "%s: exchange: the keys do not have the expected values",
                          store->settings.where);
    return status;
}

/* Digits alone; a number beyond 64 bits becomes the largest one. */
static int read_decimal(const struct rs_redis_reply *reply, uint64_t *out)
{
    uint64_t number = 0;

    if (reply->type != RS_REDIS_BYTES || reply->size == 0)
        return 0;
    for (size_t i = 0; i < reply->size; i++) {
        if (reply->bytes[i] < '0' || reply->bytes[i] > '9')
            return 0;
        number = rs_gcra_add(rs_gcra_multiply(number, 10), (uint64_t)(reply->bytes[i] - '0'));
    }
    *out = number;
    return 1;
}

static int read_decision(const struct rs_redis_reply *reply, recsys_rate_decision *out)
{
    uint64_t remaining;

    if (reply->n != 4 || reply->items[0].type != RS_REDIS_INTEGER ||
        (reply->items[0].integer != 0 && reply->items[0].integer != 1) ||
        !read_decimal(&reply->items[1], &remaining) || remaining > UINT32_MAX ||
        !read_decimal(&reply->items[2], &out->retry_us) ||
        !read_decimal(&reply->items[3], &out->reset_us))
        return 0;
    out->allowed = (uint32_t)reply->items[0].integer;
    out->remaining = (uint32_t)remaining;
    return 1;
}

static int is_decision(const struct rs_redis_reply *reply, size_t n)
{
    recsys_rate_decision decision;

    (void)n;
    return read_decision(reply, &decision);
}

static recsys_status redis_rate_limit(void *self, recsys_bytes key, uint64_t emission_us,
                                      uint32_t burst, uint32_t cost, recsys_rate_decision *out,
                                      recsys_error *err)
{
    static const struct rs_redis_question question = {.command = "rate-limit script",
                                                      .types = RS_REDIS_ARRAY | RS_REDIS_NOSCRIPT,
                                                      .max_items = 4,
                                                      .fits = is_decision};
    struct redis_store *store = self;
    struct rs_redis_reply reply;
    char numbers[3][24];
    uint64_t incarnation;
    const recsys_bytes arguments[3] = {decimal(emission_us, numbers[0]), decimal(burst, numbers[1]),
                                       decimal(cost, numbers[2])};
    const struct rs_redis_script script = {RS_SCRIPT_RATE_LIMIT, &key, 1, arguments, 3};

    if (emission_us == 0 || burst == 0 || rs_gcra_multiply(emission_us, burst) > MAX_ROOM_US)
        return rs_error(
            err, RECSYS_E_INVALID,
            "%s: rate limit: %u items of %llu us each are not between 1 us and 142 years",
            store->settings.where, burst, (unsigned long long)emission_us);
    recsys_status status =
        rs_redis_run(&store->ways, &store->scripts, &script, &question, &reply, &incarnation, err);
    if (status == RECSYS_OK)
        (void)read_decision(&reply, out);
    rs_redis_reply_clear(&reply);
    return status;
}

/* {cursor, {key, ...}} */
static int is_page(const struct rs_redis_reply *reply, size_t n)
{
    uint64_t next;

    (void)n;
    if (reply->n != 2 || !read_decimal(&reply->items[0], &next) || next >= MARK ||
        reply->items[1].type != RS_REDIS_ARRAY)
        return 0;
    for (size_t i = 0; i < reply->items[1].n; i++)
        if (reply->items[1].items[i].type != RS_REDIS_BYTES)
            return 0;
    return 1;
}

/* Over a connection of its own: an answer may be long. */
static recsys_status ask_page(struct redis_store *store, const struct rs_buffer *pattern,
                              uint64_t cursor, struct rs_redis_reply *reply, uint64_t *next,
                              recsys_error *err)
{
    static const struct rs_redis_question question = {
        .command = "SCAN", .types = RS_REDIS_ARRAY, .max_items = MAX_KEYS_A_STEP, .fits = is_page};
    struct rs_redis_connection *connection;
    recsys_status status = rs_redis_pool_acquire(store->ways.pool, &connection, err);

    if (status != RECSYS_OK)
        return status;
    /* SCAN has no key, so no node refuses it: one that has the slot no longer would find nothing.
     */
    status = rs_redis_check_node(connection, 1, err);
    if (status == RECSYS_OK) {
        struct rs_redis_command *command = &connection->command;
        rs_redis_begin(command, 6);
        rs_redis_add_text(command, "SCAN");
        rs_redis_add_number(command, cursor);
        rs_redis_add_text(command, "MATCH");
        rs_redis_add(command, pattern->bytes, pattern->size);
        rs_redis_add_text(command, "COUNT");
        rs_redis_add_number(command, KEYS_A_STEP);
        status = rs_redis_ask(connection, &command->bytes, &question, reply, err);
        rs_buffer_clear(&command->bytes);
    }
    if (status == RECSYS_OK)
        (void)read_decimal(&reply->items[0], next);
    /* Before the callbacks: they may want a connection. */
    rs_redis_pool_release(store->ways.pool, connection);
    return status;
}

static recsys_status redis_scan(void *self, const recsys_bytes *parts, size_t n, uint64_t *cursor,
                                recsys_key_callback callback, void *user_data, recsys_error *err)
{
    struct redis_store *store = self;
    const struct rs_redis_settings *settings = &store->settings;
    struct rs_redis_reply reply = {0};
    struct rs_buffer pattern;
    uint64_t next = 0;
    int32_t enough = 0;

    if (*cursor != 0 && (*cursor & MARK) == 0)
        return rs_error(err, RECSYS_E_INVALID, "%s: the cursor does not come from a scan of Redis",
                        settings->where);
    rs_buffer_init(&pattern, MAX_PATTERN);
    rs_redis_glob_write(&pattern, (recsys_bytes){settings->prefix, settings->prefix_size}, parts,
                        n);
    recsys_status status = pattern.status;
    if (status == RECSYS_E_LIMIT)
        rs_error(err, status, "%s: SCAN: a pattern has at most %d gaps and %zu bytes",
                 settings->where, RS_REDIS_MAX_GAPS, MAX_PATTERN);
    else if (status != RECSYS_OK)
        rs_error_nomem(err, "pattern");
    else
        status = ask_page(store, &pattern, *cursor & ~MARK, &reply, &next, err);
    rs_buffer_destroy(&pattern);
    if (status != RECSYS_OK)
        return status;
    for (size_t i = 0; i < reply.items[1].n && enough == 0; i++) {
        const struct rs_redis_reply *key = &reply.items[1].items[i];
        if (key->size >= settings->prefix_size &&
            (settings->prefix_size == 0 ||
             memcmp(key->bytes, settings->prefix, settings->prefix_size) == 0))
            enough = callback((recsys_bytes){key->bytes + settings->prefix_size,
                                             key->size - settings->prefix_size},
                              user_data);
    }
    rs_redis_reply_clear(&reply);
    if (enough != 0)
        *cursor |= MARK; /* the same page again */
    else
        *cursor = next == 0 ? 0 : next | MARK;
    return RECSYS_OK;
}

static int is_pong(const struct rs_redis_reply *reply, size_t n)
{
    (void)n;
    return strcmp(reply->bytes, "PONG") == 0;
}

static recsys_status redis_ping(void *self, recsys_error *err)
{
    static const struct rs_redis_question question = {
        .command = "PING", .types = RS_REDIS_STATUS, .fits = is_pong};
    struct redis_store *store = self;
    struct rs_redis_connection *connection;
    struct rs_redis_reply reply;
    recsys_status status = rs_redis_pool_acquire_extra(store->ways.pool, &connection, err);

    if (status != RECSYS_OK)
        return status;
    rs_redis_begin(&connection->command, 1);
    rs_redis_add_text(&connection->command, "PING");
    status = rs_redis_ask(connection, &connection->command.bytes, &question, &reply, err);
    rs_buffer_clear(&connection->command.bytes);
    rs_redis_pool_release(store->ways.pool, connection);
    rs_redis_reply_clear(&reply);
    return status;
}

static void redis_destroy(void *self)
{
    struct redis_store *store = self;

    if (store == NULL)
        return;
    rs_redis_share_destroy(store->ways.share);
    rs_redis_pool_destroy(store->ways.pool);
    rs_redis_settings_destroy(&store->settings);
    rs_free(store);
}

recsys_status recsys_redis_create(const char *name, const recsys_redis_options *options,
                                  const recsys_store_options *store_options, recsys_store **out,
                                  recsys_error *err)
{
    const recsys_store_driver driver = {.struct_size = (uint32_t)sizeof driver,
                                        .get = redis_get,
                                        .set = redis_set,
                                        .remove = redis_remove,
                                        .get_or_set = redis_get_or_set,
                                        .replace = redis_replace,
                                        .exchange = redis_exchange,
                                        .scan = redis_scan,
                                        .rate_limit = redis_rate_limit,
                                        .ping = redis_ping,
                                        .destroy = redis_destroy};
    recsys_status status;

    if (out == NULL)
        return rs_error(err, RECSYS_E_INVALID, "recsys_redis_create: out is NULL");
    *out = NULL;
    struct redis_store *store = rs_alloc_array(1, sizeof *store);
    if (store == NULL)
        return rs_error_nomem(err, "redis store");
    store->ways.settings = &store->settings;
    status = rs_redis_settings_read(&store->settings, options, err);
    if (status == RECSYS_OK)
        status = rs_redis_scripts_init(&store->scripts, err);
    if (status == RECSYS_OK)
        status = rs_redis_pool_create(&store->settings, &store->ways.pool, err);
    if (status == RECSYS_OK)
        status = rs_redis_share_create(&store->settings, store->ways.pool, &store->ways.share, err);
    if (status != RECSYS_OK) {
        redis_destroy(store);
        return status;
    }
    /* From here on the store owns it, also if this fails. */
    return recsys_store_create(name, &driver, store, store_options, out, err);
}

recsys_status recsys_redis_get_stats(recsys_store *store, recsys_redis_stats *out,
                                     recsys_error *err)
{
    struct redis_store *self = recsys_store_get_self(store, redis_destroy);
    recsys_redis_stats stats = RECSYS_REDIS_STATS_INIT;
    recsys_status status =
        rs_struct_begin(out, RECSYS_REDIS_STATS_SIZE_V1, "recsys_redis_get_stats: out", err);

    if (status != RECSYS_OK)
        return status;
    if (self == NULL)
        return rs_error(err, RECSYS_E_INVALID, "recsys_redis_get_stats: not a Redis store");
    status = rs_redis_pool_get_stats(self->ways.pool, &stats, err);
    if (status != RECSYS_OK)
        return status;
    rs_redis_share_get_stats(self->ways.share, &stats);
    rs_struct_write(out, &stats, sizeof stats);
    return RECSYS_OK;
}
