/* lib/denylist/denylist.c - is this token revoked?
 *
 * The database is the truth; the set in memory is a copy of it that is complete
 * up to a revision; the store says whether that revision is still the newest.
 * A check therefore has three steps and ends at the first that finds a verdict:
 *
 * 1. The token is in the set, or `blacklist:{jti}` is in the store: REVOKED. So it is if all tokens
 *    of its user were revoked that were issued before a time, and it was (denylist_users.c).
 * 2. The store has a proof that the set is complete: CLEAR. (One round trip for
 *    both.) A missing key proves nothing: it may have been evicted, flushed or
 *    lost.
 * 3. The database is read; then the set knows. If there is more to read than
 *    one batch, or than the set has room for, the database is asked for this
 *    token alone. If it does not answer: UNKNOWN; or UNCONFIRMED if the store
 *    answered without an entry for the token, and the set was complete once.
 *
 * In step 2 the set and the revision it is complete to are looked at together,
 * after the store was read: a look from before may be out of date by then.
 *
 * revoke() commits, then withdraws the proof, and only then returns; denylist_proof.c
 * explains why that is enough, whatever the store does.
 *
 * Without a source only the store is asked, and there is no such promise.
 */
#include "recsys/denylist.h"

#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/clock.h"
#include "lib/base/error.h"
#include "lib/base/fork.h"
#include "lib/base/log.h"
#include "lib/base/structs.h"
#include "lib/base/trace.h"
#include "lib/denylist/denylist.h"

#define SYNC_TIMEOUT_MS 2000u
#define FORGET_NS ((uint64_t)60 * 1000000000u)

static const char ask_statement[] =
    "SELECT 1 FROM auth_db.revoked_tokens"
    " WHERE jti = $1 AND expires_at > now() - interval '11 minutes'"
    " UNION ALL SELECT 1 FROM auth_db.revoked_users"
    " WHERE user_id = $2 AND issued_before > to_timestamp($3::bigint)";

/* Rows that no process reads any more. Two services at once take different ones. */
static const char drop_statement[] =
    "DELETE FROM auth_db.revoked_tokens WHERE jti IN"
    " (SELECT jti FROM auth_db.revoked_tokens WHERE expires_at < now() - interval '1 day'"
    " ORDER BY expires_at LIMIT 1000 FOR UPDATE SKIP LOCKED)";

/* The token that is asked about. */
struct question {
    recsys_bytes jti, user; /* no user: who has it is not known */
    uint64_t issued_s;
    struct rs_jti hashed, hashed_user;
};

static uint64_t system_now_ms(void *user_data)
{
    (void)user_data;
    return rs_clock_unix_ms();
}

static recsys_status add_metrics(recsys_denylist *denylist, recsys_stats *stats, recsys_error *err)
{
    static const char checks[] = "denylist_checks_total", checks_help[] = "Tokens checked.";
    const struct {
        const char *name, *help, *labels;
        recsys_metric **out;
    } counters[] = {
        {checks, checks_help, "verdict=\"clear\"", &denylist->clear_metric},
        {checks, checks_help, "verdict=\"revoked\"", &denylist->revoked_metric},
        {checks, checks_help, "verdict=\"unknown\"", &denylist->unknown_metric},
        {checks, checks_help, "verdict=\"unconfirmed\"", &denylist->unconfirmed_metric},
        {"denylist_unknown_total", "Tokens that neither the store nor the database could judge.",
         NULL, &denylist->unknown_total},
        {"denylist_revocations_total", "Tokens revoked here.", NULL, &denylist->revocations},
        {"denylist_syncs_total", "Readings of new revocations from the database.", NULL,
         &denylist->syncs_metric},
        {"denylist_sync_failures_total", "Readings of new revocations that failed.", NULL,
         &denylist->sync_failures_metric},
    };

    if (stats == NULL)
        return RECSYS_OK;
    for (size_t i = 0; i < sizeof counters / sizeof counters[0]; i++) {
        recsys_status status = recsys_stats_add_counter(stats, counters[i].name, counters[i].help,
                                                        counters[i].labels, counters[i].out, err);
        if (status != RECSYS_OK)
            return status;
    }
    return recsys_stats_add_gauge(stats, "denylist_tokens", "Revoked tokens this process knows.",
                                  NULL, &denylist->tokens_metric, err);
}

