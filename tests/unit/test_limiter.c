/* Covers lib/base/gcra.c and lib/limiter/limiter*.c: what is admitted, to the microsecond. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/gcra.h"
#include "lib/limiter/limiter.h"
#include "recsys/limiter.h"
#include "tests/support/auth_fakes.h"
#include "tests/support/check.h"

#define SECOND ((uint64_t)1000000u)

static uint64_t now_us;
static recsys_error err;

static uint64_t fake_us(void *user_data)
{
    (void)user_data;
    return now_us;
}

static uint64_t fake_ms(void *user_data)
{
    (void)user_data;
    return now_us / 1000u;
}

static recsys_limiter_options options_of(uint32_t rate, uint32_t period_ms, uint32_t burst)
{
    recsys_limiter_options options = RECSYS_LIMITER_OPTIONS_INIT;

    options.rate = rate;
    options.period_ms = period_ms;
    options.burst = burst;
    options.now_us = fake_us;
    return options;
}

static recsys_limiter *create(recsys_store *store, const recsys_limiter_options *options)
{
    recsys_limiter *limiter = NULL;

    if (recsys_limiter_create(store, options, &limiter, &err) != RECSYS_OK)
        fail_msg("%s", err.message);
    return limiter;
}

static recsys_limit take(recsys_limiter *limiter, const char *key, uint32_t cost)
{
    recsys_limit limit = RECSYS_LIMIT_INIT;

    if (recsys_limiter_allow(limiter, (recsys_bytes){key, strlen(key)}, cost, &limit, &err) !=
        RECSYS_OK)
        fail_msg("%s", err.message);
    return limit;
}

static unsigned take_all(recsys_limiter *limiter, const char *key)
{
    unsigned n = 0;

    while (take(limiter, key, 1).allowed)
        n++;
    return n;
}

static recsys_store *memory_store(void)
{
    recsys_cache_options options = RECSYS_CACHE_OPTIONS_INIT;
    recsys_store *store = NULL;

    options.now_ms = fake_ms;
    if (recsys_store_create_memory("memory", &options, &store, &err) != RECSYS_OK)
        fail_msg("%s", err.message);
    return store;
}

static int setup(void **state)
{
    (void)state;
    now_us = 1000 * SECOND;
    return 0;
}

static void admits_the_burst_at_once_and_then_the_rate(void **state)
{
    recsys_limiter_options options = options_of(100, 60000, 20);
    recsys_limiter *limiter = create(NULL, &options);
    recsys_limit limit = take(limiter, "a", 1);

    (void)state;
    assert_int_equal(limit.allowed, 1);
    assert_int_equal(limit.limit, 20);
    assert_int_equal(limit.remaining, 19);
    assert_int_equal(limit.local, 1);
    assert_int_equal(limit.retry_ms, 0);
    assert_int_equal(limit.reset_ms, 600);
    assert_int_equal(take_all(limiter, "a"), 19);
    limit = take(limiter, "a", 1);
    assert_int_equal(limit.allowed, 0);
    assert_int_equal(limit.remaining, 0);
    assert_int_equal(limit.retry_ms, 600);
    assert_int_equal(limit.reset_ms, 12000);
    assert_int_equal(take_all(limiter, "b"), 20); /* another key */
    now_us += 600000 - 1;
    limit = take(limiter, "a", 1);
    assert_int_equal(limit.allowed, 0);
    assert_int_equal(limit.retry_ms, 1); /* a microsecond, rounded up */
    now_us += 1;
    assert_int_equal(take_all(limiter, "a"), 1);
    for (unsigned i = 1; i <= 50; i++) {
        now_us += 600000;
        assert_int_equal(take_all(limiter, "a"), 1);
    }
    recsys_limiter_destroy(limiter);
}

