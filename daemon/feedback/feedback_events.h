/* daemon/feedback/feedback_events.h - the events of a request, checked. */
#ifndef RECSYSD_FEEDBACK_EVENTS_H
#define RECSYSD_FEEDBACK_EVENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <recsys/model.h>

#include "daemon/http/problems.h"
#include "daemon/http/request.h"
#include "lib/base/buffer.h"

#define RD_EVENTS_MAX 1000u
#define RD_FEEDBACK_ID_MAX RECSYS_ID_MAX_TEXT /* bytes of an id */
/* Of a user's recent items in a cache. A user that it has no room for can have no events. */
#define RD_FEEDBACK_KEY_START "user:feedback:"
#define RD_FEEDBACK_KEY RD_FEEDBACK_KEY_START "{user_id}"

/* Texts are NUL-terminated and BORROWED from the request's JSON, but for numbers of ids. */
struct rd_event {
    const char *user, *item; /* integers as their decimal digits */
    const char *kind;
    const char *event_id; /* NULL: none */
    double value;
    bool has_value;
    bool excludes;  /* the user has met the item, so that it is left out of answers */
    uint64_t at_ms; /* Unix time */
    char digits[2][20];
};

/*
 * Reads {"user_id":…,"item_id":…,"kind":…} or {"events":[…]} from request->json.
 * out  room for RD_EVENTS_MAX; events[0..n-1] are right if there is no problem afterwards
 */
size_t rd_events_read(struct rd_problems *problems, const json_t *body, uint64_t now_ms,
                      struct rd_event *out);

/* {"user_id":"1","item_id":"2","kind":"view","value":null - without an end. */
void rd_event_write(struct rs_buffer *out, const struct rd_event *event);
/* [{"user_id":"1","item_id":"2","kind":"view","value":null,"ms":1764442396000},…], with an event_id
 * before ms if there is one. */
void rd_events_write(struct rs_buffer *out, const struct rd_event *events, size_t n);

#endif
