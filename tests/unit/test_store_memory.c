/* Covers the in-process store (lib/store/store_memory.c, match.c) and what it needs of lib/cache:
 * conditions that are decided in one step, scans, times to live, rate limits. It is one file
 * because all of them are one driver, and each test goes through it from outside. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/gcra.h"
#include "lib/base/hash.h"
#include "lib/cache/shard.h"
#include "lib/store/match.h"
#include "recsys/aside.h"
#include "recsys/store.h"
#include "tests/support/bundle.h"
#include "tests/support/count_alloc.h"

static recsys_store *store;
static recsys_error err;
static uint64_t clock_ms;

/* -- what the tests are written in -- */

static uint64_t now(void *user_data)
{
    (void)user_data;
    return clock_ms;
}

static recsys_bytes text(const char *bytes)
{
    return (recsys_bytes){bytes, strlen(bytes)};
}

static void create(uint32_t n_shards, uint64_t max_bytes)
{
    recsys_cache_options options = RECSYS_CACHE_OPTIONS_INIT;

    options.n_shards = n_shards;
    options.max_bytes = max_bytes;
    options.max_value_bytes = 4096;
    options.ttl_ms = 1000;
    options.now_ms = now;
    clock_ms = 5000;
    assert_int_equal(recsys_store_create_memory("m", &options, &store, &err), RECSYS_OK);
}

static int set_up(void **state)
{
    (void)state;
    create(4, 1 << 20);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    recsys_store_unref(store);
    store = NULL;
    return count_alloc.n_blocks == 0 ? 0 : -1;
}

static recsys_status set(const char *key, const char *value, uint64_t ttl_ms, uint32_t when)
{
    return recsys_store_set(store, text(key), text(value), ttl_ms, when, &err);
}

static void put(const char *key, const char *value)
{
    assert_int_equal(set(key, value, 0, RECSYS_STORE_ALWAYS), RECSYS_OK);
}

/* The value of `key`, copied; NULL if it is not there. */
static const char *get(const char *key)
{
    static char copy[5000];
    recsys_bytes bytes = text(key);
    recsys_value value;

    assert_int_equal(recsys_store_get(store, &bytes, 1, &value, NULL, &err), RECSYS_OK);
    if (value.data == NULL)
        return NULL;
    assert_true(value.size < sizeof copy);
    memcpy(copy, value.data, value.size);
    copy[value.size] = '\0';
    recsys_value_release(&value);
    return copy;
}

static recsys_status replace(const char *key, const char *prefix, const char *value)
{
    recsys_bytes with = {NULL, 0};

    if (value != NULL)
        with = text(value);
    return recsys_store_replace(store, text(key), text(prefix), with, 0, &err);
}

/* -- getting and setting -- */

static void many_keys_are_looked_up_at_once(void **state)
{
    const recsys_bytes keys[] = {text("a"), text("absent"), text("b\0c"), {"b\0c", 3}};
    recsys_value values[4];
    uint64_t incarnation = 0, again = 0;

    (void)state;
    put("a", "1");
    assert_int_equal(recsys_store_set(store, keys[3], (recsys_bytes){"\0\0", 2}, 0, 0, &err),
                     RECSYS_OK);
    assert_int_equal(recsys_store_get(store, keys, 4, values, &incarnation, &err), RECSYS_OK);
    assert_memory_equal(values[0].data, "1", 1);
    assert_null(values[1].data);
    assert_null(values[2].data); /* "b" is another key */
    assert_int_equal(values[3].size, 2);
    assert_memory_equal(values[3].data, "\0\0", 2);
    for (size_t i = 0; i < 4; i++)
        recsys_value_release(&values[i]);
    assert_int_equal(recsys_store_get(store, keys, 1, values, &again, &err), RECSYS_OK);
    recsys_value_release(&values[0]);
    assert_true(incarnation != 0);
    assert_true(incarnation == again);
}