static void a_long_rest_brings_back_one_burst_and_no_more(void **state)
{
    recsys_limiter_options options = options_of(10, 1000, 5);
    recsys_limiter *limiter = create(NULL, &options);

    (void)state;
    assert_int_equal(take_all(limiter, "a"), 5);
    now_us += (uint64_t)100 * 365 * 86400 * SECOND;
    assert_int_equal(take_all(limiter, "a"), 5);
    recsys_limiter_destroy(limiter);
}

static void an_uneven_rate_is_rounded_to_fewer_never_to_more(void **state)
{
    static const struct {
        uint32_t rate, period_ms;
    } cases[] = {{7, 1000},  {3, 1000}, {1000, 1000},  {999, 1000},
                 {7, 60000}, {1, 1},    {999983, 1000}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint64_t emission = rs_gcra_emission(cases[i].rate, cases[i].period_ms);
        uint64_t period = cases[i].period_ms * (uint64_t)1000;
        assert_true(emission * cases[i].rate >= period);
        assert_true((emission - 1) * cases[i].rate < period);
    }
    assert_int_equal(rs_gcra_emission(100, 60000), 600000);
    assert_int_equal(rs_gcra_emission(1001, 1), 0);

    /* A million seconds at 7 a second, asked every 142857 us: never 7 in a second's time. */
    recsys_limiter_options options = options_of(7, 1000, 1);
    recsys_limiter *limiter = create(NULL, &options);
    uint64_t began = now_us, n = 0;
    for (unsigned i = 0; i < 700000; i++, now_us += 71429)
        n += take(limiter, "a", 1).allowed;
    assert_true(n <= 1 + (now_us - began) * 7 / SECOND);
    assert_true(n >= (now_us - began) * 7 / SECOND * 99 / 100);
    recsys_limiter_destroy(limiter);
}

static void a_cost_counts_as_that_many(void **state)
{
    recsys_limiter_options options = options_of(10, 1000, 10);
    recsys_limiter *limiter = create(NULL, &options);
    recsys_limit limit = take(limiter, "a", 7);

    (void)state;
    assert_int_equal(limit.allowed, 1);
    assert_int_equal(limit.remaining, 3);
    limit = take(limiter, "a", 4);
    assert_int_equal(limit.allowed, 0);
    assert_int_equal(limit.remaining, 3);
    assert_int_equal(limit.retry_ms, 100); /* one item is missing */
    assert_int_equal(take(limiter, "a", 3).allowed, 1);
    now_us += SECOND;
    assert_int_equal(take(limiter, "a", 10).allowed, 1);
    assert_int_equal(recsys_limiter_allow(limiter, (recsys_bytes){"a", 1}, 11, &limit, &err),
                     RECSYS_E_INVALID);
    assert_non_null(strstr(err.message, "1..10"));
    assert_int_equal(recsys_limiter_allow(limiter, (recsys_bytes){"a", 1}, 0, &limit, &err),
                     RECSYS_E_INVALID);
    recsys_limiter_destroy(limiter);
}

static void any_numbers_are_safe(void **state)
{
    static const uint64_t values[] = {
        0, 1, 2, 999, SECOND, UINT32_MAX, 1ull << 52, 1ull << 63, UINT64_MAX, UINT64_MAX - 1};
    static const uint32_t counts[] = {1, 2, 1000, UINT32_MAX - 1, UINT32_MAX};

    (void)state;
    for (size_t i = 0; i < 10; i++)
        for (size_t j = 0; j < 10; j++)
            for (size_t k = 1; k < 10; k++)
                for (size_t b = 0; b < 5; b++)
                    for (size_t c = 0; c < 5; c++) {
                        recsys_rate_decision out;
                        uint64_t tat = rs_gcra_decide(values[i], values[j], values[k], counts[b],
                                                      counts[c], &out);
                        if (!out.allowed) {
                            assert_true(tat == values[i] && out.retry_us > 0);
                        } else {
                            assert_true(out.retry_us == 0 && counts[c] <= counts[b]);
                            assert_true(tat > values[j] && tat - values[j] == out.reset_us);
                            /* In exact arithmetic: what is owed is all that was taken. */
                            assert_true((unsigned __int128)values[k] * counts[c] <= out.reset_us);
                        }
                        assert_true(out.remaining <= counts[b]);
                    }

    /* Even a bucket that lasts very long runs empty. */
    recsys_rate_decision out = {0};
    uint64_t tat = 0;
    unsigned n = 0;
    do
        tat = rs_gcra_decide(tat, SECOND, 1ull << 62, UINT32_MAX, 1, &out);
    while (out.allowed && ++n < 10);
    assert_int_equal(n, 3);
}

