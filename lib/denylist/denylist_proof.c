/* lib/denylist/denylist_proof.c - the revision in the store, and why it is safe to trust it.
 *
 * `blacklist~revision` holds a proof "nothing was revoked after revision r". A process that finds
 * one with the revision up to which its own list is complete need not ask the database. The key is
 * in one of four states, for all processes together:
 *
 *   state    event                                  next     done by
 *   EMPTY    a reading begins                       CLAIM    begin: puts a claim there
 *   EMPTY    a reading ends                         EMPTY    end: what it saw is gone
 *   CLAIM    a reading begins                       CLAIM    begin: remembers what it sees
 *   CLAIM    a reading ends that saw this value     PROOF    end: exchanges the claim for a proof
 *   CLAIM    a reading ends that saw another value  CLAIM    end: its exchange is refused
 *   PROOF    a reading begins                       PROOF    begin: remembers what it sees
 *   PROOF    a check                                PROOF    holds: trusts it or not
 *   PROOF    a reading ends that saw this value     PROOF    end: exchanges it for a new one
 *   PROOF    a reading ends that saw another value  PROOF    end: its exchange is refused
 *   any      withdrawn, or PROOF_MS are over        EMPTY    withdraw, or the store
 *   FOREIGN  a reading begins                       EMPTY    begin: removes it, proves nothing
 *
 * After revoke() has returned no process may find a proof from before. Four rules see to it:
 *
 * 1. Every value of the key is unlike any other ever written (it has a random name) and lives
 *    PROOF_MS. A proof is written only in exchange for a value that was seen BEFORE the database
 *    was read.
 * 2. revoke() removes the key after its commit. A reading that did not see the commit began before
 *    it; the value that it saw is gone, its exchange fails. A reading that finds the key empty
 *    afterwards reads the database later, and sees the commit.
 * 3. If the store does not answer, others may still reach it, and the key cannot be removed. But a
 *    reading that did not see the commit has seen its value before it, which is gone PROOF_MS
 *    after the commit at the latest; the proof exchanged for it is gone another PROOF_MS later. So
 *    revoke() waits for 2 * PROOF_MS, trying again meanwhile, and all old proofs are gone.
 * 4. A store that restarts or fails over may bring back what was removed. A proof carries the
 *    incarnation in which its predecessor was seen, and counts in that incarnation alone. The same
 *    goes for the history of the database.
 *
 * The store's clock may be wrong but must not be set back by hand meanwhile, and the database must
 * be the primary: a replica may not have received the commit.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/hash.h"
#include "lib/base/trace.h"
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

/* clang-format off */
#define KEY_STATES(S) S(EMPTY) S(CLAIM) S(PROOF) S(FOREIGN)
/* clang-format on */
#define KEY_STATE(name) KEY_##name,
enum key_state { KEY_STATES(KEY_STATE) };

/* A claim is "L name", a proof "V incarnation history name revision". */
static enum key_state state_of(const recsys_value *value)
{
    const char *text = value->data;

    if (text == NULL)
        return KEY_EMPTY;
    if (value->size == CLAIM_SIZE && memcmp(text, "L ", 2) == 0)
        return KEY_CLAIM;
    if (value->size > REVISION_AT && value->size <= RS_PROOF_SIZE && memcmp(text, "V ", 2) == 0)
        return KEY_PROOF;
    return KEY_FOREIGN;
}

static void trace(const char *event, const char *result)
{
    rs_trace(RECSYS_TRACE_DENYLIST, "proof: %s: %s", event, result);
}

static void trace_state(const char *event, enum key_state state)
{
#define TEXT(name) #name,
    static const char *const names[] = {KEY_STATES(TEXT)};

    trace(event, names[state]);
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
    if (status != RECSYS_OK) {
        proof->size = 0;
        trace("a reading begins, the store failed", recsys_status_name(status));
        return;
    }
    enum key_state state = state_of(&present);
    if (state == KEY_CLAIM || state == KEY_PROOF) {
        memcpy(proof->seen, present.data, present.size);
        proof->size = present.size;
    } else if (state == KEY_FOREIGN) { /* which may never expire */
        proof->size = 0;
        status =
            recsys_store_remove(denylist->store, &rs_denylist_proof_key, 1, &(uint64_t){0}, NULL);
    }
    recsys_value_release(&present);
    trace_state("a reading begins", state);
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
    /* If it was exchanged by another one, or removed, that is no failure of this reading. */
    recsys_status status = recsys_store_replace(denylist->store, rs_denylist_proof_key,
                                                (recsys_bytes){proof->seen, proof->size},
                                                (recsys_bytes){text, (size_t)size}, PROOF_MS, NULL);
    trace("a reading ends, its exchange", recsys_status_name(status));
}

/* Is `text` this number, in digits of `base`? */
static int is_number(const char *text, size_t size, unsigned base, uint64_t number)
{
    while (size > 0) {
        if (text[--size] != "0123456789abcdef"[number % base])
            return 0;
        number /= base;
    }
    return number == 0;
}

int rs_denylist_proof_holds(const recsys_value *value, uint64_t incarnation, struct rs_point at)
{
    const char *text = value->data;

    /* Equal: where somebody has set the revision back by hand, a smaller one is not older. */
    return state_of(value) == KEY_PROOF && is_number(text + INCARNATION_AT, 16, 16, incarnation) &&
           is_number(text + HISTORY_AT, 16, 16, at.history) &&
           is_number(text + REVISION_AT, value->size - REVISION_AT, 10, at.revision);
}

void rs_denylist_proof_withdraw(struct recsys_denylist *denylist, uint64_t committed_ns)
{
    uint64_t n_removed, now = committed_ns;
    recsys_status status;

    while ((status = recsys_store_remove(denylist->store, &rs_denylist_proof_key, 1, &n_removed,
                                         NULL)) != RECSYS_OK &&
           (now = rs_clock_ns()) - committed_ns < WAIT_NS) {
        uint64_t left = WAIT_NS - (now - committed_ns);
        struct timespec pause = {.tv_nsec = (long)(left < RETRY_NS ? left : RETRY_NS)};
        nanosleep(&pause, NULL);
    }
    trace(status == RECSYS_OK ? "withdrawn" : "withdrawn by waiting", recsys_status_name(status));
}