/* More than are fetched or handed out at a time. Every third is absent, the first asked twice. */
static void very_many_keys_are_each_answered_in_its_place(void **state)
{
    enum { N = 203 };
    static char names[N][16];
    static recsys_bytes keys[N];
    static recsys_value values[N];

    (void)state;
    for (int i = 0; i < N; i++) {
        snprintf(names[i], sizeof names[i], "key%d", i == N - 1 ? 0 : i);
        keys[i] = text(names[i]);
        if (i % 3 != 2 && i < N - 1)
            put(names[i], names[i]);
    }
    for (size_t n = 1; n <= N; n++) {
        assert_int_equal(recsys_store_get(store, keys, n, values, NULL, &err), RECSYS_OK);
        for (size_t i = 0; i < n; i++) {
            if (i % 3 == 2 && i < N - 1) {
                assert_null(values[i].data);
                continue;
            }
            assert_int_equal(values[i].size, keys[i].size);
            assert_memory_equal(values[i].data, names[i], keys[i].size);
            recsys_value_release(&values[i]);
        }
    }
}

static void no_two_stores_have_the_same_life(void **state)
{
    recsys_bytes key = text("k");
    recsys_value value;
    uint64_t lives[2];

    (void)state;
    for (int i = 0; i < 2; i++) {
        create(1, 1 << 16);
        assert_int_equal(recsys_store_get(store, &key, 1, &value, &lives[i], &err), RECSYS_OK);
        recsys_store_unref(store);
    }
    store = NULL;
    assert_true(lives[0] != lives[1]);
}

static void an_empty_value_is_a_value(void **state)
{
    recsys_bytes key = text("k");
    recsys_value value;

    (void)state;
    assert_int_equal(recsys_store_set(store, key, (recsys_bytes){NULL, 0}, 0, 0, &err), RECSYS_OK);
    assert_int_equal(recsys_store_get(store, &key, 1, &value, NULL, &err), RECSYS_OK);
    assert_non_null(value.data);
    assert_int_equal(value.size, 0);
    recsys_value_release(&value);
}

static void a_hit_neither_copies_nor_allocates(void **state)
{
    recsys_bytes key = text("k");
    recsys_value first, second;

    (void)state;
    put("k", "value");
    unsigned long before = count_alloc.n_calls;
    assert_int_equal(recsys_store_get(store, &key, 1, &first, NULL, &err), RECSYS_OK);
    assert_int_equal(recsys_store_get(store, &key, 1, &second, NULL, &err), RECSYS_OK);
    assert_ptr_equal(first.data, second.data);
    recsys_value_release(&first);
    recsys_value_release(&second);
    assert_int_equal(count_alloc.n_calls, before);
}

static void a_value_that_is_held_stays_as_it_was(void **state)
{
    recsys_bytes key = text("k");
    recsys_value held;

    (void)state;
    put("k", "first");
    assert_int_equal(recsys_store_get(store, &key, 1, &held, NULL, &err), RECSYS_OK);
    put("k", "other");
    assert_memory_equal(held.data, "first", 5);
    assert_int_equal(recsys_store_remove(store, &key, 1, NULL, &err), RECSYS_OK);
    assert_memory_equal(held.data, "first", 5);
    recsys_value_release(&held);
}

static void a_value_lives_as_long_as_it_was_told_to(void **state)
{
    static const uint64_t times[] = {1, 50, 1000, (uint64_t)1 << 33, UINT64_MAX - 10000};

    (void)state;
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        clock_ms = 5000;
        assert_int_equal(set("k", "v", times[i], 0), RECSYS_OK);
        clock_ms += times[i] - 1;
        assert_non_null(get("k"));
        clock_ms += 1;
        assert_null(get("k"));
    }
    clock_ms = 5000;
    assert_int_equal(set("k", "v", RECSYS_NEVER, 0), RECSYS_OK);
    put("d", "v"); /* as long as the options say */
    clock_ms += 1000;
    assert_null(get("d"));
    clock_ms = UINT64_MAX - 1;
    assert_non_null(get("k"));
}

static void if_absent_sets_only_what_is_not_there(void **state)
{
    (void)state;
    assert_int_equal(set("k", "first", 100, RECSYS_STORE_IF_ABSENT), RECSYS_OK);
    assert_int_equal(set("k", "second", 0, RECSYS_STORE_IF_ABSENT), RECSYS_E_EXISTS);
    assert_string_equal(get("k"), "first");
    clock_ms += 100; /* the time to live is the first one's */
    assert_int_equal(set("k", "third", 0, RECSYS_STORE_IF_ABSENT), RECSYS_OK);
    assert_string_equal(get("k"), "third");
}

