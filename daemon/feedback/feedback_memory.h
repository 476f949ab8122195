/* daemon/feedback/feedback_memory.h - events of this process, where no database keeps them. */
#ifndef RECSYSD_FEEDBACK_MEMORY_H
#define RECSYSD_FEEDBACK_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/feedback/feedback_events.h"
#include "lib/base/buffer.h"

/* SYNCHRONIZED. Bounded: the oldest events, and the users that were not asked for longest, go
 * first. */
struct rd_feedback_memory;

/* A quarter of `max_bytes` is for the recent items of users. NULL: logged. */
struct rd_feedback_memory *rd_feedback_memory_create(uint64_t max_bytes, uint32_t window_days);
void rd_feedback_memory_destroy(struct rd_feedback_memory *memory);

/* Returns how many were new: an event whose event_id the user has sent before is not. */
size_t rd_feedback_memory_add(struct rd_feedback_memory *memory, const struct rd_event *events,
                              size_t n);

/* Calls `take` with each of the user's recent items, newest first, until it returns false. */
void rd_feedback_memory_recent(struct rd_feedback_memory *memory, const char *user,
                               bool (*take)(void *user_data, const char *item), void *user_data);

/* At most `limit` events after the number `after` into `out`, as JSON objects with commas between
 * them. *next: the number of the last one, or `after`. Returns how many. */
size_t rd_feedback_memory_read(struct rd_feedback_memory *memory, uint64_t after, size_t limit,
                               struct rs_buffer *out, uint64_t *next);

#endif
