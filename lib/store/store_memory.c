/* lib/store/store_memory.c - the store in this process: a driver over recsys_cache.
 *
 * A value that is handed out is the cache's own entry, with a reference until it is released: a hit
 * copies nothing. Conditional operations decide under the lock of the key's shard
 * (rs_cache_update).
 *
 * It never fails like a server, so its breaker never opens. Its incarnation is a new number: the
 * data does not outlive the process.
 *
 * A scan's cursor is the next bucket, with a bit set that no position reaches,
 * because 0 is the beginning and the end.
 */
#include <stdatomic.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/clock.h"
#include "lib/base/error.h"
#include "lib/base/gcra.h"
#include "lib/base/hash.h"
#include "lib/base/structs.h"
#include "lib/cache/entry.h"
#include "lib/cache/find.h"
#include "lib/cache/update.h"
#include "lib/cache/walk.h"
#include "lib/store/match.h"
#include "lib/store/store.h"
#include "recsys/store.h"

#define ENVELOPE_ROOM 1024u /* a value in its envelope may be that much larger */
#define SCANNING ((uint64_t)1 << 63)
#define STEPS_A_SCAN 8u /* of 32 buckets */
#define ENTRIES_A_STEP 64u
#define KEYS_A_STEP 64u
#define RATE_SLACK_MS 50u /* time to live beyond the bucket's, for clocks that run in steps */

struct memory {
    recsys_cache *cache;
    uint64_t incarnation;
    uint64_t (*now_ms)(void *user_data); /* of the options; NULL = the system's */
    void *user_data;
};

static void release_entry(void *hold)
{
    recsys_cache_release(hold);
}

static recsys_value value_of(recsys_cache_entry *entry)
{
    recsys_value value = {NULL, 0, entry, release_entry};

    value.data = recsys_cache_entry_get(entry, &value.size);
    return value;
}

static recsys_status memory_get(void *self, const recsys_bytes *keys, size_t n,
                                recsys_value *values, uint64_t *incarnation, recsys_error *err)
{
    const struct memory *memory = self;

    (void)err;
    while (n > 0) {
        recsys_cache_entry *entries[KEYS_A_STEP];
        size_t step = n < KEYS_A_STEP ? n : KEYS_A_STEP;
        rs_cache_find(memory->cache, keys, step, entries);
        for (size_t i = 0; i < step; i++)
            if (entries[i] != NULL)
                values[i] = value_of(entries[i]);
        keys += step;
        values += step;
        n -= step;
    }
    *incarnation = memory->incarnation;
    return RECSYS_OK;
}

static enum rs_verdict replace_absent(void *arg, const recsys_cache_entry *present,
                                      recsys_cache_entry *fresh)
{
    (void)fresh;
    *(int *)arg = present != NULL;
    return present == NULL ? RS_VERDICT_REPLACE : RS_VERDICT_KEEP;
}

static recsys_status memory_set(void *self, recsys_bytes key, recsys_bytes value, uint64_t ttl_ms,
                                uint32_t when, recsys_error *err)
{
    const struct memory *memory = self;
    int is_present = 0;
    const struct rs_update update = {
        .key = key,
        .value = value,
        .ttl_ms = ttl_ms,
        .decide = when == RECSYS_STORE_IF_ABSENT ? replace_absent : NULL,
        .arg = &is_present,
    };
    recsys_status status = rs_cache_update(memory->cache, &update, NULL, err);

    if (status == RECSYS_OK && is_present)
        status = rs_error(err, RECSYS_E_EXISTS, "in-process store: the key has a value");
    return status;
}

static recsys_status memory_get_or_set(void *self, recsys_bytes key, recsys_bytes value,
                                       uint64_t ttl_ms, recsys_value *present,
                                       uint64_t *incarnation, recsys_error *err)
{
    const struct memory *memory = self;
    recsys_cache_entry *entry = NULL;
    int is_present;
    const struct rs_update update = {
        .key = key,
        .value = value,
        .ttl_ms = ttl_ms,
        .decide = replace_absent,
        .arg = &is_present,
    };
    recsys_status status = rs_cache_update(memory->cache, &update, &entry, err);

    if (entry != NULL) { /* the key had an entry, so the new one was not needed */
        *present = value_of(entry);
        status = RECSYS_OK;
    }
    *incarnation = memory->incarnation;
    return status;
}

struct replacing {
    recsys_bytes prefix;
    int is_removal, was_it;
};

