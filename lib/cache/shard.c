/* lib/cache/shard.c - a part of the cache: table, queues, eviction.
 *
 * S3-FIFO (Yang et al., "FIFO queues are all you need for cache eviction", SOSP 2023). New entries
 * enter the small queue, which has a tenth of the bytes. At its end, an entry that had a hit
 * meanwhile moves to the main queue; any other is evicted, and its hash is kept as a ghost. A key
 * that comes back while its ghost is kept enters the main queue at once. At the end of the main
 * queue an entry that had hits goes round again, once for each hit, at most three times.
 *
 * A hit therefore changes one byte and no links. Ghosts are a table of marks with four places a
 * hash, where a new mark replaces the oldest. A ghost is valid until as many new entries were
 * evicted after it as the shard has entries: about as long as in the paper's list.
 *
 * max_bytes bounds the sum of this shard's table and ghosts, which are made once, and the blocks of
 * all entries. Eviction passes over an entry that a caller holds, because that would free nothing;
 * if callers hold all that could be evicted, there is no room. An entry that was replaced, removed
 * or has expired while a caller holds it is not in the sum any more: it is that caller's memory.
 *
 * An expired entry is removed when somebody asks for it, at a queue's end, or by the sweep: each
 * add looks through two buckets.
 *
 * Every function is called with the shard's lock held. Entries that are taken out are handed out in
 * a list, to be freed after the lock is released.
 */
#include "lib/cache/shard.h"

#include <errno.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/refs.h"

#define MAX_ASKED 3u
#define BYTES_PER_BUCKET 512u /* 3 % for the tables; chains of two for entries of 256 bytes */
#define GHOST_PLACES 4u       /* divides the smallest number of buckets, 16 */

int rs_shard_init(struct rs_shard *shard, size_t max_bytes)
{
    size_t n = 16, tables;
    int result;

    memset(shard, 0, sizeof *shard);
    while (n * 2 <= max_bytes / BYTES_PER_BUCKET)
        n *= 2;
    tables = n * (sizeof *shard->buckets + sizeof *shard->ghosts) + sizeof *shard;
    shard->buckets = rs_alloc_array(n, sizeof *shard->buckets);
    shard->ghosts = rs_alloc_array(n, sizeof *shard->ghosts);
    shard->mask = n - 1;
    shard->max_bytes = max_bytes > tables ? max_bytes - tables : 0;
    result = shard->buckets == NULL || shard->ghosts == NULL ? ENOMEM : rs_lock_init(&shard->lock);
    if (result != 0) {
        rs_free(shard->ghosts);
        rs_free(shard->buckets);
    }
    return result;
}

void rs_shard_destroy(struct rs_shard *shard)
{
    recsys_cache_entry *dead = NULL;

    rs_shard_clear(shard, &dead);
    rs_shard_bury(dead);
    rs_lock_destroy(&shard->lock);
    rs_free(shard->ghosts);
    rs_free(shard->buckets);
}

void rs_shard_bury(recsys_cache_entry *dead)
{
    while (dead != NULL) {
        recsys_cache_entry *next = rs_link_get(&dead->next);
        recsys_cache_release(dead);
        dead = next;
    }
}

static struct rs_queue *queue_of(struct rs_shard *shard, const recsys_cache_entry *entry)
{
    return entry->queue == RS_QUEUE_SMALL ? &shard->small : &shard->main;
}

static void enqueue(struct rs_shard *shard, recsys_cache_entry *entry, enum rs_queue_name name)
{
    entry->queue = (uint8_t)name;
    struct rs_queue *queue = queue_of(shard, entry);
    entry->newer = NULL;
    entry->older = queue->newest;
    if (queue->newest != NULL)
        queue->newest->newer = entry;
    else
        queue->oldest = entry;
    queue->newest = entry;
    queue->bytes += rs_entry_bytes(entry->key_size, entry->value_size);
    queue->n++;
}

static void dequeue(struct rs_shard *shard, recsys_cache_entry *entry)
{
    struct rs_queue *queue = queue_of(shard, entry);

    *(entry->newer != NULL ? &entry->newer->older : &queue->newest) = entry->older;
    *(entry->older != NULL ? &entry->older->newer : &queue->oldest) = entry->newer;
    queue->bytes -= rs_entry_bytes(entry->key_size, entry->value_size);
    queue->n--;
    entry->queue = RS_QUEUE_NONE;
}

/* The link to `entry` becomes a link to the next one in its bucket. */
static void take_out(struct rs_shard *shard, rs_link *link, recsys_cache_entry **dead)
{
    recsys_cache_entry *entry = rs_link_get(link);

    rs_link_set(link, rs_link_get(&entry->next));
    dequeue(shard, entry);
    rs_link_set(&entry->next, *dead);
    *dead = entry;
}

static rs_link *link_of(struct rs_shard *shard, const recsys_cache_entry *entry)
{
    rs_link *link = &shard->buckets[entry->hash & shard->mask];

    for (recsys_cache_entry *other; (other = rs_link_get(link)) != entry;)
        link = &other->next;
    return link;
}

static rs_link *find_link(struct rs_shard *shard, recsys_bytes key, uint64_t hash)
{
    rs_link *link = &shard->buckets[hash & shard->mask];

    for (recsys_cache_entry *entry; (entry = rs_link_get(link)) != NULL; link = &entry->next)
        if (entry->hash == hash && entry->key_size == key.size &&
            memcmp(rs_entry_key(entry), key.data, key.size) == 0)
            return link;
    return NULL;
}

