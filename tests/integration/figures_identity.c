/* No caller gets the value of another key, whatever the network does with replies.
 *
 * Between the cache and Redis stands a proxy that holds replies back for longer
 * than the client waits, cuts connections within a reply, and sends replies a
 * second time in front of the next one. Values say whose they are. All reads
 * must succeed and give their own user's value.
 *
 * The control goes on with its connection after a time-out, as several known
 * clients have done; its next question gets the answer to the one before. Read
 * as they come, these values are other users'. Through the cache, over the same
 * broken client as a driver, the identity in the value gives them away.
 * RECSYS_LONG=1: 1,000,000 reads. */
#include <hiredis/hiredis.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "recsys/alloc.h"
#include "recsys/aside.h"
#include "tests/support/bundle.h"
#include "tests/support/check.h"
#include "tests/support/processes.h"
#include "tests/support/proxy.h"
#include "tests/support/redis_store.h"

#define N_THREADS 4u
#define N_USERS 5000u
#define DB 13u
#define SEED 20260113u
#define TIMEOUT_MS 20u
#define VALUE_SIZE 64u

/* A value: the user's number and filling, always as long. */
static void write_value(char value[VALUE_SIZE], unsigned user)
{
    memset(value, '.', VALUE_SIZE);
    int size = snprintf(value, VALUE_SIZE, "user %08u's profile", user);
    value[size] = ' ';
}

static recsys_bytes name_user(char text[64], const char *what, unsigned user)
{
    int size = snprintf(text, 64, "profile:%s:%ld:%u", what, (long)getpid(), user);

    return (recsys_bytes){text, (size_t)size};
}

static recsys_aside *create_cache(recsys_store *store)
{
    recsys_aside_options options = RECSYS_ASIDE_OPTIONS_INIT;
    recsys_aside *cache;
    recsys_error err;

    options.lease_ms = 50; /* leases whose owner heard nothing of them end soon */
    options.label = "users";
    CHECK_OK(recsys_aside_create(store, &options, &cache, &err), &err);
    return cache;
}

static recsys_aside_stats count(recsys_aside *cache)
{
    recsys_aside_stats stats = {.struct_size = (uint32_t)sizeof stats};

    CHECK_EQ(recsys_aside_get_stats(cache, &stats, NULL), RECSYS_OK);
    return stats;
}

/* -- the cache, as it is used -- */

static recsys_aside *aside;
static unsigned n_reads;
static atomic_uint foreign, given;

static recsys_status load_user(recsys_aside_load *load, void *user_data, recsys_error *err)
{
    char value[VALUE_SIZE];

    write_value(value, *(const unsigned *)user_data);
    return recsys_aside_load_set(load, (recsys_bytes){value, sizeof value}, 0, 0, 0, err);
}

static void read_users(unsigned number)
{
    uint64_t random = SEED + number;
    char text[64], expected[VALUE_SIZE];

    for (unsigned i = 0; i < n_reads / N_THREADS; i++) {
        unsigned user = (unsigned)bundle_random(&random, N_USERS);
        recsys_bytes key = name_user(text, "cache", user);
        recsys_value value;
        recsys_error err;
        uint32_t outcome;
        CHECK_OK(recsys_aside_get_or_load(aside, key, load_user, &user, 0, &value, &outcome, &err),
                 &err);
        if (outcome == RECSYS_ASIDE_UNKNOWN) /* the next ones are to ask Redis again */
            rest_ms(1);
        write_value(expected, user);
        if (value.size != VALUE_SIZE || memcmp(value.data, expected, VALUE_SIZE) != 0)
            atomic_fetch_add(&foreign, 1);
        atomic_fetch_add(&given, 1);
        recsys_value_release(&value);
        if (bundle_random(&random, 100) == 0) /* other kinds of replies, too */
            CHECK_OK(recsys_aside_invalidate(aside, &key, 1, &err), &err);
    }
}

static void read_through_a_bad_network(void)
{
    const struct proxy_faults faults = {
        .delay = 300, .cut = 300, .repeat = 100, .delay_ms = 3 * TIMEOUT_MS, .seed = SEED};
    struct proxy *proxy = proxy_start(redis_store_port(), &faults);
    recsys_redis_options redis;
    recsys_store_options breaker = RECSYS_STORE_OPTIONS_INIT;
    recsys_store *store;
    recsys_error err;

    redis_store_options(&redis, DB);
    redis.port = proxy_port(proxy);
    redis.command_timeout_ms = TIMEOUT_MS;
    breaker.failures = 1000; /* on a network like this it would be open most of the time */
    breaker.rest_ms = breaker.max_rest_ms = 1;
    CHECK_OK(recsys_redis_create("users", &redis, &breaker, &store, &err), &err);
    aside = create_cache(store);
    threads_run(read_users, N_THREADS);
    recsys_aside_stats stats = count(aside);
    recsys_aside_destroy(aside);
    recsys_store_unref(store);
    struct proxy_counts counts = proxy_stop(proxy);

    printf("%u reads, %" PRIu64 " hits, %" PRIu64 " replies: %" PRIu64 " late, %" PRIu64
           " cut, %" PRIu64 " repeated; %" PRIu64 " identity mismatches: %u foreign values\n",
           atomic_load(&given), stats.hits, counts.replies, counts.delayed, counts.cut,
           counts.repeated, stats.identity_mismatches, atomic_load(&foreign));
    CHECK_EQ(atomic_load(&foreign), 0);
    CHECK(stats.hits > n_reads / 20); /* so it was Redis that was read */
    CHECK(counts.delayed > 0 && counts.cut > 0 && counts.repeated > 0);
    CHECK(stats.identity_mismatches > 0);
}

