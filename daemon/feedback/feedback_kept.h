/* daemon/feedback/feedback_kept.h - events in PostgreSQL (sql/0003_feedback.sql). */
#ifndef RECSYSD_FEEDBACK_KEPT_H
#define RECSYSD_FEEDBACK_KEPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <recsys/domain.h>

#include "daemon/feedback/feedback_events.h"

/* Add the domain of users' recent items: ["1","2"], newest first. */
recsys_status rd_feedback_kept_add_domain(recsys_domains *domains, uint32_t window_days,
                                          recsys_error *err);

/*
 * Insert the events, all or none, and invalidate the recent items of their users. `has_outbox`:
 * rows of the outbox say so in the same statement, for the case that this process does not reach
 * Redis. n_new  receives how many were new: an event whose event_id the user has sent before is not
 * Fails with: the database's status.
 */
recsys_status rd_feedback_kept_add(recsys_domains *domains, bool has_outbox,
                                   const struct rd_event *events, size_t n, size_t *n_new,
                                   recsys_error *err);

/* The user's recent items. Release `json`. Fails with: the database's status. */
recsys_status rd_feedback_kept_recent(recsys_domains *domains, const char *user, recsys_value *json,
                                      recsys_error *err);

#endif
