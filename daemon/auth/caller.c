/* daemon/auth/caller.c - authentication and authorization.
 *
 * A client presents an API key, the admin token or a JWT. API keys and the admin token belong to
 * services and may act for every user. A JWT belongs to one user and gives access to the data of
 * that user only, unless it has the role admin. A revoked token is refused. If the denylist cannot
 * decide whether a token is revoked, the reply is 503. Routes that change models accept only the
 * admin token, because the issuer of tokens must not decide which files of this machine are loaded.
 *
 * Ids of users are compared as the texts they are: "042" is not "42".
 */
#include "daemon/auth/caller.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "daemon/auth/limit.h"
#include "daemon/http/reply.h"
#include "daemon/process/logger.h"
#include "lib/base/clock.h"
#include "lib/base/hex.h"

static const char *bearer(const struct rd_headers *headers)
{
    const char *value = headers->authorization;

    if (value == NULL || strncasecmp(value, "Bearer ", 7) != 0)
        return NULL;
    return value + 7 + strspn(value + 7, " ");
}

/* 401, or 429 after too many failed logins from this address. */
static bool refuse(struct rd_request *request, const struct rd_auth *auth, const char *detail)
{
    return rd_limit_failed_login(request, auth) && rd_reply_error(request, 401, detail);
}

static void name_caller(struct rd_caller *caller, const char kind[3], const char *name)
{
    memcpy(caller->key, kind, 3);
    strncat(caller->key, name, sizeof caller->key - 3);
}

/* Half of the digest is enough to distinguish keys, and no key can be computed from it. */
static void name_service(struct rd_caller *caller, enum rd_caller_kind kind,
                         const struct rd_digest *digest)
{
    caller->kind = kind;
    memcpy(caller->key, "k:", 2);
    rs_hex_write(digest->bytes, sizeof digest->bytes / 2, caller->key + 2);
}

/* The limiter counts the operator by the token, and not by an address that other clients may
 * share. */
static bool is_admin(struct rd_request *request, const struct rd_keys *keys, const char *token)
{
    if (!rd_keys_is_admin(keys, token))
        return false;
    name_service(request->caller, RD_CALLER_ADMIN, &keys->admin);
    return true;
}

static bool check_admin(struct rd_request *request, const struct rd_auth *auth,
                        const struct rd_keys *keys)
{
    const char *token = request->headers.admin_token;

    if (!keys->has_admin)
        return rd_reply_error(request, 403,
                              "Routes that need the admin token are switched off: set "
                              "admin_token_file, or RECSYSD_ADMIN_TOKEN, to switch them on");
    if (token == NULL)
        token = bearer(&request->headers);
    if (token == NULL)
        return refuse(request, auth, "Admin token required");
    return is_admin(request, keys, token) || (rd_limit_failed_login(request, auth) &&
                                              rd_reply_error(request, 403, "Wrong admin token"));
}

/* The denylist does not list the token, but could not ask the database whether it is complete.
 * For jwt_unconfirmed_s, requests that only read are accepted nevertheless. */
static bool may_pass_unconfirmed(const struct rd_request *request, const struct rd_auth *auth)
{
    uint64_t allowed_ms = auth->unconfirmed_s * 1000u;
    recsys_denylist_stats stats = {0};

    if (strcmp(request->method, "GET") != 0 && strcmp(request->method, "HEAD") != 0)
        return false;
    stats.struct_size = (uint32_t)sizeof stats;
    if (recsys_denylist_get_stats(auth->denylist, &stats, NULL) != RECSYS_OK)
        return false;
    return allowed_ms > 0 && rs_clock_unix_ms() <= stats.confirmed_ms + allowed_ms;
}

/* False: revoked, or the denylist cannot decide; answered. */
static bool check_revoked(struct rd_request *request, const struct rd_auth *auth)
{
    const struct rd_caller *caller = request->caller;
    recsys_bytes jti = {caller->claims.jti, strlen(caller->claims.jti)};
    recsys_denylist_verdict found = RECSYS_DENYLIST_VERDICT_INIT;

    if (recsys_denylist_check_user(auth->denylist, jti, caller->claims.subject,
                                   caller->claims.issued_s, &found, &found.problem) != RECSYS_OK)
        found.verdict = RECSYS_TOKEN_UNKNOWN;
    if (found.verdict == RECSYS_TOKEN_CLEAR ||
        (found.verdict == RECSYS_TOKEN_UNCONFIRMED && may_pass_unconfirmed(request, auth)))
        return true;
    if (found.verdict == RECSYS_TOKEN_REVOKED) {
        request->bad_token = true;
        return refuse(request, auth, "Token revoked");
    }
    rd_log_seldom(RECSYS_LOG_WARN, "cannot check whether tokens are revoked: %s",
                  found.problem.message);
    return rd_reply_unavailable(request, "Cannot check right now whether this token is revoked");
}

