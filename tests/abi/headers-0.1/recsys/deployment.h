/* recsys/deployment.h - which model is served, and how that changes safely. */
#ifndef RECSYS_DEPLOYMENT_H
#define RECSYS_DEPLOYMENT_H

#include <stddef.h>
#include <stdint.h>

#include "export.h"
#include "model.h"
#include "registry.h"
#include "status.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A slot with the operator's steps around it. Load and use are two steps:
 *
 *   load      find, verify, map, validate, warm up, canary queries -> candidate
 *   use       publish the candidate by one pointer; the model served so far
 *             becomes `previous` and stays loaded
 *   rollback  active and previous change places; no disk is touched
 *   reload    load and use what the source means now, if that has changed
 *
 * A failure at any step leaves the active model serving and is remembered in
 * the status. The canary runs users that both models know through candidate
 * and active and refuses a candidate whose scores are not finite, whose
 * answers are empty, or whose item set shrank below `min_items_ratio`.
 *
 * Thread-safety: SYNCHRONIZED. Operator calls are carried out one at a time;
 *   recsys_deployment_acquire() never waits for them.
 * Ownership: one owner; recsys_deployment_destroy().
 */
typedef struct recsys_deployment recsys_deployment;

typedef struct recsys_deployment_options {
    uint32_t struct_size;
    uint32_t n_canaries;         /* queries compared before a candidate is accepted; 0 = 32 */
    recsys_registry *registry;   /* for models:/ URIs; NULL = paths only. Must outlive the deployment */
    const recsys_model_options *model_options; /* COPIED; NULL = defaults */
    float min_items_ratio;       /* candidate's items / active's items; 0 = 0.5; negative = do not ask */
    uint32_t reserved;
    /* -- end of version 1 -- append below, never insert above -- */
} recsys_deployment_options;

#define RECSYS_DEPLOYMENT_OPTIONS_INIT \
    {(uint32_t)sizeof(recsys_deployment_options), 0u, NULL, NULL, 0.0f, 0u}

RECSYS_API void recsys_deployment_options_init(recsys_deployment_options *options);

/*
 * `source` is what reload means: a models:/ URI, or the path of a bundle or
 * model file.
 *
 * Fails with: E_INVALID (a models:/ URI without a registry), E_NOMEM.
 * Ownership: the caller owns `*out`. Nothing is loaded yet. `source` is COPIED.
 * Since: 0.1
 */
RECSYS_API RECSYS_NODISCARD recsys_status
recsys_deployment_create(const char *source, const recsys_deployment_options *options,
                         recsys_deployment **out, recsys_error *err);

/* Every acquired model must have been released. NULL is allowed. */
RECSYS_API void recsys_deployment_destroy(recsys_deployment *deployment);

/* As recsys_slot_acquire() and recsys_slot_release(). */
RECSYS_API recsys_model *recsys_deployment_acquire(recsys_deployment *deployment);
RECSYS_API void recsys_deployment_release(recsys_deployment *deployment, recsys_model *model);

/*
 * Make the model at `source` (NULL: the deployment's own) the candidate,
 * replacing a candidate that was not used.
 *
 * Fails with: as recsys_registry_resolve() and recsys_model_load(); E_STATE
 *   (the canary refused it; the message says why).
 * Thread-safety: any thread. Blocks on disk.
 * Since: 0.1
 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_deployment_load(recsys_deployment *deployment,
                                                                 const char *source,
                                                                 recsys_error *err);

/*
 * Serve the candidate. `version`: the candidate's version as the caller knows
 * it, so that two operators do not surprise each other; NULL = whatever it is.
 *
 * Fails with: E_STATE (no candidate, or another version), E_NOMEM.
 * Since: 0.1
 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_deployment_use(recsys_deployment *deployment,
                                                                const char *version,
                                                                recsys_error *err);

/* Fails with: E_STATE (there is no previous model), E_NOMEM. Since: 0.1 */
RECSYS_API RECSYS_NODISCARD recsys_status
recsys_deployment_rollback(recsys_deployment *deployment, recsys_error *err);

/*
 * Load and use what `source` means now. If that is the content already served
 * nothing changes and the call succeeds.
 *
 * changed  receives 1 if another model serves now, else 0; or NULL.
 *
 * Fails with: as _load.
 * Since: 0.1
 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_deployment_reload(recsys_deployment *deployment,
                                                                   uint32_t *changed,
                                                                   recsys_error *err);

/* Destroy replaced models that nobody uses any more; call it now and then.
 * Returns how many are still in use. Since: 0.1 */
RECSYS_API size_t recsys_deployment_reap(recsys_deployment *deployment);

/* One loaded model's place. Empty strings if there is none. */
typedef struct recsys_deployment_place {
    char name[132];
    char version[132];
    char fingerprint[72];
    uint64_t since_ms; /* Unix time at which it came to this place */
} recsys_deployment_place;

typedef struct recsys_deployment_status {
    uint32_t struct_size; /* in: sizeof(recsys_deployment_status) */
    uint32_t loading;     /* 1 while an operator step runs */
    uint64_t n_swaps;     /* uses, rollbacks and reloads that changed the model */
    uint64_t n_failures;  /* operator steps that failed */
    uint64_t n_retired;   /* replaced models still in use by a request */
    recsys_deployment_place active, previous, candidate;
    uint64_t last_error_ms; /* Unix time; 0 = no step has failed yet */
    recsys_error last_error;
    /* -- end of version 1 -- append below, never insert above -- */
} recsys_deployment_status;

/* Fails with: E_INVALID. Thread-safety: any thread; does not wait for a running step. Since: 0.1 */
RECSYS_API RECSYS_NODISCARD recsys_status
recsys_deployment_get_status(recsys_deployment *deployment, recsys_deployment_status *out,
                             recsys_error *err);

#ifdef __cplusplus
}
#endif

#endif
