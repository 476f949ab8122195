/* lib/denylist/denylist_entries.c - the entries `blacklist:{jti}` in the store and the rows of the
 * database, brought together.
 *
 * Other services decide by the entries alone, and revoke by setting one. So an entry that the store
 * has lost, by an eviction, a flush or a restart, is written again, and a token that was revoked in
 * the store alone gets its row. Each sync does a part of both and goes on from there; after another
 * incarnation of the store, or when most of a part was missing, it writes all entries at once.
 *
 * An entry without a time zone is in UTC. One whose time cannot be read counts for another hour. One
 * whose time is over gets no row: with a row for another hour, a process whose clock is ahead would
 * find its entry again, and so without end. While the store has an entry, the token is revoked in
 * any case.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/json.h"
#include "lib/base/log.h"
#include "lib/base/utf8.h"
#include "lib/denylist/denylist.h"

#define PAGE 256u
#define SCANS_A_SYNC 8
#define TAKE_OVERS_A_SYNC 64u
#define PATIENCE_NS ((uint64_t)2 * 1000000000u)
#define TIMEOUT_MS 2000u
#define AGAIN_S 3600u
#define MAX_ENTRY ((size_t)64 << 10)
#define MAX_TEXT 255
#define MAX_NAME (5 + MAX_TEXT) /* a jti, or user:{id} */

static const recsys_bytes entries_form[2] = {{"blacklist:", 10}, {"", 0}};

static const char page_statement[] =
    "SELECT t.jti, user_id, reason, extract(epoch FROM revoked_at)::bigint AS began_s,"
    " ceil(extract(epoch FROM expires_at))::bigint AS expires_s, NULL::bigint AS before_s"
    " FROM auth_db.revoked_tokens t WHERE jti > $1 AND expires_at > now()"
    " UNION ALL SELECT 'user:' || user_id, user_id, reason,"
    " extract(epoch FROM revoked_at)::bigint, NULL,"
    " ceil(extract(epoch FROM issued_before))::bigint FROM auth_db.revoked_users"
    " WHERE 'user:' || user_id > $1 ORDER BY jti LIMIT $2";

/* Of a user, JTI is user:{id}, and BEFORE is there. */
enum { JTI, USER_ID, REASON, BEGAN, EXPIRES, BEFORE };

/* -- from the database to the store -- */

static const char *text_of(recsys_datum datum, char room[MAX_TEXT + 1])
{
    if (datum.type != RECSYS_TYPE_TEXT || datum.size > MAX_TEXT)
        return NULL;
    memcpy(room, datum.text, datum.size);
    room[datum.size] = '\0';
    return room;
}

static recsys_status write_user_entry(struct recsys_denylist *denylist, const recsys_rows *rows,
                                      size_t row, recsys_bytes key)
{
    char user_id[MAX_TEXT + 1], reason[MAX_TEXT + 1];
    const char *user = text_of(recsys_rows_get(rows, row, USER_ID), user_id);
    recsys_value json = {0};

    if (user == NULL)
        return RECSYS_E_FORMAT;
    recsys_status status = rs_denylist_make_user_entry(
        user, text_of(recsys_rows_get(rows, row, REASON), reason),
        (uint64_t)recsys_rows_get(rows, row, BEGAN).number * 1000u,
        (uint64_t)recsys_rows_get(rows, row, BEFORE).number, &json, NULL);
    if (status == RECSYS_OK)
        status = recsys_store_set(denylist->store, key, (recsys_bytes){json.data, json.size},
                                  RECSYS_NEVER, RECSYS_STORE_IF_ABSENT, NULL);
    recsys_value_release(&json);
    return status == RECSYS_E_EXISTS ? RECSYS_OK : status;
}

