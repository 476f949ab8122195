/* recsys/deployment.h - load, check, use and roll back the model that is served. Group: core. */
#ifndef RECSYS_DEPLOYMENT_H
#define RECSYS_DEPLOYMENT_H

#include <stddef.h>
#include <stdint.h>

#include "export.h"
#include "model.h"
#include "recommend.h"
#include "registry.h"
#include "status.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A slot with the operator's steps around it. Load and use are two steps:
 *
 *   load      find, fetch, weigh, verify, map, validate, warm up, canary queries -> candidate
 *   use       serve the candidate, by changing one pointer; the model served so
 *             far becomes `previous` and stays loaded
 *   rollback  active and previous change places, without reading the disk
 *   reload    load and use the model that the source names now, if it has changed
 *
 * recsys_deployment_load_model() makes a model that the caller has loaded the
 * candidate.
 *
 * If a step fails, the active model goes on serving, and the status keeps the
 * failure. The canary compares the candidate with the active model, as
 * recsys_model_compare() (comparison.h) does. It rejects a candidate
 *
 *   whose scores are not finite, or whose answers are all empty
 *   with fewer items than `min_items_ratio` of the active model's
 *   with ids of another kind                  RECSYS_DEPLOYMENT_ALLOW_ID_KIND
 *   without a catalogue, if the active has it RECSYS_DEPLOYMENT_ALLOW_NO_CATALOG
 *   without seen lists, if the active has them  RECSYS_DEPLOYMENT_ALLOW_NO_SEEN
 *
 * unless a flag beside the rule allows it, and one beyond the limits that the options
 * set: `min_overlap`, `max_score_shift`, `max_empty_share`. If no model is served yet,
 * only the first rule and `max_empty_share` count.
 *
 * A caller who tells recsys_deployment_record() how requests were answered gets more:
 * a new model that answers worse than the one before it is rolled back without an
 * order, and a candidate is warmed up with requests that users really made.
 *
 * Thread-safety: SYNCHRONIZED. Steps that load run one at a time. Use and rollback do
 *   not wait for a load; recsys_deployment_acquire() waits for no step.
 * Ownership: one owner; recsys_deployment_destroy().
 */
typedef struct recsys_deployment recsys_deployment;

typedef struct recsys_deployment_options {
    uint32_t struct_size;
    uint32_t n_canaries;         /* users asked before a candidate is accepted; 0 = 32 */
    recsys_registry *registry;   /* for models:/ URIs; NULL = paths only. SHARED: a reference is taken */
    const recsys_model_options *model_options; /* COPIED; NULL = defaults */
    float min_items_ratio;       /* candidate's items / active's items; 0 = 0.5; negative = no check */
    uint32_t flags;              /* RECSYS_DEPLOYMENT_ALLOW_* */
    float min_overlap;           /* share of the items that the active model recommends to the canary's
                                    users and the candidate does, too: 0..1; 0 = no limit. Since: 0.2 */
    float max_score_shift;       /* between the scores (0..1) of the canary's answers: the largest
                                    difference of their 10 %, 50 % and 90 % quantiles; 0 = no limit.
                                    Since: 0.2 */
    float max_empty_share;       /* of the canary's answers that may be empty: 0..1; 0 = all but one.
                                    Since: 0.2 */
    uint32_t n_recent;           /* recorded requests that are kept to warm up a candidate; 0 = 256;
                                    UINT32_MAX = none. Since: 0.2 */
    uint32_t watch_s;            /* seconds for which a new model is watched; 0 = 300;
                                    UINT32_MAX = no model is rolled back without an order. Since: 0.2 */
    uint32_t watch_min_answers;  /* recorded before the watch decides; 0 = 100. Since: 0.2 */
    float max_error_rise;        /* of the share of failed answers over that of the model before, which
                                    is 0 if too few were recorded; 0 = 0.2; negative = no limit.
                                    Since: 0.2 */
    float max_empty_rise;        /* the same of empty answers. Since: 0.2 */
    uint64_t max_memory;         /* bytes that the active, the previous and the candidate model and the
                                    one that is loaded may take together, mapped or not; 0 = no limit.
                                    Since: 0.2 */
    const char *history;         /* path of a file that keeps the history for the next start, which no
                                    other deployment may have. COPIED; NULL = in memory only. Since: 0.2 */
    uint32_t max_history;        /* events that are kept; 0 = 200; at most 10000. Since: 0.2 */
    uint32_t poll_interval_ms;   /* of recsys_deployment_get_poll_wait(); 0 = 30000. Since: 0.2 */
    uint32_t max_poll_wait_ms;   /* between polls of a source that fails; 0 = 10 intervals. Since: 0.2 */
    float poll_jitter;           /* an interval is longer or shorter by up to this share, 0..1; 0 = 0.1;
                                    negative = none. Since: 0.2 */
    /* -- end of version 1 -- append below, never insert above -- */
} recsys_deployment_options;

