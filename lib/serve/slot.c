/* lib/serve/slot.c - hot-swapping.
 *
 * Three things are promised: a swap never waits for requests, a request never uses a freed model,
 * and no request spends its time on unmapping gigabytes.
 *
 * So the slot owns one reference to the current model, and a swap moves the old one, with that
 * reference, to the retired list. A reader gives its reference back by recsys_model_unref(). The
 * slot still has one, so the reader's is never the last. A retired model whose count is one (the
 * slot's) has no users and can get no new ones; recsys_slot_reap() destroys it on the thread that
 * calls it, outside the lock. A reader destroys a model only if the slot was destroyed before.
 *
 * The list has nodes of its own, and a model is in it at most once: a model that comes back by a
 * rollback leaves the list together with its reference. So a count of one always means that only
 * the slot uses the model. A model held elsewhere by recsys_model_ref(), by another slot for
 * instance, stays on the list until that reference is given back or the slot is destroyed.
 *
 * Acquiring takes the lock for about as long as an increment. A thread for which that is too much
 * keeps its model and acquires again only when `generation` has changed.
 */
#include "lib/serve/slot.h"

#include <stdatomic.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/lock.h"
#include "lib/model/model.h"

struct retired {
    recsys_model *model; /* one reference */
    struct retired *next;
};

struct recsys_slot {
    struct rs_lock lock;
    recsys_model *current;       /* protected by lock; one reference */
    struct retired *retired;     /* protected by lock; no model twice, never the current one */
    _Atomic uint64_t generation; /* written under lock (release), read without (acquire) */
};

/* relaxed: the number only shows that our reference is the last. recsys_model_unref() gives it
 * back, and its decrement orders all reads of the model before the model is freed. */
static unsigned count_references(const recsys_model *model)
{
    return atomic_load_explicit(&model->refs, memory_order_relaxed);
}

/* Take the node of `model` off the list; NULL if it is not there. Under lock. */
static struct retired *unlink_model(recsys_slot *slot, const recsys_model *model)
{
    for (struct retired **link = &slot->retired; *link != NULL; link = &(*link)->next) {
        struct retired *node = *link;
        if (node->model == model) {
            *link = node->next;
            return node;
        }
    }
    return NULL;
}

recsys_status recsys_slot_create(recsys_slot **out, recsys_error *err)
{
    if (out == NULL)
        return rs_error(err, RECSYS_E_INVALID, "recsys_slot_create: out is NULL");
    *out = NULL;
    recsys_slot *slot = rs_alloc_array(1, sizeof *slot);
    if (slot == NULL)
        return rs_error_nomem(err, "slot");
    int result = rs_lock_init(&slot->lock);
    if (result != 0) {
        rs_free(slot);
        return rs_error_sys(err, result, "cannot make the lock of a slot");
    }
    atomic_init(&slot->generation, 0u);
    *out = slot;
    return RECSYS_OK;
}

void recsys_slot_destroy(recsys_slot *slot)
{
    if (slot == NULL)
        return;
    recsys_model_unref(slot->current);
    for (struct retired *node = slot->retired, *next; node != NULL; node = next) {
        next = node->next;
        recsys_model_unref(node->model);
        rs_free(node);
    }
    rs_lock_destroy(&slot->lock);
    rs_free(slot);
}

recsys_model *recsys_slot_acquire(recsys_slot *slot)
{
    if (slot == NULL)
        return NULL;
    rs_lock_take(&slot->lock);
    recsys_model *model = slot->current;
    recsys_model_ref(model);
    rs_lock_give(&slot->lock);
    return model;
}

recsys_status rs_slot_exchange(recsys_slot *slot, recsys_model *next, recsys_error *err)
{
    struct retired *node, *returned = NULL;

    if (slot == NULL)
        return rs_error(err, RECSYS_E_INVALID, "recsys_slot_swap: slot is NULL");
    node = rs_alloc(sizeof *node);
    if (node == NULL)
        return rs_error_nomem(err, "swapping a model");

    rs_lock_take(&slot->lock);
    recsys_model *old = slot->current;
    if (next != old) {
        if (next != NULL && (returned = unlink_model(slot, next)) == NULL)
            recsys_model_ref(next);
        slot->current = next;
        if (old != NULL) {
            node->model = old;
            node->next = slot->retired;
            slot->retired = node;
            node = NULL;
        }
    }
    atomic_fetch_add_explicit(&slot->generation, 1u, memory_order_release);
    rs_lock_give(&slot->lock);

    rs_free(node);
    rs_free(returned);
    return RECSYS_OK;
}

recsys_status recsys_slot_swap(recsys_slot *slot, recsys_model *next, recsys_error *err)
{
    recsys_status status = rs_slot_exchange(slot, next, err);

    if (status == RECSYS_OK)
        recsys_slot_reap(slot);
    return status;
}

size_t recsys_slot_reap(recsys_slot *slot)
{
    struct retired *dead = NULL, **link, *node;
    size_t n_used = 0;

    if (slot == NULL)
        return 0;
    rs_lock_take(&slot->lock);
    for (link = &slot->retired; (node = *link) != NULL;) {
        if (count_references(node->model) == 1u) {
            *link = node->next;
            node->next = dead;
            dead = node;
        } else {
            link = &node->next;
            n_used++;
        }
    }
    rs_lock_give(&slot->lock);

    while ((node = dead) != NULL) { /* outside the lock: this is the slow part */
        dead = node->next;
        recsys_model_unref(node->model);
        rs_free(node);
    }
    return n_used;
}

uint64_t recsys_slot_get_generation(const recsys_slot *slot)
{
    return slot == NULL ? 0 : atomic_load_explicit(&slot->generation, memory_order_acquire);
}

size_t rs_slot_count_used(recsys_slot *slot, const recsys_model *const *ours, size_t n_ours)
{
    size_t n_used = 0;

    rs_lock_take(&slot->lock);
    for (const struct retired *node = slot->retired; node != NULL; node = node->next) {
        unsigned n_known = 1; /* the slot's */
        for (size_t i = 0; i < n_ours; i++)
            n_known += node->model == ours[i];
        if (count_references(node->model) > n_known)
            n_used++;
    }
    rs_lock_give(&slot->lock);
    return n_used;
}