recsys_status recsys_denylist_create(recsys_store *store, recsys_source *source,
                                     const recsys_denylist_options *options, recsys_denylist **out,
                                     recsys_error *err)
{
    recsys_denylist_options given;
    recsys_denylist *denylist = NULL;
    recsys_status status;
    int result, has_lock = 0;

    if (out != NULL)
        *out = NULL;
    if (out == NULL || (store == NULL && source == NULL))
        return rs_error(err, RECSYS_E_INVALID,
                        "recsys_denylist_create: out is NULL, or both store and source are");
    status = rs_struct_read(&given, sizeof given, options, RECSYS_DENYLIST_OPTIONS_SIZE_V1,
                            "recsys_denylist_create: options", err);
    if (status != RECSYS_OK)
        return status;
    denylist = rs_alloc_array(1, sizeof *denylist);
    if (denylist == NULL)
        return rs_error_nomem(err, "denylist");
    denylist->store = recsys_store_ref(store);
    denylist->forks = rs_fork_count();
    denylist->source = recsys_source_ref(source);
    denylist->timeout_ms = given.timeout_ms == 0 ? 50 : given.timeout_ms;
    denylist->now_ms = given.now_ms == NULL ? system_now_ms : given.now_ms;
    denylist->user_data = given.user_data;
    rs_denylist_set_init(&denylist->set, given.max_tokens == 0 ? 4194304 : given.max_tokens);
    rs_denylist_set_init(&denylist->users, denylist->set.max);
    denylist->stats = recsys_stats_ref(given.stats);
    status = add_metrics(denylist, given.stats, err);
    if (status != RECSYS_OK)
        goto fail;
    if ((result = rs_lock_init(&denylist->lock)) != 0 ||
        (has_lock = 1, result = rs_signal_init(&denylist->done)) != 0) {
        status = rs_error_sys(err, result, "cannot make the lock of a denylist");
        goto fail;
    }
    *out = denylist;
    return RECSYS_OK;

fail:
    if (has_lock)
        rs_lock_destroy(&denylist->lock);
    recsys_store_unref(denylist->store);
    recsys_source_unref(denylist->source);
    recsys_stats_unref(denylist->stats);
    rs_free(denylist);
    return status;
}

void recsys_denylist_destroy(recsys_denylist *denylist)
{
    if (denylist == NULL)
        return;
    /* In a child the lock of a parent's thread may never be given back. */
    if (denylist->forks == rs_fork_count()) {
        rs_signal_destroy(&denylist->done);
        rs_lock_destroy(&denylist->lock);
    }
    rs_denylist_set_destroy(&denylist->set);
    rs_denylist_set_destroy(&denylist->users);
    recsys_store_unref(denylist->store);
    recsys_source_unref(denylist->source);
    recsys_stats_unref(denylist->stats);
    rs_free(denylist);
}

/* Is it, or its user, in a set? `complete_to` receives the point up to which the sets are complete.
 */
static int is_known(recsys_denylist *denylist, const struct question *question,
                    struct rs_point *complete_to)
{
    uint64_t now_ms = rs_denylist_now(denylist);

    rs_lock_take(&denylist->lock);
    int found = rs_denylist_set_has(&denylist->set, question->hashed, now_ms);
    if (!found && question->user.data != NULL)
        found = rs_denylist_set_get(&denylist->users, question->hashed_user) >
                question->issued_s * 1000u;
    if (complete_to != NULL)
        *complete_to = denylist->complete_to;
    rs_lock_give(&denylist->lock);
    return found;
}