#define RECSYS_DEPLOYMENT_OPTIONS_SIZE_V1 RECSYS_SIZE_TO(recsys_deployment_options, poll_jitter)
#define RECSYS_DEPLOYMENT_OPTIONS_INIT \
    {(uint32_t)sizeof(recsys_deployment_options), 0u, NULL, NULL, 0.0f, 0u, 0.0f, 0.0f, 0.0f, 0u, 0u, \
     0u, 0.0f, 0.0f, 0u, NULL, 0u, 0u, 0u, 0.0f}

#define RECSYS_DEPLOYMENT_ALLOW_ID_KIND (1u << 0)
#define RECSYS_DEPLOYMENT_ALLOW_NO_CATALOG (1u << 1)
#define RECSYS_DEPLOYMENT_ALLOW_NO_SEEN (1u << 2)

/*
 * `source` is what reload loads: a models:/ URI, or the path or file: URI of a
 * bundle or model file. NULL: the caller gives every model.
 *
 * Fails with: E_INVALID (a models:/ URI without a registry, another URI, "", or an
 *   option that cannot be), E_UNSUPPORTED (a field newer than this library), E_NOMEM.
 * Ownership: the caller owns `*out`. Nothing is loaded yet. `source` is COPIED.
 * Since: 0.1
 */
RECSYS_API RECSYS_NODISCARD recsys_status
recsys_deployment_create(const char *source, const recsys_deployment_options *options,
                         recsys_deployment **out, recsys_error *err);

/* As recsys_slot_destroy(): models that are still acquired stay valid until
 * they are given back. NULL is allowed. Since: 0.1 */
RECSYS_API void recsys_deployment_destroy(recsys_deployment *deployment);

/* The active model, as recsys_slot_acquire(); give it back with recsys_model_unref(). Since: 0.1 */
RECSYS_API recsys_model *recsys_deployment_acquire(recsys_deployment *deployment);

/*
 * Load the model at `source` (NULL: the deployment's own source) as the candidate,
 * replacing a candidate that was not used.
 *
 * Fails with: as recsys_registry_resolve() and recsys_model_load(); E_INVALID (a
 *   URI that is neither models:/ nor file:); E_STATE (both are NULL); E_LIMIT (also if
 *   the model needs more than `max_memory` leaves); E_REJECTED (by the canary; the
 *   message says why).
 * Thread-safety: any thread. Blocks on disk.
 * Since: 0.1
 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_deployment_load(recsys_deployment *deployment,
                                                                 const char *source,
                                                                 recsys_error *err);

/*
 * Make a model that the caller has loaded the candidate, after the same canary as
 * recsys_deployment_load(). It may be the model that is served now.
 *
 * Fails with: E_INVALID, E_REJECTED (as load), E_NOMEM.
 * Ownership: SHARED. The deployment takes a reference; the caller keeps its own.
 * Thread-safety: any thread. Reads the whole model.
 * Since: 0.2
 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_deployment_load_model(
    recsys_deployment *deployment, recsys_model *model, recsys_error *err);

/*
 * Serve the candidate. `version` is the version that the caller expects the
 * candidate to have, in case another operator has loaded one meanwhile; NULL = any.
 *
 * Fails with: E_INVALID, E_STATE (there is no candidate), E_CONFLICT (it has
 *   another version), E_NOMEM.
 * Since: 0.1
 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_deployment_use(recsys_deployment *deployment,
                                                                const char *version,
                                                                recsys_error *err);

/*
 * Serve the previous model again; the active one becomes the previous. Reads no disk
 * and frees no model, and waits for no load: it takes effect at once.
 *
 * Fails with: E_INVALID, E_STATE (there is no previous model), E_NOMEM.
 * Since: 0.1
 */
RECSYS_API RECSYS_NODISCARD recsys_status
recsys_deployment_rollback(recsys_deployment *deployment, recsys_error *err);

