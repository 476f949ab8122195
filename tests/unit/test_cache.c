/* Covers lib/cache: what is kept, for how long, what makes room, and who loads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "recsys/alloc.h"
#include "recsys/cache.h"
#include "tests/support/bundle.h"

static recsys_cache *cache;
static recsys_error err;
static uint64_t clock_ms;

/* -- counting allocator -- */

static unsigned long n_allocations, n_allowed = ULONG_MAX;
static long n_blocks;

static void *counted_allocate(size_t size, void *user_data)
{
    (void)user_data;
    n_allocations++;
    if (n_allowed == 0 || n_allowed-- == 0)
        return NULL;
    n_blocks++;
    return malloc(size);
}

static void *counted_resize(void *memory, size_t size, void *user_data)
{
    if (memory == NULL)
        return counted_allocate(size, user_data);
    n_allocations++;
    return realloc(memory, size);
}

static void counted_release(void *memory, void *user_data)
{
    (void)user_data;
    n_blocks -= memory != NULL;
    free(memory);
}

/* -- what the tests are written in -- */

static uint64_t now(void *user_data)
{
    (void)user_data;
    return clock_ms;
}

static void create(uint32_t n_shards, uint64_t max_bytes)
{
    recsys_cache_options options = RECSYS_CACHE_OPTIONS_INIT;

    options.n_shards = n_shards;
    options.max_bytes = max_bytes;
    options.ttl_ms = 1000;
    options.now_ms = now;
    clock_ms = 5000;
    assert_int_equal(recsys_cache_create(&options, &cache, &err), RECSYS_OK);
}

static int tear_down(void **state)
{
    (void)state;
    n_allowed = ULONG_MAX;
    recsys_cache_destroy(cache);
    cache = NULL;
    return n_blocks == 0 ? 0 : -1;
}

static recsys_status set_bytes(const char *key, const void *value, size_t size)
{
    return recsys_cache_set(cache, key, strlen(key), value, size, 0, &err);
}

static void set(const char *key, const char *value)
{
    assert_int_equal(set_bytes(key, value, strlen(value) + 1), RECSYS_OK);
}

/* The value of `key`, copied; NULL if it is not there. */
static const char *get(const char *key)
{
    static char value[256];
    recsys_cache_entry *entry;
    size_t size;
    recsys_status status = recsys_cache_get(cache, key, strlen(key), &entry, &err);

    if (status != RECSYS_OK) {
        assert_int_equal(status, RECSYS_E_NOT_FOUND);
        assert_null(entry);
        return NULL;
    }
    const void *bytes = recsys_cache_entry_get(entry, &size);
    assert_true(size <= sizeof value);
    memcpy(value, bytes, size);
    recsys_cache_release(entry);
    return value;
}

static recsys_cache_entry *hold(const char *key)
{
    recsys_cache_entry *entry;

    assert_int_equal(recsys_cache_get(cache, key, strlen(key), &entry, &err), RECSYS_OK);
    return entry;
}

static int has_number(int number)
{
    char key[32];

    snprintf(key, sizeof key, "key-%d", number);
    return get(key) != NULL;
}

static void set_number(int number)
{
    char key[32], value[200] = {0};

    snprintf(key, sizeof key, "key-%d", number);
    assert_int_equal(set_bytes(key, value, sizeof value), RECSYS_OK);
}

static recsys_cache_stats stats(void)
{
    recsys_cache_stats found = {.struct_size = (uint32_t)sizeof found};

    assert_int_equal(recsys_cache_get_stats(cache, &found, &err), RECSYS_OK);
    return found;
}

/* -- keeping -- */

static void what_is_set_is_found_until_it_is_removed(void **state)
{
    (void)state;
    create(4, 1 << 20);
    assert_null(get("a"));
    set("a", "one");
    set("b", "two");
    assert_string_equal(get("a"), "one");
    set("a", "three");
    assert_string_equal(get("a"), "three");
    assert_string_equal(get("b"), "two");
    assert_int_equal(recsys_cache_remove(cache, "a", 1, &err), RECSYS_OK);
    assert_int_equal(recsys_cache_remove(cache, "a", 1, &err), RECSYS_E_NOT_FOUND);
    assert_null(get("a"));
    assert_int_equal(stats().entries, 1);
    recsys_cache_clear(cache);
    assert_null(get("b"));
    assert_int_equal(stats().entries, 0);
    assert_int_equal(stats().bytes, 0);
}

