/* lib/registry/comparison.c - two models, and their answers to the same users.
 *
 * Ids are compared by a walk through both sorted lists (common_ids.h). Users are then asked in
 * chunks, the same chunk in both models by one recommender: a recommender belongs to no model, and
 * a chunk is scored in one scan. Requests have default filters, so the answers are those that
 * clients get; a change of the seen lists or of the catalogue therefore changes them, too.
 *
 * The scores of all answers are kept until the end, because quantiles need them.
 */
#include "recsys/comparison.h"

#include <math.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/structs.h"
#include "lib/registry/common_ids.h"
#include "lib/registry/distribution.h"
#include "lib/registry/ranking.h"
#include "recsys/recommend.h"

#define DEFAULT_K 10u
#define MAX_K 1000u
#define DEFAULT_ASKED 1000u
#define CHUNK 256u

/* One of the two models, and its answers. */
struct side {
    const recsys_model *model;
    recsys_model_info info;
    recsys_id *items; /* [CHUNK, k] */
    uint32_t counts[CHUNK];
    float *scores, *raws; /* of all answers */
    size_t n_scores;
    uint64_t n_not_finite;
};

struct asking {
    struct side before, after; /* before.model == NULL: only `after` is asked */
    uint32_t k;
    int of_items; /* the vectors of items are asked */
    recsys_recommender *recommender;
    recsys_id ids[CHUNK]; /* of users or items */
    size_t n;             /* of this chunk */
    float *vectors;       /* [CHUNK, dimensions] */
    recsys_request requests[CHUNK];
    recsys_reply replies[CHUNK];
    recsys_comparison found;
};

static void note_answer(struct asking *asking, struct side *side, size_t i)
{
    const recsys_reply *reply = &asking->replies[i];
    int is_finite = 1;

    side->counts[i] = reply->count;
    for (uint32_t j = 0; j < reply->count; j++) {
        const recsys_recommendation *item = recsys_reply_get_item(reply, j);
        side->items[i * asking->k + j] = item->item;
        side->scores[side->n_scores] = item->score;
        side->raws[side->n_scores++] = item->raw;
        is_finite &= isfinite(item->raw) != 0;
    }
    side->n_not_finite += !is_finite;
}

static recsys_status make_request(struct asking *asking, const struct side *side, size_t i,
                                  recsys_error *err)
{
    recsys_request *request = &asking->requests[i];
    float *vector = asking->vectors + i * side->info.dimensions;

    *request = (recsys_request)RECSYS_REQUEST_INIT;
    request->k = asking->k;
    if (!asking->of_items) {
        request->user = asking->ids[i];
        return RECSYS_OK;
    }
    request->flags = RECSYS_REQUEST_ANONYMOUS;
    request->vector = vector;
    return recsys_model_get_item(side->model, asking->ids[i], vector, NULL, err);
}

static recsys_status ask_side(struct asking *asking, struct side *side, recsys_error *err)
{
    recsys_status status = RECSYS_OK;

    for (size_t i = 0; i < asking->n && status == RECSYS_OK; i++)
        status = make_request(asking, side, i, err);
    asking->replies[0].struct_size = (uint32_t)sizeof asking->replies[0];
    if (status == RECSYS_OK)
        status = recsys_recommend(asking->recommender, side->model, asking->requests, asking->n,
                                  asking->replies, err);
    for (size_t i = 0; i < asking->n && status == RECSYS_OK; i++)
        note_answer(asking, side, i);
    return status;
}

static void compare_answers(struct asking *asking, size_t i)
{
    const recsys_id *before = asking->before.items + i * asking->k;
    const recsys_id *after = asking->after.items + i * asking->k;
    uint32_t n_before = asking->before.counts[i], n_after = asking->after.counts[i];
    recsys_agreement agreement = RECSYS_AGREEMENT_INIT;

    rs_ranking_match(before, n_before, after, n_after, NULL, &agreement);
    asking->found.n_kept += agreement.n_common;
    asking->found.n_places += n_before;
    asking->found.n_identical += n_before == n_after && agreement.n_in_place == n_before;
    asking->found.n_compared++;
}

