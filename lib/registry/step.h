/* lib/registry/step.h - one step of a deployment while it runs. Private to lib/registry. */
#ifndef RS_REGISTRY_STEP_H
#define RS_REGISTRY_STEP_H

#include <stdint.h>

#include "lib/registry/deployment.h"

/* Its arguments, and everything that a state leaves for later states. */
struct rs_step {
    recsys_deployment *deployment;
    const char *name;               /* for messages */
    const char *source;             /* FIND: of the model; NULL = none is known */
    int is_proposal;                /* the model becomes the candidate; else it is served at once */
    int is_poll;                    /* FIND: not if what the source means was tried already */
    const recsys_model *blamed;     /* CHOOSE: only if this model is active; NULL = whatever is */
    const char *why;                /* of that */
    struct rs_deployed given;       /* from LOAD or the caller; one reference */
    struct rs_deployed *chosen;     /* SERVE: the entry to serve, and to empty */
    const char *version;            /* CHOOSE: which candidate is meant; NULL = any */
    recsys_registry_location found; /* LOAD: where the model is */
    uint64_t began_ns;
    int may_pass;    /* the failure may pass: a poll tries again */
    uint64_t *noted; /* by FIND, in the deployment, for the polls to come; NULL = nothing */

    uint32_t n_served;
    recsys_model *dropped; /* the last reference of the entries to it; NULL = none */
    int holds_operator, holds_swapping;
    recsys_status status;
    recsys_error problem; /* a record of its own: the caller's may be NULL */
};

/* Run the step that begins in `state`. The references of `step` are given back in any case. */
recsys_status rs_step_run(struct rs_step *step, enum rs_step_state state, recsys_error *err);

#endif
