/* lib/recycling/user.c - change a profile.
 *
 * The members are checked here, by a closed list, and travel to the database as
 * one JSON parameter of one fixed statement: no text of a request ever becomes
 * part of a statement, and a member that is not given keeps its column as it is.
 */
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/json.h"
#include "lib/base/utf8.h"
#include "lib/domain/domain.h"
#include "lib/recycling/ready_domain.h"
#include "lib/recycling/recycling_table.h"

#define MAX_USER_ID 255u
#define MAX_MEMBERS_BYTES 65536u
#define WHERE "profile"

/* Lengths are in characters, like the checks of the table. */
static const struct user_member {
    const char *name;
    json_type type;
    size_t max;
    int may_be_null;
} members_known[] = {
    {"name", JSON_STRING, 100, 0},      {"email", JSON_STRING, 254, 1},
    {"phone", JSON_STRING, 32, 1},      {"avatar_url", JSON_STRING, 2048, 1},
    {"preferences", JSON_OBJECT, 0, 0},
};

#define TAKE(column)                                                                               \
#column " = CASE WHEN jsonb_exists($2::text::jsonb, '" #column                                 \
            "') THEN $2::text::jsonb->>'" #column "' ELSE " #column " END, "
static const char update[] = "UPDATE my_db.users SET " TAKE(name) TAKE(email) TAKE(phone)
    TAKE(avatar_url) "preferences = CASE WHEN jsonb_exists($2::text::jsonb, 'preferences') "
                     "THEN $2::text::jsonb->'preferences' ELSE preferences END, updated_at = now() "
                     "WHERE user_id = $1::text RETURNING " RS_USER_COLUMNS;

static recsys_status check_member(const char *name, const json_t *value, recsys_error *err)
{
    const struct user_member *member = NULL;

    for (size_t i = 0; i < sizeof members_known / sizeof *members_known; i++)
        if (strcmp(members_known[i].name, name) == 0)
            member = &members_known[i];
    if (member == NULL)
        return rs_error(err, RECSYS_E_FORMAT,
                        WHERE ": \"%.100s\" cannot be changed; only name, email, phone, "
                              "avatar_url and preferences can",
                        name);
    if (json_is_null(value) && member->may_be_null)
        return RECSYS_OK;
    if (json_typeof(value) != member->type)
        return rs_error(err, RECSYS_E_FORMAT, WHERE ": \"%s\" must be %s%s", name,
                        member->type == JSON_STRING ? "a string" : "an object",
                        member->may_be_null ? " or null" : "");
    if (member->type != JSON_STRING)
        return RECSYS_OK;
    size_t n = rs_utf8_count(json_string_value(value));
    if (n == 0 || n > member->max)
        return rs_error(err, RECSYS_E_FORMAT, WHERE ": \"%s\" has %zu characters, must have 1..%zu",
                        name, n, member->max);
    const char *at = strchr(json_string_value(value), '@');
    if (strcmp(name, "email") == 0 &&
        (at == NULL || at == json_string_value(value) || at[1] == '\0'))
        return rs_error(err, RECSYS_E_FORMAT, WHERE ": \"email\" is not an address with an @");
    return RECSYS_OK;
}

/* *text receives them as the statement's parameter, for rs_free(). */
static recsys_status check_members(recsys_bytes members, char **text, recsys_error *err)
{
    json_t *object = NULL, *value;
    const char *name;
    recsys_status status;

    *text = NULL;
    if (members.data == NULL)
        return rs_error(err, RECSYS_E_INVALID, "recsys_recycling_update_user: members is NULL");
    if (members.size > MAX_MEMBERS_BYTES)
        return rs_error(err, RECSYS_E_LIMIT, WHERE ": %zu bytes, at most %u are taken",
                        members.size, MAX_MEMBERS_BYTES);
    status = rs_json_parse(members.data, members.size, WHERE, &object, err);
    if (status != RECSYS_OK)
        return status;
    if (!json_is_object(object))
        status = rs_error(err, RECSYS_E_FORMAT, WHERE ": must be an object");
    else if (json_object_size(object) == 0)
        status = rs_error(err, RECSYS_E_FORMAT, WHERE ": has no member, nothing is to be changed");
    json_object_foreach(object, name, value) if (status == RECSYS_OK) status =
        check_member(name, value, err);
    json_decref(object);
    if (status != RECSYS_OK)
        return status;
    /* Pass the caller's text on, not the parsed object, so that numbers stay as they are. */
    *text = rs_copy_bytes(members.data, members.size);
    return *text == NULL ? rs_error_nomem(err, WHERE) : RECSYS_OK;
}

recsys_status recsys_recycling_update_user(recsys_domains *domains, const char *user_id,
                                           recsys_bytes members, recsys_value *json,
                                           recsys_error *err)
{
    char *text = NULL;
    recsys_rows *rows = NULL;
    recsys_status status;

    status = rs_ready_begin(domains, json, NULL, "recsys_recycling_update_user", err);
    if (status == RECSYS_OK)
        status = rs_domain_check_text("recsys_recycling_update_user", "user_id", user_id, 1,
                                      MAX_USER_ID, err);
    if (status != RECSYS_OK)
        return status;
    status = check_members(members, &text, err);
    if (status != RECSYS_OK)
        return status;
    const recsys_datum parameters[] = {recsys_datum_text(user_id), recsys_datum_text(text)};
    status =
        rs_domains_write_noted(domains, "user.profile", &user_id, 1, update, parameters, 2, &rows,
                               err);
    if (status == RECSYS_OK && recsys_rows_count(rows) == 0)
        status = rs_error(err, RECSYS_E_NOT_FOUND, "there is no user \"%.100s\"", user_id);
    if (status == RECSYS_OK)
        status = recsys_rows_format(rows, RECSYS_SHAPE_OBJECT, json, err);
    recsys_rows_destroy(rows);
    rs_free(text);
    return status;
}
