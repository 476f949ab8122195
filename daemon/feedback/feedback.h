/* daemon/feedback/feedback.h - what users did with items since the model was trained.
 *
 * Events are kept in PostgreSQL, or in this process if no database is configured. A user's recent
 * items are left out of that user's answers, and all events can be read for the next training.
 */
#ifndef RECSYSD_FEEDBACK_H
#define RECSYSD_FEEDBACK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <recsys/domain.h>
#include <recsys/stats.h>

#include "daemon/backends/write_wait.h"
#include "daemon/feedback/feedback_memory.h"
#include "daemon/http/request.h"
#include "daemon/http/shape.h"
#include "daemon/recommend/recent.h"

/* Set by rd_feedback_start(), before the server starts. */
struct rd_feedback {
    recsys_domains *domains;                /* NULL: no database is configured. BORROWED */
    recsys_source *source;                  /* of the same database. BORROWED */
    const struct rd_write_wait *write_wait; /* for other processes to learn of events. BORROWED */
    uint32_t timeout_ms;                    /* of a statement */
    uint32_t window_days;              /* events that are older leave nothing out; 0 = none does */
    struct rd_feedback_memory *memory; /* NULL with a database */
    recsys_metric *recorded, *repeated, *lookup_failures;
    _Atomic uint64_t silent_until_ns; /* after a failed lookup none is tried for some seconds */
};

/*
 * window_days   see above
 * memory_bytes  for events in this process, used without a database
 * False: logged.
 */
bool rd_feedback_start(struct rd_feedback *feedback, recsys_domains *domains, recsys_source *source,
                       uint32_t timeout_ms, uint32_t window_days, uint64_t memory_bytes,
                       recsys_stats *stats);
void rd_feedback_stop(struct rd_feedback *feedback);

/* For rd_recent_items.find; user_data is a struct rd_feedback. A failure leaves nothing out: an
 * answer matters more. */
void rd_feedback_find_recent(void *user_data, recsys_id user, struct rd_recent_list *list);

/* Handlers; their part is struct rd_feedback. */
extern const struct rd_shape rd_events_shape; /* feedback_events.c */
extern const struct rd_shape rd_feedback_params;
void rd_post_feedback(struct rd_request *request);
void rd_get_feedback(struct rd_request *request); /* for admins */

#endif
