/* lib/score/filter.h - a filter as the scan sees it. */
#ifndef RS_SCORE_FILTER_H
#define RS_SCORE_FILTER_H

#include <stdatomic.h>

#include "lib/model/model.h"
#include "lib/score/eligible.h"
#include "recsys/catalog.h"

struct recsys_filter {
    atomic_uint refs;
    char fingerprint[65]; /* of the model it was made for, which may be destroyed */
    uint32_t n_items;
    uint64_t *bits;     /* NULL = all but the excluded */
    uint32_t *excluded; /* ascending positions */
    uint32_t n_excluded;
    uint32_t n_passing;
};

/* Fill a condition from names as callers give them. No item meets an unknown language.
 * E_INVALID: a number that is NaN, too many languages. */
recsys_status rs_filter_condition(const struct rs_catalog *catalog, float min_rating,
                                  int32_t min_year, int32_t max_year, const char *const *languages,
                                  uint32_t n_languages, int exclude_adult, struct rs_condition *out,
                                  recsys_error *err);

/* Ask for items that have one of these genres, too; none = any item. No item meets an unknown
 * genre. At most RS_CONDITION_MAX_GENRES. */
void rs_filter_genres(const struct rs_catalog *catalog, const char *const *genres,
                      uint32_t n_genres, struct rs_condition *condition);

/* Positions of those ids that the model has, ascending, each once. `out` has
 * room for n_ids. E_INVALID for an id of the other kind. */
recsys_status rs_filter_positions(const struct recsys_model *model, const recsys_id *ids,
                                  size_t n_ids, uint32_t *out, uint32_t *n_out, recsys_error *err);

/* The items that the user of row `user` has seen; empty without seen lists. */
struct rs_positions rs_filter_seen(const struct recsys_model *model, uint32_t user);

/* The items that a filter allows; all for NULL. BORROWED from the filter. */
void rs_filter_eligible(const recsys_filter *filter, struct rs_eligible *out);

/* E_INVALID if the filter's positions mean other items in `model`; NULL fits every model. Models
 * with the same fingerprint have the same scan order. */
recsys_status rs_filter_check(const recsys_filter *filter, const struct recsys_model *model,
                              const char *function, recsys_error *err);

#endif
