/* daemon/models/model_state.c - the state of a named model as JSON: what serves, which step runs,
 * what its answers are like, how much memory it has, and what happened before.
 */
#include "daemon/models/model_state.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/http/request.h"
#include "lib/base/json_write.h"

#define MAX_EVENTS 50u

static void write_entry(struct rs_buffer *out, const char *name,
                        const recsys_deployment_entry *entry)
{
    char since[RD_TIME_SIZE];

    rs_json_put_string(out, name);
    rs_buffer_add(out, ":", 1);
    if (entry->fingerprint[0] == '\0') {
        rs_buffer_add(out, "null", 4);
        return;
    }
    rd_time_format(entry->since_ms, since);
    rs_buffer_add_text(out, "{\"name\":");
    rs_json_put_string(out, entry->name);
    rs_buffer_add_text(out, ",\"version\":");
    rs_json_put_string(out, entry->version);
    rs_buffer_add_text(out, ",\"fingerprint\":");
    rs_json_put_string(out, entry->fingerprint);
    rs_buffer_format(out, ",\"since\":\"%s\"}", since);
}

static void put_number(struct rs_buffer *out, const char *name, uint64_t value)
{
    rs_buffer_format(out, ",\"%s\":%llu", name, (unsigned long long)value);
}

static void write_step(struct rs_buffer *out, const recsys_deployment_status *status)
{
    char since[RD_TIME_SIZE];

    rs_buffer_add_text(out, ",\"step\":");
    if (status->step == RECSYS_DEPLOYMENT_STEP_NONE) {
        rs_buffer_add(out, "null", 4);
        return;
    }
    rd_time_format(status->step_since_ms, since);
    rs_buffer_format(out, "{\"name\":\"%s\",\"since\":\"%s\"}",
                     recsys_deployment_step_name(status->step), since);
}

static void write_watch(struct rs_buffer *out, const recsys_deployment_status *status)
{
    rs_buffer_format(out, ",\"watch\":{\"watching\":%s", status->watching ? "true" : "false");
    put_number(out, "answers", status->n_answers);
    put_number(out, "failed", status->n_failed_answers);
    put_number(out, "empty", status->n_empty_answers);
    put_number(out, "rollbacks", status->n_withdrawn);
    put_number(out, "recent_requests", status->n_recent);
    rs_buffer_add(out, "}", 1);
}

static void write_memory(struct rs_buffer *out, const recsys_deployment_status *status)
{
    rs_buffer_format(out, ",\"memory\":{\"bytes\":%llu", (unsigned long long)status->memory_bytes);
    put_number(out, "needed_bytes", status->needed_bytes);
    put_number(out, "max_bytes", status->max_memory);
    rs_buffer_add(out, "}", 1);
}

static void write_error(struct rs_buffer *out, const recsys_deployment_status *status)
{
    char time[RD_TIME_SIZE];

    rs_buffer_add_text(out, ",\"last_error\":");
    if (status->last_error_ms == 0) {
        rs_buffer_add(out, "null", 4);
        return;
    }
    rd_time_format(status->last_error_ms, time);
    rs_buffer_format(out, "{\"status\":\"%s\",\"time\":\"%s\",\"message\":",
                     recsys_status_name(status->last_error.status), time);
    rs_json_put_string(out, status->last_error.message);
    rs_buffer_add(out, "}", 1);
}

void rd_model_state_write(struct rs_buffer *out, const recsys_deployment_status *status)
{
    write_entry(out, "active", &status->active);
    rs_buffer_add(out, ",", 1);
    write_entry(out, "previous", &status->previous);
    rs_buffer_add(out, ",", 1);
    write_entry(out, "candidate", &status->candidate);
    rs_buffer_format(out, ",\"loading\":%s", status->loading ? "true" : "false");
    put_number(out, "swaps", status->n_swaps);
    put_number(out, "failures", status->n_failures);
    put_number(out, "retired", status->n_retired);
    put_number(out, "failed_polls", status->n_failed_polls);
    write_step(out, status);
    write_watch(out, status);
    write_memory(out, status);
    write_error(out, status);
}

/* The last events, each as text of its own, because they come in the other order. */
struct events {
    struct rs_buffer texts[MAX_EVENTS];
    size_t n;
};

static int32_t take_event(const recsys_deployment_event *event, void *user_data)
{
    struct events *events = user_data;
    struct rs_buffer *out = &events->texts[events->n++ % MAX_EVENTS];
    char time[RD_TIME_SIZE];

    rd_time_format(event->time_ms, time);
    rs_buffer_clear(out);
    rs_buffer_format(out, "{\"event\":\"%s\",\"time\":\"%s\",\"took_ms\":%llu,\"step\":",
                     event->kind == RECSYS_DEPLOYMENT_FAILED ? "failed" : "served", time,
                     (unsigned long long)event->took_ms);
    rs_json_put_string(out, event->step);
    rs_buffer_add_text(out, ",\"source\":");
    rs_json_put_string(out, event->source);
    rs_buffer_add_text(out, ",\"name\":");
    rs_json_put_string(out, event->name);
    rs_buffer_add_text(out, ",\"version\":");
    rs_json_put_string(out, event->version);
    rs_buffer_add_text(out, ",\"fingerprint\":");
    rs_json_put_string(out, event->fingerprint);
    rs_buffer_add_text(out, ",\"status\":");
    rs_json_put_string(out, recsys_status_name(event->status));
    rs_buffer_add_text(out, ",\"message\":");
    rs_json_put_string(out, event->message);
    rs_buffer_add(out, "}", 1);
    return 0;
}

void rd_model_history_write(struct rs_buffer *out, recsys_deployment *deployment)
{
    struct events *events = calloc(1, sizeof *events);
    size_t n = 0;

    rs_buffer_add(out, "[", 1);
    for (size_t i = 0; events != NULL && i < MAX_EVENTS; i++)
        rs_buffer_init(&events->texts[i], 65536);
    if (events != NULL && recsys_deployment_list(deployment, take_event, events, NULL) == RECSYS_OK)
        n = events->n < MAX_EVENTS ? events->n : MAX_EVENTS;
    for (size_t i = 0; i < n; i++) {
        const struct rs_buffer *text = &events->texts[(events->n - 1 - i) % MAX_EVENTS];
        rs_buffer_add(out, ",", i > 0);
        rs_buffer_add(out, text->bytes, text->size);
    }
    rs_buffer_add(out, "]", 1);
    for (size_t i = 0; events != NULL && i < MAX_EVENTS; i++)
        rs_buffer_destroy(&events->texts[i]);
    free(events);
}
