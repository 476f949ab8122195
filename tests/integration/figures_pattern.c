/* Forgetting what matches a pattern, in a large store, while others work.
 *
 * A hundredth of 100,000 keys (RECSYS_LONG=1: 1,000,000) is invalidated while
 * another client reads; its worst delay is printed, to be compared with what it
 * was before. The test: exactly the right keys are gone, and characters
 * that mean something to Redis' patterns mean themselves in an id. */
#include <hiredis/hiredis.h>
#include <stdatomic.h>
#include <string.h>

#include "recsys/aside.h"
#include "tests/support/check.h"
#include "tests/support/processes.h"
#include "tests/support/redis_store.h"

#define DB 14u
#define ONE_IN 100u

static recsys_aside *aside;
static redisContext *filler;
static atomic_int is_over;
static _Atomic uint64_t worst_us;
static atomic_uint n_gets;

static redisContext *open_connection(void)
{
    redisContext *context = redisConnect("127.0.0.1", (int)redis_store_port());

    CHECK(context != NULL && context->err == 0);
    redisReply *reply = redisCommand(context, "SELECT %d", (int)DB);
    CHECK(reply != NULL && reply->type == REDIS_REPLY_STATUS);
    freeReplyObject(reply);
    return context;
}

static long long ask_number(const char *command)
{
    redisReply *reply = redisCommand(filler, command);

    CHECK(reply != NULL && reply->type == REDIS_REPLY_INTEGER);
    long long number = reply->integer;
    freeReplyObject(reply);
    return number;
}

static void set(const char *key, size_t size)
{
    CHECK_EQ(redisAppendCommand(filler, "SET %b v", key, size), REDIS_OK);
}

static void expect_replies(unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        void *reply = NULL;
        CHECK_EQ(redisGetReply(filler, &reply), REDIS_OK);
        CHECK(((redisReply *)reply)->type == REDIS_REPLY_STATUS);
        freeReplyObject(reply);
    }
}

static int is_there(const char *key, size_t size)
{
    redisReply *reply = redisCommand(filler, "EXISTS %b", key, size);

    CHECK(reply != NULL && reply->type == REDIS_REPLY_INTEGER);
    int is = reply->integer == 1;
    freeReplyObject(reply);
    return is;
}

static void configure(const char *what, const char *value)
{
    redisReply *reply = redisCommand(filler, "CONFIG SET %s %s", what, value);

    CHECK(reply != NULL && reply->type == REDIS_REPLY_STATUS);
    freeReplyObject(reply);
}

/* Of what invalidating consists of, the longest single command by the server's own
 * clock: so long it keeps every other client waiting, on the quietest machine, too. */
static long long find_longest_command(void)
{
    redisReply *reply = redisCommand(filler, "SLOWLOG GET 100000");
    long long longest = 0;

    CHECK(reply != NULL && reply->type == REDIS_REPLY_ARRAY);
    for (size_t i = 0; i < reply->elements; i++) { /* number, time, microseconds, words ... */
        const redisReply *entry = reply->element[i];
        const char *command = entry->element[3]->element[0]->str;
        if ((strcmp(command, "SCAN") == 0 || strcmp(command, "UNLINK") == 0) &&
            entry->element[2]->integer > longest)
            longest = entry->element[2]->integer;
    }
    freeReplyObject(reply);
    return longest;
}

static void fill(unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        char key[64];
        set(key, (size_t)snprintf(key, sizeof key, "%s:%u:detail",
                                  i % ONE_IN == 0 ? "mine" : "others", i));
        if (i % 1000 == 999)
            expect_replies(1000);
    }
    expect_replies(n % 1000);
}

/* The other client: one GET after the other. */
static void read_all_the_time(redisContext *context)
{
    uint64_t begin = now_us();
    redisReply *reply = redisCommand(context, "GET others:1:detail");
    uint64_t took = now_us() - begin;

    CHECK(reply != NULL && reply->type == REDIS_REPLY_STRING);
    freeReplyObject(reply);
    if (took > atomic_load(&worst_us))
        atomic_store(&worst_us, took);
    atomic_fetch_add(&n_gets, 1);
}

