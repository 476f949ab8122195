/* lib/registry/event.c - one thing that happened to a deployment, as its history keeps it.
 *
 * In memory an event is one block: numbers and texts. In a file it is one line of JSON, which
 * people and tools can read. A line that comes from a file is checked as anything from outside:
 * types, lengths, and that the numbers can be what they say.
 */
#include "lib/registry/event.h"

#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/json.h"
#include "lib/base/json_write.h"
#include "lib/base/text.h"
#include "lib/base/utf8.h"

static const char *const names[RS_EVENT_TEXTS] = {"step",    "source",      "name",
                                                  "version", "fingerprint", "message"};
static const char *const kinds[] = {"", "served", "failed"};

static void list_texts(const recsys_deployment_event *event, const char *out[RS_EVENT_TEXTS])
{
    const char *const texts[RS_EVENT_TEXTS] = {event->step,    event->source,      event->name,
                                               event->version, event->fingerprint, event->message};

    for (size_t i = 0; i < RS_EVENT_TEXTS; i++)
        out[i] = texts[i] == NULL ? "" : texts[i];
}

/* Copied texts may be cut within a character. */
static void clean(char *text)
{
    rs_text_trim(text);
    if (rs_utf8_is_valid(text, strlen(text)))
        return;
    for (char *at = text; *at != '\0'; at++)
        if ((unsigned char)*at >= 0x80)
            *at = '?';
}

struct rs_event *rs_event_make(const recsys_deployment_event *event)
{
    const char *texts[RS_EVENT_TEXTS];
    size_t size = sizeof(struct rs_event), at = 0;

    list_texts(event, texts);
    for (size_t i = 0; i < RS_EVENT_TEXTS; i++)
        size += strnlen(texts[i], RS_EVENT_MAX_TEXT) + 1;
    struct rs_event *made = rs_alloc_array(1, size);
    if (made == NULL)
        return NULL;
    made->kind = event->kind;
    made->status = event->status;
    made->time_ms = event->time_ms;
    made->took_ms = event->took_ms;
    made->size = size;
    for (size_t i = 0; i < RS_EVENT_TEXTS; i++) {
        size_t length = strnlen(texts[i], RS_EVENT_MAX_TEXT);
        made->texts[i] = (uint32_t)at;
        memcpy(made->bytes + at, texts[i], length);
        made->bytes[at + length] = '\0';
        clean(made->bytes + at);
        at += length + 1;
    }
    return made;
}

struct rs_event *rs_event_copy(const struct rs_event *event)
{
    struct rs_event *copy = rs_alloc(event->size);

    if (copy != NULL)
        memcpy(copy, event, event->size);
    return copy;
}

recsys_deployment_event rs_event_show(const struct rs_event *event)
{
    recsys_deployment_event shown = RECSYS_DEPLOYMENT_EVENT_INIT;

    shown.kind = event->kind;
    shown.status = event->status;
    shown.time_ms = event->time_ms;
    shown.took_ms = event->took_ms;
    shown.step = event->bytes + event->texts[0];
    shown.source = event->bytes + event->texts[1];
    shown.name = event->bytes + event->texts[2];
    shown.version = event->bytes + event->texts[3];
    shown.fingerprint = event->bytes + event->texts[4];
    shown.message = event->bytes + event->texts[5];
    return shown;
}

void rs_event_write(const struct rs_event *event, struct rs_buffer *out)
{
    rs_buffer_add_text(out, "{\"time_ms\":");
    rs_json_put_unsigned(out, event->time_ms);
    rs_buffer_add_text(out, ",\"event\":");
    rs_json_put_string(out, kinds[event->kind]);
    rs_buffer_add_text(out, ",\"took_ms\":");
    rs_json_put_unsigned(out, event->took_ms);
    rs_buffer_add_text(out, ",\"status\":");
    rs_json_put_integer(out, event->status);
    for (size_t i = 0; i < RS_EVENT_TEXTS; i++) {
        rs_buffer_format(out, ",\"%s\":", names[i]);
        rs_json_put_string(out, event->bytes + event->texts[i]);
    }
    rs_buffer_add_text(out, "}\n");
}

static int read_kind(const char *name, uint32_t *kind)
{
    for (uint32_t i = 1; i < sizeof kinds / sizeof kinds[0]; i++)
        if (name != NULL && strcmp(name, kinds[i]) == 0) {
            *kind = i;
            return 1;
        }
    return 0;
}

static struct rs_event *from_json(const json_t *json)
{
    recsys_deployment_event event = RECSYS_DEPLOYMENT_EVENT_INIT;
    const char *kind = NULL, *texts[RS_EVENT_TEXTS] = {NULL};
    int64_t time_ms = 0, took_ms = 0, status = 0;
    const char *where = "history";

    if (!json_is_object(json) ||
        rs_json_get_text(json, "event", 1, where, &kind, NULL) != RECSYS_OK ||
        !read_kind(kind, &event.kind) ||
        rs_json_get_integer(json, "time_ms", 1, 0, INT64_MAX, where, &time_ms, NULL) != RECSYS_OK ||
        rs_json_get_integer(json, "took_ms", 0, 0, INT64_MAX, where, &took_ms, NULL) != RECSYS_OK ||
        rs_json_get_integer(json, "status", 0, INT32_MIN, 0, where, &status, NULL) != RECSYS_OK)
        return NULL;
    for (size_t i = 0; i < RS_EVENT_TEXTS; i++)
        if (rs_json_get_text(json, names[i], 0, where, &texts[i], NULL) != RECSYS_OK)
            return NULL;
    event.time_ms = (uint64_t)time_ms;
    event.took_ms = (uint64_t)took_ms;
    event.status = (recsys_status)status;
    event.step = texts[0];
    event.source = texts[1];
    event.name = texts[2];
    event.version = texts[3];
    event.fingerprint = texts[4];
    event.message = texts[5];
    return rs_event_make(&event);
}

struct rs_event *rs_event_read(const char *line, size_t size)
{
    struct rs_event *event;
    json_t *json = NULL;

    if (size > RS_EVENT_MAX_LINE || rs_json_parse(line, size, "history", &json, NULL) != RECSYS_OK)
        return NULL;
    event = from_json(json);
    json_decref(json);
    return event;
}