static void keys_and_values_are_bytes(void **state)
{
    static const char key[] = {0, 1, 0}, longer[] = {0, 1, 0, 0};
    recsys_cache_entry *entry;
    size_t size = 9;

    (void)state;
    create(1, 1 << 20);
    assert_int_equal(recsys_cache_set(cache, key, 3, NULL, 0, 0, &err), RECSYS_OK);
    assert_int_equal(recsys_cache_get(cache, longer, 4, &entry, &err), RECSYS_E_NOT_FOUND);
    assert_int_equal(recsys_cache_get(cache, longer, 3, &entry, &err), RECSYS_OK);
    assert_non_null(recsys_cache_entry_get(entry, &size));
    assert_int_equal(size, 0);
    recsys_cache_release(entry);
}

static void values_are_aligned_for_anything(void **state)
{
    char key[40];

    (void)state;
    create(1, 1 << 20);
    for (size_t i = 1; i < sizeof key; i++) {
        memset(key, 'k', sizeof key);
        key[i] = '\0';
        set(key, "value");
        recsys_cache_entry *entry = hold(key);
        assert_int_equal((uintptr_t)recsys_cache_entry_get(entry, NULL) % 16, 0);
        assert_string_equal(recsys_cache_entry_get(entry, NULL), "value");
        recsys_cache_release(entry);
    }
}

static void a_held_value_outlives_everything(void **state)
{
    (void)state;
    create(1, 1 << 20);
    recsys_cache_entry *held[4];
    set("a", "replaced");
    held[0] = hold("a");
    set("a", "removed");
    held[1] = hold("a");
    assert_int_equal(recsys_cache_remove(cache, "a", 1, &err), RECSYS_OK);
    set("a", "cleared");
    held[2] = hold("a");
    recsys_cache_clear(cache);
    set("a", "destroyed");
    held[3] = hold("a");
    recsys_cache_destroy(cache);
    cache = NULL;
    assert_string_equal(recsys_cache_entry_get(held[0], NULL), "replaced");
    assert_string_equal(recsys_cache_entry_get(held[1], NULL), "removed");
    assert_string_equal(recsys_cache_entry_get(held[2], NULL), "cleared");
    assert_string_equal(recsys_cache_entry_get(held[3], NULL), "destroyed");
    for (int i = 0; i < 4; i++)
        recsys_cache_release(held[i]);
}

static void arguments_are_checked(void **state)
{
    recsys_cache_options options = RECSYS_CACHE_OPTIONS_INIT;
    recsys_cache_stats too_old = {.struct_size = 8};
    recsys_cache_entry *entry;
    recsys_cache *none;

    (void)state;
    options.n_shards = 3;
    assert_int_equal(recsys_cache_create(&options, &none, &err), RECSYS_E_INVALID);
    assert_null(none);
    options.n_shards = 512;
    assert_int_equal(recsys_cache_create(&options, &none, &err), RECSYS_E_INVALID);
    options.n_shards = 256;
    options.max_bytes = 1000;
    assert_int_equal(recsys_cache_create(&options, &none, &err), RECSYS_E_INVALID);
    options.struct_size = 4;
    assert_int_equal(recsys_cache_create(&options, &none, &err), RECSYS_E_INVALID);
    assert_int_equal(recsys_cache_create(NULL, NULL, &err), RECSYS_E_INVALID);
    create(1, 1 << 16);
    assert_int_equal(recsys_cache_get(cache, "", 0, &entry, &err), RECSYS_E_INVALID);
    assert_int_equal(recsys_cache_get(cache, NULL, 1, &entry, &err), RECSYS_E_INVALID);
    assert_int_equal(recsys_cache_get(NULL, "a", 1, &entry, &err), RECSYS_E_INVALID);
    assert_int_equal(recsys_cache_get(cache, "a", 1, NULL, &err), RECSYS_E_INVALID);
    assert_int_equal(recsys_cache_set(cache, "", 0, "v", 1, 0, &err), RECSYS_E_INVALID);
    assert_int_equal(recsys_cache_set(cache, "a", 1, NULL, 1, 0, &err), RECSYS_E_INVALID);
    assert_int_equal(recsys_cache_remove(cache, "", 0, &err), RECSYS_E_INVALID);
    assert_int_equal(recsys_cache_get_or_load(cache, "a", 1, NULL, NULL, 0, &entry, NULL, &err),
                     RECSYS_E_INVALID);
    assert_int_equal(recsys_cache_load_set(NULL, "a", 1, 0, &err), RECSYS_E_INVALID);
    assert_int_equal(recsys_cache_get_stats(cache, &too_old, &err), RECSYS_E_INVALID);
    recsys_cache_clear(NULL);
    recsys_cache_release(NULL);
    recsys_cache_destroy(NULL);
    assert_null(recsys_cache_entry_get(NULL, NULL));
}

