/* daemon/auth/caller.c - authentication and authorization.
 *
 * Something presented is an API key, the admin token or a JWT. API keys and the
 * admin token belong to services and act for every user; a JWT is one user and
 * reaches what has that user's id, unless it says admin. A token that was
 * revoked is refused; one of which nobody can say is answered with 503 and not
 * with a guess. Routes that change models take the admin token alone, since who
 * may load a file of the server's is not for the issuer of tokens to say.
 *
 * Ids of users are compared as the texts they are: "042" is not "42".
 */
#include "daemon/auth/caller.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "daemon/auth/limit.h"
#include "daemon/http/reply.h"
#include "daemon/observe/logger.h"
#include "daemon/routes.h"

static const char *bearer(const struct rd_headers *headers)
{
    const char *value = headers->authorization;

    if (value == NULL || strncasecmp(value, "Bearer ", 7) != 0)
        return NULL;
    return value + 7 + strspn(value + 7, " ");
}

/* 401, or 429 if this address has tried too often. */
static bool refuse(struct rd_request *request, const char *detail)
{
    return rd_limit_failed_login(request) && rd_reply_error(request, 401, detail);
}

static void name_caller(struct rd_caller *caller, const char kind[3], const char *name)
{
    memcpy(caller->key, kind, 3);
    strncat(caller->key, name, sizeof caller->key - 3);
}

/* Half of the digest is enough to tell keys apart, and no key can be had from it. */
static void name_service(struct rd_caller *caller, enum rd_caller_kind kind,
                         const struct rd_digest *digest)
{
    static const char hex[] = "0123456789abcdef";
    char *to = caller->key + 2;

    caller->kind = kind;
    memcpy(caller->key, "k:", 2);
    for (size_t i = 0; i < sizeof digest->bytes / 2; i++) {
        *to++ = hex[digest->bytes[i] >> 4];
        *to++ = hex[digest->bytes[i] & 15];
    }
    *to = '\0';
}

/* The operator is counted by the token, and not by an address that others have, too. */
static bool is_admin(struct rd_request *request, const char *token)
{
    const struct rd_auth *auth = &request->app->auth;

    if (!rd_auth_is_admin(auth, token))
        return false;
    name_service(&request->caller, RD_CALLER_ADMIN, &auth->admin);
    return true;
}

static bool check_admin(struct rd_request *request)
{
    const struct rd_auth *auth = &request->app->auth;
    const char *token = request->headers.admin_token;

    if (!auth->has_admin)
        return rd_reply_error(request, 403,
                              "Changing models is switched off: set admin_token_file, or "
                              "RECSYSD_ADMIN_TOKEN, to switch it on");
    if (token == NULL)
        token = bearer(&request->headers);
    if (token == NULL)
        return refuse(request, "Admin token required");
    return is_admin(request, token) ||
           (rd_limit_failed_login(request) && rd_reply_error(request, 403, "Wrong admin token"));
}

/* Nothing is known against the token, and the database cannot be asked for the last minutes: what
 * only reads goes on for a while. */
static bool may_pass_unconfirmed(const struct rd_request *request)
{
    uint64_t allowed_ms = request->app->config.jwt_unconfirmed_s * 1000u, now_ms;
    recsys_denylist_stats stats = {0};

    if (strcmp(request->method, "GET") != 0 && strcmp(request->method, "HEAD") != 0)
        return false;
    stats.struct_size = (uint32_t)sizeof stats;
    if (recsys_denylist_get_stats(request->app->stores.denylist, &stats, NULL) != RECSYS_OK)
        return false;
    now_ms = (uint64_t)time(NULL) * 1000u;
    return allowed_ms > 0 && now_ms <= stats.confirmed_ms + allowed_ms;
}

/* False: revoked, or nobody knows. */
static bool check_revoked(struct rd_request *request)
{
    const struct rd_caller *caller = &request->caller;
    recsys_bytes jti = {caller->claims.jti, strlen(caller->claims.jti)};
    recsys_denylist_verdict found = RECSYS_DENYLIST_VERDICT_INIT;

    if (recsys_denylist_check(request->app->stores.denylist, jti, &found, &found.problem) !=
        RECSYS_OK)
        found.verdict = RECSYS_TOKEN_UNKNOWN;
    if (found.verdict == RECSYS_TOKEN_CLEAR ||
        (found.verdict == RECSYS_TOKEN_UNCONFIRMED && may_pass_unconfirmed(request)))
        return true;
    if (found.verdict == RECSYS_TOKEN_REVOKED) {
        request->bad_token = true;
        return refuse(request, "Token revoked");
    }
    rd_log_seldom(RECSYS_LOG_WARN, "cannot tell whether tokens are revoked: %s",
                  found.problem.message);
    return rd_reply_unavailable(request, "It cannot be told now whether this token is revoked");
}

static bool check_token(struct rd_request *request, const char *token)
{
    struct rd_caller *caller = &request->caller;
    char why[160], detail[192];

    if (!rd_jwt_check(&request->app->auth.jwt, token, strlen(token), (uint64_t)time(NULL),
                      &caller->claims, why, sizeof why)) {
        (void)snprintf(detail, sizeof detail, "Invalid token: %s", why);
        request->bad_token = true;
        return refuse(request, detail);
    }
    caller->kind = caller->claims.is_admin ? RD_CALLER_ADMIN : RD_CALLER_USER;
    name_caller(caller, "u:", caller->claims.subject);
    return check_revoked(request);
}

static bool is_key(struct rd_request *request, const char *presented)
{
    const struct rd_auth *auth = &request->app->auth;
    struct rd_digest digest;

    if (rd_auth_is_key(auth, presented, &digest)) {
        name_service(&request->caller, RD_CALLER_SERVICE, &digest);
        return true;
    }
    return is_admin(request, presented);
}

static bool check_key_or_token(struct rd_request *request)
{
    const struct rd_auth *auth = &request->app->auth;
    bool has_keys = auth->n_keys > 0, has_tokens = rd_jwt_is_on(&auth->jwt);
    const char *key = request->headers.api_key, *token = bearer(&request->headers);

    if (request->headers.admin_token != NULL && auth->has_admin)
        return is_admin(request, request->headers.admin_token) ||
               refuse(request, "Wrong admin token");
    if (key != NULL && has_keys)
        return is_key(request, key) || refuse(request, "Invalid API key");
    if (token == NULL)
        return refuse(request, !has_tokens ? "API key required"
                               : has_keys  ? "API key or bearer token required"
                                           : "Bearer token required");
    if (is_key(request, token))
        return true;
    if (has_tokens)
        return check_token(request, token);
    return refuse(request, "Invalid API key");
}

bool rd_caller_check(struct rd_request *request)
{
    struct rd_caller *caller = &request->caller;
    unsigned flags = request->route->flags;

    caller->kind = RD_CALLER_ANYONE;
    name_caller(caller, "a:", request->info->remote_addr);
    if (flags & RD_ROUTE_ADMIN)
        return check_admin(request);
    if ((flags & RD_ROUTE_KEY) == 0 || !rd_auth_is_on(&request->app->auth))
        return true;
    return check_key_or_token(request);
}

bool rd_caller_is_user(const struct rd_request *request)
{
    return request->caller.kind == RD_CALLER_USER;
}

bool rd_caller_may(struct rd_request *request, const char *user_id)
{
    if (!rd_caller_is_user(request) || strcmp(request->caller.claims.subject, user_id) == 0)
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
