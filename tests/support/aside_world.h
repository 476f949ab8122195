/* tests/support/aside_world.h - a cache over a scripted store, a truth to load, and a clock that
 * tests move.
 *
 * Everything is in one struct and one thread: sleeping moves the clock, random
 * numbers come from a seed, and what other processes do is done by the store's
 * `watch`. The truth is one text under one key, with a version.
 */
#ifndef TESTS_SUPPORT_ASIDE_WORLD_H
#define TESTS_SUPPORT_ASIDE_WORLD_H

#include <stdint.h>

#include "recsys/aside.h"
#include "tests/support/scripted_store.h"

#define WORLD_KEY ((recsys_bytes){"user:profile:1", 14})

struct aside_world {
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
    void (*while_loading)(struct aside_world *world);
    /* of the last call */
    recsys_status status;
    uint32_t outcome;
    char value[64]; /* "" if there was none */
    recsys_error err;
};

/* Defaults for tests: no jitter, ttl 1000 ms, stale 500 ms, negative 200 ms, lease 100 ms. */
void world_options(struct aside_world *world, recsys_aside_options *options);
/* `failures` as for scripted_store_create(); options may be NULL. */
void world_create(struct aside_world *world, uint32_t failures,
                  const recsys_aside_options *options);
void world_destroy(struct aside_world *world);
/* Another process: a cache of its own over the same store, without scripted failures. */
recsys_aside *world_other(struct aside_world *world);

void world_set_truth(struct aside_world *world, const char *truth);
void world_pass(struct aside_world *world, uint64_t ms);

/* Call, keep what came of it in `world`, release the value; returns the value. */
const char *world_get(struct aside_world *world);
const char *world_load(struct aside_world *world);
const char *world_load_through(struct aside_world *world, recsys_aside *aside);
void world_invalidate(struct aside_world *world, recsys_aside *aside);
recsys_status world_loader(recsys_aside_load *load, void *user_data, recsys_error *err);
recsys_aside_stats world_stats(struct aside_world *world);
/* What is in the store under WORLD_KEY: 'V', 'L', 0 for nothing, or another first byte. */
int world_kind(struct aside_world *world);

#endif