static void defaults_are_as_documented(void **state)
{
    (void)state;
    assert_int_equal(recsys_cache_create(NULL, &cache, &err), RECSYS_OK);
    assert_int_equal(stats().max_bytes, 64 << 20);
    char *big = calloc(1, (1 << 20) + 1);
    assert_int_equal(set_bytes("a", big, 1 << 20), RECSYS_OK);
    assert_int_equal(set_bytes("a", big, (1 << 20) + 1), RECSYS_E_LIMIT);
    free(big);
}

/* -- time -- */

static void a_value_expires_after_its_time(void **state)
{
    (void)state;
    create(1, 1 << 20);
    set("a", "default"); /* 1000 ms */
    assert_int_equal(recsys_cache_set(cache, "b", 1, "v", 2, 50, &err), RECSYS_OK);
    assert_int_equal(recsys_cache_set(cache, "c", 1, "v", 2, UINT32_MAX, &err), RECSYS_OK);
    recsys_cache_entry *held = hold("b");
    clock_ms += 49;
    assert_non_null(get("b"));
    clock_ms += 1;
    assert_null(get("b"));
    assert_string_equal(recsys_cache_entry_get(held, NULL), "v");
    recsys_cache_release(held);
    clock_ms += 949;
    assert_non_null(get("a"));
    clock_ms += 1;
    assert_null(get("a"));
    assert_int_equal(stats().expirations, 2);
    assert_int_equal(stats().entries, 1);
    assert_non_null(get("c"));
}

static void an_expired_value_cannot_be_removed(void **state)
{
    (void)state;
    create(1, 1 << 20);
    set("a", "v");
    clock_ms += 1000;
    assert_int_equal(recsys_cache_remove(cache, "a", 1, &err), RECSYS_E_NOT_FOUND);
    assert_int_equal(stats().entries, 0);
}

static void expired_values_nobody_asks_for_go_while_others_are_set(void **state)
{
    (void)state;
    create(1, 1 << 20);
    for (int i = 0; i < 500; i++)
        set_number(i);
    assert_int_equal(stats().entries, 500);
    clock_ms += 1000;
    for (int i = 0; i < 2048; i++)
        set("other", "v");
    assert_int_equal(stats().entries, 1);
    assert_int_equal(stats().expirations, 500);
    assert_int_equal(stats().evictions, 0);
}

static void a_time_beyond_the_clock_means_for_ever(void **state)
{
    (void)state;
    create(1, 1 << 20);
    clock_ms = UINT64_MAX - 10;
    set("a", "v");
    assert_non_null(get("a"));
}

/* -- room -- */

static void a_value_too_large_is_refused_and_takes_the_old_one_with_it(void **state)
{
    char *big = calloc(1, 1 << 20);

    (void)state;
    create(1, 1 << 16);
    set("a", "small");
    assert_int_equal(set_bytes("a", big, 1 << 16), RECSYS_E_LIMIT);
    assert_null(get("a"));
    set("a", "small");
    n_allowed = 0;
    assert_int_equal(set_bytes("a", big, 100), RECSYS_E_NOMEM);
    n_allowed = ULONG_MAX;
    assert_null(get("a"));
    free(big);
}