/* -- the control: a client that keeps a connection after a time-out -- */

struct client {
    redisContext *bad, *good; /* through the proxy, and past it */
    unsigned n_timeouts;
};

static redisContext *connect_to(uint32_t port)
{
    redisContext *context = redisConnect("127.0.0.1", (int)port);

    CHECK(context != NULL && context->err == 0);
    redisReply *reply = redisCommand(context, "SELECT %d", (int)DB);
    CHECK(reply != NULL && reply->type == REDIS_REPLY_STATUS);
    freeReplyObject(reply);
    return context;
}

static redisContext *connect_impatiently(uint32_t port)
{
    const struct timeval patience = {0, TIMEOUT_MS * 1000};
    redisContext *context = connect_to(port);

    CHECK_EQ(redisSetTimeout(context, patience), REDIS_OK);
    return context;
}

/* NULL: timed out. */
static redisReply *ask_badly(struct client *client, int argc, const char **argv, size_t *sizes)
{
    client->bad->err = 0; /* "the time-out was the server's fault, the connection is fine" */
    redisReply *reply = redisCommandArgv(client->bad, argc, argv, sizes);

    if (reply == NULL)
        client->n_timeouts++;
    return reply;
}

static recsys_status client_get(void *self, const recsys_bytes *keys, size_t n,
                                recsys_value *values, uint64_t *incarnation, recsys_error *err)
{
    const char *argv[4] = {"MGET"};
    size_t sizes[4] = {4};

    (void)err;
    CHECK(n <= 3);
    for (size_t i = 0; i < n; i++) {
        argv[1 + i] = keys[i].data;
        sizes[1 + i] = keys[i].size;
    }
    redisReply *reply = ask_badly(self, (int)n + 1, argv, sizes);
    if (reply == NULL)
        return RECSYS_E_TIMEOUT;
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != n) {
        freeReplyObject(reply);
        return RECSYS_E_BACKEND;
    }
    *incarnation = 1;
    for (size_t i = 0; i < n; i++) {
        const redisReply *element = reply->element[i];
        if (element->type != REDIS_REPLY_STRING)
            continue;
        size_t size = (size_t)element->len;
        void *copy = recsys_memory_allocate(size);
        CHECK(copy != NULL);
        memcpy(copy, element->str, size);
        values[i] = (recsys_value){copy, size, copy, recsys_memory_release};
    }
    freeReplyObject(reply);
    return RECSYS_OK;
}

static recsys_status client_set(void *self, recsys_bytes key, recsys_bytes value, uint64_t ttl_ms,
                                uint32_t when, recsys_error *err)
{
    struct client *client = self;

    (void)ttl_ms, (void)err;
    redisReply *reply =
        redisCommand(client->good, when == RECSYS_STORE_IF_ABSENT ? "SET %b %b NX" : "SET %b %b",
                     key.data, key.size, value.data, value.size);
    CHECK(reply != NULL && reply->type != REDIS_REPLY_ERROR);
    recsys_status status = reply->type == REDIS_REPLY_NIL ? RECSYS_E_EXISTS : RECSYS_OK;
    freeReplyObject(reply);
    return status;
}

/* Functions that looking up and setting do not need. */
static recsys_status no_remove(void *self, const recsys_bytes *keys, size_t n, uint64_t *n_removed,
                               recsys_error *err)
{
    (void)self, (void)keys, (void)n, (void)n_removed, (void)err;
    return RECSYS_E_INTERNAL;
}

static recsys_status no_get_or_set(void *self, recsys_bytes key, recsys_bytes value,
                                   uint64_t ttl_ms, recsys_value *present, uint64_t *incarnation,
                                   recsys_error *err)
{
    (void)self, (void)key, (void)value, (void)ttl_ms, (void)present, (void)incarnation, (void)err;
    return RECSYS_E_INTERNAL;
}

static recsys_status no_replace(void *self, recsys_bytes key, recsys_bytes prefix,
                                recsys_bytes value, uint64_t ttl_ms, recsys_error *err)
{
    (void)self, (void)key, (void)prefix, (void)value, (void)ttl_ms, (void)err;
    return RECSYS_E_INTERNAL;
}

