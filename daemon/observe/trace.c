/* daemon/observe/trace.c - show and choose which of the library's components are traced.
 *
 * The library has the choice, one for the process; the setting `trace` is what it
 * begins with. Lines go to the daemon's log with the level "trace", each with the id
 * of the request that the thread works for (routes.c, model_changer.c).
 */
#include "daemon/observe/trace.h"

#include <recsys/log.h>

#include "daemon/http/body.h"
#include "daemon/http/failure.h"
#include "daemon/http/members.h"
#include "daemon/http/reply.h"
#include "daemon/process/logger.h"
#include "lib/base/json_write.h"

static const struct rd_member trace_member[] = {{.name = "trace",
                                                 .type = RD_TYPE_TEXT,
                                                 .flags = RD_REQUIRED,
                                                 .max = RECSYS_TRACE_NAMES_SIZE - 1}};
const struct rd_shape rd_trace_shape = {.name = "Trace", RD_MEMBERS(trace_member)};

void rd_get_trace(struct rd_request *request)
{
    char names[RECSYS_TRACE_NAMES_SIZE];
    size_t size = sizeof names;
    recsys_error err = {0};

    if (recsys_log_get_trace(names, &size, &err) != RECSYS_OK) {
        (void)rd_reply_error(request, 500, err.message);
        return;
    }
    request->status = 200;
    rs_buffer_add_text(request->out, "{\"trace\":");
    rs_json_put_string(request->out, names);
    rs_buffer_add(request->out, "}", 1);
}

/* The member "trace", which may be empty. False: answered with 422. */
static bool read_names(struct rd_request *request, const char **names)
{
    struct rd_problems problems = {request->out, 0};

    *names = NULL;
    if (rd_body_parse(request, &problems))
        rd_member_text(&problems, &rd_place_body, request->json, trace_member, names);
    return rd_reply_problems(request, &problems);
}

void rd_put_trace(struct rd_request *request)
{
    const struct rd_place at = {&rd_place_body, trace_member->name, 0};
    recsys_error err = {0};
    const char *names;

    if (!read_names(request, &names))
        return;
    if (recsys_log_set_trace(names, &err) != RECSYS_OK) {
        (void)rd_reply_refusal(request, &at, &err);
        return;
    }
    rd_log(RECSYS_LOG_INFO, "trace is \"%s\" now, as request %s asked", names, request->id);
    rd_get_trace(request);
}
