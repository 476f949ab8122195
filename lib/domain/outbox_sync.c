/* lib/domain/outbox_sync.c - deliver what the outbox has, and forget what is delivered.
 *
 * One statement a sync in the usual case: it deletes the rows of this process whose removals have
 * arrived, and reads those that are older than GRACE, which their writers should have deleted.
 * Removing a value again is harmless, so several processes may deliver the same row, and one that
 * dies in the middle leaves the rest to the others. A row whose removal has not arrived stays; its
 * key is in the journal then, and the breaker of the store is open in this process.
 *
 * While nobody reaches the store, rows gather. If there are very many that are older than a minute,
 * one row for each logical db takes their place: everything is invalidated.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/aside/aside.h"
#include "lib/base/alloc.h"
#include "lib/base/buffer.h"
#include "lib/base/clock.h"
#include "lib/base/error.h"
#include "lib/base/structs.h"
#include "lib/domain/domain.h"
#include "lib/domain/owed.h"

#define BATCH 4096u /* a journal has room for so many keys */
#define MANY 20000  /* rows */
#define STUCK_SYNCS 20u
#define MAX_LIST ((size_t)256 << 10)

_Static_assert(RS_OUTBOX_GRACE_MS + RS_OUTBOX_TRUST_MS == RECSYS_OUTBOX_SETTLE_MS,
               "what domain.h promises");

/* No value lives longer than eight days, so no older row has anything to say; a row of a logical
 * db that no process knows any more ends so. SKIP LOCKED: another process deletes those. */
#define DELETE_NOTES                                                                               \
    "DELETE FROM cache_db.outbox WHERE id IN (SELECT id FROM cache_db.outbox WHERE "               \
    "id = ANY ($1::text::bigint[]) OR created_at < clock_timestamp() - interval '8 days' "         \
    "ORDER BY id FOR UPDATE SKIP LOCKED)"

static const char has_table[] = "SELECT to_regclass('cache_db.outbox') IS NOT NULL";
static const char delete_notes[] = DELETE_NOTES;
static const char read_notes[] =
    "WITH deleted AS (" DELETE_NOTES ") SELECT id, db, key FROM cache_db.outbox "
    "WHERE id <> ALL ($1::text::bigint[]) AND db = ANY ($2::text::smallint[]) "
    "AND created_at < clock_timestamp() - $3::bigint * interval '1 millisecond' "
    "ORDER BY created_at, id LIMIT $4::bigint";
static const char shorten[] =
    "WITH old AS (DELETE FROM cache_db.outbox WHERE id IN (SELECT id FROM cache_db.outbox WHERE "
    "created_at < clock_timestamp() - interval '1 minute' AND (SELECT count(*) FROM "
    "cache_db.outbox) > $1::bigint ORDER BY id FOR UPDATE SKIP LOCKED) RETURNING db, created_at) "
    "INSERT INTO cache_db.outbox (id, db, key, created_at) SELECT "
    "floor(random() * 9e18)::bigint, db, NULL, min(created_at) FROM old GROUP BY db";

struct syncing {
    recsys_domains *domains;
    recsys_source *source;
    int64_t ids[BATCH]; /* of the rows to be deleted */
    size_t n;
    uint64_t delivered, waiting;
};

/* {1,2,3}, as PostgreSQL writes an array. */
static void list_numbers(struct rs_buffer *out, const int64_t *numbers, size_t n)
{
    rs_buffer_add_text(out, "{");
    for (size_t i = 0; i < n; i++)
        rs_buffer_format(out, i == 0 ? "%" PRId64 : ",%" PRId64, numbers[i]);
    rs_buffer_add_text(out, "}");
}

static void list_dbs(struct rs_buffer *out, const recsys_domains *domains)
{
    int64_t dbs[RECSYS_DOMAIN_DBS];
    size_t n = 0;

    for (unsigned db = 0; db < RECSYS_DOMAIN_DBS; db++)
        if (domains->dbs[db].aside != NULL)
            dbs[n++] = db;
    list_numbers(out, dbs, n);
}

static int has_journal(const recsys_domains *domains)
{
    for (unsigned db = 0; db < RECSYS_DOMAIN_DBS; db++)
        if (domains->dbs[db].aside != NULL &&
            rs_journal_count(&domains->dbs[db].aside->journal) > 0)
            return 1;
    return 0;
}

