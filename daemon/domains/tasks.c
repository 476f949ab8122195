/* daemon/domains/tasks.c - routes for results of scans and of Celery's tasks.
 *
 * A scan has a row with its user's id. Celery's results have no owner, so a user gets the result of
 * a task only if a scan of that user has the same id.
 */
#include <string.h>

#include <recsys/recycling.h>

#include "daemon/auth/caller.h"
#include "daemon/domains/domain_reply.h"
#include "daemon/domains/domains.h"
#include "daemon/domains/json_find.h"
#include "daemon/http/reply.h"
#include "daemon/process/logger.h"

static const struct rd_place task_place = {&rd_place_path, "task_id", 0};

/* May the caller see this scan? False: answered with 403, or 502 if the scan has no user_id. */
static bool may_see(struct rd_request *request, const recsys_value *json)
{
    json_t *owner;
    bool ok;

    if (!rd_caller_is_user(request))
        return true;
    owner = rd_json_find_text(json->data, json->size, "user_id");
    ok = owner != NULL ? rd_caller_may(request, json_string_value(owner))
                       : rd_reply_error(request, 502, "The scan has no user_id");
    json_decref(owner);
    return ok;
}

void rd_get_scan(struct rd_request *request)
{
    struct rd_domain_value value;

    if (rd_domain_get(request, "scan.result", "task_id", 0, "Scan not found", &value) &&
        may_see(request, &value.json))
        rd_domain_reply(request, &value.json, value.outcome);
    recsys_value_release(&value.json);
}

/* Does a scan of the caller have this id? False: answered. */
static bool may_see_task(struct rd_request *request, recsys_domains *domains)
{
    const char *const values[] = {request->param};
    recsys_value json = {0};
    recsys_error err = {0};
    recsys_status status;
    bool ok = false;

    if (!rd_caller_is_user(request))
        return true;
    if (!rd_domain_takes_id(request, "task_id"))
        return false;
    status = recsys_domains_get(domains, "scan.result", values, 1, 0, &json, NULL, &err);
    if (status == RECSYS_OK)
        ok = may_see(request, &json);
    else if (status == RECSYS_E_NOT_FOUND)
        ok = rd_caller_may(request, "");
    else
        (void)rd_domain_fail(request, status, &err, 0, &task_place, "");
    recsys_value_release(&json);
    return ok;
}

/* If the stored result is wrong, the message begins with "task" and is sent to the client. If
 * the store fails, the message may contain names of servers and is only logged. RECSYS_E_LIMIT
 * means that the result is too large; no free connection is RECSYS_E_EXHAUSTED. */
static void fail_task(struct rd_request *request, recsys_status status, const recsys_error *err)
{
    bool is_of_result = strncmp(err->message, "task ", 5) == 0;

    if (is_of_result && (status == RECSYS_E_LIMIT || status == RECSYS_E_FORMAT)) {
        (void)rd_reply_error(request, 502, err->message);
        return;
    }
    if (status == RECSYS_E_NOT_FOUND || status == RECSYS_E_UNDEFINED ||
        status == RECSYS_E_INVALID) {
        (void)rd_domain_fail(request, status, err, 0, &task_place,
                             "Task not found, or not finished");
        return;
    }
    rd_log_seldom(RECSYS_LOG_WARN, "tasks: %s", err->message);
    (void)rd_reply_unavailable(request, "Results of tasks are not available");
}

void rd_get_task(struct rd_request *request)
{
    const struct rd_domains *part = request->part;
    recsys_domains *domains = rd_domains_get(request);
    recsys_value json = {0};
    recsys_error err = {0};
    recsys_status status;

    if (domains == NULL)
        return;
    if (!part->has_tasks) {
        (void)rd_reply_error(request, 503, "Results of tasks are in Redis: set redis");
        return;
    }
    if (!may_see_task(request, domains))
        return;
    status = recsys_recycling_get_task(domains, request->param, &json, &err);
    if (status == RECSYS_OK)
        rd_domain_reply(request, &json, 0);
    else
        fail_task(request, status, &err);
}