static void get_or_set_does_one_of_the_two(void **state)
{
    recsys_value present;
    uint64_t incarnation = 0;

    (void)state;
    assert_int_equal(
        recsys_store_get_or_set(store, text("k"), text("mine"), 100, &present, &incarnation, &err),
        RECSYS_OK);
    assert_null(present.data);
    assert_true(incarnation != 0);
    assert_string_equal(get("k"), "mine");
    assert_int_equal(
        recsys_store_get_or_set(store, text("k"), text("yours"), 0, &present, NULL, &err),
        RECSYS_OK);
    assert_int_equal(present.size, 4);
    assert_memory_equal(present.data, "mine", 4);
    recsys_value_release(&present);
    clock_ms += 100;
    assert_int_equal(
        recsys_store_get_or_set(store, text("k"), text("yours"), 0, &present, NULL, &err),
        RECSYS_OK);
    assert_null(present.data);
    assert_string_equal(get("k"), "yours");
}

static void replace_changes_only_what_begins_as_expected(void **state)
{
    (void)state;
    assert_int_equal(replace("k", "", "v"), RECSYS_E_NOT_FOUND); /* nothing begins with nothing */
    assert_null(get("k"));
    put("k", "Lease-1");
    assert_int_equal(replace("k", "Lease-2", "v"), RECSYS_E_NOT_FOUND);
    assert_int_equal(replace("k", "Lease-1 and more", "v"), RECSYS_E_NOT_FOUND);
    assert_string_equal(get("k"), "Lease-1");
    assert_int_equal(replace("k", "Lease-1", "Value-1"), RECSYS_OK);
    assert_string_equal(get("k"), "Value-1");
    assert_int_equal(replace("k", "", "Value-2"), RECSYS_OK);
    assert_string_equal(get("k"), "Value-2");
    assert_int_equal(replace("k", "Value-1", NULL), RECSYS_E_NOT_FOUND);
    assert_int_equal(replace("k", "Value", NULL), RECSYS_OK);
    assert_null(get("k"));
}

static void what_is_replaced_has_the_new_time_to_live(void **state)
{
    (void)state;
    assert_int_equal(set("k", "old", 100, 0), RECSYS_OK);
    assert_int_equal(recsys_store_replace(store, text("k"), text("old"), text("new"), 300, &err),
                     RECSYS_OK);
    clock_ms += 299;
    assert_string_equal(get("k"), "new");
    clock_ms += 1;
    assert_int_equal(replace("k", "new", "newer"), RECSYS_E_NOT_FOUND);
}

static void removing_counts_what_was_there(void **state)
{
    const recsys_bytes keys[] = {text("a"), text("absent"), text("b"), text("late")};
    uint64_t n = 7;

    (void)state;
    put("a", "1");
    put("b", "2");
    assert_int_equal(set("late", "3", 10, 0), RECSYS_OK);
    clock_ms += 10;
    assert_int_equal(recsys_store_remove(store, keys, 4, &n, &err), RECSYS_OK);
    assert_int_equal(n, 2);
    assert_int_equal(recsys_store_remove(store, keys, 4, &n, &err), RECSYS_OK);
    assert_int_equal(n, 0);
}

static char largest[(1 << 20) + 1];

static recsys_status load_largest(recsys_aside_load *load, void *user_data, recsys_error *problem)
{
    const size_t *size = user_data;

    return recsys_aside_load_set(load, (recsys_bytes){largest, *size}, 0, 0, 0, problem);
}

/* A cache over the store counts the value alone: the store has room for the envelope, too. */
static void the_largest_value_fits_into_a_store_of_defaults(void **state)
{
    recsys_bytes key = {largest, RECSYS_KEY_MAX};
    recsys_store *standard;
    recsys_aside *aside;
    recsys_aside_options options = RECSYS_ASIDE_OPTIONS_INIT;
    recsys_aside_stats stats = {.struct_size = sizeof stats};

    (void)state;
    memset(largest, 'x', sizeof largest);
    options.label = "a-label-that-is-as-long-as-the-longest-one-there-can-possibly-be";
    assert_int_equal(recsys_store_create_memory("m", NULL, &standard, NULL), RECSYS_OK);
    assert_int_equal(recsys_aside_create(standard, &options, &aside, NULL), RECSYS_OK);
    for (size_t size = sizeof largest; size + 2 > sizeof largest; size--, key.size--) {
        recsys_value value;
        uint32_t outcome;
        for (int i = 0; i < 2; i++) {
            assert_int_equal(recsys_aside_get_or_load(aside, key, load_largest, &size, 0, &value,
                                                      &outcome, NULL),
                             RECSYS_OK);
            assert_int_equal(value.size, size);
            recsys_value_release(&value);
        }
        assert_int_equal(outcome, size == sizeof largest ? RECSYS_ASIDE_MISS : RECSYS_ASIDE_HIT);
    }
    assert_int_equal(recsys_aside_get_stats(aside, &stats, NULL), RECSYS_OK);
    assert_int_equal(stats.too_large, 2);
    assert_int_equal(stats.fills, 1);
    recsys_aside_destroy(aside);
    recsys_store_unref(standard);
}

