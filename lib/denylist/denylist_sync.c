/* lib/denylist/denylist_sync.c - read new revocations from the database, one reader at a time.
 *
 * A revocation takes the next revision by updating the one row of
 * auth_db.revocation, whose lock it keeps until it commits: revisions become
 * visible in their order. One statement reads that row and the tokens beyond
 * the known revision; it sees one moment of the database, so together they
 * say that the set is now complete up to the revision in the row. A batch that
 * comes back full may not be all there is: then it is complete up to the last
 * token of the batch.
 *
 * Readings have numbers. A caller that comes while one runs cannot use it, since
 * the statement may have read before the call. It waits for the next reading, which
 * one of the waiting callers does for all of them. So each process sends one
 * statement at a time to the database, however many requests there are. Callers give
 * the database different times; one that took part in a reading that was given less
 * time than the caller has does not fail with it.
 *
 * A failover that loses the last commits, or a restored backup, brings the
 * revision back to where it was, from where it counts on: a number we know may
 * come to mean something else. So the statement also returns the history: which
 * cluster, which of its timelines (a promotion begins a new one), which table. If the
 * history has changed, reading begins from the start, and the set keeps its tokens. A
 * replica may not have the newest commit; its result is refused.
 */
#include <inttypes.h>

#include "lib/base/clock.h"
#include "lib/base/error.h"
#include "lib/base/hash.h"
#include "lib/base/log.h"
#include "lib/denylist/denylist.h"

#define BATCH 4096

/* Until the first checkpoint after a promotion the new timeline stands in
 * min_recovery_end_timeline alone. */
static const char read_statement[] =
    "SELECT r.revision AS newest, s.system_identifier::text || '/' ||"
    " greatest(c.timeline_id, m.min_recovery_end_timeline) || '/' || r.tableoid AS history,"
    " pg_is_in_recovery() AS is_replica, t.jti, t.revision, t.expires_s, t.before_s"
    " FROM auth_db.revocation r CROSS JOIN pg_control_system() s"
    " CROSS JOIN pg_control_checkpoint() c CROSS JOIN pg_control_recovery() m LEFT JOIN"
    " (SELECT jti, revision, ceil(extract(epoch FROM expires_at))::bigint AS expires_s,"
    " NULL::bigint AS before_s FROM auth_db.revoked_tokens"
    " WHERE revision > $1 AND expires_at > now() - interval '11 minutes'"
    " UNION ALL SELECT user_id, revision, NULL,"
    " ceil(extract(epoch FROM issued_before))::bigint FROM auth_db.revoked_users"
    " WHERE revision > $1"
    " ORDER BY revision LIMIT $2) t ON true ORDER BY t.revision";

/* Of a user, JTI is the id, and BEFORE is there. */
enum { NEWEST, HISTORY, IS_REPLICA, JTI, REVISION, EXPIRES, BEFORE };

struct reading {
    struct rs_point since, upto; /* the set was, and will be, complete up to these */
    int complete;
};

/* The point of the database. In another history, or before the known point, reading cannot go on
 * from `at`. */
static recsys_status read_point(const recsys_rows *rows, struct rs_point *at, recsys_error *err)
{
    recsys_datum newest = recsys_rows_get(rows, 0, NEWEST);
    recsys_datum history = recsys_rows_get(rows, 0, HISTORY);

    if (newest.type != RECSYS_TYPE_INTEGER || newest.number < 0 || history.type != RECSYS_TYPE_TEXT)
        return rs_error(err, RECSYS_E_BACKEND,
                        "cannot read revoked tokens: auth_db.revocation has no row; apply the "
                        "migration");
    if (recsys_rows_get(rows, 0, IS_REPLICA).number != 0)
        return rs_error(err, RECSYS_E_BACKEND,
                        "cannot read revoked tokens from a replica, which may not know the last "
                        "ones; connect to the primary");
    at->revision = (uint64_t)newest.number;
    at->history = rs_hash_bytes(history.text, history.size, 0) | 1u; /* the same in all processes */
    return RECSYS_OK;
}

/* One row into its set, the lock held. */
static recsys_status take_row(struct recsys_denylist *denylist, const recsys_rows *rows, size_t row,
                              uint64_t now_ms)
{
    recsys_datum jti = recsys_rows_get(rows, row, JTI);
    recsys_datum expires = recsys_rows_get(rows, row, EXPIRES);
    recsys_datum before = recsys_rows_get(rows, row, BEFORE);
    uint64_t expires_ms = expires.number < 0 ? 0 : (uint64_t)expires.number * 1000u;
    const recsys_bytes name = {jti.text, jti.size};

    if (before.type == RECSYS_TYPE_INTEGER)
        return rs_denylist_add_user(denylist, name,
                                    before.number < 0 ? 0 : (uint64_t)before.number);
    return rs_denylist_set_add(&denylist->set, rs_jti_make(name), expires_ms + RS_DENYLIST_GRACE_MS,
                               now_ms);
}

/* Take the rows into the sets. */
static recsys_status take_rows(struct recsys_denylist *denylist, const recsys_rows *rows,
                               struct reading *reading, recsys_error *err)
{
    size_t n = recsys_rows_count(rows);
    uint64_t now_ms = rs_denylist_now(denylist);
    struct rs_point at = {0, 0};
    recsys_status status = read_point(rows, &at, err);

