/* daemon/auth/revoke.c - revoking tokens, and asking whether one is.
 *
 * A user may revoke own tokens: the one of this request (an empty body is enough; this is logging
 * out), or another one, which must be in the body. Services and admins may name any jti. A body
 * that names another thing, such as a user, is refused: the caller does not mean the own token.
 * With {"user_id", "all": true} it is all tokens of the user that were issued until now.
 * An entry stays on the denylist as long as any daemon could accept the token (revoked_until.h),
 * but says when the token itself ends.
 */
#include "daemon/auth/revoke.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "daemon/auth/caller.h"
#include "daemon/auth/revoked_until.h"
#include "daemon/http/body.h"
#include "daemon/http/failure.h"
#include "daemon/http/members.h"
#include "daemon/http/reply.h"
#include "daemon/process/logger.h"
#include "lib/base/clock.h"
#include "lib/base/json_write.h"

enum { TOKEN, JTI, USER, REASON, ALL, EXPIRY };
static const struct rd_member members[] = {
    [TOKEN] = {.name = "token", .type = RD_TYPE_TEXT, .min = 1, .max = RD_JWT_MAX},
    [JTI] = {.name = "jti", .type = RD_TYPE_TEXT, .min = 1, .max = RD_JWT_TEXT - 1},
    [USER] = {.name = "user_id", .type = RD_TYPE_TEXT, .min = 1, .max = RD_JWT_TEXT - 1},
    [REASON] = {.name = "reason", .type = RD_TYPE_TEXT, .min = 1, .max = 200},
    [ALL] = {.name = "all", .type = RD_TYPE_BOOLEAN},
    [EXPIRY] = {.name = "expires_at", .type = RD_TYPE_NUMBER, .min = 1, .max = RD_MAX_TIME_S},
};
const struct rd_shape rd_revoke_shape = {.name = "RevokeRequest", RD_MEMBERS(members)};

/* The token to revoke. Texts are BORROWED from the body or the caller. */
struct wish {
    const char *jti, *user_id, *reason, *token;
    int64_t expires_s;
    bool all;                    /* tokens of user_id, issued until now */
    struct rd_jwt_claims claims; /* of the token */
};

static recsys_denylist *get_denylist(struct rd_request *request)
{
    const struct rd_auth *auth = request->part;

    if (auth->denylist == NULL)
        (void)rd_reply_error(request, 503,
                             "Revocation is switched off: set jwt_secret_file or "
                             "jwt_public_key_file, and database or redis");
    return auth->denylist;
}

static bool unavailable(struct rd_request *request, const recsys_error *err)
{
    rd_log_seldom(RECSYS_LOG_WARN, "revoked tokens: %s", err->message);
    return rd_reply_unavailable(request, "The list of revoked tokens is not available");
}

/* Is it revoked now? False: answered. */
static bool is_revoked(struct rd_request *request, recsys_status status, const recsys_error *err)
{
    if (status == RECSYS_E_INVALID)
        return rd_reply_refusal(request, &rd_place_body, err);
    return status == RECSYS_OK || unavailable(request, err);
}

/* A NumericDate may have a fraction (RFC 7519 2); the token could be used until then. */
static void read_expiry(struct rd_problems *problems, const json_t *value, int64_t *out)
{
    const struct rd_member *row = &members[EXPIRY];
    const struct rd_place at = {&rd_place_body, row->name, 0};
    json_t *whole = json_is_real(value) ? json_real(ceil(json_real_value(value))) : NULL;

    rd_field_int(problems, &at, whole != NULL ? whole : value, row->min, row->max, out);
    json_decref(whole);
}

static void read_members(struct rd_problems *problems, const json_t *body, struct wish *wish)
{
    const struct rd_place *at = &rd_place_body;

    rd_member_text(problems, at, body, &members[TOKEN], &wish->token);
    rd_member_text(problems, at, body, &members[JTI], &wish->jti);
    rd_member_text(problems, at, body, &members[USER], &wish->user_id);
    rd_member_text(problems, at, body, &members[REASON], &wish->reason);
    rd_member_bool(problems, at, body, &members[ALL], &wish->all);
    read_expiry(problems, json_object_get(body, members[EXPIRY].name), &wish->expires_s);
}