/* Step 2. UNKNOWN with RECSYS_OK: the store has answered, but without a proof. */
static recsys_status ask_store(recsys_denylist *denylist, const struct question *question,
                               uint32_t *verdict, recsys_error *err)
{
    char room[RS_DENYLIST_KEY_SIZE], user_room[RS_DENYLIST_KEY_SIZE];
    size_t n = question->user.data != NULL ? 3 : 2;
    recsys_bytes keys[3] = {rs_denylist_key(question->jti, room), rs_denylist_proof_key, {0}};
    recsys_value values[3] = {{0}, {0}, {0}};
    struct rs_point complete_to;
    uint64_t incarnation, now_ms = rs_denylist_now(denylist);

    if (n == 3)
        keys[2] = rs_denylist_user_key(question->user, user_room);
    recsys_status status = recsys_store_get(denylist->store, keys, n, values, &incarnation, err);

    *verdict = RECSYS_TOKEN_UNKNOWN;
    if (status != RECSYS_OK)
        return status;
    if (values[0].data != NULL || rs_denylist_user_entry(&values[2]) > question->issued_s ||
        is_known(denylist, question, &complete_to))
        *verdict = RECSYS_TOKEN_REVOKED;
    else if (denylist->source == NULL ||
             rs_denylist_proof_holds(&values[1], incarnation, complete_to)) {
        *verdict = RECSYS_TOKEN_CLEAR;
        rs_denylist_confirm(denylist, now_ms);
    }
    for (size_t i = 0; i < n; i++)
        recsys_value_release(&values[i]);
    return RECSYS_OK;
}

static recsys_status ask_for_one(recsys_denylist *denylist, const struct question *question,
                                 uint32_t *verdict, recsys_error *err)
{
    recsys_datum parameters[] = {rs_denylist_text(question->jti), rs_denylist_text(question->user),
                                 recsys_datum_integer((int64_t)question->issued_s)};
    recsys_rows *rows;
    recsys_status status = recsys_source_query(denylist->source, ask_statement, parameters, 3,
                                               denylist->timeout_ms, &rows, err);

    if (status != RECSYS_OK)
        return status;
    *verdict = recsys_rows_count(rows) > 0 ? RECSYS_TOKEN_REVOKED : RECSYS_TOKEN_CLEAR;
    recsys_rows_destroy(rows);
    return RECSYS_OK;
}

/* Step 3. */
static recsys_status ask_database(recsys_denylist *denylist, const struct question *question,
                                  int use_store, uint32_t *verdict, recsys_error *err)
{
    int complete;
    recsys_status status =
        rs_denylist_read(denylist, denylist->timeout_ms, use_store, &complete, err);

    if (status == RECSYS_OK || status == RECSYS_E_LIMIT || status == RECSYS_E_NOMEM) {
        if (is_known(denylist, question, NULL))
            *verdict = RECSYS_TOKEN_REVOKED;
        else if (complete)
            *verdict = RECSYS_TOKEN_CLEAR;
        else
            return ask_for_one(denylist, question, verdict, err);
        return RECSYS_OK;
    }
    return status;
}

static void count(recsys_denylist *denylist, uint32_t verdict)
{
    atomic_fetch_add_explicit(&denylist->checks, 1, memory_order_relaxed);
    if (verdict == RECSYS_TOKEN_CLEAR) {
        recsys_metric_add(denylist->clear_metric, 1);
    } else if (verdict == RECSYS_TOKEN_REVOKED) {
        atomic_fetch_add_explicit(&denylist->revoked, 1, memory_order_relaxed);
        recsys_metric_add(denylist->revoked_metric, 1);
    } else {
        atomic_fetch_add_explicit(&denylist->unknown, 1, memory_order_relaxed);
        recsys_metric_add(verdict == RECSYS_TOKEN_UNKNOWN ? denylist->unknown_metric
                                                          : denylist->unconfirmed_metric,
                          1);
        recsys_metric_add(denylist->unknown_total, 1);
    }
}