    if (status != RECSYS_OK)
        return status;
    if (at.history != reading->since.history || at.revision < reading->since.revision) {
        if (reading->since.history != 0)
            rs_log(RECSYS_LOG_WARN,
                   "denylist: the database is another one, or an older state of it (revision "
                   "%" PRIu64 ", it was %" PRIu64 "); reading all revoked tokens again",
                   at.revision, reading->since.revision);
        reading->upto = (struct rs_point){0, at.history};
        if (reading->since.revision != 0)
            return RECSYS_OK;
    }
    rs_lock_take(&denylist->lock);
    for (size_t i = 0; i < n && status == RECSYS_OK; i++) {
        if (recsys_rows_get(rows, i, JTI).type != RECSYS_TYPE_TEXT)
            continue; /* no tokens: one row without a jti */
        status = take_row(denylist, rows, i, now_ms);
        if (status == RECSYS_OK)
            reading->upto.revision = (uint64_t)recsys_rows_get(rows, i, REVISION).number;
    }
    rs_denylist_set_sweep(&denylist->set, 64 + denylist->set.n_slots / 64, now_ms);
    size_t n_tokens = denylist->set.n;
    rs_lock_give(&denylist->lock);

    recsys_metric_set(denylist->tokens_metric, (double)n_tokens);
    if (status == RECSYS_E_LIMIT)
        return rs_error(err, status,
                        "more than %" PRIu64 " tokens are revoked: raise max_tokens, or every "
                        "check asks the database",
                        denylist->set.max);
    if (status != RECSYS_OK)
        return rs_error_nomem(err, "revoked tokens");
    if (n < BATCH)
        reading->upto.revision = at.revision;
    reading->complete = reading->upto.revision == at.revision;
    return RECSYS_OK;
}

static recsys_status read_batch(struct recsys_denylist *denylist, uint32_t timeout_ms,
                                int use_store, struct reading *reading, recsys_error *err)
{
    recsys_datum parameters[] = {recsys_datum_integer((int64_t)reading->since.revision),
                                 recsys_datum_integer(BATCH)};
    struct rs_proof proof = {.size = 0};
    recsys_rows *rows = NULL;

    if (use_store)
        rs_denylist_proof_begin(denylist, &proof);
    recsys_status status = recsys_source_query(denylist->source, read_statement, parameters, 2,
                                               timeout_ms, &rows, err);
    if (status == RECSYS_OK)
        status = take_rows(denylist, rows, reading, err);
    recsys_rows_destroy(rows);
    if (reading->complete)
        rs_denylist_proof_end(denylist, &proof, reading->upto);
    return status;
}

void rs_denylist_confirm(struct recsys_denylist *denylist, uint64_t now_ms)
{
    uint64_t last = atomic_load_explicit(&denylist->confirmed_ms, memory_order_relaxed);

    while (last < now_ms &&
           !atomic_compare_exchange_weak_explicit(&denylist->confirmed_ms, &last, now_ms,
                                                  memory_order_relaxed, memory_order_relaxed))
        ;
}

/* With the lock held, which it gives back. */
static recsys_status lead(struct recsys_denylist *denylist, uint32_t timeout_ms, int use_store,
                          int *complete, recsys_error *err)
{
    struct reading reading = {.since = denylist->complete_to, .upto = denylist->complete_to};
    uint64_t number = ++denylist->n_started;
    recsys_error problem = {0};

    denylist->is_reading = 1;
    rs_lock_give(&denylist->lock);
    uint64_t now_ms = rs_denylist_now(denylist);
    recsys_status status = read_batch(denylist, timeout_ms, use_store, &reading, &problem);
    atomic_fetch_add_explicit(&denylist->syncs, 1, memory_order_relaxed);
    recsys_metric_add(denylist->syncs_metric, 1);
    if (status != RECSYS_OK) {
        atomic_fetch_add_explicit(&denylist->sync_failures, 1, memory_order_relaxed);
        recsys_metric_add(denylist->sync_failures_metric, 1);
        if (err != NULL)
            *err = problem;
    }
    if (reading.complete)
        rs_denylist_confirm(denylist, now_ms);

    rs_lock_take(&denylist->lock);
    denylist->complete_to = reading.upto;
    denylist->is_reading = 0;
    denylist->n_done = number;
    denylist->last_status = status;
    denylist->last_complete = reading.complete;
    denylist->last_error = problem;
    rs_signal_all(&denylist->done);
    rs_lock_give(&denylist->lock);
    *complete = reading.complete;
    return status;
}

/* The last reading has failed because its leader's time was over. A caller of more patience goes on
 * with the next one. */
static int was_too_slow(const struct recsys_denylist *denylist)
{
    return denylist->last_status == RECSYS_E_TIMEOUT || denylist->last_status == RECSYS_E_EXHAUSTED;
}

recsys_status rs_denylist_read(struct recsys_denylist *denylist, uint32_t timeout_ms, int use_store,
                               int *complete, recsys_error *err)
{
    uint64_t deadline = timeout_ms == RECSYS_NEVER_32
                            ? UINT64_MAX
                            : rs_clock_ns() + timeout_ms * (uint64_t)1000000u;
    int is_late = 0;

    *complete = 0;
    rs_lock_take(&denylist->lock);
    uint64_t wanted = denylist->n_started + 1;
    for (;;) {
        if (denylist->n_done >= wanted) {
            if (!was_too_slow(denylist) || rs_clock_ns() >= deadline)
                break;
            wanted = denylist->n_started + 1;
        }
        if (!denylist->is_reading)
            return lead(denylist, timeout_ms, use_store, complete, err);
        if (is_late) {
            rs_lock_give(&denylist->lock);
            return rs_error(err, RECSYS_E_TIMEOUT,
                            "the database has not answered an earlier query within %" PRIu32 " ms",
                            timeout_ms);
        }
        is_late = rs_signal_wait_until(&denylist->done, &denylist->lock, deadline) != 0;
    }
    recsys_status status = denylist->last_status;
    *complete = denylist->last_complete;
    if (status != RECSYS_OK && err != NULL)
        *err = denylist->last_error;
    rs_lock_give(&denylist->lock);
    return status;
}
