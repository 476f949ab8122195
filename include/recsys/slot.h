/* recsys/slot.h - the place that holds the model served now. Group: core. */
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
 * Holds the model that is served now. Request threads acquire it, use it and
 * give it back; an operator's thread swaps it. recsys_slot_swap() never waits for
 * requests. The slot keeps a reference to a replaced model as long as a request
 * has one; afterwards the next call of recsys_slot_swap() or recsys_slot_reap()
 * destroys the model. So as long as the slot exists, no request has to wait until
 * a model is unmapped.
 *
 * A slot only swaps; deployment.h adds loading, checking and rolling back.
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

/* Gives back the slot's references. Models that are still acquired stay valid;
 * the thread that gives back the last reference destroys the model. No other
 * call on the slot may be running. NULL is allowed. Since: 0.1 */
RECSYS_API void recsys_slot_destroy(recsys_slot *slot);

/*
 * The current model; NULL if there is none. It stays valid until the caller
 * gives it back, whatever other threads do, and also after the slot was
 * destroyed.
 *
 * Ownership: SHARED. The caller gets a reference and gives it back with
 *   recsys_model_unref(), which never destroys the model as long as the slot
 *   exists.
 * Thread-safety: any thread. Holds a lock while it increments one counter.
 * Since: 0.1
 */
RECSYS_API recsys_model *recsys_slot_acquire(recsys_slot *slot);

/*
 * Serve `next` from now on (NULL: serve no model) and retire the model served
 * so far. The slot takes a reference of its own; the caller keeps the one it
 * has. A model may be served again later: that is a rollback.
 *
 * Fails with: E_INVALID, E_NOMEM (then nothing has changed).
 * Thread-safety: any thread. Destroys retired models that no request uses.
 * Since: 0.1
 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_slot_swap(recsys_slot *slot, recsys_model *next,
                                                           recsys_error *err);

/* Destroy retired models that no request uses any more. Returns how many are
 * still in use. Thread-safety: any thread; but do not call it while answering a
 * request, since it may unmap gigabytes. Since: 0.1 */
RECSYS_API size_t recsys_slot_reap(recsys_slot *slot);

/* The number of swaps so far. A thread that keeps its model acquired may compare
 * it and acquire again only when the number has changed. Never locks. Since: 0.1 */
RECSYS_API uint64_t recsys_slot_get_generation(const recsys_slot *slot);

#ifdef __cplusplus
}
#endif

#endif
