/* daemon/feedback/feedback.c - POST and GET /api/v1/feedback, and what the answers leave out.
 *
 * Recent items become a part of the request of predict (recommend/recent.h), so an event changes
 * the user's next answer and nobody else's, and no cached answer has to be invalidated.
 */
#include "daemon/feedback/feedback.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/auth/caller.h"
#include "daemon/feedback/feedback_kept.h"
#include "daemon/feedback/feedback_page.h"
#include "daemon/http/body.h"
#include "daemon/http/failure.h"
#include "daemon/http/params.h"
#include "daemon/http/reply.h"
#include "daemon/observe/metrics.h"
#include "daemon/process/logger.h"
#include "lib/base/clock.h"
#include "lib/base/json_write.h"

#define SILENCE_NS 5000000000u
enum { AFTER, LIMIT };
static const struct rd_member page_params[] = {
    [AFTER] = {.name = "after", .type = RD_TYPE_TEXT, .max = RD_FEEDBACK_PLACE - 1},
    [LIMIT] = {.name = "limit",
               .type = RD_TYPE_INTEGER,
               .flags = RD_PRESET,
               .min = 1,
               .max = 10000,
               .preset = 1000},
};
const struct rd_shape rd_feedback_params = {RD_MEMBERS(page_params)};

static bool add_metrics(struct rd_feedback *feedback, recsys_stats *stats)
{
    static const char name[] = "recsysd_feedback_events_total";
    static const char help[] = "Events of feedback: new ones, and those that were sent again.";

    return rd_metric_add(stats, RD_COUNTER, name, help, "outcome=\"recorded\"",
                         &feedback->recorded) &&
           rd_metric_add(stats, RD_COUNTER, name, help, "outcome=\"repeated\"",
                         &feedback->repeated) &&
           rd_metric_add(stats, RD_COUNTER, "recsysd_feedback_lookup_failures_total",
                         "Answers without the user's recent items, because they could not be read.",
                         NULL, &feedback->lookup_failures);
}

bool rd_feedback_start(struct rd_feedback *feedback, recsys_domains *domains, recsys_source *source,
                       uint32_t timeout_ms, uint32_t window_days, uint64_t memory_bytes,
                       recsys_stats *stats)
{
    recsys_error err = {0};

    feedback->domains = domains;
    feedback->source = source;
    feedback->timeout_ms = timeout_ms;
    feedback->window_days = window_days;
    if (!add_metrics(feedback, stats))
        return false;
    if (domains == NULL) {
        feedback->memory = rd_feedback_memory_create(memory_bytes, window_days);
        return feedback->memory != NULL;
    }
    if (rd_feedback_kept_add_domain(domains, window_days, &err) == RECSYS_OK)
        return true;
    rd_log(RECSYS_LOG_ERROR, "feedback: %s", err.message);
    return false;
}

void rd_feedback_stop(struct rd_feedback *feedback)
{
    rd_feedback_memory_destroy(feedback->memory);
    feedback->memory = NULL;
}

/* A text id as the model has it: the digits of an integer, or the text. */
static bool to_id(const char *text, uint32_t kind, recsys_id *out)
{
    char *end;

    out->text = kind == RECSYS_ID_KIND_TEXT ? text : NULL;
    out->number = strlen(text);
    if (kind == RECSYS_ID_KIND_TEXT)
        return true;
    if (out->number != strspn(text, "0123456789"))
        return false;
    errno = 0;
    out->number = strtoull(text, &end, 10);
    return errno == 0;
}

static bool add_item(void *user_data, const char *text)
{
    struct rd_recent_list *list = user_data;
    recsys_id item;

    return !to_id(text, list->item_id_kind, &item) || rd_recent_add(list, item);
}

static void add_list(struct rd_recent_list *list, const char *json, size_t size)
{
    json_t *items = json_loadb(json, size, 0, NULL);

    for (size_t i = 0; i < json_array_size(items); i++) {
        const char *text = json_string_value(json_array_get(items, i));

        if (text != NULL && !add_item(list, text))
            break;
    }
    json_decref(items);
}

static void find_kept(struct rd_feedback *feedback, const char *user, struct rd_recent_list *list)
{
    recsys_value json = {0};
    recsys_error err = {0};
    recsys_status status;

    if (rs_clock_ns() < atomic_load(&feedback->silent_until_ns)) {
        recsys_metric_add(feedback->lookup_failures, 1);
        return;
    }
    status = rd_feedback_kept_recent(feedback->domains, user, &json, &err);
    if (status == RECSYS_OK) {
        add_list(list, json.data, json.size);
        recsys_value_release(&json);
        return;
    }
    if (status == RECSYS_E_LIMIT) /* no key has room for this user, so that there are no events */
        return;
    recsys_metric_add(feedback->lookup_failures, 1);
    atomic_store(&feedback->silent_until_ns, rs_clock_ns() + SILENCE_NS);
    rd_log_seldom(RECSYS_LOG_WARN,
                  "feedback: answers do not leave recent items out for some seconds: %s; does "
                  "`recsysctl migrate` have to run?",
                  err.message);
}