/* Take jti, user and expiry from the token in the body. */
static void read_token(struct rd_request *request, struct rd_problems *problems, struct wish *wish)
{
    const struct rd_place at = {&rd_place_body, "token", 0};
    const struct rd_auth *auth = request->part;
    struct rd_keys *keys = rd_keyring_take(auth->keys);
    bool is_valid;
    char message[192];
    recsys_error err = {0};

    is_valid = rd_jwt_check(&keys->jwt, wish->token, strlen(wish->token),
                            rs_clock_unix_ms() / 1000u, &wish->claims, &err);
    rd_keyring_give(auth->keys, keys);
    if (!is_valid) {
        (void)snprintf(message, sizeof message, "Invalid token: %.160s", err.message);
        rd_problem_add(problems, "value_error", &at, message, NULL, NULL);
        return;
    }
    wish->jti = wish->claims.jti;
    wish->user_id = wish->claims.subject;
    wish->expires_s = (int64_t)wish->claims.expires_s;
}

/* Is there nothing in the body but perhaps a reason? */
static bool names_nothing(const json_t *body)
{
    return json_object_size(body) == (json_object_get(body, "reason") != NULL ? 1u : 0u);
}

/* The caller's own token, if it or nothing is named. */
static void take_own(const struct rd_caller *caller, const json_t *body, struct wish *wish)
{
    bool is_own =
        wish->jti == NULL ? names_nothing(body) : strcmp(wish->jti, caller->claims.jti) == 0;

    if (!is_own || wish->token != NULL || caller->claims.jti[0] == '\0')
        return;
    wish->jti = caller->claims.jti;
    wish->user_id = caller->claims.subject;
    wish->expires_s = (int64_t)caller->claims.expires_s;
}

static void require_members(const struct rd_request *request, struct rd_problems *problems,
                            const struct wish *wish)
{
    const struct rd_place jti_at = {&rd_place_body, "jti", 0},
                          at = {&rd_place_body, "expires_at", 0};

    if (wish->jti == NULL)
        rd_problem_add(problems, "missing", &jti_at,
                       "Field required: name the token with token, or with jti and expires_at; a "
                       "body that is empty or has only a reason means the token of this request",
                       request->json, NULL);
    else if (wish->expires_s == 0)
        rd_problem_add(problems, "missing", &at, "Field required", request->json, NULL);
}

/* All tokens of a user: of the caller, if none is named. Nothing else may say which token is meant.
 */
static void take_all(const struct rd_request *request, struct rd_problems *problems,
                     struct wish *wish)
{
    const struct rd_place user_at = {&rd_place_body, "user_id", 0},
                          all_at = {&rd_place_body, "all", 0};

    if (wish->jti != NULL || wish->token != NULL || wish->expires_s != 0)
        rd_problem_add(problems, "value_error", &all_at,
                       "\"all\" revokes all tokens of user_id that were issued until now: name no "
                       "token, jti or expires_at beside it",
                       NULL, NULL);
    if (wish->user_id == NULL && rd_caller_is_user(request))
        wish->user_id = request->caller->claims.subject;
    if (wish->user_id == NULL)
        rd_problem_add(problems, "missing", &user_at, "Field required: whose tokens?",
                       request->json, NULL);
}

static bool read_wish(struct rd_request *request, struct wish *wish)
{
    struct rd_problems problems = {request->out, 0};

    if (request->body->size > 0 && rd_body_parse(request, &problems))
        read_members(&problems, request->json, wish);
    if (problems.count == 0 && wish->all) {
        take_all(request, &problems, wish);
        return rd_reply_problems(request, &problems);
    }
    if (problems.count == 0) {
        if (wish->token != NULL)
            read_token(request, &problems, wish);
        take_own(request->caller, request->json, wish);
    }
    if (problems.count == 0)
        require_members(request, &problems, wish);
    return rd_reply_problems(request, &problems);
}

/* A user may revoke the token of this request, and tokens in the body with a valid signature. */
static bool may_revoke(struct rd_request *request, const struct wish *wish)
{
    const struct rd_caller *caller = request->caller;

    if (wish->all)
        return rd_caller_may(request, wish->user_id);
    if (!rd_caller_is_user(request) || strcmp(wish->jti, caller->claims.jti) == 0)
        return true;
    if (wish->token != NULL)
        return rd_caller_may(request, wish->claims.subject);
    return rd_reply_error(request, 403, "Only an admin may revoke a token by its jti");
}