static bool check_token(struct rd_request *request, const struct rd_auth *auth,
                        const struct rd_keys *keys, const char *token)
{
    struct rd_caller *caller = request->caller;
    char detail[192];
    recsys_error err = {0};

    if (!rd_jwt_check(&keys->jwt, token, strlen(token), rs_clock_unix_ms() / 1000u, &caller->claims,
                      &err)) {
        (void)snprintf(detail, sizeof detail, "Invalid token: %.160s", err.message);
        request->bad_token = true;
        return refuse(request, auth, detail);
    }
    caller->kind = caller->claims.is_admin ? RD_CALLER_ADMIN : RD_CALLER_USER;
    name_caller(caller, "u:", caller->claims.subject);
    return check_revoked(request, auth);
}

static bool is_key(struct rd_request *request, const struct rd_keys *keys, const char *presented)
{
    struct rd_digest digest;

    if (rd_keys_has(keys, presented, &digest)) {
        name_service(request->caller, RD_CALLER_SERVICE, &digest);
        return true;
    }
    return is_admin(request, keys, presented);
}

static bool check_key_or_token(struct rd_request *request, const struct rd_auth *auth,
                               const struct rd_keys *keys)
{
    bool has_keys = keys->n_keys > 0, has_tokens = rd_jwt_is_on(&keys->jwt);
    const char *key = request->headers.api_key, *token = bearer(&request->headers);

    if (request->headers.admin_token != NULL && keys->has_admin)
        return is_admin(request, keys, request->headers.admin_token) ||
               refuse(request, auth, "Wrong admin token");
    if (key != NULL && has_keys)
        return is_key(request, keys, key) || refuse(request, auth, "Invalid API key");
    if (token == NULL)
        return refuse(request, auth,
                      !has_tokens ? "API key required"
                      : has_keys  ? "API key or bearer token required"
                                  : "Bearer token required");
    if (is_key(request, keys, token))
        return true;
    if (has_tokens)
        return check_token(request, auth, keys, token);
    return refuse(request, auth, "Invalid API key");
}

static bool check(struct rd_request *request, const struct rd_auth *auth,
                  const struct rd_keys *keys)
{
    unsigned access = request->route->access;

    request->caller->kind = RD_CALLER_ANYONE;
    name_caller(request->caller, "a:", request->remote);
    if ((access & RD_ACCESS_ADMIN) != 0)
        return check_admin(request, auth, keys);
    if ((access & RD_ACCESS_KEY) == 0 || !rd_keys_is_on(keys))
        return true;
    return check_key_or_token(request, auth, keys);
}

bool rd_caller_check(struct rd_request *request, const struct rd_auth *auth)
{
    struct rd_keys *keys = rd_keyring_take(auth->keys);
    bool may_go_on = check(request, auth, keys);

    rd_keyring_give(auth->keys, keys);
    return may_go_on;
}

bool rd_caller_check_owner(struct rd_request *request)
{
    return (request->route->access & RD_ACCESS_OWN) == 0 || rd_caller_may(request, request->param);
}

bool rd_caller_is_user(const struct rd_request *request)
{
    return request->caller->kind == RD_CALLER_USER;
}

bool rd_caller_may(struct rd_request *request, const char *user_id)
{
    if (!rd_caller_is_user(request) || strcmp(request->caller->claims.subject, user_id) == 0)
        return true;
    return rd_reply_error(request, 403, "This token is for another user");
}

bool rd_caller_may_id(struct rd_request *request, recsys_id user)
{
    char text[24];

    if (user.text != NULL) /* its length is known, and it has no NUL: it came from JSON or a path */
        return rd_caller_may(request, user.text);
    (void)snprintf(text, sizeof text, "%llu", (unsigned long long)user.number);
    return rd_caller_may(request, text);
}

bool rd_caller_may_ids(struct rd_request *request, const recsys_id *users, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!rd_caller_may_id(request, users[i]))
            return false;
    return true;
}