/* The jti is left out: more people may read the log than the database. */
static void trace(const char *step, uint32_t verdict, recsys_status status)
{
    static const char *const names[] = {[RECSYS_TOKEN_UNKNOWN] = "UNKNOWN",
                                        [RECSYS_TOKEN_CLEAR] = "CLEAR",
                                        [RECSYS_TOKEN_REVOKED] = "REVOKED",
                                        [RECSYS_TOKEN_UNCONFIRMED] = "UNCONFIRMED"};

    if (rs_trace_is_on(RECSYS_TRACE_DENYLIST))
        rs_trace(RECSYS_TRACE_DENYLIST, "check: the %s says %s (%s)", step, names[verdict],
                 recsys_status_name(status));
}

/* The three steps. If the verdict is neither CLEAR nor REVOKED, the failure of store or database.
 */
static recsys_status find_verdict(recsys_denylist *denylist, const struct question *question,
                                  uint32_t *verdict, recsys_error *problem)
{
    recsys_status status = RECSYS_OK;
    int store_answered = 0;

    *verdict = RECSYS_TOKEN_UNKNOWN;
    if (is_known(denylist, question, NULL)) {
        trace("set", RECSYS_TOKEN_REVOKED, RECSYS_OK);
        *verdict = RECSYS_TOKEN_REVOKED;
        return RECSYS_OK;
    }
    if (denylist->store != NULL) {
        status = ask_store(denylist, question, verdict, problem);
        store_answered = status == RECSYS_OK;
        trace("store", *verdict, status);
    }
    if (*verdict == RECSYS_TOKEN_UNKNOWN && denylist->source != NULL) {
        status = ask_database(denylist, question, store_answered, verdict, problem);
        trace("database", *verdict, status);
    }
    if (*verdict == RECSYS_TOKEN_UNKNOWN && store_answered &&
        atomic_load_explicit(&denylist->confirmed_ms, memory_order_relaxed) != 0)
        *verdict = RECSYS_TOKEN_UNCONFIRMED;
    return status;
}

static recsys_status check(recsys_denylist *denylist, struct question *question,
                           const char *function, recsys_denylist_verdict *out, recsys_error *err)
{
    recsys_denylist_verdict found = RECSYS_DENYLIST_VERDICT_INIT;
    recsys_error problem = {0};
    recsys_status status = rs_denylist_is_usable(denylist, function, err);

    if (status == RECSYS_OK)
        status = rs_denylist_check_jti(question->jti, function, err);
    if (status != RECSYS_OK)
        return status;
    question->hashed = rs_jti_make(question->jti);
    if (question->user.data != NULL)
        question->hashed_user = rs_jti_make(question->user);
    status = find_verdict(denylist, question, &found.verdict, &problem);
    if (status != RECSYS_OK) {
        (void)rs_error(&found.problem, status, "cannot tell whether the token is revoked: %s",
                       problem.message);
        found.problem.sys_errno = problem.sys_errno;
    }
    count(denylist, found.verdict);
    rs_struct_write(out, &found, sizeof found);
    return RECSYS_OK;
}

recsys_status recsys_denylist_check(recsys_denylist *denylist, recsys_bytes jti,
                                    recsys_denylist_verdict *out, recsys_error *err)
{
    struct question question = {.jti = jti};
    recsys_status status =
        rs_struct_begin(out, RECSYS_DENYLIST_VERDICT_SIZE_V1, "recsys_denylist_check: out", err);

    return status == RECSYS_OK ? check(denylist, &question, "recsys_denylist_check", out, err)
                               : status;
}