recsys_cache_entry *rs_shard_find(struct rs_shard *shard, recsys_bytes key, uint64_t hash,
                                  uint64_t now, recsys_cache_entry **dead)
{
    rs_link *link = find_link(shard, key, hash);

    if (link == NULL)
        return NULL;
    recsys_cache_entry *entry = rs_link_get(link);
    if (now >= entry->expires_ms) {
        shard->expirations++;
        take_out(shard, link, dead);
        return NULL;
    }
    if (entry->asked < MAX_ASKED)
        entry->asked++;
    rs_refs_take(&entry->refs);
    return entry;
}

int rs_shard_remove(struct rs_shard *shard, recsys_bytes key, uint64_t hash, uint64_t now,
                    recsys_cache_entry **dead)
{
    rs_link *link = find_link(shard, key, hash);

    if (link == NULL)
        return 0;
    int is_alive = now < rs_link_get(link)->expires_ms;
    shard->expirations += !is_alive;
    take_out(shard, link, dead);
    return is_alive;
}

static uint32_t ghost_mark(uint64_t hash)
{
    return (uint32_t)(hash >> 24) | 1u;
}

static struct rs_ghost *ghosts_of(const struct rs_shard *shard, uint64_t hash)
{
    return &shard->ghosts[hash & shard->mask & ~(uint64_t)(GHOST_PLACES - 1)];
}

static void remember(struct rs_shard *shard, uint64_t hash)
{
    struct rs_ghost *ghost = ghosts_of(shard, hash), *oldest = ghost;

    for (size_t i = 0; i < GHOST_PLACES && oldest->mark != 0; i++)
        if (ghost[i].mark == 0 ||
            shard->n_evicted - ghost[i].evicted > shard->n_evicted - oldest->evicted)
            oldest = &ghost[i];
    *oldest = (struct rs_ghost){ghost_mark(hash), shard->n_evicted++};
}

static int is_ghost(const struct rs_shard *shard, uint64_t hash)
{
    const struct rs_ghost *ghost = ghosts_of(shard, hash);

    for (size_t i = 0; i < GHOST_PLACES; i++)
        if (ghost[i].mark == ghost_mark(hash) &&
            shard->n_evicted - ghost[i].evicted <= shard->small.n + shard->main.n)
            return 1;
    return 0;
}

/* Evict the oldest of `queue`, or move it to the beginning of the main queue. */
static void evict_oldest(struct rs_shard *shard, struct rs_queue *queue, uint64_t now,
                         recsys_cache_entry **dead)
{
    recsys_cache_entry *entry = queue->oldest;
    int is_expired = now >= entry->expires_ms;
    /* acquire: the caller that held it last has finished reading before the block is freed.
     * While we have the lock, no other thread can take a reference. */
    int is_held = atomic_load_explicit(&entry->refs, memory_order_acquire) > 1u;

    if (is_held || (entry->asked > 0 && !is_expired)) {
        int is_newcomer = queue == &shard->small;
        if (is_newcomer)
            entry->asked = 0;
        else if (entry->asked > 0)
            entry->asked--;
        dequeue(shard, entry);
        enqueue(shard, entry, RS_QUEUE_MAIN);
        return;
    }
    if (is_expired)
        shard->expirations++;
    else
        shard->evictions++;
    if (queue == &shard->small && !is_expired)
        remember(shard, entry->hash);
    take_out(shard, link_of(shard, entry), dead);
}

static int make_room(struct rs_shard *shard, size_t bytes, uint64_t now, recsys_cache_entry **dead)
{
    /* Each entry can be passed over once in the small queue and four times in the main one; an
     * entry that is still there after that is held by a caller. */
    size_t patience = (MAX_ASKED + 2) * (shard->small.n + shard->main.n) + 1;

    if (bytes > shard->max_bytes)
        return 0;
    while (shard->small.bytes + shard->main.bytes > shard->max_bytes - bytes) {
        if (patience-- == 0)
            return 0;
        int from_small = shard->main.n == 0 ||
                         (shard->small.n > 0 && shard->small.bytes >= shard->max_bytes / 10);
        evict_oldest(shard, from_small ? &shard->small : &shard->main, now, dead);
    }
    return 1;
}

static void sweep(struct rs_shard *shard, uint64_t now, recsys_cache_entry **dead)
{
    for (int i = 0; i < 2; i++) {
        rs_link *link = &shard->buckets[shard->hand++ & shard->mask];
        for (recsys_cache_entry *entry; (entry = rs_link_get(link)) != NULL;) {
            if (now >= entry->expires_ms) {
                shard->expirations++;
                take_out(shard, link, dead);
            } else {
                link = &entry->next;
            }
        }
    }
}

int rs_shard_add(struct rs_shard *shard, recsys_cache_entry *entry, uint64_t now,
                 recsys_cache_entry **dead)
{
    sweep(shard, now, dead);
    int was_here = is_ghost(shard, entry->hash);
    if (!make_room(shard, rs_entry_bytes(entry->key_size, entry->value_size), now, dead))
        return 0;
    rs_link *bucket = &shard->buckets[entry->hash & shard->mask];
    rs_link_set(&entry->next, rs_link_get(bucket));
    rs_link_set(bucket, entry);
    enqueue(shard, entry, was_here ? RS_QUEUE_MAIN : RS_QUEUE_SMALL);
    return 1;
}

void rs_shard_clear(struct rs_shard *shard, recsys_cache_entry **dead)
{
    for (size_t i = 0; i <= shard->mask; i++)
        while (rs_link_get(&shard->buckets[i]) != NULL)
            take_out(shard, &shard->buckets[i], dead);
    memset(shard->ghosts, 0, (shard->mask + 1) * sizeof *shard->ghosts);
}
