/* lib/score/filter.c - filters that are made once and used for many queries.
 *
 * Conditions on attributes and allow lists become one bit per item, in scan order, so that a block
 * without an allowed item can be skipped. Exclusions stay a short sorted list: they remove few
 * items and would cost a bitmap for each user. Used by the scorer. Requests (lib/serve) are checked
 * without bits, because their conditions change each time.
 */
#include "lib/score/filter.h"

#include <math.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/refs.h"
#include "lib/base/structs.h"

#define KNOWN_FLAGS (RECSYS_FILTER_EXCLUDE_ADULT | RECSYS_FILTER_ALLOW | RECSYS_FILTER_EXCLUDE_SEEN)

recsys_status rs_filter_condition(const struct rs_catalog *catalog, float min_rating,
                                  int32_t min_year, int32_t max_year, const char *const *languages,
                                  uint32_t n_languages, int exclude_adult, struct rs_condition *out,
                                  recsys_error *err)
{
    memset(out, 0, sizeof *out);
    if (isnan(min_rating))
        return rs_error(err, RECSYS_E_INVALID, "min_rating is not a number");
    if (n_languages > 0 && languages == NULL)
        return rs_error(err, RECSYS_E_INVALID, "%u languages announced, none given", n_languages);
    if (n_languages > RS_CONDITION_MAX_LANGUAGES)
        return rs_error(err, RECSYS_E_INVALID, "%u languages, at most %u can be asked for",
                        n_languages, RS_CONDITION_MAX_LANGUAGES);
    out->min_rating = min_rating > 0.0f ? min_rating : 0.0f;
    out->min_year = min_year;
    out->max_year = max_year;
    out->exclude_adult = exclude_adult != 0;
    out->asks_language = n_languages > 0;
    for (uint32_t i = 0; i < n_languages; i++) {
        if (languages[i] == NULL)
            return rs_error(err, RECSYS_E_INVALID, "language %u is NULL", i);
        int32_t number = rs_catalog_find_language(catalog, languages[i]);
        if (number >= 0)
            out->languages[out->n_languages++] = (uint32_t)number + 1;
    }
    return RECSYS_OK;
}

void rs_filter_genres(const struct rs_catalog *catalog, const char *const *genres,
                      uint32_t n_genres, struct rs_condition *condition)
{
    condition->asks_genre = n_genres > 0;
    for (uint32_t i = 0; i < n_genres; i++) {
        int32_t number = rs_catalog_find_genre(catalog, genres[i]);
        if (number >= 0)
            condition->genres[condition->n_genres++] = (uint32_t)number;
    }
}

/* Sorts in place and drops repetitions; returns how many are left. Heapsort,
 * because qsort may allocate and a query may not. */
static uint32_t sort_positions(uint32_t *list, uint32_t n)
{
    uint32_t kept = 0;

    for (uint32_t start = n / 2, end = n; end > 1;) {
        uint32_t moved, at, child;
        if (start > 0) {
            moved = list[--start];
        } else {
            moved = list[--end];
            list[end] = list[0];
        }
        for (at = start; (child = 2 * at + 1) < end; at = child) {
            if (child + 1 < end && list[child + 1] > list[child])
                child++;
            if (list[child] <= moved)
                break;
            list[at] = list[child];
        }
        list[at] = moved;
    }
    for (uint32_t i = 0; i < n; i++)
        if (kept == 0 || list[kept - 1] != list[i])
            list[kept++] = list[i];
    return kept;
}

recsys_status rs_filter_positions(const struct recsys_model *model, const recsys_id *ids,
                                  size_t n_ids, uint32_t *out, uint32_t *n_out, recsys_error *err)
{
    uint32_t n = 0;

    *n_out = 0;
    for (size_t i = 0; i < n_ids; i++) {
        const char *problem = rs_ids_refuse(&model->item_ids, ids[i]);
        if (problem != NULL)
            return rs_error(err, RECSYS_E_INVALID, "the id of item %zu %s", i, problem);
        if (rs_ids_find(&model->item_ids, ids[i], &out[n]))
            n++;
    }
    *n_out = sort_positions(out, n);
    return RECSYS_OK;
}