recsys_status recsys_denylist_check_user(recsys_denylist *denylist, recsys_bytes jti,
                                         const char *user_id, uint64_t issued_s,
                                         recsys_denylist_verdict *out, recsys_error *err)
{
    struct question question = {.jti = jti, .issued_s = issued_s};
    recsys_status status = rs_struct_begin(out, RECSYS_DENYLIST_VERDICT_SIZE_V1,
                                           "recsys_denylist_check_user: out", err);

    if (status == RECSYS_OK)
        status = rs_denylist_check_user_id(user_id, "recsys_denylist_check_user", err);
    if (status == RECSYS_OK && issued_s > RS_DENYLIST_LAST_S)
        status = rs_error(err, RECSYS_E_INVALID,
                          "recsys_denylist_check_user: issued_s is after the year 9999");
    if (status != RECSYS_OK)
        return status;
    question.user = (recsys_bytes){user_id, strlen(user_id)};
    return check(denylist, &question, "recsys_denylist_check_user", out, err);
}

/* At first and then once a minute, remove tokens that expired long ago from the database. */
static void drop_expired(recsys_denylist *denylist)
{
    uint64_t now = rs_clock_ns();
    recsys_rows *rows;
    recsys_error problem;

    rs_lock_take(&denylist->lock);
    int is_due = denylist->forgot_ns == 0 || now - denylist->forgot_ns >= FORGET_NS;
    if (is_due)
        denylist->forgot_ns = now;
    rs_lock_give(&denylist->lock);
    if (!is_due)
        return;
    if (recsys_source_query(denylist->source, drop_statement, NULL, 0, SYNC_TIMEOUT_MS, &rows,
                            &problem) == RECSYS_OK)
        recsys_rows_destroy(rows);
    else
        rs_log(RECSYS_LOG_WARN, "denylist: cannot delete expired rows: %s", problem.message);
}

recsys_status recsys_denylist_sync(recsys_denylist *denylist, recsys_error *err)
{
    recsys_status status = rs_denylist_is_usable(denylist, "recsys_denylist_sync", err);

    if (status != RECSYS_OK)
        return status;
    if (denylist->source == NULL) {
        rs_lock_take(&denylist->lock);
        rs_denylist_set_sweep(&denylist->set, denylist->set.n_slots, rs_denylist_now(denylist));
        rs_lock_give(&denylist->lock);
        return RECSYS_OK;
    }
    for (int complete = 0; status == RECSYS_OK && !complete;)
        status =
            rs_denylist_read(denylist, SYNC_TIMEOUT_MS, denylist->store != NULL, &complete, err);
    if (status == RECSYS_OK && denylist->store != NULL)
        rs_denylist_sync_entries(denylist);
    if (status == RECSYS_OK)
        drop_expired(denylist);
    return status;
}

recsys_status recsys_denylist_get_stats(recsys_denylist *denylist, recsys_denylist_stats *out,
                                        recsys_error *err)
{
    recsys_denylist_stats stats = RECSYS_DENYLIST_STATS_INIT;
    recsys_status status =
        rs_struct_begin(out, RECSYS_DENYLIST_STATS_SIZE_V1, "recsys_denylist_get_stats: out", err);

    if (status == RECSYS_OK)
        status = rs_denylist_is_usable(denylist, "recsys_denylist_get_stats", err);
    if (status != RECSYS_OK)
        return status;
    rs_lock_take(&denylist->lock);
    stats.tokens = denylist->set.n;
    rs_lock_give(&denylist->lock);
    stats.checks = atomic_load_explicit(&denylist->checks, memory_order_relaxed);
    stats.revoked = atomic_load_explicit(&denylist->revoked, memory_order_relaxed);
    stats.unknown = atomic_load_explicit(&denylist->unknown, memory_order_relaxed);
    stats.syncs = atomic_load_explicit(&denylist->syncs, memory_order_relaxed);
    stats.sync_failures = atomic_load_explicit(&denylist->sync_failures, memory_order_relaxed);
    stats.confirmed_ms = atomic_load_explicit(&denylist->confirmed_ms, memory_order_relaxed);
    rs_struct_write(out, &stats, sizeof stats);
    return RECSYS_OK;
}
