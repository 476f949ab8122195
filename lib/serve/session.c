/* lib/serve/session.c - the vector of somebody who likes some items.
 *
 * If the model is ALS, it is the vector that the training would have computed for a user with these
 * items (fold.h). Of other models no library has such a computation, or it takes many steps over
 * the training data; the weighted mean of the items' vectors stands in, which is scored like a
 * user's.
 *
 * The equations also tell what each liked item adds to a score, for reasons. Of a known user they
 * are made from the seen list.
 */
#include <math.h>
#include <string.h>

#include "lib/score/canonical.h"
#include "lib/serve/recommender.h"

/* Products in the equations of a known user, which are made for reasons alone: some milliseconds.
 */
#define MAX_PRODUCTS ((size_t)1 << 24)

int rs_vector_has_direction(const float *vector, uint32_t n)
{
    for (uint32_t j = 0; j < n; j++)
        if (vector[j] != 0.0f)
            return 1;
    return 0;
}

void rs_vector_normalise(float *vector, uint32_t n)
{
    double norm = sqrt(rs_canonical_dot(vector, vector, n));

    if (norm > 0.0)
        for (uint32_t j = 0; j < n; j++)
            vector[j] = (float)((double)vector[j] / norm);
}

static struct rs_positions seen_of(const struct recsys_model *model, const struct rs_ask *ask)
{
    struct rs_positions seen = {NULL, 0};
    size_t d = model->dimensions;

    if (ask->known)
        seen = rs_filter_seen(model, ask->user);
    if ((size_t)seen.n > MAX_PRODUCTS / (d * d))
        seen.n = 0;
    return seen;
}

/* For asks that are checked and have their rows. */
recsys_status rs_session_reserve(recsys_recommender *r, const struct recsys_model *model, size_t n,
                                 uint32_t needs, recsys_error *err)
{
    size_t most = 0;

    r->folded = NULL;
    if (!rs_normal_is_known(model) || (needs & RS_ASK_SIMILAR) != 0)
        return RECSYS_OK;
    for (size_t i = 0; i < n; i++) {
        const struct rs_ask *ask = &r->asks[i];
        size_t n_liked = 0;
        if (ask->status != RECSYS_OK || ask->request.vector != NULL)
            continue;
        if ((needs & RS_ASK_REASONS) != 0 && (ask->request.flags & RECSYS_REQUEST_REASONS) != 0)
            n_liked = seen_of(model, ask).n;
        if (n_liked < ask->request.n_liked)
            n_liked = ask->request.n_liked;
        most = most < n_liked ? n_liked : most;
    }
    return most == 0 ? RECSYS_OK : rs_fold_reserve(&r->fold, model, most, err);
}

static double weight_of(const recsys_request *request, size_t i)
{
    return request->liked_weights == NULL ? 1.0 : (double)request->liked_weights[i];
}

/* The liked items in ascending order of position, which are those that are excluded as liked. */
static void take_liked(struct rs_fold *fold, const struct recsys_model *model,
                       const struct rs_ask *ask)
{
    const struct rs_positions *all = &ask->eligible.excluded[RS_EXCLUDED_AS_LIKED];
    uint32_t position;

    for (uint32_t i = 0; i < all->n; i++)
        fold->liked[i] = (struct rs_liked){all->list[i], 0.0};
    for (size_t i = 0; i < ask->request.n_liked; i++)
        if (rs_ids_find(&model->item_ids, ask->request.liked[i], &position))
            fold->liked[rs_positions_before(all, position)].confidence +=
                model->alpha * weight_of(&ask->request, i);
    fold->n_liked = all->n;
}

static void take_seen(struct rs_fold *fold, const struct recsys_model *model,
                      const struct rs_ask *ask)
{
    const struct rs_positions seen = seen_of(model, ask);
    const float *weights =
        model->seen_weights == NULL ? NULL : model->seen_weights + model->seen_offsets[ask->user];

    for (uint32_t i = 0; i < seen.n; i++) {
        double weight = weights == NULL ? 1.0 : (double)weights[i];
        fold->liked[i] = (struct rs_liked){seen.list[i], model->alpha * weight};
    }
    fold->n_liked = seen.n;
}

static void drop_weightless(struct rs_fold *fold)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < fold->n_liked; i++)
        if (fold->liked[i].confidence > 0.0)
            fold->liked[n++] = fold->liked[i];
    fold->n_liked = n;
}

static int make_equations(recsys_recommender *r, const struct recsys_model *model,
                          const struct rs_ask *ask)
{
    drop_weightless(&r->fold);
    r->folded = ask;
    if (r->fold.n_liked == 0)
        r->fold.factor = NULL;
    else
        (void)rs_fold_factor(&r->fold, model);
    return r->fold.factor != NULL;
}

int rs_session_equations(recsys_recommender *r, const struct recsys_model *model,
                         const struct rs_ask *ask)
{
    if (!rs_normal_is_known(model))
        return 0;
    if (r->folded == ask)
        return r->fold.factor != NULL;
    if (ask->taste == RECSYS_STRATEGY_FOLD_IN)
        take_liked(&r->fold, model, ask);
    else
        take_seen(&r->fold, model, ask);
    return make_equations(r, model, ask);
}

static int fold_in(recsys_recommender *r, const struct recsys_model *model,
                   const struct rs_ask *ask, float *vector)
{
    if (!rs_normal_is_known(model))
        return 0;
    take_liked(&r->fold, model, ask);
    return make_equations(r, model, ask) && rs_fold_solve(&r->fold, model, vector);
}

/* The weighted mean of the liked items' vectors. Returns 0 if it points nowhere. */
static int set_mean(const struct recsys_model *model, const recsys_request *request, float *vector)
{
    uint32_t d = model->dimensions, position;
    double total = 0.0;

    for (size_t i = 0; i < request->n_liked; i++)
        if (rs_ids_find(&model->item_ids, request->liked[i], &position))
            total += weight_of(request, i);
    for (size_t i = 0; total > 0.0 && i < request->n_liked; i++)
        if (rs_ids_find(&model->item_ids, request->liked[i], &position)) {
            const float *item = model->items + (size_t)position * model->stride;
            float weight = (float)(weight_of(request, i) / total);
            for (uint32_t j = 0; j < d; j++)
                vector[j] += weight * item[j];
        }
    if (!rs_vector_has_direction(vector, d) || !isfinite(rs_canonical_dot(vector, vector, d)))
        return 0;
    if (model->metric == RECSYS_METRIC_COSINE)
        rs_vector_normalise(vector, d);
    return 1;
}

uint32_t rs_session_vector(recsys_recommender *r, const struct recsys_model *model,
                           const struct rs_ask *ask, float *vector)
{
    size_t size = model->dimensions * sizeof *vector;

    if (fold_in(r, model, ask, vector))
        return RECSYS_STRATEGY_FOLD_IN;
    memset(vector, 0, size);
    if (set_mean(model, &ask->request, vector))
        return RECSYS_STRATEGY_SESSION;
    memset(vector, 0, size);
    return 0;
}