static recsys_status no_scan(void *self, const recsys_bytes *parts, size_t n, uint64_t *cursor,
                             recsys_key_callback callback, void *user_data, recsys_error *err)
{
    (void)self, (void)parts, (void)n, (void)cursor, (void)callback, (void)user_data, (void)err;
    return RECSYS_E_INTERNAL;
}

static recsys_status say_well(void *self, recsys_error *err)
{
    (void)self, (void)err;
    return RECSYS_OK;
}

static void keep(void *self)
{
    (void)self;
}

static recsys_aside *create_control(struct client *client, recsys_store **store)
{
    static const recsys_store_driver driver = {
        .struct_size = (uint32_t)sizeof driver,
        .get = client_get,
        .set = client_set,
        .remove = no_remove,
        .get_or_set = no_get_or_set,
        .replace = no_replace,
        .scan = no_scan,
        .ping = say_well,
        .destroy = keep,
    };
    recsys_store_options breaker = RECSYS_STORE_OPTIONS_INIT;
    recsys_error err;

    breaker.failures = 1000000;
    CHECK_OK(recsys_store_create("control", &driver, client, &breaker, store, &err), &err);
    return create_cache(*store);
}

/* GET, and the end of what comes is the value: 1 if it is another user's. */
static unsigned is_foreign_when_read_naively(struct client *client, unsigned user)
{
    char text[64], expected[VALUE_SIZE];
    recsys_bytes key = name_user(text, "control", user);
    const char *argv[2] = {"GET", key.data};
    size_t sizes[2] = {3, key.size};
    unsigned is_foreign = 0;

    redisReply *reply = ask_badly(client, 2, argv, sizes);
    if (reply != NULL && reply->type == REDIS_REPLY_STRING && (size_t)reply->len > VALUE_SIZE) {
        write_value(expected, user);
        is_foreign =
            memcmp(reply->str + (size_t)reply->len - VALUE_SIZE, expected, VALUE_SIZE) != 0;
    }
    if (reply != NULL)
        freeReplyObject(reply);
    return is_foreign;
}

/* Same store, same connection, same proxy: 1 if the cache hands out another user's. */
static unsigned is_foreign_from_the_cache(recsys_aside *cache, unsigned user)
{
    char text[64], expected[VALUE_SIZE];
    recsys_value value;
    unsigned is_foreign = 0;

    if (recsys_aside_get(cache, name_user(text, "control", user), &value, NULL, NULL) ==
        RECSYS_OK) {
        write_value(expected, user);
        is_foreign = value.size != VALUE_SIZE || memcmp(value.data, expected, VALUE_SIZE) != 0;
        recsys_value_release(&value);
    }
    return is_foreign;
}

static void the_control_is_caught(void)
{
    const unsigned n_users = 100, n = 2000;
    const struct proxy_faults faults = {.delay = 50, .delay_ms = 2 * TIMEOUT_MS, .seed = SEED};
    struct proxy *proxy = proxy_start(redis_store_port(), &faults);
    struct client client = {connect_impatiently(proxy_port(proxy)), connect_to(redis_store_port()),
                            0};
    struct client healthy = {client.good, client.good, 0};
    uint64_t random = SEED;
    unsigned naive = 0, caught = 0;
    recsys_store *store, *direct;
    recsys_aside *cache = create_control(&client, &store);
    recsys_aside *writer = create_control(&healthy, &direct);
    recsys_error err;

    for (unsigned user = 0; user < n_users; user++) {
        char text[64], value[VALUE_SIZE];
        write_value(value, user);
        CHECK_OK(recsys_aside_set(writer, name_user(text, "control", user),
                                  (recsys_bytes){value, sizeof value}, 0, 0, &err),
                 &err);
    }
    for (unsigned i = 0; i < n; i++)
        naive += is_foreign_when_read_naively(&client, (unsigned)bundle_random(&random, n_users));
    redisFree(client.bad);
    client.bad = connect_impatiently(proxy_port(proxy));
    for (unsigned i = 0; i < n; i++)
        caught += is_foreign_from_the_cache(cache, (unsigned)bundle_random(&random, n_users));
    recsys_aside_stats stats = count(cache);

    printf("control, connection kept after %u time-outs: %u of %u values foreign when read "
           "naively; through the cache %" PRIu64 " identity mismatches, %u foreign\n",
           client.n_timeouts, naive, n, stats.identity_mismatches, caught);
    CHECK(naive > 0);
    CHECK(stats.identity_mismatches > 0);
    CHECK_EQ(caught, 0);
    recsys_aside_destroy(writer);
    recsys_aside_destroy(cache);
    recsys_store_unref(direct);
    recsys_store_unref(store);
    redisFree(client.bad);
    redisFree(client.good);
    proxy_stop(proxy);
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    n_reads = figure_length(20000, 1000000);
    printf("seed %u\n", SEED);
    read_through_a_bad_network();
    the_control_is_caught();
    return 0;
}