/*
 * Load and use the model that `source` names now. If its content is the one already
 * served, nothing changes and the call succeeds.
 *
 * changed  receives 1 if another model serves now, else 0; or NULL.
 *
 * Fails with: as load.
 * Since: 0.1
 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_deployment_reload(recsys_deployment *deployment,
                                                                   uint32_t *changed,
                                                                   recsys_error *err);

/*
 * As recsys_deployment_reload(), but only if `source` means something else than when
 * it was last loaded or refused: another version, or another file or bundle in the
 * same place. Made to be called every few seconds: it reads no model that it knows.
 * A model that somebody has chosen with recsys_deployment_use() or _rollback() stays
 * until the source means another one. A failure that may pass (E_IO, E_NOMEM) is
 * tried again at the next call; any other is reported once.
 *
 * changed  receives 1 if another model serves now, else 0; or NULL.
 *
 * Fails with: as load.
 * Since: 0.2
 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_deployment_poll(recsys_deployment *deployment,
                                                                 uint32_t *changed,
                                                                 recsys_error *err);

/*
 * How many milliseconds to wait before the next recsys_deployment_poll(): an interval,
 * with jitter, after the last one, and longer while the source cannot be asked; two
 * seconds without a model to serve. 0 = now, and for NULL. A program that is told of
 * a change in another way may poll at any time.
 *
 * Thread-safety: any thread; does not wait for a running step.
 * Since: 0.2
 */
RECSYS_API uint64_t recsys_deployment_get_poll_wait(recsys_deployment *deployment);

/*
 * Say how requests were answered. Cheap enough for every answer: it takes one lock for
 * as long as it counts.
 *
 * For `watch_s` seconds after a model began to be served by use, reload or poll, its
 * answers are compared with those of the model before. If the share of failed or of
 * empty ones is higher by more than the options allow, this call rolls back, as
 * recsys_deployment_rollback() does; the status and the log say why. A model that came
 * back by a rollback is not watched.
 *
 * model      that answered, which may be another one than is active now: only answers
 *            of the active model count.
 * requests   of which the first may be kept, to warm up the next candidate: its user
 *            and the fields that need no memory of the caller's. NULL = none is kept.
 * n_answers  answers, n_failed of them failed for a reason that may lie in the model,
 *            and n_empty of the others have no item; 0 changes nothing.
 *
 * Fails with: E_INVALID (NULL, a request of the wrong size, more failed and empty answers
 *   than answers). A rollback that fails is noted as a failed step, and no failure here.
 * Thread-safety: any thread. Never waits for a step.
 * Since: 0.2
 */
RECSYS_API recsys_status recsys_deployment_record(recsys_deployment *deployment,
                                                  const recsys_model *model,
                                                  const recsys_request *requests,
                                                  uint64_t n_answers, uint64_t n_failed,
                                                  uint64_t n_empty, recsys_error *err);

/* Destroy replaced models that no request uses any more. Call it now and then from a
 * thread that answers no requests: it may take long. Returns how many are still in
 * use. Since: 0.1 */
RECSYS_API size_t recsys_deployment_reap(recsys_deployment *deployment);

/* One of the models a deployment has; all zero if there is none. The texts end
 * with NUL. Frozen: new facts about an entry are added at the end of
 * recsys_deployment_status. Since: 0.2 */
typedef struct recsys_deployment_entry {
    char name[256];
    char version[256];
    char fingerprint[72];
    uint64_t since_ms;    /* Unix time at which it became active, previous or candidate */
    uint64_t reserved[4]; /* zero */
} recsys_deployment_entry;

typedef struct recsys_deployment_status {
    uint32_t struct_size; /* in: sizeof; out: how much was filled */
    uint32_t loading;     /* 1 while a step runs */
    uint64_t n_swaps;     /* uses, rollbacks and reloads that changed the model */
    uint64_t n_failures;  /* operator steps that failed */
    uint64_t n_retired;   /* replaced models still in use by a request */
    recsys_deployment_entry active, previous, candidate;
    uint64_t last_error_ms; /* Unix time; 0 = no step has failed yet */
    recsys_error last_error;
    uint32_t step;          /* RECSYS_DEPLOYMENT_STEP_*: what the step that runs does now. Since: 0.2 */
    uint32_t watching;      /* 1 while the active model is watched. Since: 0.2 */
    uint64_t step_since_ms; /* Unix time at which that began; 0 = none runs. Since: 0.2 */
    uint64_t n_withdrawn;   /* rollbacks without an order, because of recorded answers. Since: 0.2 */
    uint64_t n_answers;     /* of the active model that were recorded since it became active; of very
                               many, the older ones count less. Since: 0.2 */
    uint64_t n_failed_answers, n_empty_answers; /* of these. Since: 0.2 */
    uint64_t n_recent;      /* recorded requests that are kept. Since: 0.2 */
    uint64_t memory_bytes;  /* of the active, the previous and the candidate model, mapped or not.
                               Since: 0.2 */
    uint64_t needed_bytes;  /* what the last model that was to be loaded was estimated to need; 0 = not
                               known. Since: 0.2 */
    uint64_t max_memory;    /* of the options. Since: 0.2 */
    uint32_t n_failed_polls; /* in a row, for a reason that may pass. Since: 0.2 */
    uint32_t reserved;
    /* -- end of version 1 -- append below, never insert above -- */
} recsys_deployment_status;

