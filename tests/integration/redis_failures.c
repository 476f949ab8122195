/* Covers librecsys-redis: servers that are absent, frozen, restarted or full, and a pool that
 * is too small. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>

#include "lib/adapters/redis/redis_pool.h"
#include "tests/support/check.h"
#include "tests/support/redis_case.h"

static recsys_status set(recsys_store *store, const char *key, const char *value)
{
    return recsys_store_set(store, text(key), text(value), 0, RECSYS_STORE_ALWAYS, &err);
}

static recsys_status get(recsys_store *store, const char *key, uint64_t *incarnation)
{
    const recsys_bytes bytes = text(key);
    recsys_value value;
    recsys_status status = recsys_store_get(store, &bytes, 1, &value, incarnation, &err);

    recsys_value_release(&value);
    return status;
}

/* With a time-out so short that a busy machine may need several attempts. */
static void insist_on_set(recsys_store *store, const char *key, const char *value)
{
    recsys_status status;

    while ((status = set(store, key, value)) == RECSYS_E_TIMEOUT)
        ;
    assert_ok(status);
}

/* Short time-outs, and a breaker that stays closed. */
static recsys_store *open_impatient(void)
{
    recsys_redis_options options = patient_options(&server);
    recsys_store_options store_options = RECSYS_STORE_OPTIONS_INIT;
    recsys_store *store;

    options.connect_timeout_ms = 10000;
    options.command_timeout_ms = 60;
    store_options.failures = 1000000;
    assert_ok(recsys_redis_create("test", &options, &store_options, &store, &err));
    return store;
}

static void nobody_there_is_an_error_of_the_network(void **state)
{
    recsys_redis_options options = RECSYS_REDIS_OPTIONS_INIT;
    uint64_t incarnation;

    (void)state;
    options.port = servers_find_port();
    recsys_store *store = open_store(&options);
    assert_fails(get(store, "k", &incarnation), RECSYS_E_IO);
    assert_int_equal(err.sys_errno, ECONNREFUSED);
    assert_int_equal(pool_stats(store).open, 0);
    recsys_store_unref(store);
    options.host = "/nowhere/redis.sock";
    store = open_store(&options);
    assert_fails(get(store, "k", &incarnation), RECSYS_E_IO);
    assert_int_equal(err.sys_errno, ENOENT);
    recsys_store_unref(store);
    options.host = "no-such-host.invalid";
    store = open_store(&options);
    assert_fails(get(store, "k", &incarnation), RECSYS_E_IO);
    recsys_store_unref(store);
}

static void a_frozen_server_costs_the_connect_time_out(void **state)
{
    recsys_redis_options options = patient_options(&server);
    uint64_t incarnation;

    (void)state;
    options.connect_timeout_ms = 60;
    recsys_store *store = open_store(&options);
    redis_server_freeze(&server); /* the kernel accepts for it, nobody answers */
    assert_fails(get(store, "k", &incarnation), RECSYS_E_TIMEOUT);
    assert_int_equal(pool_stats(store).open, 0);
    redis_server_thaw(&server);
    recsys_store_unref(store);
}

static void an_answer_that_comes_too_late_reaches_nobody(void **state)
{
    recsys_store *store = open_impatient();
    uint64_t incarnation;

    (void)state;
    for (int i = 0; i < 10; i++) {
        insist_on_set(store, "mine", "my value");
        insist_on_set(store, "yours", "your value");
        redis_server_freeze(&server);
        assert_fails(get(store, "mine", &incarnation), RECSYS_E_TIMEOUT);
        assert_int_equal(pool_stats(store).open, 0);
        redis_server_thaw(&server); /* and it answers */
        /* Whatever has become of the server's speed by now: never another value. */
        const recsys_bytes key = text("yours");
        recsys_value value;
        while (recsys_store_get(store, &key, 1, &value, &incarnation, &err) != RECSYS_OK)
            assert_true(err.status == RECSYS_E_TIMEOUT || err.status == RECSYS_E_EXHAUSTED);
        assert_int_equal(value.size, 10);
        assert_memory_equal(value.data, "your value", 10);
        recsys_value_release(&value);
    }
    assert_true(pool_stats(store).closed_broken >= 10);
    recsys_store_unref(store);
}

static void a_write_that_timed_out_may_have_happened_and_breaks_nothing(void **state)
{
    recsys_store *store = open_impatient();
    static char large[8 << 20]; /* more than the kernel takes for a server that does not read */

    (void)state;
    insist_on_set(store, "k", "old");
    redis_server_freeze(&server);
    assert_fails(recsys_store_set(store, text("k"), (recsys_bytes){large, sizeof large}, 0,
                                  RECSYS_STORE_ALWAYS, &err),
                 RECSYS_E_TIMEOUT);
    redis_server_thaw(&server);
    recsys_store_unref(store);
    recsys_redis_options options = patient_options(&server);
    store = open_store(&options);
    assert_value(store, text("k"), "old", 3); /* half a command is none */
    recsys_store_unref(store);
}

