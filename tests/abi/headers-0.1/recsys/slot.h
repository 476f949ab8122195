/* recsys/slot.h - the place a model is swapped in and out of while serving. */
#ifndef RECSYS_SLOT_H
#define RECSYS_SLOT_H

#include <stddef.h>
#include <stdint.h>

#include "export.h"
#include "model.h"
#include "status.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Holds "the model we serve now". Request threads acquire it, use it, release
 * it; an operator thread swaps it. recsys_slot_swap() never waits for
 * requests. A replaced model is destroyed by the thread that calls
 * recsys_slot_swap() or recsys_slot_reap(), never by one that releases, so no
 * request pays for unmapping.
 *
 * This is the mechanism alone; deployment.h adds loading, checking and
 * rolling back.
 *
 * Thread-safety: SYNCHRONIZED.
 * Ownership: one owner; recsys_slot_destroy().
 */
typedef struct recsys_slot recsys_slot;

/*
 * An empty slot.
 *
 * Fails with: E_INVALID, E_NOMEM.
 * Ownership: the caller owns `*out`.
 * Since: 0.1
 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_slot_create(recsys_slot **out, recsys_error *err);

/* Gives back the slot's references. Every acquired model must have been
 * released. NULL is allowed. */
RECSYS_API void recsys_slot_destroy(recsys_slot *slot);

/*
 * The current model, with a reference; NULL if there is none. It stays valid
 * until recsys_slot_release(), whatever other threads do.
 *
 * Thread-safety: any thread. Holds a lock for the length of an increment.
 * Since: 0.1
 */
RECSYS_API recsys_model *recsys_slot_acquire(recsys_slot *slot);

/* Give an acquired model back. Never destroys it. NULL is allowed. */
RECSYS_API void recsys_slot_release(recsys_slot *slot, recsys_model *model);

/*
 * Serve `next` from now on (NULL: serve nothing) and retire the model served
 * so far. The slot takes a reference of its own; the caller keeps his. The
 * same model may come back later: that is a rollback.
 *
 * Fails with: E_INVALID, E_NOMEM (then nothing has changed).
 * Thread-safety: any thread. Destroys retired models that nobody uses.
 * Since: 0.1
 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_slot_swap(recsys_slot *slot, recsys_model *next,
                                                           recsys_error *err);

/* Destroy retired models that nobody uses any more. Returns how many are
 * still in use. Thread-safety: any thread but a request's: it may unmap
 * gigabytes. Since: 0.1 */
RECSYS_API size_t recsys_slot_reap(recsys_slot *slot);

/* Counts the swaps; a thread that keeps its model acquired may compare it and
 * re-acquire only when it has moved. Never locks. Since: 0.1 */
RECSYS_API uint64_t recsys_slot_get_generation(const recsys_slot *slot);

#ifdef __cplusplus
}
#endif

#endif