static recsys_status write_entry(struct recsys_denylist *denylist, const recsys_rows *rows,
                                 size_t row, recsys_bytes key)
{
    if (recsys_rows_get(rows, row, BEFORE).type == RECSYS_TYPE_INTEGER)
        return write_user_entry(denylist, rows, row, key);
    char user_id[MAX_TEXT + 1], reason[MAX_TEXT + 1];
    uint64_t expires_s = (uint64_t)recsys_rows_get(rows, row, EXPIRES).number;
    uint64_t until_ms = expires_s * 1000u + RS_DENYLIST_GRACE_MS,
             now_ms = rs_denylist_now(denylist);
    recsys_value json = {0};

    if (until_ms <= now_ms)
        return RECSYS_OK;
    recsys_status status = rs_denylist_make_entry(
        text_of(recsys_rows_get(rows, row, USER_ID), user_id),
        text_of(recsys_rows_get(rows, row, REASON), reason),
        (uint64_t)recsys_rows_get(rows, row, BEGAN).number * 1000u, expires_s * 1000u, &json, NULL);
    if (status == RECSYS_OK)
        status = recsys_store_set(denylist->store, key, (recsys_bytes){json.data, json.size},
                                  until_ms - now_ms, RECSYS_STORE_IF_ABSENT, NULL);
    recsys_value_release(&json);
    return status == RECSYS_E_EXISTS ? RECSYS_OK : status;
}

/* Write those of a page that the store does not have. */
static recsys_status write_missing(struct recsys_denylist *denylist, const recsys_rows *rows,
                                   uint64_t *incarnation, size_t *n_missing)
{
    char rooms[PAGE][RS_DENYLIST_KEY_SIZE];
    recsys_bytes keys[PAGE];
    recsys_value values[PAGE];
    size_t n = recsys_rows_count(rows);

    *n_missing = 0;
    if (n == 0)
        return RECSYS_OK;
    for (size_t i = 0; i < n; i++) {
        recsys_datum jti = recsys_rows_get(rows, i, JTI);
        keys[i] = rs_denylist_key((recsys_bytes){jti.text, jti.size}, rooms[i]);
    }
    recsys_status status = recsys_store_get(denylist->store, keys, n, values, incarnation, NULL);
    for (size_t i = 0; i < n && status == RECSYS_OK; i++) {
        int is_missing = values[i].data == NULL;
        recsys_value_release(&values[i]);
        if (is_missing) {
            ++*n_missing;
            status = write_entry(denylist, rows, i, keys[i]);
        }
        for (size_t rest = i + 1; rest < n && status != RECSYS_OK; rest++)
            recsys_value_release(&values[rest]);
    }
    return status;
}

/* One page, and the place of the next one. */
static recsys_status write_page(struct recsys_denylist *denylist, struct rs_entries *at,
                                size_t *n_written, int *goes_on)
{
    const recsys_datum parameters[] = {
        {.type = RECSYS_TYPE_TEXT, .text = at->jti, .size = at->jti_size},
        recsys_datum_integer(PAGE)};
    uint64_t incarnation = at->incarnation;
    recsys_rows *rows = NULL;
    size_t n_missing = 0;
    recsys_status status = recsys_source_query(denylist->source, page_statement, parameters, 2,
                                               TIMEOUT_MS, &rows, NULL);

    *goes_on = 0;
    if (status != RECSYS_OK)
        return status;
    size_t n = recsys_rows_count(rows);
    for (size_t i = 0; i < n && status == RECSYS_OK; i++)
        if (recsys_rows_get(rows, i, JTI).type != RECSYS_TYPE_TEXT ||
            recsys_rows_get(rows, i, JTI).size > MAX_NAME)
            status = RECSYS_E_FORMAT;
    if (status == RECSYS_OK)
        status = write_missing(denylist, rows, &incarnation, &n_missing);
    *n_written += status == RECSYS_OK ? n_missing : 0;
    if (status == RECSYS_OK && incarnation != at->incarnation && at->jti_size > 0) {
        at->jti_size = 0; /* another life of the store: from the start */
        at->incarnation = incarnation;
        *goes_on = 1;
    } else if (status == RECSYS_OK) {
        *goes_on = n == PAGE &&
                   (n_missing > PAGE / 2 || incarnation != at->incarnation || at->is_writing_all);
        at->is_writing_all = *goes_on;
        at->incarnation = incarnation;
        at->jti_size = 0;
        if (n == PAGE) {
            recsys_datum last = recsys_rows_get(rows, n - 1, JTI);
            memcpy(at->jti, last.text, last.size);
            at->jti_size = last.size;
        }
    }
    recsys_rows_destroy(rows);
    return status;
}