void rd_feedback_find_recent(void *user_data, recsys_id user, struct rd_recent_list *list)
{
    struct rd_feedback *feedback = user_data;
    char name[RD_FEEDBACK_ID_MAX + 1];

    if (user.text == NULL)
        (void)snprintf(name, sizeof name, "%" PRIu64, user.number);
    else
        (void)snprintf(name, sizeof name, "%.*s", (int)user.number, user.text);
    if (feedback->memory != NULL)
        rd_feedback_memory_recent(feedback->memory, name, add_item, list);
    else
        find_kept(feedback, name, list);
}

static bool may_all(struct rd_request *request, const struct rd_event *events, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!rd_caller_may(request, events[i].user))
            return false;
    return true;
}

static void record(struct rd_request *request, const struct rd_event *events, size_t n)
{
    struct rd_feedback *feedback = request->part;
    recsys_status status = RECSYS_OK;
    recsys_error err = {0};
    bool is_delivered;
    size_t n_new;

    if (feedback->memory != NULL)
        n_new = rd_feedback_memory_add(feedback->memory, events, n);
    else
        status = rd_feedback_kept_add(feedback->domains,
                                      atomic_load(feedback->write_wait->has_outbox) != 0, events, n,
                                      &n_new, &err);
    if (status != RECSYS_OK) {
        (void)rd_reply_database_failure(request, status, &err, &rd_place_body);
        return;
    }
    is_delivered = feedback->memory != NULL ||
                   rd_write_wait_for_caches(feedback->write_wait, request->route->path);
    recsys_metric_add(feedback->recorded, n_new);
    recsys_metric_add(feedback->repeated, n - n_new);
    request->status = 200;
    rs_buffer_add_text(request->out, "{\"recorded\":");
    rs_json_put_unsigned(request->out, n_new);
    rs_buffer_add_text(request->out, ",\"repeated\":");
    rs_json_put_unsigned(request->out, n - n_new);
    if (!is_delivered)
        rs_buffer_add_text(request->out, ",\"delivered\":false");
    rs_buffer_add(request->out, "}", 1);
}

void rd_post_feedback(struct rd_request *request)
{
    struct rd_problems problems = {request->out, 0};
    struct rd_event *events = calloc(RD_EVENTS_MAX, sizeof *events);
    size_t n = 0;

    if (events == NULL) {
        (void)rd_reply_unavailable(request, "out of memory");
        return;
    }
    if (rd_body_parse(request, &problems))
        n = rd_events_read(&problems, request->json, rs_clock_unix_ms(), events);
    if (rd_reply_problems(request, &problems) && may_all(request, events, n))
        record(request, events, n);
    free(events);
}

/* Events of this process have numbers. */
static recsys_status read_memory(struct rd_feedback *feedback, char place[RD_FEEDBACK_PLACE],
                                 size_t limit, struct rs_buffer *out, size_t *n, recsys_error *err)
{
    uint64_t after = strtoull(place, NULL, 10);

    if (place[strspn(place, "0123456789")] != '\0' || strlen(place) > 18) {
        (void)snprintf(err->message, sizeof err->message,
                       "%s is no place that an earlier call gave", place);
        return RECSYS_E_INVALID;
    }
    *n = rd_feedback_memory_read(feedback->memory, after, limit, out, &after);
    (void)snprintf(place, RD_FEEDBACK_PLACE, "%" PRIu64, after);
    return RECSYS_OK;
}

static recsys_status read_page(struct rd_feedback *feedback, char place[RD_FEEDBACK_PLACE],
                               size_t limit, struct rs_buffer *out, size_t *n, recsys_error *err)
{
    recsys_rows *rows = NULL;
    recsys_status status;

    if (feedback->memory != NULL)
        return read_memory(feedback, place, limit, out, n, err);
    status =
        rd_feedback_page_read(feedback->source, feedback->timeout_ms, place, limit, &rows, err);
    *n = status == RECSYS_OK ? recsys_rows_count(rows) : 0;
    for (size_t row = 0; row < *n; row++) {
        if (row > 0)
            rs_buffer_add(out, ",", 1);
        rd_feedback_page_write(rows, row, out);
    }
    recsys_rows_destroy(rows);
    return status;
}

void rd_get_feedback(struct rd_request *request)
{
    const struct rd_place after_at = {&rd_place_query, page_params[AFTER].name, 0};
    struct rd_problems problems = {request->out, 0};
    char after[RD_PARAM_TEXT] = "", place[RD_FEEDBACK_PLACE];
    int64_t limit;
    recsys_error err = {0};
    recsys_status status;
    size_t n = 0;

    if (!rd_param_text(request, &problems, &page_params[AFTER], after) ||
        !rd_param_int(request, &problems, &page_params[LIMIT], &limit) ||
        !rd_reply_problems(request, &problems))
        return;
    (void)snprintf(place, sizeof place, "%.*s", (int)sizeof place - 1, after);
    rs_buffer_add_text(request->out, "{\"events\":[");
    status = read_page(request->part, place, (size_t)limit, request->out, &n, &err);
    if (status != RECSYS_OK) {
        (void)rd_reply_database_failure(request, status, &err, &after_at);
        return;
    }
    request->status = 200;
    rs_buffer_add_text(request->out, "],\"count\":");
    rs_json_put_unsigned(request->out, n);
    rs_buffer_add_text(request->out, ",\"next\":");
    rs_json_put_string(request->out, place);
    rs_buffer_add(request->out, "}", 1);
}
