/* tests/support/redis_case.h - what tests against a Redis of their own are written in.
 *
 * For cmocka programs, after <cmocka.h>. Time-outs are 10 s unless a test sets
 * others: only tests of time-outs want to see one.
 */
#ifndef TESTS_SUPPORT_REDIS_CASE_H
#define TESTS_SUPPORT_REDIS_CASE_H

#include <stdlib.h>
#include <string.h>

#include "recsys/redis.h"
#include "tests/support/servers.h"

static recsys_error err;
static struct redis_server server; /* of the program */

/* For cmocka; a program that needs a configuration of its own starts `server` itself. */
static inline int server_set_up(void **state)
{
    (void)state;
    redis_server_start(&server, NULL);
    return 0;
}

static inline int server_tear_down(void **state)
{
    (void)state;
    redis_server_end(&server);
    return 0;
}

/* A call that must succeed; says the library's own message if it does not. */
#define assert_ok(call)                                                                            \
    do {                                                                                           \
        recsys_status status_ = (call);                                                            \
        if (status_ != RECSYS_OK)                                                                  \
            fail_msg("%s: %s: %s", #call, recsys_status_name(status_), err.message);               \
    } while (0)

/* A call that must fail so, and say why. */
#define assert_fails(call, want)                                                                   \
    do {                                                                                           \
        memset(&err, 0, sizeof err);                                                               \
        assert_string_equal(recsys_status_name(call), recsys_status_name(want));                   \
        assert_int_equal(err.status, want);                                                        \
        assert_true(err.message[0] != '\0');                                                       \
    } while (0)

static inline recsys_bytes text(const char *bytes)
{
    return (recsys_bytes){bytes, strlen(bytes)};
}

static inline recsys_redis_options patient_options(const struct redis_server *of)
{
    recsys_redis_options options = RECSYS_REDIS_OPTIONS_INIT;

    options.port = of->port;
    options.connect_timeout_ms = options.command_timeout_ms = options.pool_timeout_ms = 10000;
    return options;
}

static inline recsys_store *open_store(const recsys_redis_options *options)
{
    recsys_store *store;

    assert_ok(recsys_redis_create("test", options, NULL, &store, &err));
    return store;
}

static inline recsys_redis_stats pool_stats(recsys_store *store)
{
    recsys_redis_stats stats = {.struct_size = sizeof stats};

    assert_ok(recsys_redis_get_stats(store, &stats, &err));
    return stats;
}

/* The value of a key must be this; NULL: there is none. */
static inline void assert_value(recsys_store *store, recsys_bytes key, const void *bytes,
                                size_t size)
{
    recsys_value value;
    uint64_t incarnation;

    assert_ok(recsys_store_get(store, &key, 1, &value, &incarnation, &err));
    assert_true(incarnation != 0);
    if (bytes == NULL)
        assert_null(value.data);
    else {
        assert_non_null(value.data);
        assert_int_equal(value.size, size);
        assert_memory_equal(value.data, bytes, size);
    }
    recsys_value_release(&value);
}

/* The server's answer to an operator must begin so. */
#define assert_answer(server, begin, ...)                                                          \
    do {                                                                                           \
        char *answer_ = redis_server_ask(server, __VA_ARGS__, NULL);                               \
        if (strncmp(answer_, begin, strlen(begin)) != 0)                                           \
            fail_msg("the server says %s", answer_);                                               \
        free(answer_);                                                                             \
    } while (0)

/* An integer, as PTTL gives it. */
static inline long long ask_number(const struct redis_server *of, const char *command,
                                   const char *key)
{
    char *answer = redis_server_ask(of, command, key, NULL);

    assert_int_equal(answer[0], ':');
    long long number = strtoll(answer + 1, NULL, 10);
    free(answer);
    return number;
}

#endif
