/* lib/cache/flight.c - one loader a key, however many threads ask.
 *
 * Who misses first lists a flight in the shard and runs the loader without
 * locks; whoever misses the same key meanwhile finds the flight and waits for
 * it. The flight's outcome, value or failure, goes to all who waited. Only a
 * value is kept, and only if nobody has set, removed or cleared the key since
 * the flight was listed: each of these unlists it. So a value that was read
 * before an invalidation is never stored after it, and who asks after the
 * invalidation does not join the old flight but starts one of his own.
 *
 * A loader that asks for the key it is loading would wait for itself; that is
 * noticed by the thread and refused. Two loaders that wait for each other's
 * keys are not noticed: give them a timeout.
 *
 * Time spent waiting is measured by the system's clock, never by the one in
 * the options. Flights are not counted in the cache's bytes.
 */
#include <errno.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/clock.h"
#include "lib/base/error.h"
#include "lib/base/hash.h"
#include "lib/cache/shard.h"

/* What the loader fills in; lives on the stack of who loads. */
struct recsys_cache_load {
    recsys_cache *cache;
    const void *key;
    size_t key_size;
    uint64_t hash;
    recsys_cache_entry *entry; /* one reference */
};

static struct rs_flight **find_flight(struct rs_shard *shard, const void *key, size_t key_size,
                                      uint64_t hash)
{
    for (struct rs_flight **link = &shard->flights; *link != NULL; link = &(*link)->next)
        if ((*link)->hash == hash && (*link)->key_size == key_size &&
            memcmp((*link)->key, key, key_size) == 0)
            return link;
    return NULL;
}

static void unlist(struct rs_flight **link)
{
    struct rs_flight *flight = *link;

    *link = flight->next;
    flight->listed = 0;
}

void rs_flight_fence(struct rs_shard *shard, const void *key, size_t key_size, uint64_t hash)
{
    struct rs_flight **link =
        shard->flights == NULL ? NULL : find_flight(shard, key, key_size, hash);

    if (link != NULL)
        unlist(link);
}

void rs_flight_fence_all(struct rs_shard *shard)
{
    while (shard->flights != NULL)
        unlist(&shard->flights);
}

/* Under the lock. Who leaves last destroys the flight, after the lock is given back. */
static void leave(struct rs_flight *flight, struct rs_flight **last)
{
    *last = --flight->refs == 0 ? flight : NULL;
}

static void destroy_flight(struct rs_flight *flight)
{
    if (flight == NULL)
        return;
    recsys_cache_release(flight->entry);
    rs_signal_destroy(&flight->done_signal);
    rs_free(flight);
}

static struct rs_flight *create_flight(const recsys_cache_load *load)
{
    struct rs_flight *flight = rs_alloc_array(1, sizeof *flight);

    if (flight == NULL || rs_signal_init(&flight->done_signal) != 0) {
        rs_free(flight);
        return NULL;
    }
    flight->hash = load->hash;
    flight->key = load->key;
    flight->key_size = load->key_size;
    flight->thread = rs_thread_self();
    flight->refs = 1;
    return flight;
}

recsys_status recsys_cache_load_set(recsys_cache_load *load, const void *value, size_t value_size,
                                    uint32_t ttl_ms, recsys_error *err)
{
    if (load == NULL || (value == NULL && value_size > 0))
        return rs_error(err, RECSYS_E_INVALID, "recsys_cache_load_set: an argument is missing");
    if (load->entry != NULL)
        return rs_error(err, RECSYS_E_STATE,
                        "recsys_cache_load_set: this load has been given its value already");
    uint64_t now = load->cache->now_ms(load->cache->user_data);
    load->entry = rs_entry_create(load->key, load->key_size, value, value_size, load->hash,
                                  rs_cache_expiry(now, ttl_ms == 0 ? load->cache->ttl_ms : ttl_ms));
    return load->entry != NULL ? RECSYS_OK : rs_error_nomem(err, "loaded value");
}

/* A status with a message, whatever the loader did. */
static recsys_status run_loader(recsys_cache_load *load, recsys_cache_loader loader,
                                void *user_data, recsys_error *problem)
{
    recsys_status status = loader(load, user_data, problem);

    if (status == RECSYS_OK && load->entry == NULL)
        return rs_error(problem, RECSYS_E_INTERNAL,
                        "cache: the loader returned success without recsys_cache_load_set()");
    if (status != RECSYS_OK && (problem->message[0] == '\0' || problem->status != status))
        rs_error(problem, status, "cache: the loader failed: %s", recsys_status_text(status));
    if (status != RECSYS_OK) {
        recsys_cache_release(load->entry);
        load->entry = NULL;
    }
    return status;
}

