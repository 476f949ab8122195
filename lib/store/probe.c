/* lib/store/probe.c - find out whether the breaker of a store may close.
 *
 * First a ping, on a connection of its own. If the server answers, the tellers (store.h) send what
 * did not reach it: lost invalidations must arrive before anybody reads. Then the breaker closes.
 *
 * An invalidation that fails during the telling trips the breaker once more, and all tellers are
 * called again. That ends, because removals pass the open breaker as soon as the server has
 * answered (rs_breaker_passes): only those that were refused just before, or failed, are sent
 * again.
 */
#include "lib/base/alloc.h"
#include "lib/base/callback.h"
#include "lib/base/error.h"
#include "lib/base/log.h"
#include "lib/store/store.h"

#define MAX_ROUNDS 8 /* of telling, in one probe */

recsys_status rs_store_on_return(recsys_store *store,
                                 recsys_status (*tell)(void *arg, recsys_error *err), void *arg,
                                 recsys_error *err)
{
    struct rs_teller *teller = rs_alloc(sizeof *teller);

    if (teller == NULL)
        return rs_error_nomem(err, "what to do when a store returns");
    teller->tell = tell;
    teller->arg = arg;
    rs_lock_take(&store->telling);
    teller->next = store->tellers;
    store->tellers = teller;
    rs_lock_give(&store->telling);
    return RECSYS_OK;
}

void rs_store_cancel_return(recsys_store *store, const void *arg)
{
    /* In a forked child the lock may be held by a thread that the child does not have. The child
     * has only one thread. */
    int is_shared = rs_store_check_fork(store, NULL) == RECSYS_OK;

    if (is_shared)
        rs_lock_take(&store->telling);
    for (struct rs_teller **link = &store->tellers; *link != NULL;) {
        struct rs_teller *teller = *link;
        if (teller->arg == arg) {
            *link = teller->next;
            rs_free(teller);
        } else {
            link = &teller->next;
        }
    }
    if (is_shared)
        rs_lock_give(&store->telling);
}

void rs_store_trip(recsys_store *store)
{
    if (rs_breaker_trip(&store->breaker))
        rs_log(RECSYS_LOG_WARN,
               "store %s: circuit breaker open until invalidations have reached it", store->name);
}

static recsys_status tell_all(recsys_store *store, recsys_error *err)
{
    recsys_status status = RECSYS_OK;

    rs_lock_take(&store->telling);
    for (struct rs_teller *teller = store->tellers; teller != NULL && status == RECSYS_OK;
         teller = teller->next)
        status = teller->tell(teller->arg, err);
    rs_lock_give(&store->telling);
    return status;
}

recsys_status recsys_store_probe(recsys_store *store, recsys_error *err)
{
    recsys_error said = {0}, problem = {0}; /* it may have succeeded nevertheless */

    if (store == NULL)
        return rs_error(err, RECSYS_E_INVALID, "recsys_store_probe: store is NULL");
    recsys_status status = rs_store_check_fork(store, err);
    if (status != RECSYS_OK)
        return status;
    switch (rs_breaker_begin(&store->breaker)) {
    case RS_BREAKER_IS_CLOSED:
        return RECSYS_OK;
    case RS_BREAKER_RESTS:
        return rs_error(err, RECSYS_E_UNAVAILABLE,
                        "store %s: its pause is not over, or another thread is probing it",
                        store->name);
    case RS_BREAKER_PROBE:
        break;
    }
    status = store->driver.ping(store->self, &said);
    status = rs_callback_result(status, &said, &problem, "recsys_store_probe: the driver");
    for (int round = 0; status == RECSYS_OK && round < MAX_ROUNDS; round++) {
        uint64_t trips = rs_breaker_returning(&store->breaker);
        status = tell_all(store, &problem);
        if (status == RECSYS_OK && rs_breaker_close(&store->breaker, trips)) {
            rs_log(RECSYS_LOG_INFO, "store %s: in use again", store->name);
            return RECSYS_OK;
        }
    }
    rs_breaker_fail(&store->breaker);
    if (status == RECSYS_OK)
        status = rs_error(&problem, RECSYS_E_UNAVAILABLE,
                          "store %s: answers a ping, but other calls fail", store->name);
    if (err != NULL)
        *err = problem;
    return status;
}
