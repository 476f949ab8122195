/* lib/registry/event.h - one thing that happened to a deployment, as its history keeps it. */
#ifndef RS_REGISTRY_EVENT_H
#define RS_REGISTRY_EVENT_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/buffer.h"
#include "recsys/deployment.h"

#define RS_EVENT_TEXTS 6u
#define RS_EVENT_MAX_TEXT 1024u
#define RS_EVENT_MAX_LINE 16384u

/* Never changes once it is made. Free with rs_free(). */
struct rs_event {
    uint32_t kind; /* RECSYS_DEPLOYMENT_SERVED or _FAILED */
    recsys_status status;
    uint64_t time_ms, took_ms;
    size_t size; /* of the whole */
    uint32_t
        texts[RS_EVENT_TEXTS]; /* where step, source, name, version, fingerprint, message are */
    char bytes[];
};

/* A copy of `event`, whose texts may be NULL and are cut after RS_EVENT_MAX_TEXT bytes; bytes that
 * are no UTF-8 become '?'. NULL if there is no memory. */
struct rs_event *rs_event_make(const recsys_deployment_event *event);
struct rs_event *rs_event_copy(const struct rs_event *event);
/* The event as a caller gets it; texts are BORROWED from `event`. */
recsys_deployment_event rs_event_show(const struct rs_event *event);

/* One line of JSON, with its newline. */
void rs_event_write(const struct rs_event *event, struct rs_buffer *out);
/* The event of such a line; NULL if it is none, or if there is no memory. */
struct rs_event *rs_event_read(const char *line, size_t size);

#endif
