/* lib/aside/flush.c - wait until the invalidations that are remembered have reached the store.
 *
 * The store's probe sends them (rs_aside_tell), on whichever thread probes: here the waiting
 * caller does, or the host's thread with RECSYS_STORE_PROBED. A caller that waits ends the
 * breaker's pause once; afterwards the pauses hold, so that many waiting writers are no storm
 * of connections against a server that has just come back.
 */
#include <inttypes.h>
#include <string.h>

#include "lib/aside/aside.h"
#include "lib/base/error.h"
#include "lib/base/log.h"
#include "lib/store/store.h"

#define FIRST_STEP_MS 1u
#define LAST_STEP_MS 20u

/* RECSYS_OK if nothing is left. *problem keeps what the last attempt said, since "its pause is
 * not over" tells nobody anything. */
static recsys_status attempt(recsys_aside *aside, recsys_error *problem)
{
    recsys_error said = {0};

    if (rs_journal_count(&aside->journal) == 0)
        return RECSYS_OK;
    recsys_status status = recsys_store_probe(aside->store, &said);
    if (status != RECSYS_OK && (status != RECSYS_E_UNAVAILABLE || problem->status == RECSYS_OK))
        *problem = said;
    return rs_journal_count(&aside->journal) == 0 ? RECSYS_OK : RECSYS_E_TIMEOUT;
}

recsys_status recsys_aside_flush(recsys_aside *aside, uint32_t timeout_ms, recsys_error *err)
{
    recsys_error problem = {0};
    uint32_t step_ms = FIRST_STEP_MS;

    if (aside == NULL)
        return rs_error(err, RECSYS_E_INVALID, "recsys_aside_flush: the cache is NULL");
    recsys_status status = rs_store_check_fork(aside->store, err);
    if (status != RECSYS_OK || rs_journal_count(&aside->journal) == 0)
        return status;
    uint64_t now_us = rs_waiting_now_us(&aside->waiting), deadline_us = RECSYS_NEVER;
    if (timeout_ms != RECSYS_NEVER_32)
        deadline_us = now_us + (uint64_t)(timeout_ms == 0 ? 2000 : timeout_ms) * 1000u;
    rs_breaker_hurry(&aside->store->breaker);
    while (attempt(aside, &problem) != RECSYS_OK) {
        now_us = rs_waiting_now_us(&aside->waiting);
        if (now_us >= deadline_us)
            return rs_error(err, RECSYS_E_TIMEOUT,
                            "cache %s: %" PRIu32 " invalidations have not reached the store yet; "
                            "they are remembered, and sent before it is read again: %.300s",
                            aside->label, rs_journal_count(&aside->journal),
                            problem.message[0] == '\0' ? "it has not answered" : problem.message);
        uint64_t left_ms = (deadline_us - now_us + 999u) / 1000u;
        rs_waiting_sleep(&aside->waiting, left_ms < step_ms ? (uint32_t)left_ms : step_ms);
        step_ms = step_ms * 2 < LAST_STEP_MS ? step_ms * 2 : LAST_STEP_MS;
    }
    return RECSYS_OK;
}

void rs_aside_flush_at_end(recsys_aside *aside)
{
    recsys_error problem = {0};

    if (rs_journal_count(&aside->journal) == 0)
        return;
    rs_breaker_hurry(&aside->store->breaker);
    if (attempt(aside, &problem) != RECSYS_OK)
        rs_log(RECSYS_LOG_WARN,
               "cache %s ends with %" PRIu32 " invalidations that have not reached the store: "
               "other processes may read those values until their times to live end: %s",
               aside->label, rs_journal_count(&aside->journal), problem.message);
}
