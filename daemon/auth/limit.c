/* daemon/auth/limit.c - one limit for the API, a stricter one where guessing pays.
 *
 * The caller is counted under what authentication has found: the user of a
 * token, the API key, else the address. /auth routes and failed logins are
 * counted apart, so that who guesses keys is stopped and the users behind the
 * same address are not: a login that succeeds is never refused for the failed
 * ones. Without a store, or while it is away, each process counts for itself.
 */
#include "daemon/auth/limit.h"

#include <string.h>

#include "daemon/http/reply.h"
#include "daemon/process/logger.h"

static uint32_t seconds(uint64_t ms)
{
    return (uint32_t)((ms + 999u) / 1000u);
}

/* Not counted is allowed: an internal error of the limiter shall not lock everybody out. */
static bool may_pass(struct rd_request *request, recsys_limiter *limiter, const char *key)
{
    recsys_limit *limit = &request->limit;
    recsys_error err = {0};

    if (limiter == NULL)
        return true;
    *limit = (recsys_limit)RECSYS_LIMIT_INIT;
    if (recsys_limiter_allow(limiter, (recsys_bytes){key, strlen(key)}, 1, limit, &err) !=
        RECSYS_OK) {
        rd_log_seldom(RECSYS_LOG_ERROR, "limiter: %s", err.message);
        return true;
    }
    if (limit->allowed)
        return true;
    request->retry_after = seconds(limit->retry_ms);
    if (request->retry_after == 0)
        request->retry_after = 1;
    return rd_reply_error(request, 429, "Too many requests");
}

bool rd_limit_check(struct rd_request *request, const struct rd_auth *auth, const char *key)
{
    unsigned access = request->route->access;

    if ((access & (RD_ACCESS_KEY | RD_ACCESS_ADMIN)) == 0)
        return true;
    if ((access & RD_ACCESS_STRICT) != 0 && auth->auth_limiter != NULL)
        return may_pass(request, auth->auth_limiter, key);
    return may_pass(request, auth->limiter, key);
}

bool rd_limit_failed_login(struct rd_request *request, const struct rd_auth *auth)
{
    char key[64] = "f:";

    strncat(key, request->info->remote_addr, sizeof key - 3);
    if (!may_pass(request, auth->auth_limiter, key))
        return false;
    memset(&request->limit, 0, sizeof request->limit); /* not what a caller's limit looks like */
    return true;
}
