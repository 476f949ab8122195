/* lib/denylist/denylist_users.c - all tokens of a user that were issued before a time.
 *
 * One row a user says "tokens issued before T are refused"; a later T replaces an earlier one, and
 * the row stays for good, since the lifetime of tokens is the issuer's. It takes the next revision
 * as a token's row does, so everything that holds for tokens holds for it: the reading of what is
 * new, the proof in the store, and the entry for other services, here `blacklist:user:{id}`.
 *
 * That key is the one of a token with the jti `user:{id}`, too. The member issued_before tells them
 * apart; what is no JSON object, or has such a member that is no time, refuses all of the user's.
 */
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/error.h"
#include "lib/base/json.h"
#include "lib/base/utf8.h"
#include "lib/denylist/denylist.h"

#define MAX_ENTRY ((size_t)64 << 10)
#define EVERY_TOKEN UINT64_MAX

static const char revoke_statement[] =
    "WITH stamp AS (UPDATE auth_db.revocation SET revision = revision + 1 RETURNING revision)"
    " INSERT INTO auth_db.revoked_users AS u (user_id, reason, issued_before, revision)"
    " SELECT $1, $2, to_timestamp($3::bigint), revision FROM stamp"
    " ON CONFLICT (user_id) DO UPDATE SET revision = EXCLUDED.revision, revoked_at = now(),"
    " reason = EXCLUDED.reason, issued_before = greatest(u.issued_before, EXCLUDED.issued_before)"
    " RETURNING ceil(extract(epoch FROM issued_before))::bigint AS before_s";

/* The same, unless the row says so already. */
static const char adopt_statement[] =
    "WITH stamp AS (UPDATE auth_db.revocation SET revision = revision + 1 WHERE NOT EXISTS"
    " (SELECT 1 FROM auth_db.revoked_users WHERE user_id = $1 AND"
    " issued_before >= to_timestamp($3::bigint)) RETURNING revision)"
    " INSERT INTO auth_db.revoked_users AS u (user_id, reason, issued_before, revision)"
    " SELECT $1, $2, to_timestamp($3::bigint), revision FROM stamp"
    " ON CONFLICT (user_id) DO UPDATE SET revision = EXCLUDED.revision, revoked_at = now(),"
    " reason = EXCLUDED.reason, issued_before = greatest(u.issued_before, EXCLUDED.issued_before)"
    " RETURNING ceil(extract(epoch FROM issued_before))::bigint AS before_s";

recsys_bytes rs_denylist_user_of(recsys_bytes name)
{
    if (name.size <= 5 || memcmp(name.data, "user:", 5) != 0)
        return (recsys_bytes){0};
    return (recsys_bytes){(const char *)name.data + 5, name.size - 5};
}

uint64_t rs_denylist_user_entry(const recsys_value *entry)
{
    json_t *object = NULL;
    int64_t before_s = -1;

    if (entry->data == NULL)
        return 0;
    if (entry->size == 0 || entry->size > MAX_ENTRY ||
        rs_json_parse(entry->data, entry->size, "the entry of a user", &object, NULL) !=
            RECSYS_OK ||
        !json_is_object(object)) {
        json_decref(object);
        return EVERY_TOKEN;
    }
    const json_t *before = json_object_get(object, "issued_before");
    const char *text = json_string_value(before);
    if (before == NULL)
        before_s = 0;
    else if (text != NULL && (before_s = rs_denylist_read_time(text)) >= 0)
        before_s += strchr(text, '.') != NULL; /* the fraction, rounded up */
    else if (json_is_integer(before))
        before_s = (int64_t)json_integer_value(before);
    json_decref(object);
    return before_s < 0 ? EVERY_TOKEN : (uint64_t)before_s;
}

recsys_status rs_denylist_add_user(struct recsys_denylist *denylist, recsys_bytes user,
                                   uint64_t issued_before_s)
{
    return rs_denylist_set_add(&denylist->users, rs_jti_make(user), issued_before_s * 1000u, 0);
}

/* The arguments of revoke_user(); `issued_before_s` becomes what counts now. */
struct user_wish {
    const char *user_id, *reason;
    uint64_t issued_before_s;
};