static void a_restart_is_another_life_and_nobodys_error(void **state)
{
    recsys_redis_options options = patient_options(&server);
    recsys_store *store = open_store(&options);
    uint64_t first, second, third;

    (void)state;
    assert_ok(get(store, "k", &first));
    redis_server_restart(&server);
    assert_ok(get(store, "k", &second));
    assert_ok(get(store, "k", &third));
    assert_true(first != second);
    assert_true(second == third);
    assert_int_equal(pool_stats(store).connected, 2);
    assert_int_equal(pool_stats(store).closed_broken, 1);
    recsys_store_unref(store);
}

static void two_stores_of_one_server_see_the_same_life(void **state)
{
    recsys_redis_options options = patient_options(&server);
    recsys_store *one = open_store(&options);
    uint64_t first, second;

    (void)state;
    options.db = 1;
    recsys_store *other = open_store(&options);
    assert_ok(get(one, "k", &first));
    assert_ok(get(other, "k", &second));
    assert_true(first == second);
    recsys_store_unref(one);
    recsys_store_unref(other);
}

static void idle_connections_that_the_server_closed_are_nobodys_error(void **state)
{
    recsys_redis_options options = patient_options(&server);
    recsys_store *store = open_store(&options);
    uint64_t incarnation;

    (void)state;
    for (int i = 0; i < 5; i++) {
        assert_ok(get(store, "k", &incarnation));
        assert_answer(&server, ":1", "CLIENT", "KILL", "TYPE", "normal");
        assert_ok(set(store, "k", "v"));
    }
    assert_int_equal(pool_stats(store).closed_broken, 5);
    recsys_store_unref(store);
}

static void a_full_server_says_so_and_reads_go_on(void **state)
{
    recsys_redis_options options = patient_options(&server);
    recsys_store *store = open_store(&options);
    recsys_value present;
    recsys_rate_decision decision;
    uint64_t incarnation;

    (void)state;
    assert_ok(set(store, "k", "v"));
    assert_answer(&server, "+OK", "CONFIG", "SET", "maxmemory", "1"); /* noeviction */
    assert_fails(set(store, "new", "v"), RECSYS_E_BACKEND);
    assert_non_null(strstr(err.message, "OOM command not allowed"));
    assert_non_null(strstr(err.message, "raise maxmemory"));
    assert_value(store, text("k"), "v", 1);
    assert_fails(
        recsys_store_get_or_set(store, text("new"), text("v"), 0, &present, &incarnation, &err),
        RECSYS_E_BACKEND);
    assert_non_null(strstr(err.message, "OOM"));
    assert_ok(
        recsys_store_get_or_set(store, text("k"), text("w"), 0, &present, &incarnation, &err));
    recsys_value_release(&present);
    assert_fails(recsys_store_rate_limit(store, text("limit"), 1000, 1, 1, &decision, &err),
                 RECSYS_E_BACKEND);
    assert_fails(recsys_store_replace(store, text("k"), text("v"), text("w"), 0, &err),
                 RECSYS_E_BACKEND);
    assert_ok(recsys_store_replace(store, text("k"), text("v"), (recsys_bytes){NULL, 0}, 0, &err));
    assert_answer(&server, "+OK", "CONFIG", "SET", "maxmemory", "0");
    assert_ok(set(store, "new", "v"));
    assert_int_equal(pool_stats(store).connected, 1);
    recsys_store_unref(store);
}

/* -- the pool -- */

static recsys_store *shared;
static atomic_uint n_bad;

static void *work(void *argument)
{
    const recsys_bytes key = {&argument, sizeof argument};
    recsys_error problem;
    recsys_value value;
    uint64_t incarnation;

    for (uint32_t i = 0; i < 300; i++) {
        const recsys_bytes number = {&i, sizeof i};
        if (recsys_store_set(shared, key, number, 0, RECSYS_STORE_ALWAYS, &problem) != RECSYS_OK ||
            recsys_store_get(shared, &key, 1, &value, &incarnation, &problem) != RECSYS_OK) {
            fprintf(stderr, "%s\n", problem.message);
            n_bad++;
            return NULL;
        }
        n_bad += value.size != sizeof i || memcmp(value.data, &i, sizeof i) != 0;
        recsys_value_release(&value);
    }
    return NULL;
}