static void invalidate_or_read(unsigned number)
{
    const recsys_bytes parts[] = {{"mine:", 5}, {"", 0}};
    uint64_t n_removed, begin;
    recsys_error err;

    if (number == 0) {
        redisContext *context = open_connection();
        while (!atomic_load(&is_over))
            read_all_the_time(context);
        redisFree(context);
        return;
    }
    while (atomic_load(&n_gets) < 2000)
        rest_ms(1);
    printf("before: worst of %u GETs of another client %.2f ms\n", atomic_load(&n_gets),
           (double)atomic_load(&worst_us) / 1000);
    atomic_store(&worst_us, 0);
    atomic_store(&n_gets, 0);
    begin = now_us();
    CHECK_OK(recsys_aside_invalidate_matching(aside, parts, 2, &n_removed, &err), &err);
    printf("%" PRIu64 " keys forgotten in %.1f ms; meanwhile worst of %u GETs of another client "
           "%.2f ms\n",
           n_removed, (double)(now_us() - begin) / 1000, atomic_load(&n_gets),
           (double)atomic_load(&worst_us) / 1000);
    atomic_store(&is_over, 1);
}

static void exactly_the_right_keys_are_forgotten(void)
{
    unsigned n = figure_length(100000, 1000000);

    fill(n);
    printf("%u keys, %u match\n", n, n / ONE_IN);
    configure("slowlog-max-len", "100000");
    configure("slowlog-log-slower-than", "50");
    threads_run(invalidate_or_read, 2);
    configure("slowlog-log-slower-than", "10000");
    printf("the longest SCAN or UNLINK kept the server busy for %.2f ms\n",
           (double)find_longest_command() / 1000);
    CHECK_EQ(ask_number("DBSIZE"), n - n / ONE_IN);
    for (unsigned i = 0; i < n; i += n / 1000 + 1) {
        char key[64];
        size_t size = (size_t)snprintf(key, sizeof key, "%s:%u:detail",
                                       i % ONE_IN == 0 ? "mine" : "others", i);
        CHECK_EQ(is_there(key, size), i % ONE_IN != 0);
    }
}

/* Each id's neighbour is what the id would match if it were a pattern. */
static void what_an_id_is_made_of_matches_itself_alone(void)
{
    static const char *const ids[][2] = {
        {"a*c", "abc"},   {"*", "x"},     {"a?c", "abc"},        {"[ab]", "a"},
        {"[^x]", "a"},    {"[a-z]", "k"}, {"a\\*c", "a*c"},      {"\\", "\\\\"},
        {"\\?", "?"},     {"[", "[["},    {"]", "]]"},           {"a[", "a[b"},
        {"x\\[y", "x[y"}, {"{a,b}", "a"}, {"\xff*", "\xff\xfe"}, {"\n*", "\nb"},
    };
    const unsigned n = sizeof ids / sizeof *ids;

    for (unsigned i = 0; i < n; i++) {
        char text[2][64], keys[2][64];
        size_t sizes[2];
        recsys_error err;
        uint64_t n_removed;
        for (unsigned which = 0; which < 2; which++) {
            snprintf(text[which], sizeof text[which], "id:%s:", ids[i][which]);
            sizes[which] = (size_t)snprintf(keys[which], sizeof keys[which], "%spart", text[which]);
            set(keys[which], sizes[which]);
        }
        expect_replies(2);
        const recsys_bytes parts[] = {{text[0], strlen(text[0])}, {"", 0}};
        CHECK_OK(recsys_aside_invalidate_matching(aside, parts, 2, &n_removed, &err), &err);
        CHECK_EQ(n_removed, 1);
        CHECK_EQ(is_there(keys[0], sizes[0]), 0);
        CHECK_EQ(is_there(keys[1], sizes[1]), 1);
    }
    printf("%u ids with *, ?, [, ], ^, -, \\ in them: each matches itself alone\n", n);
}

static void flush(void)
{
    redisReply *reply = redisCommand(filler, "FLUSHDB ASYNC");

    CHECK(reply != NULL && reply->type == REDIS_REPLY_STATUS);
    freeReplyObject(reply);
}

int main(void)
{
    recsys_redis_options redis;
    recsys_aside_options options = RECSYS_ASIDE_OPTIONS_INIT;
    recsys_store *store;
    recsys_error err;

    setvbuf(stdout, NULL, _IOLBF, 0);
    redis_store_options(&redis, DB);
    store = redis_store_create(&redis);
    CHECK_OK(recsys_aside_create(store, &options, &aside, &err), &err);
    filler = open_connection();
    flush();
    exactly_the_right_keys_are_forgotten();
    what_an_id_is_made_of_matches_itself_alone();
    flush();
    redisFree(filler);
    recsys_aside_destroy(aside);
    recsys_store_unref(store);
    return 0;
}