struct rs_positions rs_filter_seen(const struct recsys_model *model, uint32_t user)
{
    struct rs_positions seen = {NULL, 0};

    if (model->seen_offsets != NULL) {
        uint64_t first = model->seen_offsets[user];
        seen.list = model->seen_items + first;
        seen.n = (uint32_t)(model->seen_offsets[user + 1] - first);
    }
    return seen;
}

void rs_filter_eligible(const recsys_filter *filter, struct rs_eligible *out)
{
    memset(out, 0, sizeof *out);
    if (filter != NULL) {
        out->bits = filter->bits;
        out->excluded[RS_EXCLUDED_BY_FILTER].list = filter->excluded;
        out->excluded[RS_EXCLUDED_BY_FILTER].n = filter->n_excluded;
    }
}

recsys_status rs_filter_check(const recsys_filter *filter, const struct recsys_model *model,
                              const char *function, recsys_error *err)
{
    /* Compare the count, too: with RECSYS_MODEL_SKIP_HASHES the hashes of a manifest are not
     * checked. */
    if (filter == NULL ||
        (filter->n_items == model->n_items && strcmp(filter->fingerprint, model->fingerprint) == 0))
        return RECSYS_OK;
    return rs_error(err, RECSYS_E_INVALID,
                    "%s: the filter was made for another model (fingerprint %.12s..., this one's "
                    "is %.12s...)",
                    function, filter->fingerprint, model->fingerprint);
}

/* The bits of the items in `allow`, or of all items. */
static recsys_status start_bits(recsys_filter *filter, const struct recsys_model *model,
                                const recsys_filter_options *options, recsys_error *err)
{
    size_t words = ((size_t)model->n_items + 63) / 64;
    recsys_status status = RECSYS_OK;
    uint32_t *allowed = NULL, n_allowed = 0;

    filter->bits = rs_alloc_array(words, sizeof *filter->bits);
    if (filter->bits == NULL)
        return rs_error_nomem(err, "filter");
    if ((options->flags & RECSYS_FILTER_ALLOW) == 0) {
        memset(filter->bits, 0xff, words * sizeof *filter->bits);
        if (model->n_items % 64 != 0)
            filter->bits[words - 1] = (1ull << (model->n_items % 64)) - 1u;
        return RECSYS_OK;
    }
    if (options->n_allow == 0)
        return RECSYS_OK;
    allowed = rs_alloc_array(options->n_allow, sizeof *allowed);
    if (allowed == NULL)
        return rs_error_nomem(err, "filter");
    status = rs_filter_positions(model, options->allow, options->n_allow, allowed, &n_allowed, err);
    for (uint32_t i = 0; i < n_allowed; i++)
        filter->bits[allowed[i] / 64] |= 1ull << (allowed[i] % 64);
    rs_free(allowed);
    return status;
}

static recsys_status add_excluded(recsys_filter *filter, const struct recsys_model *model,
                                  const recsys_filter_options *options, recsys_error *err)
{
    struct rs_positions seen = {NULL, 0};
    uint32_t user, n = 0;
    recsys_status status;
    int exclude_seen = (options->flags & RECSYS_FILTER_EXCLUDE_SEEN) != 0;

    if (exclude_seen) {
        status = rs_ids_check(&model->user_ids, options->seen_by, "seen_by: user", err);
        if (status != RECSYS_OK)
            return status;
        if (rs_ids_find(&model->user_ids, options->seen_by, &user))
            seen = rs_filter_seen(model, user);
    } else if (options->seen_by.text != NULL || options->seen_by.number != 0) {
        /* Refuse, because ignoring seen_by would return items that the user has seen. */
        return rs_error(err, RECSYS_E_INVALID,
                        "seen_by is set without the flag RECSYS_FILTER_EXCLUDE_SEEN");
    }
    if (options->n_exclude + seen.n == 0)
        return RECSYS_OK;
    filter->excluded = rs_alloc_array(options->n_exclude + seen.n, sizeof *filter->excluded);
    if (filter->excluded == NULL)
        return rs_error_nomem(err, "filter");
    status =
        rs_filter_positions(model, options->exclude, options->n_exclude, filter->excluded, &n, err);
    if (status != RECSYS_OK)
        return status;
    if (seen.n > 0)
        memcpy(filter->excluded + n, seen.list, seen.n * sizeof *seen.list);
    filter->n_excluded = sort_positions(filter->excluded, n + seen.n);
    return RECSYS_OK;
}