/* The rows of this process whose removals have arrived. They have if the journals are empty now:
 * each of these rows was settled before. */
static void take_settled(struct syncing *syncing)
{
    struct rs_owed *owed = &syncing->domains->owed;

    syncing->n = 0;
    rs_lock_take(&owed->lock);
    if (owed->n_settled > 0 && !has_journal(syncing->domains)) {
        syncing->n = owed->n_settled;
        memcpy(syncing->ids, owed->settled, syncing->n * sizeof *syncing->ids);
        owed->n_settled = 0;
    }
    rs_lock_give(&owed->lock);
}

static recsys_status ask(struct syncing *syncing, const char *statement,
                         const recsys_datum *parameters, size_t n, recsys_rows **rows,
                         recsys_error *err)
{
    return recsys_source_query(syncing->source, statement, parameters, n,
                               syncing->domains->timeout_ms, rows, err);
}

static recsys_status look_for_table(struct syncing *syncing, int *is_there, recsys_error *err)
{
    recsys_rows *rows = NULL;
    recsys_status status = ask(syncing, has_table, NULL, 0, &rows, err);

    *is_there = status == RECSYS_OK && recsys_rows_get(rows, 0, 0).number == 1;
    recsys_rows_destroy(rows);
    return status;
}

static recsys_status read_rows(struct syncing *syncing, recsys_rows **rows, recsys_error *err)
{
    struct rs_buffer ids, dbs;

    rs_buffer_init(&ids, MAX_LIST);
    rs_buffer_init(&dbs, MAX_LIST);
    list_numbers(&ids, syncing->ids, syncing->n);
    list_dbs(&dbs, syncing->domains);
    recsys_status status = ids.status != RECSYS_OK ? ids.status : dbs.status;
    if (status != RECSYS_OK) {
        rs_error_nomem(err, "outbox");
    } else {
        const recsys_datum parameters[] = {recsys_datum_text(ids.bytes),
                                           recsys_datum_text(dbs.bytes),
                                           recsys_datum_integer(RS_OUTBOX_GRACE_MS),
                                           recsys_datum_integer(BATCH)};
        status = ask(syncing, read_notes, parameters, 4, rows, err);
    }
    rs_buffer_destroy(&ids);
    rs_buffer_destroy(&dbs);
    return status;
}

/* 1 if the removal has arrived. */
static int deliver_db(recsys_aside *aside, const recsys_bytes *keys, size_t n, int is_all)
{
    if (!is_all)
        return rs_aside_invalidate_keys(aside, keys, n, RS_OPERATION_DELETE) == RECSYS_OK;
    return recsys_aside_invalidate_all(aside, NULL) == RECSYS_OK &&
           rs_journal_count(&aside->journal) == 0;
}

/* Remove what the rows of one logical db name. A full batch is not all there is, and what it
 * leaves out must not be read either: then everything of this db is invalidated. */
static void deliver(struct syncing *syncing, const recsys_rows *rows, unsigned db)
{
    recsys_aside *aside = syncing->domains->dbs[db].aside;
    recsys_bytes keys[RS_REMOVE_BATCH];
    size_t n_rows = recsys_rows_count(rows), n_before = syncing->n;
    int is_all = n_rows == BATCH, has_arrived = 1;

    for (size_t row = 0; row < n_rows;) {
        size_t n = 0;
        for (; row < n_rows && n < RS_REMOVE_BATCH; row++) {
            recsys_datum key = recsys_rows_get(rows, row, 2);
            if (recsys_rows_get(rows, row, 1).number != (int64_t)db)
                continue;
            syncing->ids[syncing->n++] = recsys_rows_get(rows, row, 0).number;
            is_all = is_all || key.type != RECSYS_TYPE_TEXT;
            if (key.type == RECSYS_TYPE_TEXT)
                keys[n++] = (recsys_bytes){key.text, key.size};
        }
        if (n > 0 && !is_all)
            has_arrived = deliver_db(aside, keys, n, 0) && has_arrived;
    }
    if (is_all && syncing->n > n_before)
        has_arrived = deliver_db(aside, NULL, 0, 1);
    if (has_arrived) {
        syncing->delivered += syncing->n - n_before;
    } else {
        syncing->waiting += syncing->n - n_before;
        syncing->n = n_before;
    }
}

