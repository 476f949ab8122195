/* lib/denylist/denylist_revoke.c - revoking a token, and the entry of a revoked one.
 *
 * One statement takes the next revision and writes the token. From the moment of the
 * commit the token is revoked. Afterwards the others are informed: this process' set,
 * the proof in the store (denylist_proof.c), and last the entry `blacklist:{jti}`, for
 * services that do not use this library. Processes with this library do not need that
 * entry.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "lib/base/alloc.h"
#include "lib/base/clock.h"
#include "lib/base/error.h"
#include "lib/base/json.h"
#include "lib/base/utf8.h"
#include "lib/denylist/denylist.h"

#define MAX_ENTRY ((size_t)1 << 20)

/* Revoked again: the first reason stays, the later expiry counts, and through the new
 * revision all processes read it. */
static const char revoke_statement[] =
    "WITH next AS (UPDATE auth_db.revocation SET revision = revision + 1 RETURNING revision)"
    " INSERT INTO auth_db.revoked_tokens AS t (jti, user_id, reason, expires_at, revision)"
    " SELECT $1, $2, $3, to_timestamp($4::bigint), revision FROM next"
    " ON CONFLICT (jti) DO UPDATE SET revision = EXCLUDED.revision,"
    " expires_at = greatest(t.expires_at, EXCLUDED.expires_at)"
    " RETURNING user_id, reason, revoked_at AS blacklisted_at, expires_at";

/* The same, unless the token is on the list for as long already. */
static const char adopt_statement[] =
    "WITH next AS (UPDATE auth_db.revocation SET revision = revision + 1 WHERE NOT EXISTS"
    " (SELECT 1 FROM auth_db.revoked_tokens WHERE jti = $1 AND"
    " expires_at >= to_timestamp($4::bigint)) RETURNING revision)"
    " INSERT INTO auth_db.revoked_tokens AS t (jti, user_id, reason, expires_at, revision)"
    " SELECT $1, $2, $3, to_timestamp($4::bigint), revision FROM next"
    " ON CONFLICT (jti) DO UPDATE SET revision = EXCLUDED.revision,"
    " expires_at = greatest(t.expires_at, EXCLUDED.expires_at)"
    " RETURNING user_id, reason, revoked_at AS blacklisted_at, expires_at";

static const char get_statement[] =
    "SELECT jti, user_id, reason, revoked_at AS blacklisted_at, expires_at"
    " FROM auth_db.revoked_tokens WHERE jti = $1 AND expires_at > now() - interval '11 minutes'";

static recsys_datum optional_text(const char *text)
{
    return rs_denylist_text((recsys_bytes){text, text == NULL ? 0 : strlen(text)});
}

/* The arguments of revoke(). */
struct wish {
    recsys_bytes jti;
    const char *user_id, *reason;
    uint64_t expires_s;
};

/* `json` receives the entry as the database has it. */
static recsys_status write_database(recsys_denylist *denylist, const char *statement,
                                    const struct wish *wish, recsys_value *json, recsys_error *err)
{
    recsys_datum parameters[] = {rs_denylist_text(wish->jti), optional_text(wish->user_id),
                                 optional_text(wish->reason),
                                 recsys_datum_integer((int64_t)wish->expires_s)};
    recsys_rows *rows = NULL;
    recsys_error said;
    recsys_status status =
        recsys_source_query(denylist->source, statement, parameters, 4, 0, &rows, &said);

    if (status != RECSYS_OK)
        return rs_error_copy(err, &said);
    /* The token is revoked, also if there is no memory for its entry. */
    if (recsys_rows_count(rows) == 0 ||
        recsys_rows_format(rows, RECSYS_SHAPE_OBJECT, json, NULL) != RECSYS_OK)
        *json = (recsys_value){0};
    recsys_rows_destroy(rows);
    return RECSYS_OK;
}

static void format_time(uint64_t unix_ms, char out[32])
{
    time_t seconds = (time_t)(unix_ms / 1000u);
    struct tm parts;

    out[0] = '\0';
    if (gmtime_r(&seconds, &parts) != NULL)
        strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", &parts);
}

static void free_text(void *text)
{
    rs_free(text);
}

