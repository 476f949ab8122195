/* Covers lib/cache: what is kept, for how long, what makes room. */
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

#include "recsys/cache.h"
#include "tests/support/bundle.h"
#include "tests/support/count_alloc.h"

static recsys_cache *cache;
static recsys_error err;
static uint64_t clock_ms;

/* -- what the tests are written in -- */

static recsys_bytes text(const char *text)
{
    return (recsys_bytes){text, text == NULL ? 0 : strlen(text)};
}

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
    count_alloc.n_allowed = ULONG_MAX;
    recsys_cache_destroy(cache);
    cache = NULL;
    return count_alloc.n_blocks == 0 ? 0 : -1;
}

static recsys_status set_bytes(const char *key, const void *value, size_t size)
{
    return recsys_cache_set(cache, text(key), (recsys_bytes){value, size}, 0, &err);
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
    recsys_status status = recsys_cache_get(cache, text(key), &entry, &err);

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

    assert_int_equal(recsys_cache_get(cache, text(key), &entry, &err), RECSYS_OK);
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
    assert_int_equal(recsys_cache_remove(cache, text("a"), &err), RECSYS_OK);
    assert_int_equal(recsys_cache_remove(cache, text("a"), &err), RECSYS_E_NOT_FOUND);
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
    assert_int_equal(recsys_cache_set(cache, (recsys_bytes){key, 3}, text(NULL), 0, &err),
                     RECSYS_OK);
    assert_int_equal(recsys_cache_get(cache, (recsys_bytes){longer, 4}, &entry, &err),
                     RECSYS_E_NOT_FOUND);
    assert_int_equal(recsys_cache_get(cache, (recsys_bytes){longer, 3}, &entry, &err), RECSYS_OK);
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
    assert_int_equal(recsys_cache_remove(cache, text("a"), &err), RECSYS_OK);
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
    assert_int_equal(recsys_cache_get(cache, text(""), &entry, &err), RECSYS_E_INVALID);
    assert_int_equal(recsys_cache_get(cache, (recsys_bytes){NULL, 1}, &entry, &err),
                     RECSYS_E_INVALID);
    assert_int_equal(recsys_cache_get(NULL, text("a"), &entry, &err), RECSYS_E_INVALID);
    assert_int_equal(recsys_cache_get(cache, text("a"), NULL, &err), RECSYS_E_INVALID);
    assert_int_equal(recsys_cache_set(cache, text(""), text("v"), 0, &err), RECSYS_E_INVALID);
    assert_int_equal(recsys_cache_set(cache, text("a"), (recsys_bytes){NULL, 1}, 0, &err),
                     RECSYS_E_INVALID);
    assert_int_equal(recsys_cache_remove(cache, text(""), &err), RECSYS_E_INVALID);
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
    assert_int_equal(recsys_cache_set(cache, text("b"), (recsys_bytes){"v", 2}, 50, &err),
                     RECSYS_OK);
    assert_int_equal(recsys_cache_set(cache, text("c"), text("v"), RECSYS_NEVER, &err), RECSYS_OK);
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
    assert_int_equal(recsys_cache_remove(cache, text("a"), &err), RECSYS_E_NOT_FOUND);
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
    count_alloc.n_allowed = 0;
    assert_int_equal(set_bytes("a", big, 100), RECSYS_E_NOMEM);
    count_alloc.n_allowed = ULONG_MAX;
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
                recsys_cache_set(cache, (recsys_bytes){&key, sizeof key},
                                 (recsys_bytes){value, n * sizeof *value}, 500, &err);
            assert_true(status == RECSYS_OK || status == RECSYS_E_LIMIT);
            version[key] = status == RECSYS_OK ? step : 0;
        } else if (what < 95) {
            recsys_cache_entry *entry;
            if (recsys_cache_get(cache, (recsys_bytes){&key, sizeof key}, &entry, NULL) ==
                RECSYS_OK) {
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
            recsys_status status =
                recsys_cache_remove(cache, (recsys_bytes){&key, sizeof key}, NULL);
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
    unsigned long before = count_alloc.n_calls;
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(recsys_cache_get(cache, text("a"), &entry, &err), RECSYS_OK);
        recsys_cache_release(entry);
        assert_int_equal(recsys_cache_get(cache, text("x"), &entry, &err), RECSYS_E_NOT_FOUND);
    }
    assert_int_equal(count_alloc.n_calls, before);
}

static void running_out_of_memory_anywhere_is_only_an_error(void **state)
{
    recsys_cache_options options = RECSYS_CACHE_OPTIONS_INIT;
    recsys_status status = RECSYS_E_NOMEM;

    (void)state;
    for (unsigned long n = 0; status != RECSYS_OK; n++) {
        count_alloc.n_allowed = n;
        status = recsys_cache_create(&options, &cache, &err);
        assert_true(status == RECSYS_OK || status == RECSYS_E_NOMEM);
        assert_true((cache != NULL) == (status == RECSYS_OK));
    }
    status = RECSYS_E_NOMEM;
    for (unsigned long n = 0; status != RECSYS_OK; n++) {
        count_alloc.n_allowed = n;
        status = set_bytes("a", "stored", sizeof "stored");
        assert_true(status == RECSYS_OK || status == RECSYS_E_NOMEM);
    }
    count_alloc.n_allowed = ULONG_MAX;
    assert_string_equal(get("a"), "stored");
}

#define T(test) cmocka_unit_test_teardown(test, tear_down)

int main(void)
{
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
        T(running_out_of_memory_anywhere_is_only_an_error),
    };

    if (count_alloc_install() != 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
