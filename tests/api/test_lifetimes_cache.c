/* A cache, a store, what is built on it and what they hand out may be given back in any order: all
 * orders are tried, and what is left is looked at after each step. For ASan. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "recsys/recsys.h"
#include "tests/support/orders.h"

static recsys_error err;

/* Small, because there are thousands. */
static const recsys_cache_options small = {
    .struct_size = (uint32_t)sizeof small, .n_shards = 1, .max_bytes = 1 << 16};

enum what {
    CACHE,
    HELD,   /* an entry of the cache */
    STORE,  /* the caller's reference */
    STORED, /* a value that the store handed out */
    ASIDE,  /* on the same store */
    LOADED, /* a value that a loader brought */
    FOUND,  /* a value that the aside found in the store */
    N_WHATS
};

static struct fixture {
    recsys_cache *cache;
    recsys_cache_entry *held;
    recsys_store *store;
    recsys_aside *aside;
    recsys_value stored, loaded, found;
} fixture;

static recsys_bytes text(const char *text)
{
    return (recsys_bytes){text, strlen(text)};
}

static recsys_status load(recsys_aside_load *load, void *user_data, recsys_error *why)
{
    return recsys_aside_load_set(load, text(user_data), 0, 0, 0, why);
}

static void build(void)
{
    recsys_bytes key = text("plain");

    memset(&fixture, 0, sizeof fixture);
    assert_int_equal(recsys_cache_create(&small, &fixture.cache, &err), RECSYS_OK);
    assert_int_equal(recsys_cache_set(fixture.cache, text("k"), text("held"), 0, &err), RECSYS_OK);
    assert_int_equal(recsys_cache_get(fixture.cache, text("k"), &fixture.held, &err), RECSYS_OK);
    assert_int_equal(recsys_store_create_memory("s", &small, &fixture.store, &err), RECSYS_OK);
    assert_int_equal(recsys_store_set(fixture.store, key, text("stored"), 0, 0, &err), RECSYS_OK);
    assert_int_equal(recsys_store_get(fixture.store, &key, 1, &fixture.stored, NULL, &err),
                     RECSYS_OK);
    assert_int_equal(recsys_aside_create(fixture.store, NULL, &fixture.aside, &err), RECSYS_OK);
    assert_int_equal(recsys_aside_get_or_load(fixture.aside, text("a"), load, "loaded", 0,
                                              &fixture.loaded, NULL, &err),
                     RECSYS_OK);
    assert_int_equal(recsys_aside_get(fixture.aside, text("a"), &fixture.found, NULL, &err),
                     RECSYS_OK);
}

static void check_value(const recsys_value *value, const char *want)
{
    if (value->data == NULL)
        return;
    assert_int_equal(value->size, strlen(want));
    assert_memory_equal(value->data, want, value->size);
}

/* Whatever is still there works. */
static void check(void)
{
    recsys_value value;
    size_t size;

    if (fixture.held != NULL) {
        assert_memory_equal(recsys_cache_entry_get(fixture.held, &size), "held", 4);
        assert_int_equal(size, 4);
    }
    check_value(&fixture.stored, "stored");
    check_value(&fixture.loaded, "loaded");
    check_value(&fixture.found, "loaded");
    if (fixture.store != NULL)
        assert_int_equal(recsys_store_set(fixture.store, text("b"), text("v"), 0, 0, &err),
                         RECSYS_OK);
    if (fixture.aside != NULL) {
        assert_int_equal(
            recsys_aside_get_or_load(fixture.aside, text("c"), load, "more", 0, &value, NULL, &err),
            RECSYS_OK);
        check_value(&value, "more");
        recsys_value_release(&value);
    }
}

static void give_back(enum what what)
{
    switch (what) {
    case CACHE:
        recsys_cache_destroy(fixture.cache);
        break;
    case HELD:
        recsys_cache_release(fixture.held);
        fixture.held = NULL;
        break;
    case STORE:
        recsys_store_unref(fixture.store);
        fixture.store = NULL;
        break;
    case STORED:
        recsys_value_release(&fixture.stored);
        break;
    case ASIDE:
        recsys_aside_destroy(fixture.aside);
        fixture.aside = NULL;
        break;
    case LOADED:
        recsys_value_release(&fixture.loaded);
        break;
    default:
        recsys_value_release(&fixture.found);
        break;
    }
}

static void try_order(const unsigned *order, size_t n)
{
    build();
    check();
    for (size_t i = 0; i < n; i++) {
        give_back((enum what)order[i]);
        check();
    }
}

static void everything_may_be_given_back_in_any_order(void **state)
{
    (void)state;
    assert_int_equal(orders_try_all(N_WHATS, try_order), 5040);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_may_be_given_back_in_any_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
