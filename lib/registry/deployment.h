/* lib/registry/deployment.h - private to lib/registry: a deployment, and the states of its steps in
 * one table.
 *
 * A step is an order of the operator, or of the watch over a new model. It begins in a state of its
 * own and ends in IDLE. Each state has one function in deployment_steps.c, which does what the
 * state is for and returns an event; the table says which state comes next. docs/state-machines.md
 * draws it.
 *
 *   step                             begins in
 *   recsys_deployment_load           FIND
 *   recsys_deployment_load_model     WARM
 *   recsys_deployment_use            CHOOSE
 *   recsys_deployment_rollback       CHOOSE
 *   recsys_deployment_reload         FIND
 *   recsys_deployment_poll           FIND
 *   recsys_deployment_record         CHOOSE, if answers say that the active model is bad
 *
 * Steps that load hold the lock `operator` and so run one after the other. CHOOSE, PROPOSE and
 * SERVE hold the lock `swapping`, so a rollback waits for an exchange of pointers, and never for a
 * load.
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
#include "lib/registry/history.h"
#include "lib/registry/poll_schedule.h"
#include "lib/registry/recent.h"
#include "lib/registry/watch.h"
#include "recsys/deployment.h"
#include "recsys/slot.h"

/* clang-format off */
#define RS_STEP_TRANSITIONS(T) \
    /* state    event      next       meaning */ \
    /* what does the source mean now? */ \
    T(FIND,     FOUND,     FETCH)     \
    T(FIND,     KNOWN,     IDLE)      /* poll: it was tried already */ \
    T(FIND,     FAILED,    FAIL)      \
    /* have the files here */ \
    T(FETCH,    FETCHED,   WEIGH)     \
    T(FETCH,    FAILED,    FAIL)      \
    /* is there memory for it? */ \
    T(WEIGH,    FITS,      LOAD)      \
    T(WEIGH,    FAILED,    FAIL)      \
    /* load and verify the model */ \
    T(LOAD,     LOADED,    WARM)      /* to be the candidate */ \
    T(LOAD,     RELOADED,  COMPARE)   /* to be served at once */ \
    T(LOAD,     FAILED,    FAIL)      \
    /* is it the model that is served already? */ \
    T(COMPARE,  SAME,      IDLE)      \
    T(COMPARE,  OTHER,     WARM)      \
    /* read its pages, and replay requests that users made */ \
    T(WARM,     WARMED,    CHECK)     \
    T(WARM,     FAILED,    FAIL)      \
    /* run the canary's queries through it */ \
    T(CHECK,    PROPOSED,  PROPOSE)   /* nothing is against it; to be the candidate */ \
    T(CHECK,    ACCEPTED,  SERVE)     /* the same; to be served */ \
    T(CHECK,    FAILED,    FAIL)      \
    /* the model becomes the candidate, in the place of another one */ \
    T(PROPOSE,  KEPT,      IDLE)      \
    /* use: is the candidate the one that is meant? rollback: is there a previous model? */ \
    T(CHOOSE,   CHOSEN,    SERVE)     \
    T(CHOOSE,   GONE,      IDLE)      /* the watch: the model is not active any more */ \
    T(CHOOSE,   FAILED,    FAIL)      \
    /* the model goes into the slot and becomes active, the active one becomes the previous one */ \
    T(SERVE,    SERVED,    IDLE)      \
    T(SERVE,    FAILED,    FAIL)      \
    /* note the failure where the status shows it */ \
    T(FAIL,     NOTED,     IDLE)

#define RS_STEP_STATES(S) \
    S(IDLE) S(FIND) S(FETCH) S(WEIGH) S(LOAD) S(COMPARE) S(WARM) S(CHECK) S(PROPOSE) S(CHOOSE) \
    S(SERVE) S(FAIL)

#define RS_STEP_EVENTS(E) \
    E(FOUND) E(KNOWN) E(FETCHED) E(FITS) E(LOADED) E(RELOADED) E(FAILED) E(SAME) E(OTHER) \
    E(WARMED) E(PROPOSED) E(ACCEPTED) E(KEPT) E(CHOSEN) E(GONE) E(SERVED) E(NOTED)
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
    uint64_t max_memory; /* 0 = no limit */

    struct rs_lock operator; /* held by the step that loads */
    /* both protected by operator */
    uint64_t tried; /* what `source` meant when it was last loaded, or refused for good: a hash; 0 =
                       nothing yet */
    uint64_t not_found; /* why `source` means nothing since then, if that may not pass: a hash; 0 =
                           it does */
    struct rs_lock swapping; /* held while models are exchanged */
    struct rs_lock state;
    /* all protected by state; entries are written with `swapping` held, too */
    struct rs_deployed active, previous, candidate;
    uint32_t n_running; /* steps */
    uint64_t needed_bytes;
    uint32_t doing; /* RECSYS_DEPLOYMENT_STEP_*, of the step that loads or else of any */
    uint64_t doing_since_ms;
    uint64_t n_swaps, n_failures, n_withdrawn, last_error_ms;
    recsys_error last_error;

    struct rs_lock records;
    struct rs_watch watch;            /* protected by records */
    struct rs_recent recent;          /* protected by records */
    struct rs_poll_schedule schedule; /* protected by records */
    struct rs_history history;
};

/* -- tried.c -- */

/* May loading the same again end otherwise? */
int rs_tried_may_succeed_later(recsys_status status);

/* -- deployment_options.c -- */

recsys_status rs_deployment_read_options(recsys_deployment *deployment,
                                         const recsys_deployment_options *options,
                                         recsys_error *err);

/* -- deployment_source.c -- */

/* E_INVALID if `source` is a registry's URI and there is no registry, or it is no such URI. */
recsys_status rs_deployment_check_source(const recsys_deployment *deployment, const char *source,
                                         recsys_error *err);
/* The meaning of `source` now: a path, or a version in the registry that may have to be fetched.
 * Either has a stamp, which is another text for another meaning. */
recsys_status rs_deployment_find(const recsys_deployment *deployment, const char *source,
                                 recsys_registry_location *out, recsys_error *err);
/* Fetch what was found, so that it has a path. */
recsys_status rs_deployment_fetch(const recsys_deployment *deployment, const char *source,
                                  recsys_registry_location *location, recsys_error *err);
/* Call a model from a registry as the registry does, with its description. A registry
 * that cannot describe it is logged. */
recsys_status rs_deployment_name(const recsys_deployment *deployment, const char *source,
                                 const recsys_registry_location *location, recsys_model *model,
                                 recsys_error *err);

/* -- deployed.c -- */

/* Zero, but for empty texts, if the entry is empty. */
void rs_deployment_describe(const struct rs_deployed *entry, recsys_deployment_entry *out);
/* Of its three models, each once. Under state. */
uint64_t rs_deployment_count_memory(const recsys_deployment *deployment);

#endif