static recsys_status forget_delivered(struct syncing *syncing, recsys_error *err)
{
    struct rs_buffer ids;
    recsys_status status = RECSYS_OK;

    if (syncing->n == 0)
        return RECSYS_OK;
    rs_buffer_init(&ids, MAX_LIST);
    list_numbers(&ids, syncing->ids, syncing->n);
    if (ids.status == RECSYS_OK) {
        const recsys_datum parameter = recsys_datum_text(ids.bytes);
        recsys_rows *rows = NULL;
        status = ask(syncing, delete_notes, &parameter, 1, &rows, err);
        recsys_rows_destroy(rows);
    }
    rs_buffer_destroy(&ids);
    return status;
}

/* Once in a while, when many rows cannot be delivered. */
static void shorten_if_stuck(struct syncing *syncing)
{
    struct rs_owed *owed = &syncing->domains->owed;
    recsys_datum many = recsys_datum_integer(MANY);
    recsys_rows *rows = NULL;

    owed->n_stuck = syncing->waiting == BATCH ? owed->n_stuck + 1 : 0;
    if (owed->n_stuck < STUCK_SYNCS)
        return;
    owed->n_stuck = 0;
    recsys_status status = ask(syncing, shorten, &many, 1, &rows, NULL);
    (void)status; /* else the next time */
    recsys_rows_destroy(rows);
}

static recsys_status sync_rows(struct syncing *syncing, recsys_error *err)
{
    recsys_rows *rows = NULL;

    take_settled(syncing);
    recsys_status status = read_rows(syncing, &rows, err);
    syncing->n = 0;
    if (status == RECSYS_OK && recsys_rows_count(rows) > 0)
        for (unsigned db = 0; db < RECSYS_DOMAIN_DBS; db++)
            if (syncing->domains->dbs[db].aside != NULL)
                deliver(syncing, rows, db);
    recsys_rows_destroy(rows);
    if (status == RECSYS_OK)
        status = forget_delivered(syncing, err);
    if (status == RECSYS_OK)
        shorten_if_stuck(syncing);
    return status;
}

recsys_status recsys_domains_sync(recsys_domains *domains, recsys_source *source, recsys_outbox *out,
                                  recsys_error *err)
{
    recsys_outbox result = RECSYS_OUTBOX_INIT;
    uint64_t began_ns = rs_clock_ns();
    recsys_status status = RECSYS_OK;
    int is_there = 1;

    if (out != NULL)
        status = rs_struct_begin(out, RECSYS_OUTBOX_SIZE_V1, "recsys_domains_sync: out", err);
    if (status != RECSYS_OK)
        return status;
    if (domains == NULL)
        return rs_error(err, RECSYS_E_INVALID, "recsys_domains_sync: domains is NULL");
    struct syncing *syncing = rs_alloc_array(1, sizeof *syncing);
    if (syncing == NULL)
        return rs_error_nomem(err, "outbox");
    syncing->domains = domains;
    syncing->source = source == NULL ? domains->source : source;
    if (atomic_load(&domains->owed.is_on) == 0)
        status = look_for_table(syncing, &is_there, err);
    if (status == RECSYS_OK && is_there)
        status = sync_rows(syncing, err);
    /* After a failure the database is away, or the table is gone: the exception of owed.h. */
    atomic_store(&domains->owed.trusted_until_ns,
                 (status == RECSYS_OK ? began_ns : rs_clock_ns()) +
                     RS_OUTBOX_TRUST_MS * UINT64_C(1000000));
    if (status == RECSYS_OK)
        atomic_store(&domains->owed.is_on, (unsigned)is_there);
    else if (status == RECSYS_E_BACKEND)
        atomic_store(&domains->owed.is_on, 0u); /* look again, and let writes pass */
    result.is_on = atomic_load(&domains->owed.is_on);
    result.delivered = syncing->delivered;
    result.waiting = syncing->waiting;
    rs_free(syncing);
    if (out != NULL && status == RECSYS_OK)
        rs_struct_write(out, &result, sizeof result);
    return status;
}