static recsys_status write_database(struct recsys_denylist *denylist, const char *statement,
                                    struct user_wish *wish, recsys_error *err)
{
    const char *reason = wish->reason;
    recsys_datum parameters[] = {
        recsys_datum_text(wish->user_id),
        rs_denylist_text((recsys_bytes){reason, reason == NULL ? 0 : strlen(reason)}),
        recsys_datum_integer((int64_t)wish->issued_before_s)};
    recsys_rows *rows = NULL;
    recsys_error said;
    recsys_status status =
        recsys_source_query(denylist->source, statement, parameters, 3, 0, &rows, &said);

    if (status != RECSYS_OK)
        return rs_error_copy(err, &said);
    if (recsys_rows_count(rows) > 0 && recsys_rows_get(rows, 0, 0).number > 0)
        wish->issued_before_s = (uint64_t)recsys_rows_get(rows, 0, 0).number;
    recsys_rows_destroy(rows);
    return RECSYS_OK;
}

/* Without room for it the set is not complete to the new revision either, and checks ask the
 * database. */
static recsys_status add_to_set(struct recsys_denylist *denylist, const struct user_wish *wish)
{
    rs_lock_take(&denylist->lock);
    recsys_status status = rs_denylist_add_user(
        denylist, (recsys_bytes){wish->user_id, strlen(wish->user_id)}, wish->issued_before_s);
    rs_lock_give(&denylist->lock);
    return status;
}

static recsys_status tell_store(struct recsys_denylist *denylist, const struct user_wish *wish,
                                recsys_error *err)
{
    char room[RS_DENYLIST_KEY_SIZE];
    recsys_value json = {0};
    recsys_status status = rs_denylist_make_user_entry(
        wish->user_id, wish->reason, rs_denylist_now(denylist), wish->issued_before_s, &json, err);

    if (status != RECSYS_OK)
        return status;
    const recsys_bytes user = {wish->user_id, strlen(wish->user_id)};
    status = recsys_store_set(denylist->store, rs_denylist_user_key(user, room),
                              (recsys_bytes){json.data, json.size}, RECSYS_NEVER,
                              RECSYS_STORE_ALWAYS, err);
    recsys_value_release(&json);
    return status;
}

static recsys_status check_wish(const struct user_wish *wish, recsys_error *err)
{
    recsys_status status =
        rs_denylist_check_user_id(wish->user_id, "recsys_denylist_revoke_user", err);

    if (status != RECSYS_OK)
        return status;
    if (wish->reason != NULL && !rs_utf8_is_valid(wish->reason, strlen(wish->reason)))
        return rs_error(err, RECSYS_E_INVALID,
                        "recsys_denylist_revoke_user: the reason is not UTF-8");
    if (wish->issued_before_s == 0 || wish->issued_before_s > RS_DENYLIST_LAST_S)
        return rs_error(err, RECSYS_E_INVALID,
                        "recsys_denylist_revoke_user: issued_before_s is 0 or after the year 9999");
    return RECSYS_OK;
}

recsys_status recsys_denylist_revoke_user(recsys_denylist *denylist, const char *user_id,
                                          const char *reason, uint64_t issued_before_s,
                                          recsys_error *err)
{
    struct user_wish wish = {user_id, reason, issued_before_s};
    recsys_status status = rs_denylist_is_usable(denylist, "recsys_denylist_revoke_user", err);

    if (status == RECSYS_OK)
        status = check_wish(&wish, err);
    if (status != RECSYS_OK)
        return status;
    if (denylist->source == NULL) {
        status = tell_store(denylist, &wish, err);
        if (status == RECSYS_OK)
            status = add_to_set(denylist, &wish);
    } else {
        status = write_database(denylist, revoke_statement, &wish, err);
        if (status == RECSYS_OK) {
            uint64_t committed_ns = rs_clock_ns();
            recsys_status ignored = add_to_set(denylist, &wish);
            if (denylist->store != NULL) {
                rs_denylist_proof_withdraw(denylist, committed_ns);
                ignored = tell_store(denylist, &wish, NULL);
            }
            (void)ignored;
        }
    }
    if (status == RECSYS_OK)
        recsys_metric_add(denylist->revocations, 1);
    return status;
}

recsys_status rs_denylist_adopt_user(struct recsys_denylist *denylist, const char *user_id,
                                     const char *reason, uint64_t issued_before_s)
{
    struct user_wish wish = {user_id, reason, issued_before_s};
    recsys_status status = write_database(denylist, adopt_statement, &wish, NULL);

    if (status == RECSYS_OK) {
        recsys_status ignored = add_to_set(denylist, &wish);
        (void)ignored;
    }
    return status;
}