static void one_scan_does_not_empty_the_cache(void **state)
{
    int n_left = 0;

    (void)state;
    create(1, 64 * 1024); /* about 200 entries */
    for (int i = 0; i < 100; i++) {
        set_number(i);
        assert_true(has_number(i));
    }
    for (int i = 1000; i < 11000; i++)
        set_number(i);
    for (int i = 0; i < 100; i++)
        n_left += has_number(i);
    assert_int_equal(n_left, 100);
}

static void newcomers_leave_in_the_order_they_came(void **state)
{
    int n = 0;

    (void)state;
    create(1, 64 * 1024);
    while (stats().evictions == 0)
        set_number(n++);
    assert_false(has_number(0));
    for (int i = 1; i < 20; i++) {
        set_number(n++);
        assert_false(has_number(i));
        assert_true(has_number(n - 1));
    }
}

static void what_comes_back_soon_after_it_left_stays(void **state)
{
    int n = 0;

    (void)state;
    create(1, 64 * 1024);
    while (stats().evictions < 10)
        set_number(n++);
    for (int i = 0; i < 5; i++)
        set_number(i); /* evicted just now; nobody asks for them this time either */
    for (int i = 1000; i < 1400; i++)
        set_number(i);
    for (int i = 0; i < 5; i++)
        assert_true(has_number(i));
    assert_false(has_number(9));
}

static void what_is_held_stays_and_nothing_else_fits_if_all_is(void **state)
{
    recsys_cache_entry *held[40];
    char key[32], value[2000] = {0};
    int n = 0;

    (void)state;
    create(1, 64 * 1024);
    for (;;) {
        snprintf(key, sizeof key, "key-%d", n);
        if (set_bytes(key, value, sizeof value) != RECSYS_OK)
            break;
        held[n++] = hold(key);
        assert_true(n < 40);
    }
    assert_int_equal(err.status, RECSYS_E_LIMIT);
    assert_true(n > 25);
    assert_int_equal(stats().entries, n);
    assert_int_equal(stats().evictions, 0);
    recsys_cache_release(held[3]);
    assert_int_equal(set_bytes("more", value, sizeof value), RECSYS_OK);
    assert_int_equal(stats().evictions, 1);
    for (int i = 0; i < n; i++)
        if (i != 3)
            recsys_cache_release(held[i]);
}

/* Against a plain table that remembers the last value of each key. */
static void the_bound_holds_and_no_value_is_ever_wrong(void **state)
{
    enum { N_KEYS = 2000, N_HELD = 8 };
    static uint32_t version[N_KEYS]; /* 0 = must not be there */
    recsys_cache_entry *held[N_HELD] = {NULL};
    uint32_t value[1500];
    uint64_t random = 7;
    unsigned n_hits = 0;

    (void)state;
    create(2, 256 * 1024);
    memset(version, 0, sizeof version);
    for (uint32_t step = 1; step <= 100000; step++) {
        uint64_t key = bundle_random(&random, bundle_random(&random, 3) == 0 ? N_KEYS : 50);
        uint64_t what = bundle_random(&random, 100);
        if (what < 40) {
            size_t n = 1 + bundle_random(&random, bundle_random(&random, 4) == 0 ? 1500 : 100);
            for (size_t i = 0; i < n; i++)
                value[i] = step;
            recsys_status status =
                recsys_cache_set(cache, &key, sizeof key, value, n * sizeof *value, 500, &err);
            assert_true(status == RECSYS_OK || status == RECSYS_E_LIMIT);
            version[key] = status == RECSYS_OK ? step : 0;
        } else if (what < 95) {
            recsys_cache_entry *entry;
            if (recsys_cache_get(cache, &key, sizeof key, &entry, NULL) == RECSYS_OK) {
                size_t size;
                const uint32_t *found = recsys_cache_entry_get(entry, &size);
                assert_int_equal(found[0], version[key]);
                assert_int_equal(found[size / sizeof *found - 1], version[key]);
                n_hits++;
                uint64_t place = bundle_random(&random, N_HELD);
                recsys_cache_release(held[place]);
                held[place] = entry;
            }
        } else if (what < 99) {
            recsys_status status = recsys_cache_remove(cache, &key, sizeof key, NULL);
            assert_true(status == RECSYS_OK || status == RECSYS_E_NOT_FOUND);
            version[key] = 0;
        } else {
            clock_ms += 20;
        }
        if (step % 16 == 0) {
            recsys_cache_stats s = stats();
            assert_true(s.bytes <= s.max_bytes);
            assert_true((s.bytes == 0) == (s.entries == 0));
        }
    }
    assert_true(n_hits > 10000);
    assert_true(stats().evictions > 1000);
    assert_true(stats().expirations > 0);
    for (int i = 0; i < N_HELD; i++)
        recsys_cache_release(held[i]);
}

