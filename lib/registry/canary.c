/* lib/registry/canary.c - test a model before it serves requests.
 *
 * Loading has already shown that the files are whole. The canary finds a model
 * that is well-formed and bad: trained on half of the data, published without its
 * catalogue, or diverged. recsys_model_compare() finds the facts; this file has the
 * rules: which facts reject the candidate.
 *
 * How much the two models agree is logged, and rejects a candidate only if the operator has set a
 * limit: a good new model may disagree with the old one.
 *
 * The queries read every page of the candidate that scoring needs, so they
 * also warm it up. Runs on the operator's thread.
 */
#include "lib/registry/canary.h"

#include <inttypes.h>
#include <math.h>
#include <stddef.h>

#include "lib/base/error.h"
#include "lib/base/log.h"
#include "recsys/comparison.h"
#include "recsys/deployment.h"

#define HOW(flag, setting) "RECSYS_DEPLOYMENT_ALLOW_" flag ", or recsysd --canary-allow-" setting

/* Changes that reject a candidate, unless the operator allows them. */
static const struct {
    uint32_t change, permission;
    const char *what;
    const char *how; /* to allow it */
} changes[] = {
    {RECSYS_COMPARISON_USER_IDS, RECSYS_DEPLOYMENT_ALLOW_ID_KIND,
     "its user ids are of another kind than the active model's, so clients would ask for users "
     "that it does not have",
     HOW("ID_KIND", "id-kind")},
    {RECSYS_COMPARISON_ITEM_IDS, RECSYS_DEPLOYMENT_ALLOW_ID_KIND,
     "its item ids are of another kind than the active model's, so clients would get items that "
     "they do not know",
     HOW("ID_KIND", "id-kind")},
    {RECSYS_COMPARISON_CATALOG, RECSYS_DEPLOYMENT_ALLOW_NO_CATALOG,
     "it has no catalogue, the active model has one; was it left out when the bundle was made?",
     HOW("NO_CATALOG", "no-catalog")},
    {RECSYS_COMPARISON_SEEN, RECSYS_DEPLOYMENT_ALLOW_NO_SEEN,
     "it has no seen lists, the active model has them, so users would get items that they have "
     "seen",
     HOW("NO_SEEN", "no-seen")},
};

static recsys_status check_changes(const recsys_model_info *candidate, uint32_t found,
                                   uint32_t allowed, recsys_error *err)
{
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++)
        if ((found & changes[i].change) != 0 && (allowed & changes[i].permission) == 0)
            return rs_error(err, RECSYS_E_REJECTED, "%s %s rejected: %s (if it is meant: %s)",
                            candidate->name, candidate->version, changes[i].what, changes[i].how);
    return RECSYS_OK;
}

static recsys_status check_size(const recsys_model_info *candidate, const recsys_model_info *active,
                                float ratio, recsys_error *err)
{
    if (!(ratio > 0.0f) || (double)candidate->n_items >= (double)ratio * (double)active->n_items)
        return RECSYS_OK;
    return rs_error(err, RECSYS_E_REJECTED,
                    "%s %s rejected: it has %" PRIu64 " items and the active model %" PRIu64
                    ", less than min_items_ratio %g allows; is its data complete?",
                    candidate->name, candidate->version, candidate->n_items, active->n_items,
                    (double)ratio);
}

/* One user may have seen everything; all of them have not. */
static recsys_status check_answers(const recsys_model_info *candidate,
                                   const recsys_comparison *found, float max_empty_share,
                                   recsys_error *err)
{
    if (found->n_not_finite > 0)
        return rs_error(err, RECSYS_E_REJECTED,
                        "%s %s rejected: scores of %" PRIu64 " of %" PRIu64
                        " canary queries are not finite; the training has probably diverged",
                        candidate->name, candidate->version, found->n_not_finite, found->n_asked);
    if (found->n_asked > 0 && found->n_empty == found->n_asked)
        return rs_error(err, RECSYS_E_REJECTED,
                        "%s %s rejected: the answers to all %" PRIu64
                        " canary queries are empty; are all items adult, or seen by everybody?",
                        candidate->name, candidate->version, found->n_asked);
    if (max_empty_share > 0.0f &&
        (double)found->n_empty > (double)max_empty_share * (double)found->n_asked)
        return rs_error(err, RECSYS_E_REJECTED,
                        "%s %s rejected: %" PRIu64 " of %" PRIu64
                        " answers to canary queries are empty, more than max_empty_share %g allows",
                        candidate->name, candidate->version, found->n_empty, found->n_asked,
                        (double)max_empty_share);
    return RECSYS_OK;
}

