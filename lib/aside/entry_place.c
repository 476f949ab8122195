/* lib/aside/entry_place.c - where an entry's bytes are, in each of the two formats.
 *
 * FORMAT_ENVELOPE has one key: the lease, then the value in its envelope, with its identity.
 *
 * FORMAT_PLAIN has two. The value is under the key itself, as it is: other programs read it there,
 * remove it and put their own in its place. The companion is under a key of ours; there lies the
 * lease, then the head that would be the envelope's. It has a sum over the value, so a value that
 * it was not written with is noticed, and both change in one step. A lease is replaced only while
 * under the key is what was seen when it was taken: so another program that stores or removes a
 * value ends a load, too, unless nothing was there before and after. A dead value of ours is removed
 * when the lease takes its companion's place: beside a lease, or alone when that has expired, it
 * would be another program's, and a cache that trusts others would return it.
 *
 * The companion of "user:1" is "~{user:1}". In Redis Cluster what is in the braces decides where
 * a key is, so the two are together. A key that has such braces itself keeps them: the companion
 * of "{a}:1" is "~={a}:1". A program that looks for "user:*" or "*:1" does not find them.
 */
#include <string.h>

#include "lib/aside/aside.h"
#include "lib/store/store.h"

#define PAIRS_A_BATCH 32u

/* Does Redis Cluster look at a part of this key only? */
static int has_tag(recsys_bytes key)
{
    const char *bytes = key.data, *open = memchr(bytes, '{', key.size);

    if (open == NULL)
        return 0;
    const char *close = memchr(open, '}', key.size - (size_t)(open - bytes));
    return close != NULL && close > open + 1;
}

recsys_bytes rs_aside_fence(const recsys_aside *aside, recsys_bytes key, char text[RS_FENCE_MAX])
{
    if (!aside->is_plain)
        return key;
    text[0] = '~';
    text[1] = has_tag(key) ? '=' : '{';
    memcpy(text + 2, key.data, key.size);
    if (text[1] == '=')
        return (recsys_bytes){text, key.size + 2};
    text[key.size + 2] = '}';
    return (recsys_bytes){text, key.size + 3};
}

int rs_aside_entry_of(recsys_bytes fence, recsys_bytes *key)
{
    const char *bytes = fence.data;
    int is_tagged = fence.size > 3 && bytes[1] == '{' && bytes[fence.size - 1] == '}';

    if (fence.size < 3 || bytes[0] != '~' || (!is_tagged && bytes[1] != '='))
        return 0;
    *key = (recsys_bytes){bytes + 2, fence.size - (is_tagged ? 3 : 2)};
    return 1;
}

recsys_bytes rs_aside_side_key(const recsys_aside *aside, recsys_bytes key,
                               char text[RS_FENCE_MAX + 2])
{
    if (!aside->is_plain) {
        memcpy(text, key.data, key.size);
        memcpy(text + key.size, RS_SIDE_SUFFIX, sizeof RS_SIDE_SUFFIX - 1);
        return (recsys_bytes){text, key.size + sizeof RS_SIDE_SUFFIX - 1};
    }
    recsys_bytes fence = rs_aside_fence(aside, key, text + 1);
    text[0] = '~';
    text[1] = 'r';
    return (recsys_bytes){text, fence.size + 1};
}

int rs_aside_is_own(const recsys_aside *aside, const char *key, size_t size)
{
    if (size > 0 && key[0] == '~')
        return 1;
    return !aside->is_plain && size >= 2 && memcmp(key + size - 2, RS_SIDE_SUFFIX, 2) == 0;
}

/* -- put something into the place of an entry -- */

static recsys_status put_envelope(recsys_aside *aside, recsys_bytes key,
                                  const struct rs_place *place, recsys_bytes value, uint64_t ttl_ms,
                                  recsys_error *err)
{
    if (place == NULL)
        return recsys_store_set(aside->store, key, value, ttl_ms, RECSYS_STORE_ALWAYS, err);
    return recsys_store_replace(aside->store, key, place->prefix, value, ttl_ms, err);
}

static recsys_status put_pair(recsys_aside *aside, recsys_bytes key, const struct rs_place *place,
                              recsys_bytes text, recsys_bytes companion, uint64_t ttl_ms,
                              recsys_error *err)
{
    char fence[RS_FENCE_MAX];
    recsys_exchange exchange = {.key = key,
                                .companion_key = rs_aside_fence(aside, key, fence),
                                .value = text,
                                .companion = companion,
                                .ttl_ms = ttl_ms};

    if (place != NULL) {
        exchange.flags = RECSYS_EXCHANGE_IF_SEEN;
        exchange.prefix = place->prefix;
        exchange.seen = place->seen;
    }
    return rs_store_exchange(aside->store, &exchange, err);
}