/* A caller that sets a value knows that the old one is no longer true. */
static void a_value_too_large_takes_the_one_it_replaces_with_it(void **state)
{
    static char large[6000];
    recsys_bytes value = {large, sizeof large};
    recsys_value present;

    (void)state;
    put("k", "v");
    assert_int_equal(recsys_store_set(store, text("k"), value, 0, RECSYS_STORE_IF_ABSENT, &err),
                     RECSYS_E_LIMIT);
    assert_string_equal(get("k"), "v"); /* it was not to be replaced */
    assert_int_equal(recsys_store_get_or_set(store, text("k"), value, 0, &present, NULL, &err),
                     RECSYS_OK);
    recsys_value_release(&present);
    assert_int_equal(recsys_store_replace(store, text("k"), text("w"), value, 0, &err),
                     RECSYS_E_LIMIT);
    assert_string_equal(get("k"), "v");
    assert_int_equal(recsys_store_replace(store, text("k"), text("v"), value, 0, &err),
                     RECSYS_E_LIMIT);
    assert_null(get("k"));
    put("k", "v");
    assert_int_equal(recsys_store_set(store, text("k"), value, 0, 0, &err), RECSYS_E_LIMIT);
    assert_null(get("k"));
    assert_int_equal(recsys_store_get_or_set(store, text("k"), value, 0, &present, NULL, &err),
                     RECSYS_E_LIMIT);
    assert_null(present.data);
}

static void it_is_always_well(void **state)
{
    recsys_store_stats stats = {.struct_size = (uint32_t)sizeof stats};

    (void)state;
    for (int i = 0; i < 20; i++)
        assert_int_equal(replace("absent", "x", "y"), RECSYS_E_NOT_FOUND);
    assert_int_equal(recsys_store_probe(store, &err), RECSYS_OK);
    assert_int_equal(recsys_store_get_stats(store, &stats, &err), RECSYS_OK);
    assert_int_equal(stats.breaker, RECSYS_BREAKER_CLOSED);
    assert_int_equal(stats.failures, 0);
    assert_int_equal(stats.calls, 20);
}

static void options_are_the_caches(void **state)
{
    recsys_cache_options options = RECSYS_CACHE_OPTIONS_INIT;
    recsys_store *made = (recsys_store *)&err;

    (void)state;
    options.n_shards = 3;
    assert_int_equal(recsys_store_create_memory("m", &options, &made, &err), RECSYS_E_INVALID);
    assert_null(made);
    assert_int_equal(recsys_store_create_memory(NULL, NULL, &made, &err), RECSYS_E_INVALID);
    assert_int_equal(recsys_store_create_memory("m", NULL, NULL, &err), RECSYS_E_INVALID);
    assert_int_equal(recsys_store_create_memory("m", NULL, &made, &err), RECSYS_OK);
    recsys_store_unref(made);
}

/* -- matching -- */

static int matches(const char *key, size_t n, const char *const *texts)
{
    recsys_bytes parts[8];

    for (size_t i = 0; i < n; i++)
        parts[i] = text(texts[i]);
    return rs_key_matches(key, strlen(key), parts, n);
}

#define MATCHES(key, ...)                                                                          \
    matches(key, sizeof(const char *[]){__VA_ARGS__} / sizeof(char *),                             \
            (const char *[]){__VA_ARGS__})