static void a_full_table_lets_pass_or_refuses_as_it_is_told(void **state)
{
    recsys_limiter_options options = options_of(1, 1000, 1);

    (void)state;
    options.max_keys = 3;
    for (uint32_t strict = 0; strict < 2; strict++) {
        options.flags = strict ? RECSYS_LIMITER_STRICT : 0;
        recsys_limiter *limiter = create(NULL, &options);
        assert_int_equal(take(limiter, "a", 1).allowed, 1);
        assert_int_equal(take(limiter, "b", 1).allowed, 1);
        assert_int_equal(take(limiter, "c", 1).allowed, 1);
        for (int i = 0; i < 3; i++) {
            recsys_limit limit = take(limiter, "d", 1);
            assert_int_equal(limit.allowed, !strict);
            assert_int_equal(limit.retry_ms, strict ? 1000 : 0);
            assert_int_equal(limit.remaining, 0);
        }
        assert_int_equal(take(limiter, "b", 1).allowed, 0); /* those it knows it knows */
        now_us += SECOND;                                   /* and time makes room */
        assert_int_equal(take(limiter, "d", 1).allowed, 1);
        assert_int_equal(take(limiter, "d", 1).allowed, 0);
        recsys_limiter_destroy(limiter);
    }
}

static void a_table_knows_nearly_as_many_keys_as_it_has_places(void **state)
{
    struct rs_limiter_table *table = rs_limiter_table_create(10000);
    uint64_t random = 1;
    recsys_rate_decision out;
    unsigned n = 0;

    (void)state;
    assert_non_null(table);
    for (unsigned i = 0; i < 7000; i++) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        uint64_t hash = random ^ (random >> 29);
        n += (unsigned)rs_limiter_table_decide(table, hash, 1, 10, 1, 1, &out);
        rs_limiter_table_raise(table, hash, 1, 5);
        assert_int_equal(rs_limiter_table_decide(table, hash, 1, 10, 1, 1, &out) && out.allowed, 0);
    }
    CHECK_BETWEEN(n, 6900, 7000);
    rs_limiter_table_destroy(table, 1);
}

static void the_store_decides_while_it_answers(void **state)
{
    recsys_store *memory = memory_store();
    recsys_limiter_options options = options_of(10, 1000, 20);
    recsys_limiter *one = create(memory, &options), *two = create(memory, &options);

    (void)state;
    for (unsigned i = 0; i < 10; i++) {
        assert_int_equal(take(one, "a", 1).allowed, 1);
        recsys_limit limit = take(two, "a", 1);
        assert_int_equal(limit.allowed, 1);
        assert_int_equal(limit.local, 0);
        assert_int_equal(limit.limit, 20);
        assert_int_equal(limit.remaining, 18 - 2 * i);
    }
    recsys_limit limit = take(one, "a", 1);
    assert_int_equal(limit.allowed, 0);
    assert_int_equal(limit.local, 0);
    assert_int_equal(limit.retry_ms, 100);
    assert_int_equal(limit.reset_ms, 2000);
    recsys_limiter_destroy(one);
    recsys_limiter_destroy(two);
    recsys_store_unref(memory);
}