static double overlap_of(const recsys_comparison *found)
{
    return found->n_places == 0 ? 1.0 : (double)found->n_kept / (double)found->n_places;
}

/* Of three quantiles, how far the one that moved most did. */
static double shift_of(const recsys_comparison *found)
{
    const recsys_distribution *before = &found->scores_before, *after = &found->scores_after;

    if (before->n == 0 || after->n == 0)
        return 0.0;
    return fmax(fabs(after->median - before->median),
                fmax(fabs(after->q10 - before->q10), fabs(after->q90 - before->q90)));
}

static recsys_status check_agreement(const recsys_model_info *candidate,
                                     const recsys_comparison *found,
                                     const struct rs_canary_rules *rules, recsys_error *err)
{
    double overlap = overlap_of(found), shift = shift_of(found);

    if (overlap < (double)rules->min_overlap)
        return rs_error(err, RECSYS_E_REJECTED,
                        "%s %s rejected: it recommends %.0f%% of the items that the active model "
                        "does, less than min_overlap %g allows; is it trained for the same items?",
                        candidate->name, candidate->version, 100.0 * overlap,
                        (double)rules->min_overlap);
    if (rules->max_score_shift > 0.0f && shift > (double)rules->max_score_shift)
        return rs_error(err, RECSYS_E_REJECTED,
                        "%s %s rejected: the scores of its answers differ by up to %.3g from the "
                        "active model's (median %.3g, was %.3g), more than max_score_shift %g "
                        "allows; has its link or the scale of its vectors changed?",
                        candidate->name, candidate->version, shift, found->scores_after.median,
                        found->scores_before.median, (double)rules->max_score_shift);
    return RECSYS_OK;
}

static void log_result(const recsys_model_info *candidate, const recsys_comparison *found)
{
    if (found->n_places == 0)
        rs_log(RECSYS_LOG_INFO,
               "canary: %s %s answered %" PRIu64 " queries; none could be compared with an active "
               "model",
               candidate->name, candidate->version, found->n_asked);
    else
        rs_log(RECSYS_LOG_INFO,
               "canary: %s %s answered %" PRIu64 " queries; it recommends %.0f%% of the items that "
               "the active model does, with a median score of %.3g where that has %.3g",
               candidate->name, candidate->version, found->n_asked,
               100.0 * overlap_of(found), found->scores_after.median, found->scores_before.median);
}

recsys_status rs_canary_run(const recsys_model *candidate, const recsys_model *active,
                            const struct rs_canary_rules *rules, recsys_error *err)
{
    recsys_model_info now = {.struct_size = (uint32_t)sizeof now}, before = now;
    recsys_comparison_options options = RECSYS_COMPARISON_OPTIONS_INIT;
    recsys_comparison found = RECSYS_COMPARISON_INIT;
    recsys_status status = recsys_model_get_info(candidate, &now, err);

    if (status == RECSYS_OK && active != NULL)
        status = recsys_model_get_info(active, &before, err);
    if (status == RECSYS_OK && active != NULL)
        status = check_size(&now, &before, rules->min_items_ratio, err);
    options.n_asked = rules->n_queries;
    if (status == RECSYS_OK)
        status = recsys_model_compare(active, candidate, &options, &found, err);
    if (status == RECSYS_OK)
        status = check_changes(&now, found.changes, rules->allowed, err);
    if (status == RECSYS_OK)
        status = check_answers(&now, &found, rules->max_empty_share, err);
    if (status == RECSYS_OK)
        status = check_agreement(&now, &found, rules, err);
    if (status == RECSYS_OK)
        log_result(&now, &found);
    return status;
}