static void literals_match_with_anything_between(void **state)
{
    (void)state;
    assert_true(MATCHES("user:1", "user:", ""));
    assert_true(MATCHES("user:", "user:", ""));
    assert_false(MATCHES("user", "user:", ""));
    assert_false(MATCHES("a user:1", "user:", ""));
    assert_true(MATCHES("anything", "", ""));
    assert_true(MATCHES("k", "k"));
    assert_false(MATCHES("key", "k"));
    assert_false(MATCHES("k", "key"));
    assert_false(MATCHES("k", ""));
    /* what one literal has taken is gone */
    assert_false(MATCHES("a", "a", "a"));
    assert_true(MATCHES("aa", "a", "a"));
    assert_false(MATCHES("aa", "a", "a", "a"));
    assert_true(MATCHES("aaa", "a", "a", "a"));
    assert_false(MATCHES("aba", "ab", "ba"));
    assert_true(MATCHES("abba", "ab", "ba"));
    assert_false(MATCHES("xaby", "x", "ab", "b", "y"));
    assert_true(MATCHES("xabby", "x", "ab", "b", "y"));
    /* the first one that comes is not the only one */
    assert_true(MATCHES("x:aab:y", "x:", "ab", ":y"));
    assert_true(MATCHES("x:ab:ab", "x", ":ab", ""));
    assert_true(MATCHES("x:ab:ab", "x", ":ab", ":ab"));
    assert_false(MATCHES("x:ab:ab", "x", ":ab", ":ab", ":ab"));
    /* no character is special */
    assert_true(MATCHES("user*[1]?", "user*", "?"));
    assert_false(MATCHES("user1", "user*"));
}

/* The definition, tried in all ways. */
static int matches_by_definition(const char *key, size_t size, const recsys_bytes *parts, size_t n)
{
    if (n == 1)
        return size == parts[0].size && memcmp(key, parts[0].data, size) == 0;
    if (size < parts[0].size || memcmp(key, parts[0].data, parts[0].size) != 0)
        return 0;
    for (size_t skip = parts[0].size; skip <= size; skip++)
        if (matches_by_definition(key + skip, size - skip, parts + 1, n - 1))
            return 1;
    return 0;
}

static void matching_is_what_its_definition_says(void **state)
{
    uint64_t random = 20260901;
    int n_matching = 0;

    (void)state;
    for (int round = 0; round < 100000; round++) {
        char letters[40];
        recsys_bytes parts[4];
        size_t n = 1 + (size_t)bundle_random(&random, 4), at = 0;
        for (size_t i = 0; i < sizeof letters; i++)
            letters[i] = (char)('a' + bundle_random(&random, 2));
        size_t size = 1 + (size_t)bundle_random(&random, 9);
        for (size_t i = 0; i < n; i++) {
            parts[i] = (recsys_bytes){letters + 10 + at, (size_t)bundle_random(&random, 4)};
            at += parts[i].size;
        }
        int got = rs_key_matches(letters, size, parts, n);
        assert_int_equal(got, matches_by_definition(letters, size, parts, n));
        n_matching += got;
    }
    assert_true(n_matching > 5000);
}

/* -- scanning -- */

#define N_SCANNED 3000

static struct scan {
    int seen[N_SCANNED];
    int n_calls, n_others, stop_after, was_stopped;
    int removes;
} scan;

static int32_t see(recsys_bytes key, void *user_data)
{
    char copy[32] = "";
    int number;
    recsys_bytes bytes = {key.data, key.size};

    assert_ptr_equal(user_data, &scan);
    assert_true(key.size < sizeof copy);
    memcpy(copy, key.data, key.size);
    scan.n_calls++;
    if (sscanf(copy, "item:%d", &number) == 1)
        scan.seen[number]++;
    else
        scan.n_others++;
    if (scan.removes) /* no lock is held */
        assert_int_equal(recsys_store_remove(store, &bytes, 1, NULL, &err), RECSYS_OK);
    scan.was_stopped = scan.stop_after > 0 && scan.n_calls % scan.stop_after == 0;
    return scan.was_stopped;
}

/* All of it; returns how many calls that took. */
static int scan_all(const char *first, const char *last, void (*between)(void))
{
    const recsys_bytes parts[] = {text(first), text(last)};
    uint64_t cursor = 0;
    int n = 0;

    do {
        scan.was_stopped = 0;
        recsys_status status = recsys_store_scan(store, parts, 2, &cursor, see, &scan, &err);
        assert_int_equal(status, scan.was_stopped ? RECSYS_E_STOPPED : RECSYS_OK);
        if (between != NULL)
            between();
        n++;
    } while (cursor != 0);
    return n;
}

static void put_item(int number)
{
    char key[32];

    snprintf(key, sizeof key, "item:%d", number);
    put(key, "v");
}

static void put_items(void)
{
    memset(&scan, 0, sizeof scan);
    for (int i = 0; i < N_SCANNED; i++)
        put_item(i);
    put("other:1", "v");
    put("item", "v");
}