/* Whatever a store fails with, and that it cannot, is no failure of the call. */
static void a_store_that_fails_leaves_a_warm_limiter(void **state)
{
    static const recsys_status failures[] = {RECSYS_E_STATE,       RECSYS_E_TIMEOUT,
                                             RECSYS_E_IO,          RECSYS_E_NOMEM,
                                             RECSYS_E_UNSUPPORTED, RECSYS_E_BACKEND};
    recsys_store *memory = memory_store();
    recsys_limiter_options options = options_of(10, 1000, 20);

    (void)state;
    for (size_t i = 0; i < sizeof failures / sizeof failures[0]; i++) {
        struct auth_link link;
        recsys_store *store = auth_link_open(&link, memory);
        recsys_limiter *limiter = create(store, &options), *other = create(memory, &options);
        char key[8] = {'k', (char)('0' + i), 0};
        for (int j = 0; j < 15; j++) /* another process takes most of it */
            assert_int_equal(take(other, key, 1).allowed, 1);
        assert_int_equal(take(limiter, key, 1).allowed, 1);
        atomic_store(&link.fail, failures[i]);
        recsys_limit limit = take(limiter, key, 1);
        assert_int_equal(limit.local, 1);
        assert_int_equal(limit.remaining, 3); /* it knows of the other's, too */
        assert_int_equal(take_all(limiter, key), 3);
        assert_int_equal(take_all(limiter, "unheard of"), 20);
        atomic_store(&link.fail, RECSYS_OK);
        limit = take(limiter, key, 1);
        assert_int_equal(limit.allowed, 0); /* the store was not told of those, but we were */
        assert_int_equal(limit.local, 1);
        assert_int_equal(limit.limit, 20);
        assert_int_equal(limit.remaining, 0);
        recsys_limiter_destroy(limiter);
        recsys_limiter_destroy(other);
        recsys_store_unref(store);
        now_us += 100 * SECOND;
    }
    recsys_store_unref(memory);
}

/* 110 instead of 10: what a client got when Redis came back empty. */
static void a_store_that_comes_back_empty_gives_no_second_burst(void **state)
{
    recsys_limiter_options options = options_of(10, 1000, 20);
    recsys_store *memory = memory_store();
    struct auth_link link;

    (void)state;
    recsys_store *store = auth_link_open(&link, memory);
    recsys_limiter *limiter = create(store, &options);
    assert_int_equal(take_all(limiter, "a"), 20);
    atomic_store(&link.fail, RECSYS_E_IO);
    assert_int_equal(take_all(limiter, "a"), 0);
    now_us += SECOND; /* ten come back; five are taken while it is away */
    for (int i = 0; i < 5; i++)
        assert_int_equal(take(limiter, "a", 1).allowed, 1);
    const recsys_bytes key = {"limit:a", 7};
    assert_int_equal(recsys_store_remove(memory, &key, 1, NULL, NULL), RECSYS_OK);
    atomic_store(&link.fail, RECSYS_OK);
    recsys_limit limit = take(limiter, "a", 1);
    assert_int_equal(limit.allowed, 1);
    assert_int_equal(limit.remaining, 4); /* of the other five */
    assert_int_equal(take_all(limiter, "a"), 4);
    now_us += SECOND; /* refused requests have cost nothing, in the store neither */
    assert_int_equal(take_all(limiter, "a"), 10);
    recsys_limiter_destroy(limiter);
    recsys_store_unref(store);
    recsys_store_unref(memory);
}