recsys_status rs_entry_put(recsys_aside *aside, recsys_bytes key, const struct rs_place *place,
                           struct rs_image *image, struct rs_envelope *envelope, uint64_t epoch,
                           uint64_t ttl_ms, recsys_error *err)
{
    recsys_bytes text = {image->bytes + image->offset, image->size - image->offset};
    recsys_bytes companion = {image->bytes, image->offset};

    if (image->is_shown && aside->is_plain) {
        envelope->flags |= RS_ENVELOPE_BESIDE;
        text = (recsys_bytes){image->bytes + image->size, image->shown_size};
        companion.size = image->size;
    }
    envelope->value_size = image->size - image->offset;
    uint64_t ttl = rs_aside_stamp(aside, key, image->bytes, envelope, text, epoch, ttl_ms);
    if (!aside->is_plain)
        return put_envelope(aside, key, place, (recsys_bytes){image->bytes, image->size}, ttl, err);
    return put_pair(aside, key, place, text, companion, ttl, err);
}

recsys_status rs_entry_put_negative(recsys_aside *aside, recsys_bytes key,
                                    const struct rs_place *place, struct rs_envelope *envelope,
                                    uint64_t epoch)
{
    const struct rs_identity identity = rs_aside_identity(aside, key);
    const recsys_bytes nothing = {NULL, 0};
    unsigned char bytes[RS_ENVELOPE_HEAD + RS_LABEL_MAX + 1 + RECSYS_KEY_MAX];

    envelope->flags |= RS_ENVELOPE_NEGATIVE;
    envelope->value_size = 0;
    uint64_t ttl = rs_aside_stamp(aside, key, bytes, envelope, nothing, epoch,
                                  aside->negative_ttl_ms);
    recsys_bytes head = {bytes, rs_envelope_size(&identity, 0)};
    if (!aside->is_plain)
        return put_envelope(aside, key, place, head, ttl, NULL);
    return put_pair(aside, key, place, nothing, head, ttl, NULL);
}

recsys_status rs_entry_clear(recsys_aside *aside, recsys_bytes key, const struct rs_place *place)
{
    const recsys_bytes nothing = {NULL, 0};

    if (!aside->is_plain)
        return put_envelope(aside, key, place, nothing, 0, NULL);
    return put_pair(aside, key, place, nothing, nothing, 0, NULL);
}

recsys_status rs_entry_put_lease(recsys_aside *aside, recsys_bytes key,
                                 const struct rs_place *place, recsys_bytes lease)
{
    return put_pair(aside, key, place, (recsys_bytes){NULL, 0}, lease, aside->lease_ms, NULL);
}

/* -- remove -- */

/* Companions first: without its companion a value is another program's. Both go in one command. */
static recsys_status remove_pairs(recsys_aside *aside, const recsys_bytes *keys, size_t n,
                                  uint64_t *n_removed, recsys_error *err)
{
    char texts[PAIRS_A_BATCH][RS_FENCE_MAX];
    recsys_bytes both[2 * PAIRS_A_BATCH];
    recsys_status status = RECSYS_OK;

    for (size_t at = 0; at < n && status == RECSYS_OK;) {
        uint64_t n_gone = 0;
        size_t n_batch = n - at < PAIRS_A_BATCH ? n - at : PAIRS_A_BATCH;
        for (size_t i = 0; i < n_batch; i++) {
            both[2 * i] = rs_aside_fence(aside, keys[at + i], texts[i]);
            both[2 * i + 1] = keys[at + i];
        }
        status = recsys_store_remove(aside->store, both, 2 * n_batch, &n_gone, err);
        *n_removed += n_gone < n_batch ? n_gone : n_batch; /* one entry has one key or two */
        at += n_batch;
    }
    return status;
}

recsys_status rs_entry_remove(recsys_aside *aside, const recsys_bytes *keys, size_t n,
                              uint64_t *n_removed, recsys_error *err)
{
    uint64_t n_gone = 0;
    recsys_status status = aside->is_plain
                               ? remove_pairs(aside, keys, n, &n_gone, err)
                               : recsys_store_remove(aside->store, keys, n, &n_gone, err);

    if (n_removed != NULL)
        *n_removed = n_gone;
    return status;
}
