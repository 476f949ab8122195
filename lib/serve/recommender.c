/* lib/serve/recommender.c - create and destroy a recommender, and grow its memory.
 *
 * All memory of a call lives in the recommender and is kept, so that a call
 * like the one before allocates nothing.
 */
#include "lib/serve/recommender.h"

#include <stddef.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/structs.h"

recsys_status rs_recommender_grow_asks(recsys_recommender *r, size_t n, recsys_error *err)
{
    size_t asks = r->max_asks, questions = r->max_asks, answers = r->max_asks;
    recsys_status status;

    if ((status = rs_grow(&r->asks, &asks, n, sizeof *r->asks, err)) != RECSYS_OK ||
        (status = rs_grow(&r->questions, &questions, n, sizeof *r->questions, err)) != RECSYS_OK ||
        (status = rs_grow(&r->answers, &answers, n, sizeof *r->answers, err)) != RECSYS_OK)
        return status;
    r->max_asks = n > r->max_asks ? n : r->max_asks;
    return RECSYS_OK;
}

recsys_status recsys_recommender_create(const recsys_scorer_options *options,
                                        recsys_recommender **out, recsys_error *err)
{
    recsys_scorer_options seen;
    recsys_recommender *r;
    size_t n_floats, n_items;
    recsys_status status;

    if (out == NULL)
        return rs_error(err, RECSYS_E_INVALID, "recsys_recommender_create: out is NULL");
    *out = NULL;
    status = rs_struct_read(&seen, sizeof seen, options, RECSYS_SCORER_OPTIONS_SIZE_V1,
                            "recsys_recommender_create: options", err);
    if (status != RECSYS_OK)
        return status;
    r = rs_alloc_array(1, sizeof *r);
    if (r == NULL)
        return rs_error_nomem(err, "recommender");
    status = recsys_scorer_create(options, &r->scorer, err);
    if (status == RECSYS_OK) {
        size_t batch = seen.max_batch == 0 ? 1 : seen.max_batch;
        if (!rs_multiply(batch, seen.dimensions == 0 ? 128 : seen.dimensions, &n_floats) ||
            !rs_multiply(batch, seen.max_k == 0 ? 100 : seen.max_k, &n_items))
            status = rs_error_nomem(err, "recommender");
        else if ((status = rs_recommender_grow_asks(r, batch, err)) == RECSYS_OK &&
                 (status = rs_grow(&r->vectors, &r->max_floats, n_floats, sizeof *r->vectors,
                                   err)) == RECSYS_OK)
            status = rs_grow(&r->items, &r->max_items, n_items, sizeof *r->items, err);
    }
    if (status != RECSYS_OK) {
        recsys_recommender_destroy(r);
        return status;
    }
    *out = r;
    return RECSYS_OK;
}

void recsys_recommender_destroy(recsys_recommender *r)
{
    if (r == NULL)
        return;
    recsys_scorer_destroy(r->scorer);
    rs_free(r->asks);
    rs_free(r->questions);
    rs_free(r->answers);
    rs_free(r->vectors);
    rs_free(r->positions);
    rs_free(r->ignored);
    rs_free(r->items);
    rs_free(r->popular);
    rs_free(r->wanted);
    rs_free(r->steering);
    rs_free(r->steered);
    rs_free(r->kept);
    rs_free(r->pools);
    rs_free(r->candidates);
    rs_free(r->chosen);
    rs_free(r->chosen_positions);
    rs_free(r->counts);
    rs_free(r->reasons);
    rs_free(r->causes);
    rs_free(r->contributions);
    rs_fold_destroy(&r->fold);
    rs_free(r);
}