/* Load without the lock, then give the outcome to whoever waits. */
static recsys_status lead(recsys_cache_load *load, struct rs_flight *flight,
                          recsys_cache_loader loader, void *user_data, recsys_cache_entry **out,
                          recsys_error *err)
{
    recsys_cache *cache = load->cache;
    struct rs_shard *shard = rs_cache_shard(cache, load->hash);
    recsys_cache_entry *dead = NULL;
    struct rs_flight *last;
    recsys_error problem = {0};
    recsys_status status = run_loader(load, loader, user_data, &problem);
    uint64_t now = cache->now_ms(cache->user_data);

    rs_lock_take(&shard->lock);
    shard->loads++;
    shard->load_failures += status != RECSYS_OK;
    if (status == RECSYS_OK) {
        /* One reference is ours, to hand out; the flight gets one, the shard another. */
        atomic_fetch_add_explicit(&load->entry->refs, 1u, memory_order_relaxed);
        flight->entry = load->entry;
        *out = load->entry;
        if (flight->listed && load->entry->value_size <= cache->max_value_bytes) {
            rs_shard_remove(shard, load->key, load->key_size, load->hash, now, &dead);
            atomic_fetch_add_explicit(&load->entry->refs, 1u, memory_order_relaxed);
            if (!rs_shard_add(shard, load->entry, now, &dead))
                atomic_fetch_sub_explicit(&load->entry->refs, 1u, memory_order_relaxed);
        }
    } else {
        flight->error = problem;
    }
    flight->status = status;
    flight->done = 1;
    if (flight->listed)
        unlist(find_flight(shard, load->key, load->key_size, load->hash));
    rs_signal_all(&flight->done_signal);
    leave(flight, &last);
    rs_lock_give(&shard->lock);

    destroy_flight(last);
    rs_shard_bury(dead);
    if (status != RECSYS_OK && err != NULL)
        *err = problem;
    return status;
}

/* With the lock held; gives it back. */
static recsys_status wait_for(struct rs_shard *shard, struct rs_flight *flight, uint32_t timeout_ms,
                              recsys_cache_entry **out, recsys_error *err)
{
    uint64_t deadline = rs_clock_ns() + (uint64_t)timeout_ms * 1000000u;
    struct rs_flight *last;
    recsys_status status;

    flight->refs++;
    while (!flight->done) {
        if (timeout_ms == 0)
            rs_signal_wait(&flight->done_signal, &shard->lock);
        else if (rs_signal_wait_until(&flight->done_signal, &shard->lock, deadline) != 0)
            break;
    }
    if (!flight->done) {
        status = rs_error(err, RECSYS_E_TIMEOUT,
                          "cache: another thread's loader has not answered in %u ms", timeout_ms);
    } else {
        status = flight->status;
        shard->shared++;
        *out = flight->entry;
        if (*out != NULL)
            atomic_fetch_add_explicit(&(*out)->refs, 1u, memory_order_relaxed);
        else if (err != NULL)
            *err = flight->error;
    }
    leave(flight, &last);
    rs_lock_give(&shard->lock);
    destroy_flight(last);
    return status;
}

/* A hit, or the flight to wait for, or the new one that is now listed. Under the lock. */
static uint32_t join(struct rs_shard *shard, const recsys_cache_load *load, uint64_t now,
                     struct rs_flight **flight, recsys_cache_entry **out, recsys_cache_entry **dead)
{
    *out = rs_shard_find(shard, load->key, load->key_size, load->hash, now, dead);
    if (*out != NULL) {
        shard->hits++;
        return RECSYS_CACHE_HIT;
    }
    struct rs_flight **running = find_flight(shard, load->key, load->key_size, load->hash);
    if (running != NULL) {
        *flight = *running;
        return RECSYS_CACHE_SHARED;
    }
    shard->misses++;
    *flight = create_flight(load);
    if (*flight != NULL) {
        (*flight)->listed = 1;
        (*flight)->next = shard->flights;
        shard->flights = *flight;
    }
    return RECSYS_CACHE_MISS;
}

recsys_status recsys_cache_get_or_load(recsys_cache *cache, const void *key, size_t key_size,
                                       recsys_cache_loader loader, void *user_data,
                                       uint32_t timeout_ms, recsys_cache_entry **out,
                                       uint32_t *outcome, recsys_error *err)
{
    recsys_cache_entry *dead = NULL;
    struct rs_flight *flight = NULL;
    recsys_status status = RECSYS_OK;

    if (out != NULL)
        *out = NULL;
    if (outcome != NULL)
        *outcome = 0;
    if (cache == NULL || key == NULL || key_size == 0 || loader == NULL || out == NULL)
        return rs_error(err, RECSYS_E_INVALID, "recsys_cache_get_or_load: an argument is missing");
    recsys_cache_load load = {cache, key, key_size, rs_hash_bytes(key, key_size, cache->seed),
                              NULL};
    uint64_t now = cache->now_ms(cache->user_data);
    struct rs_shard *shard = rs_cache_shard(cache, load.hash);

    rs_lock_take(&shard->lock);
    uint32_t how = join(shard, &load, now, &flight, out, &dead);
    if (how == RECSYS_CACHE_SHARED && rs_thread_is_self(flight->thread))
        status = rs_error(err, RECSYS_E_INVALID,
                          "cache: a loader must not ask for the key that it is loading");
    if (how == RECSYS_CACHE_SHARED && status == RECSYS_OK)
        status = wait_for(shard, flight, timeout_ms, out, err); /* gives the lock back */
    else
        rs_lock_give(&shard->lock);
    rs_shard_bury(dead);

    if (how == RECSYS_CACHE_MISS)
        status = flight == NULL ? rs_error_nomem(err, "loading into the cache")
                                : lead(&load, flight, loader, user_data, out, err);
    if (outcome != NULL)
        *outcome = how;
    return status;
}