static void a_hit_does_not_allocate(void **state)
{
    recsys_cache_entry *entry;

    (void)state;
    create(4, 1 << 20);
    set("a", "one");
    unsigned long before = n_allocations;
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(recsys_cache_get(cache, "a", 1, &entry, &err), RECSYS_OK);
        recsys_cache_release(entry);
        assert_int_equal(recsys_cache_get(cache, "x", 1, &entry, &err), RECSYS_E_NOT_FOUND);
    }
    assert_int_equal(n_allocations, before);
}

/* -- loading -- */

struct plan { /* what a loader does */
    const char *value;
    recsys_status fail_with;
    const char *message;
    void (*meanwhile)(void);
    size_t size; /* of a large value */
    int n_calls;
};

static recsys_status follow_plan(recsys_cache_load *load, void *user_data, recsys_error *error)
{
    struct plan *plan = user_data;
    recsys_status status = RECSYS_OK;

    plan->n_calls++;
    if (plan->meanwhile != NULL)
        plan->meanwhile();
    if (plan->size > 0) {
        char *bytes = calloc(1, plan->size);
        status = recsys_cache_load_set(load, bytes, plan->size, 0, error);
        free(bytes);
    } else if (plan->value != NULL) {
        status = recsys_cache_load_set(load, plan->value, strlen(plan->value) + 1, 0, error);
    }
    if (plan->fail_with != RECSYS_OK && plan->message != NULL) {
        error->status = plan->fail_with;
        snprintf(error->message, sizeof error->message, "%s", plan->message);
    }
    return status != RECSYS_OK ? status : plan->fail_with;
}

/* get_or_load of "a"; the value is copied. */
static char loaded[64];
static uint32_t outcome;

static recsys_status load_a(struct plan *plan)
{
    recsys_cache_entry *entry;
    size_t size;
    recsys_status status =
        recsys_cache_get_or_load(cache, "a", 1, follow_plan, plan, 0, &entry, &outcome, &err);

    assert_true((status == RECSYS_OK) == (entry != NULL));
    if (status == RECSYS_OK) {
        const void *bytes = recsys_cache_entry_get(entry, &size);
        memcpy(loaded, bytes, size < sizeof loaded ? size : sizeof loaded);
        recsys_cache_release(entry);
    }
    return status;
}

static void a_miss_loads_and_then_it_is_there(void **state)
{
    struct plan plan = {.value = "loaded"};

    (void)state;
    create(4, 1 << 20);
    assert_int_equal(load_a(&plan), RECSYS_OK);
    assert_int_equal(outcome, RECSYS_CACHE_MISS);
    assert_string_equal(loaded, "loaded");
    assert_int_equal(load_a(&plan), RECSYS_OK);
    assert_int_equal(outcome, RECSYS_CACHE_HIT);
    assert_int_equal(plan.n_calls, 1);
    assert_string_equal(get("a"), "loaded");
    clock_ms += 1000;
    assert_int_equal(load_a(&plan), RECSYS_OK);
    assert_int_equal(outcome, RECSYS_CACHE_MISS);
    recsys_cache_stats s = stats();
    assert_int_equal(s.loads, 2);
    assert_int_equal(s.misses, 2);
    assert_int_equal(s.hits, 2);
    assert_int_equal(s.load_failures, 0);
    assert_int_equal(s.sets, 0);
}