static enum rs_verdict replace_matching(void *arg, const recsys_cache_entry *present,
                                        recsys_cache_entry *fresh)
{
    struct replacing *replacing = arg;
    recsys_bytes prefix = replacing->prefix;
    size_t size;
    const void *value = recsys_cache_entry_get(present, &size);

    (void)fresh;
    replacing->was_it =
        present != NULL && size >= prefix.size && memcmp(value, prefix.data, prefix.size) == 0;
    if (!replacing->was_it)
        return RS_VERDICT_KEEP;
    return replacing->is_removal ? RS_VERDICT_REMOVE : RS_VERDICT_REPLACE;
}

static recsys_status memory_replace(void *self, recsys_bytes key, recsys_bytes prefix,
                                    recsys_bytes value, uint64_t ttl_ms, recsys_error *err)
{
    const struct memory *memory = self;
    struct replacing replacing = {prefix, value.data == NULL, 0};
    const struct rs_update update = {
        .key = key,
        .value = value,
        .ttl_ms = ttl_ms,
        .decide = replace_matching,
        .arg = &replacing,
    };
    recsys_status status = rs_cache_update(memory->cache, &update, NULL, err);

    if (status == RECSYS_OK && !replacing.was_it)
        status = rs_error(err, RECSYS_E_NOT_FOUND,
                          "in-process store: the key does not have the expected value");
    return status;
}

/* Is this what the key has? `seen` without an address: nothing. */
static int has_value(const struct memory *memory, recsys_bytes key, recsys_bytes seen)
{
    recsys_cache_entry *entry = NULL;
    size_t size = 0;

    if (recsys_cache_get(memory->cache, key, &entry, NULL) != RECSYS_OK)
        return seen.data == NULL;
    const void *value = recsys_cache_entry_get(entry, &size);
    int is_same = seen.data != NULL && size == seen.size && memcmp(value, seen.data, size) == 0;
    recsys_cache_release(entry);
    return is_same;
}

/* The companion alone; *was_it says if the conditions held. */
static recsys_status exchange_companion(const struct memory *memory,
                                        const recsys_exchange *exchange, int *was_it,
                                        recsys_error *err)
{
    int is_conditional = (exchange->flags & RECSYS_EXCHANGE_IF_SEEN) != 0;
    struct replacing replacing = {exchange->prefix, exchange->companion.data == NULL, 0};
    const struct rs_update update = {
        .key = exchange->companion_key,
        .value = exchange->companion,
        .ttl_ms = exchange->ttl_ms,
        .decide = is_conditional ? replace_matching : NULL,
        .arg = &replacing,
    };

    *was_it = !is_conditional || has_value(memory, exchange->key, exchange->seen);
    if (!*was_it)
        return RECSYS_OK;
    if (!is_conditional && replacing.is_removal) {
        recsys_cache_remove(memory->cache, exchange->companion_key, NULL);
        return RECSYS_OK;
    }
    recsys_status status = rs_cache_update(memory->cache, &update, NULL, err);
    *was_it = !is_conditional || replacing.was_it;
    return status;
}

/* The companion first, then the value, which is taken back if the companion has gone meanwhile.
 * So after a removal of both, companion first, neither is there. Nobody outside the library reads
 * the moment in between. */
static recsys_status memory_exchange(void *self, const recsys_exchange *exchange, recsys_error *err)
{
    const struct memory *memory = self;
    int was_it;
    recsys_status status = exchange_companion(memory, exchange, &was_it, err);

    if (status == RECSYS_OK && !was_it)
        status = rs_error(err, RECSYS_E_NOT_FOUND,
                          "in-process store: the keys do not have the expected values");
    if (status == RECSYS_OK && exchange->value.data != NULL)
        status = memory_set(self, exchange->key, exchange->value, exchange->ttl_ms,
                            RECSYS_STORE_ALWAYS, err);
    else if (status == RECSYS_OK)
        recsys_cache_remove(memory->cache, exchange->key, NULL);
    if (status != RECSYS_E_NOT_FOUND && exchange->value.data != NULL &&
        !has_value(memory, exchange->companion_key, exchange->companion))
        recsys_cache_remove(memory->cache, exchange->key, NULL);
    return status;
}

static recsys_status memory_remove(void *self, const recsys_bytes *keys, size_t n,
                                   uint64_t *n_removed, recsys_error *err)
{
    const struct memory *memory = self;

    (void)err;
    *n_removed = 0;
    for (size_t i = 0; i < n; i++)
        *n_removed += recsys_cache_remove(memory->cache, keys[i], NULL) == RECSYS_OK;
    return RECSYS_OK;
}

