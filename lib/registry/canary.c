/* lib/registry/canary.c - test a model before it serves requests.
 *
 * Loading has already shown that the files are whole. The canary finds a model
 * that is well-formed and bad: trained on half of the data, or diverged. It asks
 * for the best items of some users, evenly spread; answers must not be empty and
 * scores must be finite. A model without users is asked with vectors of its items.
 *
 * Users that the active model also knows are asked there, too. The canary logs how
 * much the two models agree, but does not use it: a good new model may disagree with
 * the old one.
 *
 * These queries read every page of the candidate that scoring needs, so they
 * also warm it up. Runs on the operator's thread.
 */
#include "lib/registry/canary.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/log.h"
#include "recsys/scorer.h"

#define K 10u

struct canary {
    recsys_scorer *scorer;
    recsys_model_info candidate, active;
    float *vector; /* room for the longer of both models' */
    recsys_scored before[K], now[K];
    uint32_t n_common;             /* users that both models know */
    uint64_t n_agreed, n_compared; /* items of their answers */
};

static int is_same_id(recsys_id a, recsys_id b)
{
    if (a.text == NULL || b.text == NULL)
        return a.text == b.text && a.number == b.number;
    return strcmp(a.text, b.text) == 0;
}

static void compare(struct canary *c, uint32_t n_before, uint32_t n_now)
{
    c->n_common++;
    c->n_compared += n_before;
    for (uint32_t i = 0; i < n_before; i++)
        for (uint32_t j = 0; j < n_now; j++)
            c->n_agreed += (uint64_t)is_same_id(c->before[i].item, c->now[j].item);
}

static recsys_status ask(struct canary *c, const recsys_model *model, float offset,
                         recsys_scored *answers, uint32_t *count, recsys_error *err)
{
    recsys_query query = {c->vector, NULL, (double)offset, K, 0, 0};

    return recsys_scorer_top_k(c->scorer, model, &query, 1, answers, K, count, err);
}

static recsys_status ask_candidate(struct canary *c, const recsys_model *candidate, float offset,
                                   uint64_t number, uint32_t *count, recsys_error *err)
{
    recsys_status status = ask(c, candidate, offset, c->now, count, err);

    if (status != RECSYS_OK)
        return status;
    if (*count == 0)
        return rs_error(err, RECSYS_E_REJECTED,
                        "%s %s rejected: canary query %" PRIu64 " has an empty answer",
                        c->candidate.name, c->candidate.version, number);
    for (uint32_t i = 0; i < *count; i++)
        if (!isfinite(c->now[i].score))
            return rs_error(err, RECSYS_E_REJECTED,
                            "%s %s rejected: a score of canary query %" PRIu64
                            " is not finite; the training has probably diverged",
                            c->candidate.name, c->candidate.version, number);
    return RECSYS_OK;
}

/* `number` counts the candidate's users, or its items if it has no users. */
static recsys_status run_one(struct canary *c, const recsys_model *candidate,
                             const recsys_model *active, uint64_t number, recsys_error *err)
{
    recsys_id id = {NULL, 0};
    size_t n_ids = 0;
    uint32_t n_now = 0, n_before = 0;
    float bias = 0.0f;
    recsys_status status;

    if (c->candidate.n_users == 0) {
        status = recsys_model_get_item_ids(candidate, number, &id, 1, &n_ids, err);
        if (status == RECSYS_OK)
            status = recsys_model_get_item(candidate, id, c->vector, NULL, err);
        return status != RECSYS_OK ? status
                                   : ask_candidate(c, candidate, 0.0f, number, &n_now, err);
    }
    status = recsys_model_get_user_ids(candidate, number, &id, 1, &n_ids, err);
    if (status == RECSYS_OK)
        status = recsys_model_get_user(candidate, id, c->vector, &bias, err);
    if (status == RECSYS_OK)
        status = ask_candidate(c, candidate, bias, number, &n_now, err);
    if (status != RECSYS_OK || active == NULL ||
        c->active.user_id_kind != c->candidate.user_id_kind)
        return status;

    status = recsys_model_get_user(active, id, c->vector, &bias, err);
    if (status == RECSYS_E_NOT_FOUND)
        return RECSYS_OK;
    if (status == RECSYS_OK)
        status = ask(c, active, bias, c->before, &n_before, err);
    if (status == RECSYS_OK)
        compare(c, n_before, n_now);
    return status;
}

static recsys_status check_size(const struct canary *c, const recsys_model *active, float ratio,
                                recsys_error *err)
{
    if (active == NULL || !(ratio > 0.0f) ||
        (double)c->candidate.n_items >= (double)ratio * (double)c->active.n_items)
        return RECSYS_OK;
    return rs_error(err, RECSYS_E_REJECTED,
                    "%s %s rejected: it has %" PRIu64 " items and the active model %" PRIu64
                    ", less than min_items_ratio %g allows; is its data complete?",
                    c->candidate.name, c->candidate.version, c->candidate.n_items,
                    c->active.n_items, (double)ratio);
}

static void log_result(const struct canary *c, uint64_t n_asked)
{
    if (c->n_compared == 0)
        rs_log(RECSYS_LOG_INFO,
               "canary: %s %s answered %" PRIu64 " queries; none could be compared with an active "
               "model",
               c->candidate.name, c->candidate.version, n_asked);
    else
        rs_log(RECSYS_LOG_INFO,
               "canary: %s %s answered %" PRIu64 " queries; for %" PRIu32 " users that the active "
               "model knows, too, it recommends %.0f%% of the items that the active model does",
               c->candidate.name, c->candidate.version, n_asked, c->n_common,
               100.0 * (double)c->n_agreed / (double)c->n_compared);
}

recsys_status rs_canary_run(const recsys_model *candidate, const recsys_model *active,
                            uint32_t n_queries, float min_items_ratio, recsys_error *err)
{
    struct canary c = {.candidate = {.struct_size = (uint32_t)sizeof c.candidate},
                       .active = {.struct_size = (uint32_t)sizeof c.active}};
    recsys_scorer_options options = RECSYS_SCORER_OPTIONS_INIT;
    recsys_status status = recsys_model_get_info(candidate, &c.candidate, err);

    if (status == RECSYS_OK && active != NULL)
        status = recsys_model_get_info(active, &c.active, err);
    if (status == RECSYS_OK)
        status = check_size(&c, active, min_items_ratio, err);
    if (status != RECSYS_OK)
        return status;

    options.dimensions =
        c.active.dimensions > c.candidate.dimensions ? c.active.dimensions : c.candidate.dimensions;
    options.max_k = K;
    c.vector = rs_alloc_array(options.dimensions, sizeof *c.vector);
    status = c.vector == NULL ? rs_error_nomem(err, "canary queries")
                              : recsys_scorer_create(&options, &c.scorer, err);

    uint64_t n = c.candidate.n_users != 0 ? c.candidate.n_users : c.candidate.n_items;
    uint64_t n_asked = n < n_queries ? n : n_queries;
    for (uint64_t i = 0; i < n_asked && status == RECSYS_OK; i++) /* n * n_queries < 2^64 */
        status = run_one(&c, candidate, active, i * n / n_asked, err);
    if (status == RECSYS_OK)
        log_result(&c, n_asked);
    recsys_scorer_destroy(c.scorer);
    rs_free(c.vector);
    return status;
}
