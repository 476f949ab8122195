/* daemon/http/failure.c - makes a reply from a failed call of librecsys.
 *
 * The message of a database goes to the log and never to the client, because it may contain names
 * of hosts and tables.
 */
#include "daemon/http/failure.h"

#include <string.h>

#include "daemon/http/reply.h"
#include "daemon/process/logger.h"

#define RETRY_AFTER_S 1u /* a circuit breaker is probed more often */

bool rd_reply_failure(struct rd_request *request, recsys_status status, const recsys_error *err)
{
    const char *detail = err->message[0] != '\0' ? err->message : recsys_status_text(status);

    switch (status) {
    case RECSYS_E_INVALID:
        return rd_reply_error(request, 400, detail);
    case RECSYS_E_NOT_FOUND:
    case RECSYS_E_UNDEFINED:
        return rd_reply_error(request, 404, detail);
    case RECSYS_E_STATE:
    case RECSYS_E_CONFLICT:
    case RECSYS_E_EXISTS:
    case RECSYS_E_REJECTED:
        return rd_reply_error(request, 409, detail);
    case RECSYS_E_FORMAT:
    case RECSYS_E_UNSUPPORTED:
    case RECSYS_E_LIMIT:
        return rd_reply_error(request, 422, detail);
    case RECSYS_E_TIMEOUT:
    case RECSYS_E_UNAVAILABLE:
    case RECSYS_E_EXHAUSTED:
    case RECSYS_E_BUSY:
    case RECSYS_E_NOMEM:
        return rd_reply_unavailable(request, detail);
    case RECSYS_E_BACKEND:
        return rd_reply_error(request, 502, detail);
    default:
        rd_log(RECSYS_LOG_ERROR, "%s: %s", recsys_status_name(status), detail);
        return rd_reply_error(request, 500, detail);
    }
}

bool rd_reply_database_failure(struct rd_request *request, recsys_status status,
                               const recsys_error *err, const struct rd_place *place)
{
    bool is_read = strcmp(request->method, "GET") == 0;

    switch (status) {
    case RECSYS_E_INVALID:
        return rd_reply_refusal(request, place, err);
    case RECSYS_E_FORMAT: /* the client's data, or those of the database */
        if (!is_read)
            return rd_reply_refusal(request, place, err);
        rd_log_seldom(RECSYS_LOG_ERROR, "%s: %s", request->route->path, err->message);
        return rd_reply_error(request, 502, "The database returned data in an unexpected form");
    case RECSYS_E_TIMEOUT:
    case RECSYS_E_IO:
    case RECSYS_E_BACKEND:
    case RECSYS_E_EXHAUSTED:
    case RECSYS_E_UNAVAILABLE:
    case RECSYS_E_BUSY:
    case RECSYS_E_CONFLICT: /* tried again until the time was over */
    case RECSYS_E_NOMEM:
        rd_log_seldom(RECSYS_LOG_WARN, "%s: %s", request->route->path, err->message);
        request->retry_after = RETRY_AFTER_S;
        return rd_reply_error(request, 503, "The database is not available");
    case RECSYS_E_LIMIT: /* of the data: the client did not send too much */
        rd_log_seldom(RECSYS_LOG_ERROR, "%s: %s", request->route->path, err->message);
        return rd_reply_error(request, 502, "The database returned more data than can be sent");
    default: /* E_INTERNAL, E_CALLBACK, E_STATE …: a fault of this program, which waiting cannot
                mend */
        rd_log(RECSYS_LOG_ERROR, "%s: %s: %s", request->route->path, recsys_status_name(status),
               err->message);
        return rd_reply_error(request, 500, "Internal error; the log has the reason");
    }
}

bool rd_reply_refusal(struct rd_request *request, const struct rd_place *place,
                      const recsys_error *err)
{
    struct rd_problems problems = {request->out, 0};
    const char *message = err->message;

    if (strstr(message, "SQLSTATE") != NULL) {
        rd_log_seldom(RECSYS_LOG_WARN, "%s: %s", request->route->path, message);
        message = "Not a valid value";
    }
    rd_request_clear_output(request);
    rd_problem_add(&problems, "value_error", place, message, NULL, NULL);
    return rd_reply_problems(request, &problems);
}
