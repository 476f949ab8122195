/* tests/support/aside_fixture.h - a cache over a scripted store, a truth to load, and a clock that
 * tests move.
 *
 * Everything is in one struct and one thread: sleeping moves the clock, random
 * numbers come from a seed, and what other processes do is done by the store's
 * `watch`. The truth is one text under one key, with a version.
 */
#ifndef TESTS_SUPPORT_ASIDE_FIXTURE_H
#define TESTS_SUPPORT_ASIDE_FIXTURE_H

#include <stdint.h>

#include "recsys/aside.h"
#include "tests/support/scripted_store.h"

#define FIXTURE_KEY ((recsys_bytes){"user:profile:1", 14})

struct aside_fixture {
    struct scripted_store script;
    recsys_store *store;
    recsys_aside *aside;
    char truth[64]; /* "" = there is none */
    uint64_t version;
    unsigned n_loads, n_sleeps;
    recsys_status load_status; /* the loader fails with it */
    uint32_t load_ms;          /* the loader takes so long */
    uint32_t load_ttl_ms, load_flags;
    uint64_t random;
    double unit; /* when not negative: what random numbers between 0 and 1 are */
    void (*while_loading)(void);
    /* of the last call */
    recsys_status status;
    uint32_t outcome;
    char value[64]; /* "" if there was none */
    recsys_error err;
};

/* The one of the program. Callbacks need no user data. */
extern struct aside_fixture fixture;

/* For cmocka: make it new for each test, with the defaults, and look at the last call. */
int fixture_set_up(void **state);
int fixture_tear_down(void **state);
void fixture_create_again(const recsys_aside_options *options);
void fixture_assert_outcome(recsys_status status, uint32_t outcome);

/* Defaults for tests: no jitter, ttl 1000 ms, stale 500 ms, negative 200 ms, lease 100 ms. */
void fixture_options(recsys_aside_options *options);
/* `failures` as for scripted_store_create(); options may be NULL. */
void fixture_create(uint32_t failures, const recsys_aside_options *options);
void fixture_destroy(void);
/* Another process: a cache of its own over the same store, without scripted failures. */
recsys_aside *fixture_other(void);

void fixture_set_truth(const char *truth);
void fixture_pass(uint64_t ms);

/* Call, keep what came of it in `fixture`, release the value; returns the value. */
const char *fixture_get(void);
const char *fixture_load(void);
const char *fixture_load_through(recsys_aside *aside);
void fixture_invalidate(recsys_aside *aside);
recsys_status fixture_loader(recsys_aside_load *load, void *user_data, recsys_error *err);
recsys_aside_stats fixture_stats(void);
/* For while_loading, once: another process changes the truth to "two" and invalidates. */
void fixture_change_elsewhere(void);
/* The first byte of the store's value under FIXTURE_KEY: 'V', 'L', or another; 0 for nothing. */
int fixture_kind(void);

#endif