struct literals {
    const recsys_bytes *parts;
    size_t n;
};

static int accept_matching(void *arg, const recsys_cache_entry *entry)
{
    const struct literals *literals = arg;

    return rs_key_matches(rs_entry_key(entry), entry->key_size, literals->parts, literals->n);
}

/* Entries with a reference for a step of a scan, in `few` or, if they are more than that, in
 * `more`. */
struct held {
    recsys_cache_entry *few[ENTRIES_A_STEP], **more, **entries;
    size_t room, n;
};

/* Take references to matching entries of the next buckets. *position moves behind them. */
static recsys_status hold_some(recsys_cache *cache, struct literals *literals, struct held *held,
                               uint64_t *position, recsys_error *err)
{
    held->n = rs_cache_walk(cache, position, accept_matching, literals, held->entries, held->room);
    while (held->n > held->room) { /* a bucket so full that it needs more place */
        rs_free(held->more);
        held->room = held->n;
        held->n = 0;
        held->entries = held->more = rs_alloc_array(held->room, sizeof *held->more);
        if (held->more == NULL)
            return rs_error_nomem(err, "keys of a scan");
        held->n =
            rs_cache_walk(cache, position, accept_matching, literals, held->entries, held->room);
    }
    return RECSYS_OK;
}

/* Give the keys to the callback, without any lock, and release the entries. If the callback
 * stops, *position becomes the bucket of the first key that it did not get. */
static int show_keys(const recsys_cache *cache, const struct held *held, uint64_t *position,
                     recsys_key_callback callback, void *user_data)
{
    int enough = 0;

    for (size_t i = 0; i < held->n; i++) {
        recsys_cache_entry *entry = held->entries[i];
        if (!enough) {
            enough = callback((recsys_bytes){rs_entry_key(entry), entry->key_size}, user_data) != 0;
            if (enough && i + 1 < held->n)
                *position = rs_cache_position(cache, held->entries[i + 1]);
        }
        recsys_cache_release(entry);
    }
    return !enough;
}

static recsys_status memory_scan(void *self, const recsys_bytes *parts, size_t n, uint64_t *cursor,
                                 recsys_key_callback callback, void *user_data, recsys_error *err)
{
    recsys_cache *cache = ((const struct memory *)self)->cache;
    struct literals literals = {parts, n};
    struct held held = {.more = NULL, .entries = held.few, .room = ENTRIES_A_STEP};
    uint64_t end = rs_cache_positions(cache), position = *cursor & ~SCANNING;
    recsys_status status = RECSYS_OK;
    int goes_on = 1;

    if ((*cursor != 0 && (*cursor & SCANNING) == 0) || position >= end)
        return rs_error(err, RECSYS_E_INVALID,
                        "in-process store: the cursor does not come from a scan of this store");
    for (unsigned step = 0; goes_on && position < end && step < STEPS_A_SCAN; step++) {
        status = hold_some(cache, &literals, &held, &position, err);
        goes_on = status == RECSYS_OK && show_keys(cache, &held, &position, callback, user_data);
    }
    rs_free(held.more);
    *cursor = position < end ? position | SCANNING : 0;
    return status;
}

struct limiting {
    uint64_t now_us, emission_us;
    uint32_t burst, cost;
    recsys_rate_decision *out;
    int is_foreign;
};

static enum rs_verdict decide_rate(void *arg, const recsys_cache_entry *present,
                                   recsys_cache_entry *fresh)
{
    struct limiting *limiting = arg;
    uint64_t tat_us = 0;
    size_t size;
    const void *value = recsys_cache_entry_get(present, &size);

    limiting->is_foreign = present != NULL && size != sizeof tat_us;
    if (limiting->is_foreign || fresh == NULL)
        return RS_VERDICT_KEEP;
    if (present != NULL)
        memcpy(&tat_us, value, sizeof tat_us);
    tat_us = rs_gcra_decide(tat_us, limiting->now_us, limiting->emission_us, limiting->burst,
                            limiting->cost, limiting->out);
    if (!limiting->out->allowed)
        return RS_VERDICT_KEEP;
    memcpy(rs_entry_value(fresh), &tat_us, sizeof tat_us);
    fresh->expires_ms = rs_cache_expiry(fresh->expires_ms, limiting->out->reset_us / 1000u);
    return RS_VERDICT_REPLACE;
}