static void processes_divide_the_limit_while_the_store_is_away(void **state)
{
    recsys_store *memory = memory_store();
    struct auth_link link;
    recsys_store *store = auth_link_open(&link, memory);
    recsys_limiter_options options = options_of(40, 1000, 40);
    options.share = 4;
    recsys_limiter *limiter = create(store, &options);
    recsys_limit limit = RECSYS_LIMIT_INIT;

    (void)state;
    assert_int_equal(take_all(limiter, "whole"), 40); /* the store knows no shares */
    for (int i = 0; i < 20; i++)
        assert_int_equal(take(limiter, "half", 1).allowed, 1);
    atomic_store(&link.fail, RECSYS_E_IO);
    assert_int_equal(take_all(limiter, "whole"), 0); /* nothing is left of it */
    assert_int_equal(take_all(limiter, "half"), 5);  /* half of our share */
    assert_int_equal(take_all(limiter, "new"), 10);
    limit = take(limiter, "new", 1);
    assert_int_equal(limit.limit, 10);
    assert_int_equal(limit.retry_ms, 100); /* a fourth of the rate */
    now_us += SECOND;
    assert_int_equal(take_all(limiter, "new"), 10);

    /* More than the share at once: when the bucket is full, and paid in full. */
    now_us += SECOND;
    limit = take(limiter, "big", 30);
    assert_int_equal(limit.allowed, 1);
    limit = take(limiter, "big", 1);
    assert_int_equal(limit.allowed, 0);
    assert_int_equal(limit.retry_ms, 2100);
    now_us += 2 * SECOND;
    assert_int_equal(take(limiter, "big", 30).allowed, 0);
    now_us += SECOND;
    assert_int_equal(take(limiter, "big", 30).allowed, 1);
    recsys_limiter_destroy(limiter);

    options.share = UINT32_MAX; /* at least one at a time */
    limiter = create(store, &options);
    assert_int_equal(take_all(limiter, "a"), 1);
    recsys_limiter_destroy(limiter);
    recsys_store_unref(store);
    recsys_store_unref(memory);
}

static int32_t note_key(recsys_bytes key, void *user_data)
{
    recsys_bytes *found = user_data;
    static char copy[512];

    CHECK_BETWEEN(key.size, 1, sizeof copy);
    memcpy(copy, key.data, key.size);
    assert_null(found->data); /* one key alone */
    *found = (recsys_bytes){copy, key.size};
    return 0;
}

static recsys_bytes only_key(recsys_store *store)
{
    recsys_bytes all[] = {{"", 0}, {"", 0}}, found = {NULL, 0};
    uint64_t cursor = 0;

    do
        assert_int_equal(recsys_store_scan(store, all, 2, &cursor, note_key, &found, &err),
                         RECSYS_OK);
    while (cursor != 0);
    return found;
}

static void keys_are_bytes_and_long_ones_are_hashed(void **state)
{
    recsys_limiter_options options = options_of(10, 1000, 20);
    static char key[100000];
    recsys_limit limit = RECSYS_LIMIT_INIT;

    (void)state;
    options.prefix = "login:";
    memset(key, 'x', sizeof key);
    key[3] = '\0';
    for (size_t size = 199; size <= sizeof key; size = size < 202 ? size + 1 : sizeof key + 1) {
        recsys_store *store = memory_store();
        recsys_limiter *limiter = create(store, &options);
        assert_int_equal(recsys_limiter_allow(limiter, (recsys_bytes){key, size}, 1, &limit, &err),
                         RECSYS_OK);
        recsys_bytes found = only_key(store);
        assert_int_equal(found.size, 6 + (size <= 200 ? size : 201));
        assert_memory_equal(found.data, "login:xxx\0xxx", 13);
        recsys_limiter_destroy(limiter);
        recsys_store_unref(store);
    }
    recsys_store *store = memory_store();
    recsys_limiter *limiter = create(store, &options);
    assert_int_equal(
        recsys_limiter_allow(limiter, (recsys_bytes){key, sizeof key}, 1, &limit, &err), RECSYS_OK);
    key[sizeof key - 1] = 'y'; /* differs in what is hashed alone */
    assert_int_equal(
        recsys_limiter_allow(limiter, (recsys_bytes){key, sizeof key}, 1, &limit, &err), RECSYS_OK);
    assert_int_equal(limit.remaining, 19);
    recsys_limiter_destroy(limiter);
    recsys_store_unref(store);
}