static recsys_status ask_chunk(struct asking *asking, recsys_error *err)
{
    recsys_status status;

    if (asking->n == 0)
        return RECSYS_OK;
    status = ask_side(asking, &asking->after, err);
    if (status == RECSYS_OK && asking->before.model != NULL)
        status = ask_side(asking, &asking->before, err);
    if (status != RECSYS_OK)
        return status;
    for (size_t i = 0; i < asking->n; i++) {
        asking->found.n_empty += asking->after.counts[i] == 0;
        if (asking->before.model != NULL)
            compare_answers(asking, i);
    }
    asking->found.n_asked += asking->n;
    asking->n = 0;
    return RECSYS_OK;
}

/* Ask `n_asked` of the `n` ids of the walk, evenly spread. */
static recsys_status ask_all(struct asking *asking, uint64_t n, uint64_t n_asked, recsys_error *err)
{
    struct rs_common_ids walk;
    recsys_id id;
    uint64_t n_taken = 0;
    recsys_status status = RECSYS_OK;

    rs_common_ids_begin(&walk, asking->before.model, asking->after.model, asking->of_items);
    for (uint64_t i = 0; n_taken < n_asked && rs_common_ids_next(&walk, &id); i++) {
        if (i != n_taken * n / n_asked) /* both have at most 32 bits */
            continue;
        n_taken++;
        asking->ids[asking->n++] = id;
        if (asking->n == CHUNK && (status = ask_chunk(asking, err)) != RECSYS_OK)
            return status;
    }
    return ask_chunk(asking, err);
}

static int reserve_side(const struct asking *asking, struct side *side, uint64_t n_asked)
{
    size_t n;

    if (side->model == NULL)
        return 1;
    if (!rs_multiply((size_t)n_asked, asking->k, &n))
        return 0;
    side->items = rs_alloc_array((size_t)CHUNK * asking->k, sizeof *side->items);
    side->scores = rs_alloc_array(n, sizeof *side->scores);
    side->raws = rs_alloc_array(n, sizeof *side->raws);
    return side->items != NULL && side->scores != NULL && side->raws != NULL;
}

static recsys_status reserve(struct asking *asking, uint64_t n_asked, uint32_t n_threads,
                             recsys_error *err)
{
    recsys_scorer_options options = RECSYS_SCORER_OPTIONS_INIT;
    uint32_t before = asking->before.info.dimensions, after = asking->after.info.dimensions;

    options.dimensions = before > after ? before : after;
    options.n_threads = n_threads;
    options.max_k = asking->k;
    asking->vectors =
        asking->of_items ? rs_alloc_array((size_t)CHUNK * options.dimensions, sizeof(float)) : NULL;
    if ((asking->of_items && asking->vectors == NULL) ||
        !reserve_side(asking, &asking->before, n_asked) ||
        !reserve_side(asking, &asking->after, n_asked))
        return rs_error_nomem(err, "comparison of models");
    return recsys_recommender_create(&options, &asking->recommender, err);
}

static void free_side(struct side *side)
{
    rs_free(side->items);
    rs_free(side->scores);
    rs_free(side->raws);
}

static uint32_t changes_of(const recsys_model_info *before, const recsys_model_info *after)
{
    uint32_t changes = 0;

    if (before->n_users > 0 && after->n_users > 0 && before->user_id_kind != after->user_id_kind)
        changes |= RECSYS_COMPARISON_USER_IDS;
    if (before->item_id_kind != after->item_id_kind)
        changes |= RECSYS_COMPARISON_ITEM_IDS;
    if (before->n_catalog > 0 && after->n_catalog == 0)
        changes |= RECSYS_COMPARISON_CATALOG;
    if (before->n_seen > 0 && after->n_seen == 0)
        changes |= RECSYS_COMPARISON_SEEN;
    return changes;
}