/* The text of `object`, which may be NULL. Takes over the reference to `object`. */
static recsys_status format_json(json_t *object, recsys_value *json, recsys_error *err)
{
    char *text = object == NULL ? NULL : rs_json_write_text(object, JSON_COMPACT);

    json_decref(object);
    if (text == NULL)
        return rs_error_nomem(err, "revoked token");
    *json = (recsys_value){text, strlen(text), text, free_text};
    return RECSYS_OK;
}

recsys_status rs_denylist_make_entry(const char *user_id, const char *reason, uint64_t began_ms,
                                     uint64_t expires_ms, recsys_value *json, recsys_error *err)
{
    char began[32], expires[32];

    format_time(began_ms, began);
    format_time(expires_ms, expires);
    return format_json(json_pack("{s:s?, s:s?, s:s, s:s}", "user_id", user_id, "reason", reason,
                                 "blacklisted_at", began, "expires_at", expires),
                       json, err);
}

recsys_status rs_denylist_make_user_entry(const char *user_id, const char *reason,
                                          uint64_t began_ms, uint64_t issued_before_s,
                                          recsys_value *json, recsys_error *err)
{
    char began[32], before[32];

    format_time(began_ms, began);
    format_time(issued_before_s * 1000u, before);
    return format_json(json_pack("{s:s, s:s?, s:s, s:s}", "user_id", user_id, "reason", reason,
                                 "blacklisted_at", began, "issued_before", before),
                       json, err);
}

static recsys_status tell_store(recsys_denylist *denylist, const struct wish *wish,
                                const recsys_value *json, recsys_error *err)
{
    uint64_t until_ms = wish->expires_s * 1000u + RS_DENYLIST_GRACE_MS;
    uint64_t now_ms = rs_denylist_now(denylist);
    char room[RS_DENYLIST_KEY_SIZE];

    if (denylist->store == NULL || json->data == NULL || until_ms <= now_ms)
        return RECSYS_OK;
    return recsys_store_set(denylist->store, rs_denylist_key(wish->jti, room),
                            (recsys_bytes){json->data, json->size}, until_ms - now_ms,
                            RECSYS_STORE_ALWAYS, err);
}

static void add_to_set(recsys_denylist *denylist, const struct wish *wish)
{
    struct rs_jti jti = rs_jti_make(wish->jti);
    uint64_t now_ms = rs_denylist_now(denylist);

    /* If it finds no room the set is not complete to the new revision either,
     * and checks ask the database. */
    rs_lock_take(&denylist->lock);
    recsys_status status = rs_denylist_set_add(
        &denylist->set, jti, wish->expires_s * 1000u + RS_DENYLIST_GRACE_MS, now_ms);
    rs_lock_give(&denylist->lock);
    (void)status;
}

static recsys_status check_wish(const struct wish *wish, recsys_error *err)
{
    recsys_status status = rs_denylist_check_jti(wish->jti, "recsys_denylist_revoke", err);

    if (status != RECSYS_OK)
        return status;
    if ((wish->user_id != NULL && !rs_utf8_is_valid(wish->user_id, strlen(wish->user_id))) ||
        (wish->reason != NULL && !rs_utf8_is_valid(wish->reason, strlen(wish->reason))))
        return rs_error(err, RECSYS_E_INVALID,
                        "recsys_denylist_revoke: user_id or reason is not UTF-8");
    if (wish->expires_s > RS_DENYLIST_LAST_S)
        return rs_error(err, RECSYS_E_INVALID,
                        "recsys_denylist_revoke: expires_s is %" PRIu64
                        ", after the year 9999; it is in seconds",
                        wish->expires_s);
    return RECSYS_OK;
}

recsys_status recsys_denylist_revoke(recsys_denylist *denylist, recsys_bytes jti,
                                     const char *user_id, const char *reason, uint64_t expires_s,
                                     recsys_error *err)
{
    const struct wish wish = {jti, user_id, reason, expires_s};
    recsys_value json = {0};

    recsys_status status = rs_denylist_is_usable(denylist, "recsys_denylist_revoke", err);
    if (status == RECSYS_OK)
        status = check_wish(&wish, err);
    if (status != RECSYS_OK)
        return status;
    if (denylist->source == NULL) {
        status = rs_denylist_make_entry(user_id, reason, rs_denylist_now(denylist),
                                        expires_s * 1000u, &json, err);
        if (status == RECSYS_OK)
            status = tell_store(denylist, &wish, &json, err);
        if (status == RECSYS_OK)
            add_to_set(denylist, &wish);
    } else {
        status = write_database(denylist, revoke_statement, &wish, &json, err);
        if (status == RECSYS_OK) {
            uint64_t committed_ns = rs_clock_ns();
            add_to_set(denylist, &wish);
            if (denylist->store != NULL)
                rs_denylist_proof_withdraw(denylist, committed_ns);
            recsys_status ignored = tell_store(denylist, &wish, &json, NULL);
            (void)ignored;
        }
    }
    recsys_value_release(&json);
    if (status == RECSYS_OK)
        recsys_metric_add(denylist->revocations, 1);
    return status;
}