static void what_makes_no_sense_is_refused(void **state)
{
    recsys_limiter_options options = options_of(1001, 1, 1);
    recsys_limiter *limiter = (recsys_limiter *)&options;
    char prefix[300];
    recsys_limit limit = RECSYS_LIMIT_INIT;

    (void)state;
    assert_int_equal(recsys_limiter_create(NULL, &options, &limiter, &err), RECSYS_E_INVALID);
    assert_null(limiter);
    options = options_of(1, UINT32_MAX, UINT32_MAX);
    assert_int_equal(recsys_limiter_create(NULL, &options, &limiter, &err), RECSYS_E_INVALID);
    options = options_of(1, 1000, 1);
    options.flags = 64;
    assert_int_equal(recsys_limiter_create(NULL, &options, &limiter, &err), RECSYS_E_UNSUPPORTED);
    options = options_of(1, 1000, 1);
    memset(prefix, 'p', sizeof prefix);
    prefix[256] = '\0';
    options.prefix = prefix;
    assert_int_equal(recsys_limiter_create(NULL, &options, &limiter, &err), RECSYS_E_INVALID);
    prefix[255] = '\0';
    limiter = create(NULL, &options);
    assert_int_equal(recsys_limiter_allow(limiter, (recsys_bytes){"", 0}, 1, &limit, &err),
                     RECSYS_E_INVALID);
    assert_int_equal(recsys_limiter_allow(limiter, (recsys_bytes){NULL, 1}, 1, &limit, &err),
                     RECSYS_E_INVALID);
    assert_int_equal(recsys_limiter_allow(limiter, (recsys_bytes){"a", 1}, 1, NULL, &err),
                     RECSYS_E_INVALID);
    assert_int_equal(recsys_limiter_allow(NULL, (recsys_bytes){"a", 1}, 1, &limit, &err),
                     RECSYS_E_INVALID);
    limit.struct_size = RECSYS_LIMIT_SIZE_V1 - 1;
    assert_int_equal(recsys_limiter_allow(limiter, (recsys_bytes){"a", 1}, 1, &limit, &err),
                     RECSYS_E_INVALID);
    recsys_limiter_destroy(limiter);
    options.reserved = 1;
    assert_int_equal(recsys_limiter_create(NULL, &options, &limiter, &err), RECSYS_E_UNSUPPORTED);
    assert_null(limiter);
    recsys_limiter_destroy(NULL);
    limiter = create(NULL, NULL); /* all defaults: 100 a minute */
    assert_int_equal(take(limiter, "a", 1).limit, 100);
    recsys_limiter_destroy(limiter);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(admits_the_burst_at_once_and_then_the_rate, setup),
        cmocka_unit_test_setup(a_long_rest_brings_back_one_burst_and_no_more, setup),
        cmocka_unit_test_setup(an_uneven_rate_is_rounded_to_fewer_never_to_more, setup),
        cmocka_unit_test_setup(a_cost_counts_as_that_many, setup),
        cmocka_unit_test_setup(any_numbers_are_safe, setup),
        cmocka_unit_test_setup(a_full_table_lets_pass_or_refuses_as_it_is_told, setup),
        cmocka_unit_test_setup(a_table_knows_nearly_as_many_keys_as_it_has_places, setup),
        cmocka_unit_test_setup(the_store_decides_while_it_answers, setup),
        cmocka_unit_test_setup(a_store_that_fails_leaves_a_warm_limiter, setup),
        cmocka_unit_test_setup(a_store_that_comes_back_empty_gives_no_second_burst, setup),
        cmocka_unit_test_setup(processes_divide_the_limit_while_the_store_is_away, setup),
        cmocka_unit_test_setup(keys_are_bytes_and_long_ones_are_hashed, setup),
        cmocka_unit_test_setup(what_makes_no_sense_is_refused, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
