/* lib/model/normal_equations.h - the part of ALS's normal equations that all users share.
 *
 * ALS for implicit feedback (Hu, Koren, Volinsky 2008; the Python package implicit) gives a user
 * who likes items with the confidences c the vector x of
 *   (sum over all items of y y' + regularization * I + sum over liked ones of (c - 1) y y') x
 *       = sum over liked ones of c y
 * A confidence is alpha times the weight of the item for the user.
 */
#ifndef RS_MODEL_NORMAL_EQUATIONS_H
#define RS_MODEL_NORMAL_EQUATIONS_H

#include "lib/model/model.h"
#include "lib/model/normal_memory.h"

/* Models with longer vectors are not folded in by equations: the matrix would have more than 8 MB.
 */
#define RS_NORMAL_MAX_DIMENSIONS 1024u

/* Does the model say that it is ALS, and by what settings? */
static inline int rs_normal_is_known(const struct recsys_model *model)
{
    return model->alpha > 0.0;
}

/* Read them while loading, from an object of JSON. */
recsys_status rs_normal_load(struct recsys_model *model, const char *hyperparameters,
                             recsys_error *err);

/*
 * The model's own, made by the first call: in a third of a second for a million items of 64
 * numbers. Of several first calls at the same time each makes one, and one is kept; no call waits.
 * The model must be known.
 *
 * Fails with: E_NOMEM.
 */
recsys_status rs_normal_get(const struct recsys_model *model, const struct rs_normal **out,
                            recsys_error *err);

#endif