/* Count what both have, and choose what to ask. Returns how many ids the walk has. */
static uint64_t choose(struct asking *asking)
{
    const recsys_model *before = asking->before.model, *after = asking->after.model;
    recsys_comparison *found = &asking->found;

    if (before != NULL) {
        found->changes = changes_of(&asking->before.info, &asking->after.info);
        if ((found->changes & RECSYS_COMPARISON_USER_IDS) == 0)
            found->n_common_users = rs_common_ids_count(before, after, 0);
        if ((found->changes & RECSYS_COMPARISON_ITEM_IDS) == 0)
            found->n_common_items = rs_common_ids_count(before, after, 1);
    }
    int has_users = asking->after.info.n_users > 0;
    asking->of_items = before == NULL ? !has_users : !has_users || asking->before.info.n_users == 0;
    uint64_t n = asking->of_items ? found->n_common_items : found->n_common_users;
    if (n > 0)
        return n;
    asking->before.model = NULL;
    asking->of_items = !has_users;
    return has_users ? asking->after.info.n_users : asking->after.info.n_items;
}

static void finish(struct asking *asking, recsys_comparison *found)
{
    struct side *before = &asking->before, *after = &asking->after;

    found->n_not_finite = after->n_not_finite;
    rs_distribution_of(before->scores, before->n_scores, &found->scores_before);
    rs_distribution_of(after->scores, after->n_scores, &found->scores_after);
    rs_distribution_of(before->raws, before->n_scores, &found->raws_before);
    rs_distribution_of(after->raws, after->n_scores, &found->raws_after);
}

static recsys_status compare(struct asking *asking, const recsys_comparison_options *options,
                             recsys_error *err)
{
    uint64_t n_asked = options->n_asked == 0 ? DEFAULT_ASKED : options->n_asked;
    uint64_t n = choose(asking);
    recsys_status status;

    n_asked = n_asked < n ? n_asked : n;
    status = reserve(asking, n_asked, options->n_threads, err);
    if (status == RECSYS_OK)
        status = ask_all(asking, n, n_asked, err);
    if (status == RECSYS_OK)
        finish(asking, &asking->found);
    return status;
}

static recsys_status describe(struct side *side, const recsys_model *model, recsys_error *err)
{
    side->model = model;
    side->info.struct_size = (uint32_t)sizeof side->info;
    return model == NULL ? RECSYS_OK : recsys_model_get_info(model, &side->info, err);
}

static recsys_status read_options(recsys_comparison_options *own,
                                  const recsys_comparison_options *options, recsys_error *err)
{
    recsys_status status =
        rs_struct_read(own, sizeof *own, options, RECSYS_COMPARISON_OPTIONS_SIZE_V1,
                       "recsys_model_compare: options", err);

    if (status == RECSYS_OK)
        status = rs_reserved(own->reserved, "recsys_model_compare: options.reserved", err);
    if (status == RECSYS_OK && own->k > MAX_K)
        status = rs_error(err, RECSYS_E_INVALID,
                          "recsys_model_compare: answers of %u items, at most %u are compared",
                          own->k, MAX_K);
    return status;
}

recsys_status recsys_model_compare(const recsys_model *before, const recsys_model *after,
                                   const recsys_comparison_options *options, recsys_comparison *out,
                                   recsys_error *err)
{
    recsys_comparison_options own;
    recsys_status status =
        rs_struct_begin(out, RECSYS_COMPARISON_SIZE_V1, "recsys_model_compare: out", err);

    if (status != RECSYS_OK || (status = read_options(&own, options, err)) != RECSYS_OK)
        return status;
    if (after == NULL)
        return rs_error(err, RECSYS_E_INVALID, "recsys_model_compare: after is NULL");
    struct asking *asking = rs_alloc_array(1, sizeof *asking);
    if (asking == NULL)
        return rs_error_nomem(err, "comparison of models");
    asking->k = own.k == 0 ? DEFAULT_K : own.k;
    if ((status = describe(&asking->before, before, err)) == RECSYS_OK &&
        (status = describe(&asking->after, after, err)) == RECSYS_OK)
        status = compare(asking, &own, err);
    if (status == RECSYS_OK)
        rs_struct_write(out, &asking->found, sizeof asking->found);
    recsys_recommender_destroy(asking->recommender);
    rs_free(asking->vectors);
    free_side(&asking->before);
    free_side(&asking->after);
    rs_free(asking);
    return status;
}