#define RECSYS_DEPLOYMENT_STATUS_SIZE_V1 RECSYS_SIZE_TO(recsys_deployment_status, reserved)
#define RECSYS_DEPLOYMENT_STATUS_INIT \
    {(uint32_t)sizeof(recsys_deployment_status), 0u, 0u, 0u, 0u, \
     {"", "", "", 0u, {0u, 0u, 0u, 0u}}, {"", "", "", 0u, {0u, 0u, 0u, 0u}}, \
     {"", "", "", 0u, {0u, 0u, 0u, 0u}}, 0u, {0, 0, ""}, 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u, \
     0u, 0u, 0u, 0u, 0u}

/* The work of a step that runs. Since: 0.2 */
enum {
    RECSYS_DEPLOYMENT_STEP_NONE = 0,
    RECSYS_DEPLOYMENT_STEP_FIND = 1,  /* ask what the source means */
    RECSYS_DEPLOYMENT_STEP_FETCH = 2, /* get the files, if the registry is a server */
    RECSYS_DEPLOYMENT_STEP_LOAD = 3,  /* weigh, map and verify them */
    RECSYS_DEPLOYMENT_STEP_WARM = 4,  /* read the model's pages, replay recorded requests */
    RECSYS_DEPLOYMENT_STEP_CHECK = 5, /* canary queries */
    RECSYS_DEPLOYMENT_STEP_SWAP = 6   /* exchange models */
};

/* "none", "find", "fetch", "load", "warm", "check", "swap"; "unknown" for anything else. Never NULL.
 * Since: 0.2 */
RECSYS_API const char *recsys_deployment_step_name(uint32_t step);

/* Fails with: E_INVALID. Thread-safety: any thread; does not wait for a running step. Since: 0.1 */
RECSYS_API RECSYS_NODISCARD recsys_status
recsys_deployment_get_status(recsys_deployment *deployment, recsys_deployment_status *out,
                             recsys_error *err);

/* The kinds of events. Since: 0.2 */
enum {
    RECSYS_DEPLOYMENT_SERVED = 1, /* a model began to be served */
    RECSYS_DEPLOYMENT_FAILED = 2  /* a step failed, and what served went on serving */
};

/* One event of the history. The texts are BORROWED for the call and never NULL. Since: 0.2 */
typedef struct recsys_deployment_event {
    uint32_t struct_size;    /* how much this library fills */
    uint32_t kind;           /* RECSYS_DEPLOYMENT_SERVED or _FAILED */
    uint64_t time_ms;        /* Unix time */
    uint64_t took_ms;        /* from the beginning of the step */
    recsys_status status;    /* of a failure */
    uint32_t reserved;
    const char *step;        /* "load", "use", "rollback", "reload", "poll", "rollback by the watch" */
    const char *source;      /* that was to be loaded; "" if the step loads nothing */
    const char *name;        /* of the model; these three are "" if the step failed before it was known */
    const char *version;
    const char *fingerprint;
    const char *message;     /* why; "" if there is nothing to say */
    /* -- end of version 1 -- append below, never insert above -- */
} recsys_deployment_event;

#define RECSYS_DEPLOYMENT_EVENT_SIZE_V1 RECSYS_SIZE_TO(recsys_deployment_event, message)
#define RECSYS_DEPLOYMENT_EVENT_INIT \
    {(uint32_t)sizeof(recsys_deployment_event), 0u, 0u, 0u, 0, 0u, NULL, NULL, NULL, NULL, NULL, NULL}

/*
 * Called once for each event. Return 0 to go on, any other number to stop. It runs on the
 * thread that called recsys_deployment_list(), without a lock, so it may use the
 * deployment. No exception or longjmp may leave it.
 */
typedef int32_t (*recsys_deployment_callback)(const recsys_deployment_event *event,
                                              void *user_data);

/*
 * The history: what served when, and why steps failed; oldest first. It begins with
 * what the file of the options has, if there is one: lines of it that are no events are
 * left out. A poll that fails for the same reason as the one before it is not an event of
 * its own.
 *
 * Fails with: E_INVALID, E_STOPPED (the callback returned another number than 0), E_NOMEM.
 * Thread-safety: any thread; does not wait for a running step.
 * Since: 0.2
 */
RECSYS_API RECSYS_NODISCARD recsys_status
recsys_deployment_list(recsys_deployment *deployment, recsys_deployment_callback callback,
                       void *user_data, recsys_error *err);

#ifdef __cplusplus
}
#endif

#endif