static void a_scan_shows_what_matches_in_small_steps(void **state)
{
    (void)state;
    put_items();
    assert_int_equal(set("item:late", "v", 10, 0), RECSYS_OK);
    clock_ms += 10;
    assert_true(scan_all("item:", "", NULL) > 3); /* 4 shards of 512 buckets */
    for (int i = 0; i < N_SCANNED; i++)
        assert_int_equal(scan.seen[i], 1);
    assert_int_equal(scan.n_others, 0);
    memset(&scan, 0, sizeof scan);
    scan_all("item:1", "7", NULL);
    for (int i = 0; i < N_SCANNED; i++) {
        char digits[16];
        snprintf(digits, sizeof digits, "%d", i);
        assert_int_equal(scan.seen[i], i > 9 && digits[0] == '1' && i % 10 == 7);
    }
}

static void a_scan_goes_on_where_it_was_stopped(void **state)
{
    (void)state;
    put_items();
    scan.stop_after = 40; /* more than in any bucket */
    scan_all("", "", NULL);
    for (int i = 0; i < N_SCANNED; i++)
        assert_true(scan.seen[i] >= 1);
    assert_true(scan.n_others >= 2);
}

static void what_is_scanned_can_be_removed_on_the_way(void **state)
{
    (void)state;
    put_items();
    scan.removes = 1;
    scan_all("item:", "", NULL);
    for (int i = 0; i < N_SCANNED; i++)
        assert_int_equal(scan.seen[i], 1);
    memset(&scan, 0, sizeof scan);
    scan_all("", "", NULL);
    assert_int_equal(scan.n_calls, 2);
}

/* The odd ones are there all the time, some of them with new values. */
static void come_and_go(void)
{
    static uint64_t random = 20260902;

    for (int i = 0; i < 300; i++) {
        int number = (int)bundle_random(&random, N_SCANNED);
        char key[32];
        snprintf(key, sizeof key, "item:%d", number);
        recsys_bytes bytes = text(key);
        if (number % 2 == 1 || bundle_random(&random, 2) == 0)
            put_item(number);
        else
            assert_int_equal(recsys_store_remove(store, &bytes, 1, NULL, &err), RECSYS_OK);
    }
}

static void what_is_there_throughout_a_scan_is_shown(void **state)
{
    (void)state;
    put_items();
    for (int round = 0; round < 20; round++) {
        memset(&scan, 0, sizeof scan);
        scan_all("item:", "", come_and_go);
        for (int i = 1; i < N_SCANNED; i += 2)
            assert_true(scan.seen[i] >= 1);
    }
}

/* 100 keys that meet in one of 16 buckets: more than a scan takes at once. */
static void a_crowded_bucket_is_shown_whole(void **state)
{
    int n = 0, wanted[N_SCANNED] = {0};
    char key[32];

    (void)state;
    create(1, 16000);
    memset(&scan, 0, sizeof scan);
    for (int i = 0; n < 100; i++) {
        snprintf(key, sizeof key, "item:%d", i);
        if ((rs_hash_bytes(key, strlen(key), rs_hash_seed()) & 15u) == 3) {
            assert_true(i < N_SCANNED);
            assert_int_equal(set(key, "", 0, 0), RECSYS_OK);
            wanted[i] = 1;
            n++;
        }
    }
    scan_all("item:", "", NULL);
    for (int i = 0; i < N_SCANNED; i++)
        assert_int_equal(scan.seen[i], wanted[i]);
}

static void a_cursor_of_another_making_is_refused(void **state)
{
    static const uint64_t cursors[] = {1, 12345, UINT64_MAX, (uint64_t)1 << 63 | 2048};
    recsys_bytes parts[] = {text(""), text("")};

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        uint64_t cursor = cursors[i];
        assert_int_equal(recsys_store_scan(store, parts, 2, &cursor, see, &scan, &err),
                         RECSYS_E_INVALID);
    }
}

/* -- rate limits -- */

static recsys_rate_decision decide(const char *key, uint64_t emission_us, uint32_t burst,
                                   uint32_t cost)
{
    recsys_rate_decision out;

    assert_int_equal(
        recsys_store_rate_limit(store, text(key), emission_us, burst, cost, &out, &err), RECSYS_OK);
    return out;
}