/* -- from the store to the database -- */

struct finds {
    struct recsys_denylist *denylist;
    recsys_status status;
    size_t n_taken, n;
    struct {
        char jti[MAX_NAME];
        size_t size;
    } found[TAKE_OVERS_A_SYNC];
};

static void take_over_found(struct finds *finds);

static int32_t find_unknown(recsys_bytes key, void *user_data)
{
    struct finds *finds = user_data;
    const char *jti = (const char *)key.data + entries_form[0].size;
    size_t size = key.size - entries_form[0].size;

    const recsys_bytes name = {jti, size}, user = rs_denylist_user_of(name);
    if (size == 0 || (size > MAX_TEXT && user.size == 0) || user.size > MAX_TEXT ||
        !rs_utf8_is_valid(jti, size) || memchr(jti, '\0', size) != NULL)
        return 0; /* no token of any service */
    struct recsys_denylist *denylist = finds->denylist;
    rs_lock_take(&denylist->lock);
    int is_known =
        rs_denylist_set_has(&denylist->set, rs_jti_make(name), rs_denylist_now(denylist)) ||
        (user.size > 0 && rs_denylist_set_get(&denylist->users, rs_jti_make(user)) > 0);
    rs_lock_give(&denylist->lock);
    if (is_known)
        return 0;
    memcpy(finds->found[finds->n].jti, jti, size);
    finds->found[finds->n].size = size;
    if (++finds->n < TAKE_OVERS_A_SYNC)
        return 0;
    /* The scan may give the same keys again after a stop. So it goes on if none of these is known
     * now, or those behind them would never be reached. */
    size_t n_before = finds->n_taken;
    take_over_found(finds);
    return finds->status != RECSYS_OK || finds->n_taken > n_before;
}

/* 0: the time can be read, and is over. */
static uint64_t expiry_of(const struct recsys_denylist *denylist, const json_t *entry)
{
    const json_t *expires = json_object_get(entry, "expires_at");
    int64_t now_s = (int64_t)(rs_denylist_now(denylist) / 1000u);
    int64_t at = json_is_string(expires)    ? rs_denylist_read_time(json_string_value(expires))
                 : json_is_integer(expires) ? (int64_t)json_integer_value(expires)
                                            : -1;

    if (at < 0 || at > RS_DENYLIST_LAST_S)
        return (uint64_t)(now_s + (int64_t)AGAIN_S);
    return at > now_s ? (uint64_t)at : 0;
}

static recsys_status take_over(struct recsys_denylist *denylist, recsys_bytes jti,
                               const recsys_value *value, size_t *n_taken)
{
    json_t *entry = NULL;

    if (value->size > 0 && value->size <= MAX_ENTRY)
        (void)rs_json_parse(value->data, value->size, "blacklist:{jti}", &entry, NULL);
    uint64_t expires_s = expiry_of(denylist, entry);
    if (expires_s == 0) {
        json_decref(entry);
        return RECSYS_OK;
    }
    const json_t *user = json_object_get(entry, "user_id");
    char number[24] = "";
    if (json_is_integer(user))
        snprintf(number, sizeof number, "%" JSON_INTEGER_FORMAT, json_integer_value(user));
    const char *user_id = json_is_string(user) ? json_string_value(user)
                          : number[0] != '\0'  ? number
                                               : NULL;
    const char *reason = json_string_value(json_object_get(entry, "reason"));
    uint64_t before_s = rs_denylist_user_entry(value);
    recsys_bytes named = rs_denylist_user_of(jti);
    recsys_status status = RECSYS_OK;
    size_t is_taken = 1;
    if (named.size > 0 && before_s > 0 && before_s <= RS_DENYLIST_LAST_S) {
        char user_room[MAX_TEXT + 1];
        memcpy(user_room, named.data, named.size);
        user_room[named.size] = '\0';
        status = rs_denylist_adopt_user(denylist, user_room, reason, before_s);
    } else if (jti.size <= MAX_TEXT) {
        status = rs_denylist_adopt(denylist, jti, user_id, reason, expires_s);
    } else {
        is_taken = 0; /* a user's, which cannot be read; while the store has it, it counts */
    }
    json_decref(entry);
    *n_taken += status == RECSYS_OK ? is_taken : 0;
    return status;
}

