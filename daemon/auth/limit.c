/* daemon/auth/limit.c - one limit for the API, a stricter one where guessing pays.
 *
 * Requests are counted by user if there is a token, by API key if there is a key, else by address.
 * Requests to /auth routes and failed logins are counted separately. So a client that guesses keys
 * is stopped, but users who share its address are not: a successful login is never refused because
 * of failed ones. Without a store, or while the store does not answer, each process counts its own
 * requests.
 */
#include "daemon/auth/limit.h"

#include <string.h>

#include "daemon/http/reply.h"
#include "daemon/process/logger.h"

static uint32_t seconds(uint64_t ms)
{
    return (uint32_t)((ms + 999u) / 1000u);
}

/* If the limiter itself fails, the request is allowed: an internal error must not lock all
 * clients out. */
static bool may_pass(struct rd_request *request, recsys_limiter *limiter, uint32_t window_s,
                     const char *key)
{
    recsys_limit *limit = &request->limit;
    recsys_error err = {0};

    if (limiter == NULL)
        return true;
    *limit = (recsys_limit)RECSYS_LIMIT_INIT;
    request->limit_window_s = window_s;
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
        return may_pass(request, auth->auth_limiter, auth->auth_window_s, key);
    return may_pass(request, auth->limiter, auth->window_s, key);
}

bool rd_limit_failed_login(struct rd_request *request, const struct rd_auth *auth)
{
    char key[64] = "f:";

    strncat(key, request->remote, sizeof key - 3);
    if (!may_pass(request, auth->auth_limiter, auth->auth_window_s, key))
        return false;
    memset(&request->limit, 0, sizeof request->limit); /* replies show the limit of callers only */
    return true;
}
