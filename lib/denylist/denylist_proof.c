/* lib/denylist/denylist_proof.c - the revision in the store, and why it may be believed.
 *
 * `blacklist~revision` holds a proof "nothing was revoked after revision r". Who
 * finds one with the revision up to which his own list is complete need not ask
 * the database. So after revoke() has returned nobody may find an older one:
 *
 * 1. Every value of the key is unlike any other ever written (it has a random
 *    name) and lives PROOF_MS. A proof is written only in exchange for a value
 *    that was seen BEFORE the database was read: another proof, somebody's claim,
 *    or, if there was nothing, a claim put there for the purpose.
 * 2. revoke() removes the key after its commit. A reading that did not see the
 *    commit began before it; what it has seen is gone, its exchange fails. One
 *    that finds the key empty afterwards reads the database later, and sees it.
 * 3. If the store does not answer, others may still reach it, and the key cannot
 *    be removed. But a reading that did not see the commit has seen its value
 *    before it, which is gone PROOF_MS after the commit at the latest; the proof
 *    exchanged for it is gone another PROOF_MS later. So revoke() waits for
 *    2 * PROOF_MS, trying again meanwhile, and all old proofs are gone.
 * 4. A store that restarts or fails over may bring back what was removed. A
 *    proof carries the incarnation in which its predecessor was seen, and counts in
 *    that incarnation alone. So it does with the history of the database.
 *
 * The store's clock may be wrong but must not be set back by hand meanwhile, and
 * the database must be the primary: a replica may not have heard of the commit.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/hash.h"
#include "lib/denylist/denylist.h"

#define PROOF_MS 1000u
#define WAIT_NS ((2u * PROOF_MS + 100u) * (uint64_t)1000000u) /* 100 ms for clocks that drift */
#define RETRY_NS 50000000u

#define NAME "%016" PRIx64 "%08" PRIx32 "%08" PRIx32
#define CLAIM_SIZE (2 + 32)
#define INCARNATION_AT 2
#define HISTORY_AT (INCARNATION_AT + 16 + 1)
#define REVISION_AT (HISTORY_AT + 16 + 1 + 32 + 1)

const recsys_bytes rs_denylist_proof_key = {"blacklist~revision", 18};

/* Unlike any other: random for each process; a forked one has another number. */
struct name {
    uint64_t random;
    uint32_t process, number;
};

static struct name make_name(struct recsys_denylist *denylist)
{
    uint64_t number = atomic_fetch_add_explicit(&denylist->n_proofs, 1, memory_order_relaxed);

    return (struct name){
        rs_hash_number(rs_clock_ns() ^ (uint64_t)(uintptr_t)denylist, rs_hash_seed() ^ number),
        (uint32_t)getpid(), (uint32_t)number};
}

/* Read 16 lower case hexadecimal digits, or a whole decimal number. */
static int read_number(const char *text, size_t size, unsigned base, uint64_t *out)
{
    *out = 0;
    for (size_t i = 0; i < size; i++) {
        const char *digits = "0123456789abcdef", *digit = memchr(digits, text[i], base);
        if (digit == NULL || *out > (UINT64_MAX - 15) / base)
            return 0;
        *out = *out * base + (uint64_t)(digit - digits);
    }
    return size > 0;
}

/* 1 if the value is one of ours: "L name" or "V incarnation history name revision". */
static int is_ours(const recsys_value *value)
{
    const char *text = value->data;

    return (value->size == CLAIM_SIZE && memcmp(text, "L ", 2) == 0) ||
           (value->size > REVISION_AT && value->size <= RS_PROOF_SIZE &&
            memcmp(text, "V ", 2) == 0);
}

void rs_denylist_proof_begin(struct recsys_denylist *denylist, struct rs_proof *proof)
{
    struct name name = make_name(denylist);
    recsys_value present = {0};

    proof->size = CLAIM_SIZE;
    snprintf(proof->seen, sizeof proof->seen, "L " NAME, name.random, name.process, name.number);
    recsys_status status = recsys_store_get_or_set(denylist->store, rs_denylist_proof_key,
                                                   (recsys_bytes){proof->seen, proof->size},
                                                   PROOF_MS, &present, &proof->incarnation, NULL);
    if (status == RECSYS_OK && present.data != NULL && is_ours(&present)) {
        memcpy(proof->seen, present.data, present.size);
        proof->size = present.size;
    } else if (status == RECSYS_OK && present.data != NULL) {
        /* A stranger's, which may never expire. */
        status =
            recsys_store_remove(denylist->store, &rs_denylist_proof_key, 1, &(uint64_t){0}, NULL);
        proof->size = 0;
    } else if (status != RECSYS_OK) {
        proof->size = 0;
    }
    recsys_value_release(&present);
}

void rs_denylist_proof_end(struct recsys_denylist *denylist, const struct rs_proof *proof,
                           struct rs_point at)
{
    struct name name = make_name(denylist);
    char text[RS_PROOF_SIZE];

    if (proof->size == 0)
        return;
    int size = snprintf(text, sizeof text, "V %016" PRIx64 " %016" PRIx64 " " NAME " %" PRIu64,
                        proof->incarnation, at.history, name.random, name.process, name.number,
                        at.revision);
    /* That it was exchanged by another, or removed, is as good. */
    recsys_status status = recsys_store_replace(denylist->store, rs_denylist_proof_key,
                                                (recsys_bytes){proof->seen, proof->size},
                                                (recsys_bytes){text, (size_t)size}, PROOF_MS, NULL);
    (void)status;
}

int rs_denylist_proof_holds(const recsys_value *value, uint64_t incarnation, struct rs_point at)
{
    const char *text = value->data;
    uint64_t its_incarnation, its_history, its_revision;

    /* Equal: where somebody has set the revision back by hand, a smaller one is not older. */
    return text != NULL && is_ours(value) && *text == 'V' &&
           read_number(text + INCARNATION_AT, 16, 16, &its_incarnation) &&
           its_incarnation == incarnation && read_number(text + HISTORY_AT, 16, 16, &its_history) &&
           its_history == at.history &&
           read_number(text + REVISION_AT, value->size - REVISION_AT, 10, &its_revision) &&
           its_revision == at.revision;
}

void rs_denylist_proof_withdraw(struct recsys_denylist *denylist, uint64_t committed_ns)
{
    uint64_t n_removed;

    while (recsys_store_remove(denylist->store, &rs_denylist_proof_key, 1, &n_removed, NULL) !=
           RECSYS_OK) {
        uint64_t now = rs_clock_ns();
        if (now - committed_ns >= WAIT_NS)
            return;
        uint64_t left = WAIT_NS - (now - committed_ns);
        struct timespec pause = {.tv_nsec = (long)(left < RETRY_NS ? left : RETRY_NS)};
        nanosleep(&pause, NULL);
    }
}
