/* daemon/traffic/traffic.h - the plan that holds now, and its changes. */
#ifndef RECSYSD_TRAFFIC_H
#define RECSYSD_TRAFFIC_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/traffic/plan.h"
#include "lib/base/lock.h"

#define RD_TRAFFIC_CHANGES 32u
#define RD_REQUESTER_MAX 128u

/* One change of the plan. */
struct rd_traffic_change {
    uint64_t time_ms; /* Unix time */
    size_t place;     /* of the model; that of the default one after the whole plan was replaced */
    enum rd_role from, to;
    uint32_t share, shadow; /* the model's, after it */
    bool whole;             /* the whole plan was replaced */
    char request_id[RD_REQUESTER_MAX + 1];
};

/* SYNCHRONIZED. */
struct rd_traffic {
    const struct rd_named_models *named; /* BORROWED */
    struct rs_lock lock;                 /* held for no longer than a copy */
    struct rd_plan plan;                 /* protected by lock, as all that follows */
    size_t before;                       /* the default model before this one; n: there was none */
    uint64_t n_changes;
    _Atomic bool has_shadows;                             /* of the plan; read without the lock */
    struct rd_traffic_change changes[RD_TRAFFIC_CHANGES]; /* change i is at i % their number */
};

/* `plan` is COPIED. False: there is no lock. */
bool rd_traffic_start(struct rd_traffic *traffic, const struct rd_named_models *named,
                      const struct rd_plan *plan);

void rd_traffic_get(struct rd_traffic *traffic, struct rd_plan *out);
/* Is any model a shadow? Takes no lock. */
bool rd_traffic_has_shadows(const struct rd_traffic *traffic);
/* The place of the default model. */
size_t rd_traffic_main(struct rd_traffic *traffic);
/* Copies the newest changes, newest first; returns how many. `before`: as in the struct. */
size_t rd_traffic_changes(struct rd_traffic *traffic,
                          struct rd_traffic_change out[RD_TRAFFIC_CHANGES], size_t *before);

/*
 * Change the plan for the requests that begin from now on. Each model that gets users or copies of
 * requests must serve a version now, with user ids of the kind that the default model has.
 *
 * promote   to a shadow of, or a share of `amount`; or to the default model, where `amount` is 0
 * withdraw  the model gets neither users nor copies; the default model gives its place back to the
 *           one before it
 * replace   the whole plan by a changed copy of it
 *
 * Fails with: E_CONFLICT (the shares do not fit; the plan that was copied holds no more), E_STATE
 * (no version; another kind of ids; there is no model to go back to).
 */
recsys_status rd_traffic_promote(struct rd_traffic *traffic, size_t place, enum rd_role to,
                                 uint32_t amount, const char *request_id, recsys_error *err);
recsys_status rd_traffic_withdraw(struct rd_traffic *traffic, size_t place, const char *request_id,
                                  recsys_error *err);
recsys_status rd_traffic_replace(struct rd_traffic *traffic, const struct rd_plan *plan,
                                 const char *request_id, recsys_error *err);

#endif
