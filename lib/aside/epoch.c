/* lib/aside/epoch.c - the epoch, in which a cached value is alive.
 *
 * An epoch is the XXH3-64 of eight random bytes under "~epoch", with the store's
 * incarnation as seed. Every value carries the epoch it was stored in and is dead
 * in any other one. So replacing the eight bytes ends all values at once, in all
 * processes. The incarnation is part of it because a restarted server may bring
 * back values that were removed; these must stay dead.
 *
 * An epoch key that is gone (evicted, flushed) is made again with other bytes; its
 * old value is never assumed.
 */
#include "lib/aside/aside.h"
#include "lib/base/hash.h"

uint64_t rs_epoch_of(const unsigned char bytes[RS_EPOCH_SIZE], uint64_t incarnation)
{
    uint64_t epoch = rs_hash_bytes(bytes, RS_EPOCH_SIZE, incarnation);

    return epoch == 0 ? 1 : epoch; /* 0 says that there is none */
}

recsys_status rs_aside_new_epoch(recsys_aside *aside, recsys_error *err)
{
    uint64_t epoch = rs_aside_random(aside);

    recsys_status status = recsys_store_set(
        aside->store, (recsys_bytes){RS_EPOCH_KEY, sizeof RS_EPOCH_KEY - 1},
        (recsys_bytes){&epoch, sizeof epoch}, RECSYS_NEVER, RECSYS_STORE_ALWAYS, err);
    if (status == RECSYS_OK)
        rs_counts_add(&aside->counts, RS_COUNT_EPOCHS, 1);
    return status;
}

recsys_status rs_aside_make_epoch(recsys_aside *aside, int is_damaged, recsys_error *err)
{
    uint64_t epoch = rs_aside_random(aside);

    if (is_damaged)
        return rs_aside_new_epoch(aside, err);
    recsys_status status = recsys_store_set(
        aside->store, (recsys_bytes){RS_EPOCH_KEY, sizeof RS_EPOCH_KEY - 1},
        (recsys_bytes){&epoch, sizeof epoch}, RECSYS_NEVER, RECSYS_STORE_IF_ABSENT, err);
    return status == RECSYS_E_EXISTS ? RECSYS_OK : status; /* another made one */
}