static void revoke(struct rd_request *request, recsys_denylist *denylist, const struct wish *wish)
{
    recsys_bytes jti = {wish->jti, strlen(wish->jti)};
    recsys_error err = {0};
    recsys_status status = recsys_denylist_revoke(denylist, jti, wish->user_id, wish->reason,
                                                  (uint64_t)wish->expires_s, &err);

    if (!is_revoked(request, status, &err))
        return;
    request->status = 200;
    rs_buffer_add_text(request->out, "{\"message\":\"Token revoked\",\"jti\":");
    rs_json_put_string(request->out, wish->jti);
    rs_buffer_add(request->out, "}", 1);
}

/* "Until now": tokens have their iat in whole seconds, so those of this second are among them. The
 * caller's own is in any case, also if the clock of the issuer is ahead. */
static void revoke_all(struct rd_request *request, recsys_denylist *denylist,
                       const struct wish *wish)
{
    const struct rd_jwt_claims *own = &request->caller->claims;
    uint64_t until_s = rs_clock_unix_ms() / 1000u;
    recsys_error err = {0};

    if (request->caller->kind == RD_CALLER_USER && own->issued_s > until_s)
        until_s = own->issued_s;
    recsys_status status =
        recsys_denylist_revoke_user(denylist, wish->user_id, wish->reason, until_s + 1, &err);
    if (!is_revoked(request, status, &err))
        return;
    request->status = 200;
    rs_buffer_add_text(request->out, "{\"message\":\"All tokens revoked\",\"user_id\":");
    rs_json_put_string(request->out, wish->user_id);
    rs_buffer_format(request->out, ",\"issued_before\":%" PRIu64 "}", until_s + 1);
}

void rd_post_revoke(struct rd_request *request)
{
    recsys_denylist *denylist = get_denylist(request);
    struct wish wish;

    memset(&wish, 0, sizeof wish);
    if (denylist == NULL)
        return;
    if (!read_wish(request, &wish) || !may_revoke(request, &wish))
        return;
    if (wish.all)
        revoke_all(request, denylist, &wish);
    else
        revoke(request, denylist, &wish);
}

/* {"revoked":true, and the members of the entry on the denylist}. */
static void write_entry(struct rs_buffer *out, const recsys_value *json)
{
    const char *text = json->data;

    rs_buffer_add_text(out, "{\"revoked\":true");
    if (json->size > 2) {
        rs_buffer_add(out, ",", 1);
        rs_buffer_add(out, text + 1, json->size - 1);
    } else {
        rs_buffer_add(out, "}", 1);
    }
}

void rd_get_revoked(struct rd_request *request)
{
    recsys_denylist *denylist = get_denylist(request);
    recsys_bytes jti = {request->param, strlen(request->param)};
    recsys_denylist_verdict found = RECSYS_DENYLIST_VERDICT_INIT;
    recsys_value json = {0};
    recsys_error err = {0};
    recsys_status status;

    if (denylist == NULL)
        return;
    if (rd_caller_is_user(request) && strcmp(request->param, request->caller->claims.jti) != 0) {
        (void)rd_reply_error(request, 403, "Only an admin may ask about other tokens");
        return;
    }
    status = recsys_denylist_check(denylist, jti, &found, &err);
    if (status != RECSYS_OK ||
        (found.verdict != RECSYS_TOKEN_REVOKED && found.verdict != RECSYS_TOKEN_CLEAR)) {
        (void)unavailable(request, status != RECSYS_OK ? &err : &found.problem);
        return;
    }
    request->status = 200;
    if (found.verdict == RECSYS_TOKEN_REVOKED &&
        recsys_denylist_get(denylist, jti, &json, &err) == RECSYS_OK) {
        write_entry(request->out, &json);
        recsys_value_release(&json);
        return;
    }
    rs_buffer_add_text(request->out, "{\"revoked\":");
    rs_buffer_add_text(request->out, found.verdict == RECSYS_TOKEN_REVOKED ? "true" : "false");
    rs_buffer_add_text(request->out, ",\"jti\":");
    rs_json_put_string(request->out, request->param);
    rs_buffer_add(request->out, "}", 1);
}