/* All that were found; then there is room for others. */
static void take_over_found(struct finds *finds)
{
    struct recsys_denylist *denylist = finds->denylist;
    uint64_t incarnation;

    for (size_t i = 0; i < finds->n && finds->status == RECSYS_OK; i++) {
        const recsys_bytes jti = {finds->found[i].jti, finds->found[i].size};
        char room[RS_DENYLIST_KEY_SIZE];
        recsys_bytes key = rs_denylist_key(jti, room);
        recsys_value value;
        finds->status = recsys_store_get(denylist->store, &key, 1, &value, &incarnation, NULL);
        if (finds->status == RECSYS_OK && value.data != NULL) /* else it has expired since */
            finds->status = take_over(denylist, jti, &value, &finds->n_taken);
        recsys_value_release(&value);
    }
    finds->n = 0;
}

static recsys_status take_over_some(struct recsys_denylist *denylist, struct rs_entries *at,
                                    size_t *n_taken)
{
    struct finds finds = {.denylist = denylist};

    for (int i = 0; i < SCANS_A_SYNC && finds.status == RECSYS_OK; i++) {
        recsys_status status = recsys_store_scan(denylist->store, entries_form, 2, &at->cursor,
                                                 find_unknown, &finds, NULL);
        if (status == RECSYS_OK)
            take_over_found(&finds);
        else if (status != RECSYS_E_STOPPED)
            finds.status = status;
        if (at->cursor == 0)
            break;
    }
    if (finds.status != RECSYS_OK)
        at->cursor = 0;
    *n_taken += finds.n_taken;
    return finds.status;
}

/* -- both -- */

static int begin(struct recsys_denylist *denylist, struct rs_entries *at)
{
    rs_lock_take(&denylist->lock);
    int is_ours = !denylist->is_at_entries;
    denylist->is_at_entries = 1;
    *at = denylist->entries;
    rs_lock_give(&denylist->lock);
    return is_ours;
}

void rs_denylist_sync_entries(struct recsys_denylist *denylist)
{
    struct rs_entries at;
    uint64_t began_ns = rs_clock_ns();
    size_t n_written = 0, n_taken = 0;
    int goes_on = 1;

    if (!begin(denylist, &at))
        return; /* another thread does it */
    recsys_status status = take_over_some(denylist, &at, &n_taken);
    if (n_taken > 0) {
        rs_denylist_proof_withdraw(denylist, rs_clock_ns());
        rs_log(RECSYS_LOG_INFO,
               "denylist: %zu tokens that other services have revoked in the store are in the "
               "database now",
               n_taken);
    }
    while (status == RECSYS_OK && goes_on && rs_clock_ns() - began_ns < PATIENCE_NS)
        status = write_page(denylist, &at, &n_written, &goes_on);
    if (n_written > 0)
        rs_log(RECSYS_LOG_INFO,
               "denylist: %zu entries that the store did not have were written again", n_written);
    rs_lock_take(&denylist->lock);
    denylist->entries = at;
    denylist->is_at_entries = 0;
    rs_lock_give(&denylist->lock);
}
