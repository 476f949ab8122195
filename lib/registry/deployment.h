/* lib/registry/deployment.h - private to lib/registry: a deployment, and the states of its steps in
 * one table.
 *
 * A step is an order of the operator: load, load a given model, use, roll back, reload. One step
 * runs at a time; it begins in a state of its own and ends in IDLE. Each state has one function in
 * deployment_steps.c, which does what the state is for and returns an event; the table says which
 * state comes next. docs/state-machines.md draws it.
 *
 *   step                             begins in
 *   recsys_deployment_load           LOAD
 *   recsys_deployment_load_model     CHECK
 *   recsys_deployment_use            CHOOSE
 *   recsys_deployment_rollback       CHOOSE
 *   recsys_deployment_reload         LOAD
 *   recsys_deployment_poll           LOAD
 *
 * A model moves between three entries: the candidate, the active model (in the slot, served) and
 * the previous one, kept loaded for a rollback. Only PROPOSE and SERVE change entries, so whatever
 * fails, the entries are as before.
 */
#ifndef RS_REGISTRY_DEPLOYMENT_H
#define RS_REGISTRY_DEPLOYMENT_H

#include <stdint.h>

#include "lib/base/lock.h"
#include "lib/registry/canary.h"
#include "recsys/deployment.h"
#include "recsys/slot.h"

/* clang-format off */
#define RS_STEP_TRANSITIONS(T) \
    /* state    event      next       meaning */ \
    /* resolve the source, load and verify the model */ \
    T(LOAD,     LOADED,    CHECK)     /* to be the candidate */ \
    T(LOAD,     RELOADED,  COMPARE)   /* to be served at once */ \
    T(LOAD,     FAILED,    FAIL)      \
    T(LOAD,     KNOWN,     IDLE)      /* poll: what the source means was tried already */ \
    /* is it the model that is served already? */ \
    T(COMPARE,  SAME,      IDLE)      \
    T(COMPARE,  OTHER,     CHECK)     \
    /* run the canary's queries through it */ \
    T(CHECK,    PROPOSED,  PROPOSE)   /* nothing is against it; to be the candidate */ \
    T(CHECK,    ACCEPTED,  SERVE)     /* the same; to be served */ \
    T(CHECK,    FAILED,    FAIL)      \
    /* the model becomes the candidate, in the place of another one */ \
    T(PROPOSE,  KEPT,      IDLE)      \
    /* use: is the candidate the one that is meant? rollback: is there a previous model? */ \
    T(CHOOSE,   CHOSEN,    SERVE)     \
    T(CHOOSE,   FAILED,    FAIL)      \
    /* the model goes into the slot and becomes active, the active one becomes the previous one */ \
    T(SERVE,    SERVED,    IDLE)      \
    T(SERVE,    FAILED,    FAIL)      \
    /* note the failure where the status shows it */ \
    T(FAIL,     NOTED,     IDLE)

#define RS_STEP_STATES(S) \
    S(IDLE) S(LOAD) S(COMPARE) S(CHECK) S(PROPOSE) S(CHOOSE) S(SERVE) S(FAIL)

#define RS_STEP_EVENTS(E) \
    E(LOADED) E(RELOADED) E(FAILED) E(KNOWN) E(SAME) E(OTHER) E(PROPOSED) E(ACCEPTED) E(KEPT) E(CHOSEN) \
    E(SERVED) E(NOTED)
/* clang-format on */

#define RS_STEP_STATE(name) RS_STEP_##name,
#define RS_STEP_EVENT(name) RS_STEP_ON_##name,
enum rs_step_state { RS_STEP_STATES(RS_STEP_STATE) RS_STEP_N_STATES };
enum rs_step_event { RS_STEP_EVENTS(RS_STEP_EVENT) RS_STEP_N_EVENTS };

struct rs_deployed {
    recsys_model *model; /* one reference; NULL = empty */
    uint64_t since_ms;
};

struct recsys_deployment {
    recsys_slot *slot;
    char *source;              /* NULL = none */
    recsys_registry *registry; /* one reference; NULL = none */
    recsys_model_options model_options;
    struct rs_canary_rules rules;

    struct rs_lock operator; /* held by the step that runs */
    uint64_t tried; /* what `source` meant when it was last loaded, or refused for good: a hash; 0 =
                       nothing yet. Protected by operator */
    struct rs_lock state;
    /* all protected by state; entries are written with both locks held */
    struct rs_deployed active, previous, candidate;
    uint32_t loading; /* a step runs */
    uint64_t n_swaps, n_failures, last_error_ms;
    recsys_error last_error;
};

/* -- tried.c -- */

/* A hash of the file or bundle at `path` now, or of the reason why there is none; never 0. A bundle
 * is another one if its directory or its manifest is. */
uint64_t rs_tried_hash(const char *path, const char *reason);
/* May loading the same again end otherwise? */
int rs_tried_may_succeed_later(recsys_status status);

/* -- deployment.c -- */

/* E_INVALID if `source` is a registry's URI and there is no registry, or it is no such URI. */
recsys_status rs_deployment_check_source(const recsys_deployment *deployment, const char *source,
                                         recsys_error *err);
/* Zero, but for empty texts, if the entry is empty. */
void rs_deployment_describe(const struct rs_deployed *entry, recsys_deployment_entry *out);

#endif