static void count_passing(recsys_filter *filter)
{
    uint32_t n_items = filter->n_items, n = n_items;

    if (filter->bits != NULL)
        n = rs_eligible_count_bits(filter->bits, 0, n_items);
    for (uint32_t i = 0; i < filter->n_excluded; i++) {
        uint32_t position = filter->excluded[i];
        if (filter->bits == NULL || (filter->bits[position / 64] >> (position % 64) & 1u) != 0)
            n--;
    }
    filter->n_passing = n;
}

recsys_status recsys_filter_create(const recsys_model *model, const recsys_filter_options *options,
                                   recsys_filter **out, recsys_error *err)
{
    recsys_filter_options seen;
    struct rs_condition condition;
    recsys_filter *filter = NULL;
    recsys_status status;

    if (out != NULL)
        *out = NULL;
    if (model == NULL || out == NULL)
        return rs_error(err, RECSYS_E_INVALID, "recsys_filter_create: model and out must be given");
    status = rs_struct_read(&seen, sizeof seen, options, RECSYS_FILTER_OPTIONS_SIZE_V1,
                            "recsys_filter_create: options", err);
    if (status != RECSYS_OK)
        return status;
    status = rs_reserved(seen.flags & ~KNOWN_FLAGS, "recsys_filter_create: options->flags", err);
    if (status != RECSYS_OK)
        return status;
    if ((seen.n_allow > 0 && seen.allow == NULL) || (seen.n_exclude > 0 && seen.exclude == NULL))
        return rs_error(err, RECSYS_E_INVALID, "recsys_filter_create: ids announced, none given");
    if ((seen.flags & RECSYS_FILTER_ALLOW) == 0 && (seen.allow != NULL || seen.n_allow > 0))
        return rs_error(err, RECSYS_E_INVALID,
                        "recsys_filter_create: allow is set without the flag RECSYS_FILTER_ALLOW");
    status = rs_filter_condition(model->catalog, seen.min_rating, seen.min_year, seen.max_year,
                                 seen.languages, seen.n_languages,
                                 (seen.flags & RECSYS_FILTER_EXCLUDE_ADULT) != 0, &condition, err);
    if (status != RECSYS_OK)
        return status;

    filter = rs_alloc_array(1, sizeof *filter);
    if (filter == NULL)
        return rs_error_nomem(err, "filter");
    atomic_init(&filter->refs, 1u);
    memcpy(filter->fingerprint, model->fingerprint, sizeof filter->fingerprint);
    filter->n_items = model->n_items;
    int trivial = rs_condition_is_trivial(&condition, model->catalog);
    if (!trivial || (seen.flags & RECSYS_FILTER_ALLOW) != 0) {
        status = start_bits(filter, model, &seen, err);
        if (status != RECSYS_OK)
            goto fail;
    }
    if (!trivial)
        for (uint32_t p = 0; p < model->n_items; p++)
            if (!rs_condition_holds(&condition, model->catalog, p))
                filter->bits[p / 64] &= ~(1ull << (p % 64));
    status = add_excluded(filter, model, &seen, err);
    if (status != RECSYS_OK)
        goto fail;
    count_passing(filter);
    *out = filter;
    return RECSYS_OK;

fail:
    recsys_filter_unref(filter);
    return status;
}

recsys_filter *recsys_filter_ref(recsys_filter *filter)
{
    if (filter != NULL)
        rs_refs_take(&filter->refs);
    return filter;
}

void recsys_filter_unref(recsys_filter *filter)
{
    if (filter == NULL || !rs_refs_drop(&filter->refs))
        return;
    rs_free(filter->bits);
    rs_free(filter->excluded);
    rs_free(filter);
}

size_t recsys_filter_count(const recsys_filter *filter)
{
    return filter == NULL ? 0 : filter->n_passing;
}