static void more_threads_than_connections_take_turns(void **state)
{
    recsys_redis_options options = patient_options(&server);
    pthread_t threads[8];
    char names[8];

    (void)state;
    options.pool_size = 3;
    shared = open_store(&options);
    for (size_t i = 0; i < 8; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, work, &names[i]), 0);
    for (size_t i = 0; i < 8; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(n_bad, 0);
    recsys_redis_stats stats = pool_stats(shared);
    CHECK_BETWEEN(stats.connected, 1, 3);
    assert_int_equal(stats.open, stats.connected);
    assert_int_equal(stats.idle, stats.open);
    assert_int_equal(stats.wait_timeouts, 0);
    recsys_store_unref(shared);
}

static void *hold(void *argument)
{
    (void)argument;
    work(NULL);
    return NULL;
}

static void a_pool_that_is_used_up_is_no_failure_of_the_server(void **state)
{
    recsys_redis_options options = patient_options(&server);
    recsys_store_stats stats = {.struct_size = sizeof stats};
    pthread_t thread;
    uint64_t incarnation;

    (void)state;
    options.pool_size = 1;
    options.pool_timeout_ms = 1;
    options.command_timeout_ms = 100000;
    shared = open_store(&options);
    assert_ok(get(shared, "k", &incarnation));
    redis_server_freeze(&server);
    assert_int_equal(pthread_create(&thread, NULL, hold, NULL), 0);
    while (pool_stats(shared).idle > 0)
        sched_yield();
    for (int i = 0; i < 20; i++) {
        assert_fails(get(shared, "k", &incarnation), RECSYS_E_EXHAUSTED);
        assert_non_null(strstr(err.message, "pool_size"));
    }
    assert_int_equal(pool_stats(shared).wait_timeouts, 20);
    assert_int_equal(pool_stats(shared).waited, 20);
    redis_server_thaw(&server);
    pthread_join(thread, NULL);
    assert_int_equal(n_bad, 0);
    assert_ok(recsys_store_get_stats(shared, &stats, &err));
    assert_int_equal(stats.breaker, RECSYS_BREAKER_CLOSED);
    assert_int_equal(stats.failures, 0);
    assert_ok(get(shared, "k", &incarnation));
    recsys_store_unref(shared);
}

static void the_pool_is_a_stack_with_a_bound_that_a_ping_may_pass(void **state)
{
    recsys_redis_options options = patient_options(&server);
    struct rs_redis_settings settings;
    struct rs_redis_connection *first, *second, *extra, *none;
    struct rs_redis_pool *pool;
    recsys_redis_stats stats;

    (void)state;
    options.pool_size = 2;
    options.pool_timeout_ms = 1;
    assert_ok(rs_redis_settings_read(&settings, &options, &err));
    assert_ok(rs_redis_pool_create(&settings, &pool, &err));
    assert_ok(rs_redis_pool_acquire(pool, &first, &err));
    assert_ok(rs_redis_pool_acquire(pool, &second, &err));
    assert_fails(rs_redis_pool_acquire(pool, &none, &err), RECSYS_E_EXHAUSTED);
    assert_null(none);
    assert_ok(rs_redis_pool_acquire_extra(pool, &extra, &err));
    (void)rs_redis_pool_get_stats(pool, &stats, NULL);
    assert_int_equal(stats.open, 3);
    rs_redis_pool_release(pool, extra);
    rs_redis_pool_release(pool, first);
    rs_redis_pool_release(pool, second);
    (void)rs_redis_pool_get_stats(pool, &stats, NULL);
    assert_int_equal(stats.open, 2);
    assert_int_equal(stats.idle, 2);
    assert_int_equal(stats.closed_broken, 0);
    assert_ok(rs_redis_pool_acquire(pool, &none, &err));
    assert_ptr_equal(none, second); /* given back last */
    /* Too old to be used again. */
    none->opened_ns -= settings.max_age_ns;
    rs_redis_pool_release(pool, none);
    assert_ok(rs_redis_pool_acquire(pool, &none, &err));
    assert_ptr_equal(none, first);
    (void)rs_redis_pool_get_stats(pool, &stats, NULL);
    assert_int_equal(stats.open, 1);
    assert_int_equal(stats.closed_broken, 0);
    rs_redis_pool_release(pool, none);
    rs_redis_pool_destroy(pool);
    rs_redis_settings_destroy(&settings);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, server_set_up, server_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_there_is_an_error_of_the_network),
        TEST(a_frozen_server_costs_the_connect_time_out),
        TEST(an_answer_that_comes_too_late_reaches_nobody),
        TEST(a_write_that_timed_out_may_have_happened_and_breaks_nothing),
        TEST(a_restart_is_another_life_and_nobodys_error),
        TEST(two_stores_of_one_server_see_the_same_life),
        TEST(idle_connections_that_the_server_closed_are_nobodys_error),
        TEST(a_full_server_says_so_and_reads_go_on),
        TEST(more_threads_than_connections_take_turns),
        TEST(a_pool_that_is_used_up_is_no_failure_of_the_server),
        TEST(the_pool_is_a_stack_with_a_bound_that_a_ping_may_pass),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