static void a_failure_is_told_and_not_kept(void **state)
{
    struct plan fails = {.fail_with = RECSYS_E_BACKEND, .message = "no connection"};
    struct plan silent = {.fail_with = RECSYS_E_TIMEOUT, .value = "but set"};
    struct plan works = {.value = "loaded"};

    (void)state;
    create(4, 1 << 20);
    assert_int_equal(load_a(&fails), RECSYS_E_BACKEND);
    assert_int_equal(err.status, RECSYS_E_BACKEND);
    assert_string_equal(err.message, "no connection");
    assert_int_equal(load_a(&silent), RECSYS_E_TIMEOUT);
    assert_int_equal(err.status, RECSYS_E_TIMEOUT);
    assert_true(err.message[0] != '\0');
    assert_null(get("a"));
    assert_int_equal(load_a(&works), RECSYS_OK);
    assert_int_equal(stats().load_failures, 2);
}

static void success_without_a_value_is_the_loaders_bug(void **state)
{
    struct plan plan = {.value = NULL};

    (void)state;
    create(4, 1 << 20);
    assert_int_equal(load_a(&plan), RECSYS_E_INTERNAL);
    assert_null(get("a"));
}

static recsys_status set_twice(recsys_cache_load *load, void *user_data, recsys_error *error)
{
    (void)user_data;
    assert_int_equal(recsys_cache_load_set(load, "first", 6, 0, error), RECSYS_OK);
    assert_int_equal(recsys_cache_load_set(load, "second", 7, 0, error), RECSYS_E_STATE);
    return RECSYS_OK;
}

static void a_value_can_be_given_once(void **state)
{
    recsys_cache_entry *entry;

    (void)state;
    create(4, 1 << 20);
    assert_int_equal(
        recsys_cache_get_or_load(cache, "a", 1, set_twice, NULL, 0, &entry, NULL, &err), RECSYS_OK);
    recsys_cache_release(entry);
    assert_string_equal(get("a"), "first");
}

static void set_a(void)
{
    set("a", "newer");
}

static void remove_a(void)
{
    (void)!recsys_cache_remove(cache, "a", 1, NULL);
}

static void clear(void)
{
    recsys_cache_clear(cache);
}

static void too_large_for_a(void)
{
    char big[4096] = {0};

    assert_int_equal(recsys_cache_set(cache, "a", 1, big, (size_t)1 << 21, 0, NULL),
                     RECSYS_E_LIMIT);
}

static void what_changes_during_a_load_fences_its_value(void **state)
{
    void (*const changes[])(void) = {remove_a, clear, too_large_for_a};

    (void)state;
    create(4, 1 << 20);
    for (int i = 0; i < 3; i++) {
        struct plan plan = {.value = "old", .meanwhile = changes[i]};
        assert_int_equal(load_a(&plan), RECSYS_OK);
        assert_string_equal(loaded, "old");
        assert_null(get("a"));
    }
    struct plan plan = {.value = "old", .meanwhile = set_a};
    assert_int_equal(load_a(&plan), RECSYS_OK);
    assert_string_equal(loaded, "old");
    assert_string_equal(get("a"), "newer");
}

static void set_b(void)
{
    set("b", "other");
}

static void what_happens_to_other_keys_fences_nothing(void **state)
{
    struct plan plan = {.value = "loaded", .meanwhile = set_b};

    (void)state;
    create(1, 1 << 20);
    assert_int_equal(load_a(&plan), RECSYS_OK);
    assert_string_equal(get("a"), "loaded");
    assert_string_equal(get("b"), "other");
}

static void ask_for_a_again(void)
{
    recsys_cache_entry *entry;
    struct plan plan = {.value = "never"};

    assert_int_equal(
        recsys_cache_get_or_load(cache, "a", 1, follow_plan, &plan, 0, &entry, NULL, &err),
        RECSYS_E_INVALID);
    assert_null(entry);
    assert_int_equal(plan.n_calls, 0);
}

/* After a remove the running load is stale, so asking again is another load. */
static void remove_and_ask_for_a_again(void)
{
    recsys_cache_entry *entry;
    struct plan plan = {.value = "fresh"};

    remove_a();
    assert_int_equal(
        recsys_cache_get_or_load(cache, "a", 1, follow_plan, &plan, 0, &entry, NULL, &err),
        RECSYS_OK);
    recsys_cache_release(entry);
}