recsys_status rs_denylist_adopt(recsys_denylist *denylist, recsys_bytes jti, const char *user_id,
                                const char *reason, uint64_t expires_s)
{
    const struct wish wish = {jti, user_id, reason, expires_s};
    recsys_value json = {0};
    recsys_status status = write_database(denylist, adopt_statement, &wish, &json, NULL);

    recsys_value_release(&json);
    if (status == RECSYS_OK)
        add_to_set(denylist, &wish);
    return status;
}

static recsys_status get_from_database(recsys_denylist *denylist, recsys_bytes jti,
                                       recsys_value *json, recsys_error *err)
{
    recsys_datum parameter = rs_denylist_text(jti);
    recsys_rows *rows;
    recsys_status status =
        recsys_source_query(denylist->source, get_statement, &parameter, 1, 0, &rows, err);

    if (status != RECSYS_OK)
        return status;
    status = recsys_rows_count(rows) == 0
                 ? rs_error(err, RECSYS_E_NOT_FOUND, "the token is not revoked")
                 : recsys_rows_format(rows, RECSYS_SHAPE_OBJECT, json, err);
    recsys_rows_destroy(rows);
    return status;
}

/* The entry does not contain its jti, since its key does. */
static recsys_status get_from_store(recsys_denylist *denylist, recsys_bytes jti, recsys_value *json,
                                    recsys_error *err)
{
    char room[RS_DENYLIST_KEY_SIZE];
    recsys_bytes key = rs_denylist_key(jti, room);
    recsys_value entry = {0};
    json_t *object = NULL, *whole = NULL;
    uint64_t incarnation;
    recsys_status status = recsys_store_get(denylist->store, &key, 1, &entry, &incarnation, err);

    if (status != RECSYS_OK)
        return status;
    if (entry.data == NULL)
        return rs_error(err, RECSYS_E_NOT_FOUND, "the store has no entry for the token");
    status = entry.size > MAX_ENTRY
                 ? rs_error(err, RECSYS_E_LIMIT, "the entry of a revoked token has %zu bytes",
                            entry.size)
                 : rs_json_parse(entry.data, entry.size, "blacklist:{jti}", &object, err);
    if (status == RECSYS_OK && !json_is_object(object))
        status = rs_error(err, RECSYS_E_FORMAT, "the entry of a revoked token is no JSON object");
    if (status == RECSYS_OK) {
        whole = json_pack("{s:s%}", "jti", jti.data, jti.size);
        if (whole == NULL || json_object_update_missing(whole, object) != 0) {
            json_decref(whole);
            whole = NULL;
        }
        status = format_json(whole, json, err);
    }
    json_decref(object);
    recsys_value_release(&entry);
    return status;
}

recsys_status recsys_denylist_get(recsys_denylist *denylist, recsys_bytes jti, recsys_value *json,
                                  recsys_error *err)
{
    recsys_error said;
    recsys_status status;

    if (json != NULL)
        *json = (recsys_value){0};
    if (json == NULL)
        return rs_error(err, RECSYS_E_INVALID, "recsys_denylist_get: json is NULL");
    status = rs_denylist_is_usable(denylist, "recsys_denylist_get", err);
    if (status == RECSYS_OK)
        status = rs_denylist_check_jti(jti, "recsys_denylist_get", err);
    if (status != RECSYS_OK)
        return status;
    if (denylist->source == NULL)
        return get_from_store(denylist, jti, json, err);
    status = get_from_database(denylist, jti, json, &said);
    /* A missing key in the store would prove nothing. */
    if (status != RECSYS_OK && status != RECSYS_E_NOT_FOUND && denylist->store != NULL &&
        get_from_store(denylist, jti, json, NULL) == RECSYS_OK)
        return RECSYS_OK;
    return status == RECSYS_OK ? status : rs_error_copy(err, &said);
}
