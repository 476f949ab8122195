/* lib/aside/invalidate_keys.c - remove keys from the store, now or later.
 *
 * Invalidations that did not reach the store go into the journal. Then the store's
 * breaker is opened, so that no caller in this process reads an old value there.
 * When the store answers again, it gets the journal first (rs_aside_tell) and is
 * read afterwards.
 *
 * A process that was restarted while the store was away may have lost a journal
 * with its memory, and cannot know its content. So if the store fails before it
 * has ever been read, everything is invalidated when it is back.
 *
 * Flights of this process are unlisted last of all: later callers must not get
 * their answer, and need not wait for it.
 */
#include "lib/aside/aside.h"
#include "lib/store/store.h"

int rs_aside_is_away(recsys_status status)
{
    return status == RECSYS_E_UNAVAILABLE || rs_breaker_is_failure(status);
}

static recsys_status remove_batch(recsys_aside *aside, const recsys_bytes *keys, size_t n,
                                  recsys_error *err)
{
    recsys_status status = rs_entry_remove(aside, keys, n, NULL, err);

    if (status == RECSYS_E_IO) /* perhaps only a connection that the server had closed */
        status = rs_entry_remove(aside, keys, n, NULL, err);
    return status;
}

void rs_aside_remember(recsys_aside *aside, const recsys_bytes *keys, size_t n)
{
    int not_yet = RS_MET_NOT_YET;

    for (size_t i = 0; i < n; i++)
        rs_journal_add(&aside->journal, keys[i]);
    if (atomic_compare_exchange_strong(&aside->met, &not_yet, RS_MET_AWAY))
        rs_journal_add_all(&aside->journal);
    rs_store_trip(aside->store);
    rs_counts_breaker(&aside->counts, 1);
}

recsys_status rs_aside_invalidate_keys(recsys_aside *aside, const recsys_bytes *keys, size_t n,
                                       enum rs_operation operation)
{
    recsys_status worst = RECSYS_OK;

    for (size_t i = 0; i < n; i += RS_REMOVE_BATCH) {
        size_t n_batch = n - i < RS_REMOVE_BATCH ? n - i : RS_REMOVE_BATCH;
        recsys_status status = remove_batch(aside, keys + i, n_batch, NULL);
        if (status != RECSYS_OK) {
            rs_counts_error(&aside->counts, operation, status);
            rs_aside_remember(aside, keys + i, n_batch);
            worst = status;
        }
    }
    rs_counts_add(&aside->counts, RS_COUNT_INVALIDATIONS, n);
    for (size_t i = 0; i < n; i++)
        rs_flights_unlist(&aside->flights, keys[i]);
    return worst;
}

/* Send one step of the journal. *n is 0 if nothing was left. */
static recsys_status tell_some(recsys_aside *aside, size_t *n, recsys_error *err)
{
    recsys_bytes keys[RS_REMOVE_BATCH];
    recsys_status status;

    *n = 1;
    if (rs_journal_take_epoch(&aside->journal)) {
        status = rs_aside_new_epoch(aside, err);
        if (status != RECSYS_OK)
            rs_journal_add_all(&aside->journal);
        rs_journal_drop_epoch(&aside->journal);
        return status;
    }
    *n = rs_journal_take(&aside->journal, keys, RS_REMOVE_BATCH);
    if (*n == 0)
        return RECSYS_OK;
    status = remove_batch(aside, keys, *n, err);
    for (size_t i = 0; i < *n && status != RECSYS_OK; i++)
        rs_journal_add(&aside->journal, keys[i]);
    if (status == RECSYS_OK)
        rs_counts_add(&aside->counts, RS_COUNT_REPLAYED, *n);
    int is_refused = status != RECSYS_OK && status != RECSYS_E_NOMEM &&
                     status != RECSYS_E_EXHAUSTED && !rs_aside_is_away(status);
    if (is_refused) /* these keys, by a store that works */
        rs_journal_add_all(&aside->journal);
    rs_journal_drop(&aside->journal, keys, *n);
    return is_refused ? RECSYS_OK : status;
}

recsys_status rs_aside_tell(void *arg, recsys_error *err)
{
    recsys_aside *aside = arg;
    size_t n = 1;
    recsys_status status = RECSYS_OK;

    while (n > 0 && status == RECSYS_OK)
        status = tell_some(aside, &n, err);
    if (status == RECSYS_OK)
        rs_counts_breaker(&aside->counts, 0);
    else
        rs_counts_error(&aside->counts, RS_OPERATION_DELETE, status);
    return status;
}