static void a_loader_that_asks_for_its_own_key_is_refused(void **state)
{
    struct plan plan = {.value = "loaded", .meanwhile = ask_for_a_again};
    struct plan stale = {.value = "stale", .meanwhile = remove_and_ask_for_a_again};

    (void)state;
    create(4, 1 << 20);
    assert_int_equal(load_a(&plan), RECSYS_OK);
    assert_string_equal(get("a"), "loaded");
    remove_a();
    assert_int_equal(load_a(&stale), RECSYS_OK);
    assert_string_equal(loaded, "stale");
    assert_string_equal(get("a"), "fresh");
}

static void a_loaded_value_too_large_is_handed_over_unkept(void **state)
{
    struct plan plan = {.size = (size_t)2 << 20};

    (void)state;
    create(4, 1 << 24);
    assert_int_equal(load_a(&plan), RECSYS_OK);
    assert_null(get("a"));
    plan.size = 300 << 10; /* within max_value_bytes, beyond a shard */
    recsys_cache_destroy(cache);
    create(4, 1 << 20);
    assert_int_equal(load_a(&plan), RECSYS_OK);
    assert_null(get("a"));
}

static void running_out_of_memory_anywhere_is_only_an_error(void **state)
{
    recsys_cache_options options = RECSYS_CACHE_OPTIONS_INIT;
    recsys_status status = RECSYS_E_NOMEM;

    (void)state;
    for (unsigned long n = 0; status != RECSYS_OK; n++) {
        n_allowed = n;
        status = recsys_cache_create(&options, &cache, &err);
        assert_true(status == RECSYS_OK || status == RECSYS_E_NOMEM);
        assert_true((cache != NULL) == (status == RECSYS_OK));
    }
    status = RECSYS_E_NOMEM;
    for (unsigned long n = 0; status != RECSYS_OK; n++) {
        struct plan plan = {.value = "loaded"};
        n_allowed = n;
        status = load_a(&plan);
        assert_true(status == RECSYS_OK || status == RECSYS_E_NOMEM);
    }
    n_allowed = ULONG_MAX;
    assert_string_equal(get("a"), "loaded");
}

#define T(test) cmocka_unit_test_teardown(test, tear_down)

int main(void)
{
    const recsys_allocator counted = {
        (uint32_t)sizeof counted, 0, counted_allocate, counted_resize, counted_release, NULL};
    const struct CMUnitTest tests[] = {
        T(what_is_set_is_found_until_it_is_removed),
        T(keys_and_values_are_bytes),
        T(values_are_aligned_for_anything),
        T(a_held_value_outlives_everything),
        T(arguments_are_checked),
        T(defaults_are_as_documented),
        T(a_value_expires_after_its_time),
        T(an_expired_value_cannot_be_removed),
        T(expired_values_nobody_asks_for_go_while_others_are_set),
        T(a_time_beyond_the_clock_means_for_ever),
        T(a_value_too_large_is_refused_and_takes_the_old_one_with_it),
        T(one_scan_does_not_empty_the_cache),
        T(newcomers_leave_in_the_order_they_came),
        T(what_comes_back_soon_after_it_left_stays),
        T(what_is_held_stays_and_nothing_else_fits_if_all_is),
        T(the_bound_holds_and_no_value_is_ever_wrong),
        T(a_hit_does_not_allocate),
        T(a_miss_loads_and_then_it_is_there),
        T(a_failure_is_told_and_not_kept),
        T(success_without_a_value_is_the_loaders_bug),
        T(a_value_can_be_given_once),
        T(what_changes_during_a_load_fences_its_value),
        T(what_happens_to_other_keys_fences_nothing),
        T(a_loader_that_asks_for_its_own_key_is_refused),
        T(a_loaded_value_too_large_is_handed_over_unkept),
        T(running_out_of_memory_anywhere_is_only_an_error),
    };

    if (recsys_alloc_set(&counted, NULL) != RECSYS_OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