static void a_burst_at_once_and_then_one_each_emission(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 5; i++) {
        recsys_rate_decision out = decide("k", 100000, 5, 1);
        assert_int_equal(out.allowed, 1);
        assert_int_equal(out.remaining, 4 - i);
        assert_int_equal(out.reset_us, 100000 * (i + 1));
    }
    recsys_rate_decision refused = decide("k", 100000, 5, 1);
    assert_int_equal(refused.allowed, 0);
    assert_int_equal(refused.retry_us, 100000);
    assert_int_equal(decide("other", 100000, 5, 1).allowed, 1);
    clock_ms += 99;
    assert_int_equal(decide("k", 100000, 5, 1).allowed, 0); /* being refused costs nothing */
    clock_ms += 1;
    assert_int_equal(decide("k", 100000, 5, 1).allowed, 1);
    assert_int_equal(decide("k", 100000, 5, 1).allowed, 0);
    assert_int_equal(decide("k", 100000, 5, 6).allowed, 0); /* more than ever fits */
}

static void what_is_taken_is_what_gcra_says(void **state)
{
    uint64_t random = 20260903, tat_us = 0;
    int n_allowed = 0;

    (void)state;
    for (int i = 0; i < 20000; i++) {
        uint32_t cost = 1 + (uint32_t)bundle_random(&random, 3);
        recsys_rate_decision want, got = decide("k", 7300, 12, cost);
        tat_us = rs_gcra_decide(tat_us, clock_ms * 1000, 7300, 12, cost, &want);
        assert_memory_equal(&got, &want, sizeof want);
        n_allowed += (int)got.allowed;
        /* now and then so long that the store may have forgotten the key */
        clock_ms += bundle_random(&random, 500) == 0 ? 1000 : bundle_random(&random, 20);
    }
    assert_true(n_allowed > 1000 && n_allowed < 19000);
}

static void a_full_bucket_is_forgotten(void **state)
{
    (void)state;
    decide("k", 100000, 5, 5);
    clock_ms += 500;
    assert_non_null(get("k"));
    clock_ms += 50;
    assert_null(get("k"));
}

static void what_is_no_rate_limit_is_left_as_it_is(void **state)
{
    recsys_rate_decision out;

    (void)state;
    put("k", "a value");
    assert_int_equal(recsys_store_rate_limit(store, text("k"), 1000, 1, 1, &out, &err),
                     RECSYS_E_INVALID);
    assert_string_equal(get("k"), "a value");
}

static void limits_hold_by_the_systems_clock_too(void **state)
{
    int n_allowed = 0;

    (void)state;
    assert_int_equal(recsys_store_create_memory("m", NULL, &store, &err), RECSYS_OK);
    for (int i = 0; i < 50; i++)
        n_allowed += (int)decide("k", 3600000000u, 10, 1).allowed; /* one an hour */
    assert_int_equal(n_allowed, 10);
}

#define T(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
#define OWN(test) cmocka_unit_test_teardown(test, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(many_keys_are_looked_up_at_once),
        T(very_many_keys_are_each_answered_in_its_place),
        OWN(no_two_stores_have_the_same_life),
        T(an_empty_value_is_a_value),
        T(a_hit_neither_copies_nor_allocates),
        T(a_value_that_is_held_stays_as_it_was),
        T(a_value_lives_as_long_as_it_was_told_to),
        T(if_absent_sets_only_what_is_not_there),
        T(get_or_set_does_one_of_the_two),
        T(replace_changes_only_what_begins_as_expected),
        T(what_is_replaced_has_the_new_time_to_live),
        T(removing_counts_what_was_there),
        T(the_largest_value_fits_into_a_store_of_defaults),
        T(a_value_too_large_takes_the_one_it_replaces_with_it),
        T(it_is_always_well),
        OWN(options_are_the_caches),
        T(literals_match_with_anything_between),
        T(matching_is_what_its_definition_says),
        T(a_scan_shows_what_matches_in_small_steps),
        T(a_scan_goes_on_where_it_was_stopped),
        T(what_is_scanned_can_be_removed_on_the_way),
        T(what_is_there_throughout_a_scan_is_shown),
        OWN(a_crowded_bucket_is_shown_whole),
        T(a_cursor_of_another_making_is_refused),
        T(a_burst_at_once_and_then_one_each_emission),
        T(what_is_taken_is_what_gcra_says),
        T(a_full_bucket_is_forgotten),
        T(what_is_no_rate_limit_is_left_as_it_is),
        OWN(limits_hold_by_the_systems_clock_too),
    };

    if (count_alloc_install() != 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