static recsys_status memory_rate_limit(void *self, recsys_bytes key, uint64_t emission_us,
                                       uint32_t burst, uint32_t cost, recsys_rate_decision *out,
                                       recsys_error *err)
{
    const struct memory *memory = self;
    uint64_t now_us =
        memory->now_ms == NULL ? rs_clock_ns() / 1000u : memory->now_ms(memory->user_data) * 1000u;
    struct limiting limiting = {
        .now_us = now_us,
        .emission_us = emission_us,
        .burst = burst,
        .cost = cost,
        .out = out,
    };
    const struct rs_update update = {
        .key = key,
        .value = {&now_us, sizeof now_us}, /* as large as the TAT that decide_rate writes there */
        .ttl_ms = RATE_SLACK_MS,           /* decide_rate adds the time until the bucket is full */
        .decide = decide_rate,
        .arg = &limiting,
    };
    recsys_status status = rs_cache_update(memory->cache, &update, NULL, err);

    if (status == RECSYS_OK && limiting.is_foreign)
        status =
            rs_error(err, RECSYS_E_INVALID, "in-process store: the key's value is no rate limit");
    return status;
}

static recsys_status memory_ping(void *self, recsys_error *err)
{
    (void)self;
    (void)err;
    return RECSYS_OK;
}

static void memory_destroy(void *self)
{
    struct memory *memory = self;

    recsys_cache_destroy(memory->cache);
    rs_free(memory);
}

static void memory_count(void *self, recsys_store_stats *out)
{
    const struct memory *memory = self;
    recsys_cache_stats stats = {.struct_size = (uint32_t)sizeof stats};

    if (recsys_cache_get_stats(memory->cache, &stats, NULL) != RECSYS_OK)
        return;
    out->entries = stats.entries;
    out->bytes = stats.bytes;
    out->max_bytes = stats.max_bytes;
    out->evictions = stats.evictions;
}

/* The hash is a permutation, so all numbers in a process differ, and its seed is random. */
static uint64_t make_incarnation(void)
{
    static atomic_uint_fast64_t n_made;
    uint64_t incarnation;

    do
        incarnation = rs_hash_number(atomic_fetch_add(&n_made, 1u), rs_hash_seed());
    while (incarnation == 0);
    return incarnation;
}

recsys_status recsys_store_create_memory(const char *name,
                                         const recsys_cache_options *cache_options,
                                         recsys_store **out, recsys_error *err)
{
    static const recsys_store_driver driver = {
        .struct_size = (uint32_t)sizeof driver,
        .get = memory_get,
        .set = memory_set,
        .remove = memory_remove,
        .get_or_set = memory_get_or_set,
        .replace = memory_replace,
        .exchange = memory_exchange,
        .scan = memory_scan,
        .rate_limit = memory_rate_limit,
        .ping = memory_ping,
        .destroy = memory_destroy,
    };

    recsys_store_options options = RECSYS_STORE_OPTIONS_INIT;
    recsys_cache_options given;

    if (out == NULL)
        return rs_error(err, RECSYS_E_INVALID, "recsys_store_create_memory: out is NULL");
    *out = NULL;
    recsys_status status =
        rs_struct_read(&given, sizeof given, cache_options, RECSYS_CACHE_OPTIONS_SIZE_V1,
                       "recsys_store_create_memory: cache_options", err);
    if (status != RECSYS_OK)
        return status;
    if (given.max_value_bytes == 0)
        given.max_value_bytes = (uint64_t)1 << 20;
    if (given.max_value_bytes < UINT64_MAX - ENVELOPE_ROOM)
        given.max_value_bytes += ENVELOPE_ROOM;
    struct memory *memory = rs_alloc_array(1, sizeof *memory);
    if (memory == NULL)
        return rs_error_nomem(err, "in-process store");
    status = recsys_cache_create(&given, &memory->cache, err);
    if (status != RECSYS_OK) {
        rs_free(memory);
        return status;
    }
    memory->now_ms = given.now_ms;
    memory->user_data = given.user_data;
    memory->incarnation = make_incarnation();
    options.ttl_ms = given.ttl_ms;
    status = recsys_store_create(name, &driver, memory, &options, out, err);
    if (status == RECSYS_OK) {
        (*out)->is_in_process = 1;
        (*out)->count = memory_count;
    }
    return status;
}
