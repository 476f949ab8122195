/* lib/builder/builder_check.c - from the parts of a model to what will be written.
 *
 * Checks that the parts fit together and that every number is one that the loader will take, so
 * that a bundle that was written can be loaded. Arrays that have the stored type already are used
 * where they are; others are converted into copies that the plan owns. Then the items are put in
 * scan order, and the arrays that name items by row are translated.
 */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/builder/parts.h"
#include "lib/bundle/layout.h"
#include "lib/bundle/manifest.h"

static recsys_status check_sizes(const struct recsys_builder *builder, struct rs_plan *plan,
                                 recsys_error *err)
{
    const struct rs_part *users = &builder->parts[RS_PART_USER_FACTORS];
    const struct rs_part *items = &builder->parts[RS_PART_ITEM_FACTORS];
    const struct rs_part *features = &builder->parts[RS_PART_FEATURE_FACTORS];

    if (!rs_part_is_set(items)) /* without user_factors it is a model without users */
        return rs_error(err, RECSYS_E_INVALID, "item_factors is missing; a model needs it");
    if (items->array.shape[1] < 1 || items->array.shape[1] > RS_MAX_DIMENSIONS)
        return rs_error(err, RECSYS_E_INVALID,
                        "item_factors has %" PRIu64 " columns, must have 1..%u",
                        items->array.shape[1], RS_MAX_DIMENSIONS);
    if (items->array.shape[0] < 1 || items->array.shape[0] > UINT32_MAX)
        return rs_error(err, RECSYS_E_INVALID,
                        "item_factors has %" PRIu64 " rows, must have 1..%" PRIu32,
                        items->array.shape[0], UINT32_MAX);
    if (users->array.shape[0] > UINT32_MAX || features->array.shape[0] > UINT32_MAX)
        return rs_error(err, RECSYS_E_INVALID, "%s has more than %" PRIu32 " rows",
                        users->array.shape[0] > UINT32_MAX ? "user_factors" : "feature_factors",
                        UINT32_MAX);
    plan->dimensions = (uint32_t)items->array.shape[1];
    plan->n_items = (uint32_t)items->array.shape[0];
    plan->n_users = (uint32_t)users->array.shape[0];
    plan->n_features = (uint32_t)features->array.shape[0];
    if (plan->metric == RECSYS_METRIC_COSINE)
        for (int part = RS_PART_USER_BIAS; part <= RS_PART_ITEM_BIAS; part++)
            if (rs_part_is_set(&builder->parts[part]))
                return rs_error(err, RECSYS_E_INVALID, "%s: a cosine model has no biases",
                                rs_part_kinds[part].name);
    if (plan->metric == RECSYS_METRIC_COSINE && builder->mean != 0)
        return rs_error(err, RECSYS_E_INVALID, "global_mean: a cosine model has no biases");
    return RECSYS_OK;
}

/* The global mean belongs to every score. It is kept in the items' biases, which all kinds of users
 * meet, new ones too. */
static recsys_status add_mean(const struct recsys_builder *builder, struct rs_plan *plan,
                              recsys_error *err)
{
    if (builder->mean == 0)
        return RECSYS_OK;
    float *bias = rs_plan_own(plan, rs_alloc_array(plan->n_items, sizeof *bias));
    if (bias == NULL)
        return rs_error_nomem(err, "item_bias");
    for (size_t i = 0; i < plan->n_items; i++) {
        double own = plan->item_bias == NULL ? 0 : (double)plan->item_bias[i];
        bias[i] = (float)(own + builder->mean);
        if (!isfinite(bias[i]))
            return rs_error(err, RECSYS_E_INVALID, "item_bias[%zu] + global_mean is too large", i);
    }
    plan->item_bias = bias;
    return RECSYS_OK;
}

static recsys_status get_all_floats(const struct recsys_builder *builder, struct rs_plan *plan,
                                    recsys_error *err)
{
    const char *items = "item_factors", *users = "user_factors";
    recsys_status status;

    if ((status = rs_plan_get_floats(builder, RS_PART_ITEM_FACTORS, plan->n_items, items, plan,
                                     &plan->items, err)) != RECSYS_OK ||
        (status = rs_plan_get_floats(builder, RS_PART_USER_FACTORS, plan->n_users, users, plan,
                                     &plan->users, err)) != RECSYS_OK ||
        (status = rs_plan_get_floats(builder, RS_PART_ITEM_BIAS, plan->n_items, items, plan,
                                     &plan->item_bias, err)) != RECSYS_OK ||
        (status = rs_plan_get_floats(builder, RS_PART_USER_BIAS, plan->n_users, users, plan,
                                     &plan->user_bias, err)) != RECSYS_OK ||
        (status = rs_plan_get_floats(builder, RS_PART_ITEM_POPULARITY, plan->n_items, items, plan,
                                     &plan->popularity, err)) != RECSYS_OK ||
        (status = rs_plan_get_floats(builder, RS_PART_FEATURE_FACTORS, plan->n_features,
                                     "feature_factors", plan, &plan->features, err)) != RECSYS_OK)
        return status;
    for (size_t i = 0; plan->popularity != NULL && i < plan->n_items; i++)
        if (plan->popularity[i] < 0.0f)
            return rs_error(err, RECSYS_E_FORMAT, "item_popularity[%zu] is negative", i);
    return add_mean(builder, plan, err);
}

/* Scale every row to length 1, unless all have it. A row of length 0 stays. */
static recsys_status normalise(struct rs_plan *plan, const float **rows, size_t n, double *norms,
                               const char *name, recsys_error *err)
{
    size_t d = plan->dimensions, first = 0;

    while (first < n && (norms[first] == 0.0 || fabs(norms[first] - 1.0) <= RS_UNIT_TOLERANCE))
        first++;
    if (first == n)
        return RECSYS_OK;
    float *unit = rs_plan_own(plan, rs_alloc_array(n * d, sizeof *unit));
    if (unit == NULL)
        return rs_error_nomem(err, name);
    for (size_t i = 0; i < n; i++) {
        const float *row = *rows + i * d;
        for (size_t j = 0; j < d; j++)
            unit[i * d + j] = norms[i] > 0.0 ? (float)((double)row[j] / norms[i]) : 0.0f;
    }
    *rows = unit;
    return RECSYS_OK;
}

/* The norms of one matrix. It is normalised first for a cosine model. */
static recsys_status measure(struct rs_plan *plan, const float **rows, size_t n, const char *name,
                             double **norms, recsys_error *err)
{
    *norms = rs_alloc_array(n, sizeof **norms);
    if (*norms == NULL)
        return rs_error_nomem(err, name);
    recsys_status status =
        rs_layout_norms(*rows, n, plan->dimensions, plan->dimensions, *norms, name, err);
    if (status == RECSYS_OK && plan->metric == RECSYS_METRIC_COSINE)
        status = normalise(plan, rows, n, *norms, name, err);
    return status;
}

static recsys_status decide_order(struct rs_plan *plan, recsys_error *err)
{
    double *user_norms = NULL, *item_norms = NULL;
    recsys_status status;

    plan->order = rs_plan_own(plan, rs_alloc_array(plan->n_items, sizeof *plan->order));
    if (plan->order == NULL)
        return rs_error_nomem(err, "order of items");
    status = measure(plan, &plan->users, plan->n_users, "user_factors", &user_norms, err);
    if (status == RECSYS_OK)
        status = measure(plan, &plan->items, plan->n_items, "item_factors", &item_norms, err);
    if (status == RECSYS_OK) {
        /* Unit vectors differ by rounding only, which must not change their order. */
        for (size_t i = 0; plan->metric == RECSYS_METRIC_COSINE && i < plan->n_items; i++)
            item_norms[i] = item_norms[i] > 0.0;
        status = rs_layout_order(item_norms, plan->n_items, plan->order, err);
    }
    rs_free(user_norms);
    rs_free(item_norms);
    return status;
}

recsys_status rs_plan_get_ids(const struct recsys_builder *builder, int part, uint32_t n,
                              const char *rows_of, const uint32_t *order, struct rs_plan *plan,
                              struct rs_ids *ids, recsys_error *err)
{
    const struct rs_part *at = &builder->parts[part];
    const char *name = rs_part_kinds[part].name;
    uint64_t n_given = at->texts != NULL ? at->n_texts : at->array.shape[0];
    char from[RS_ORIGIN_SIZE], rows_from[RS_ORIGIN_SIZE];
    void *numbers = NULL;

    if (!rs_part_is_set(at))
        return rs_ids_from_rows(ids, n, at->first, order, err);
    if (n_given != n)
        return rs_error(err, RECSYS_E_INVALID,
                        "%s%s has %" PRIu64 " entries, but %s%s has %" PRIu32 " rows", name,
                        rs_part_show_origin(builder, part, from), n_given, rows_of,
                        rs_part_show_origin(builder, rs_part_find(rows_of), rows_from), n);
    if (at->texts != NULL)
        return rs_ids_from_texts(ids, at->texts, at->n_bytes, at->offsets, n, order, name, err);
    recsys_status status =
        rs_plan_get_integers(builder, part, RECSYS_DTYPE_I64, plan, &numbers, err);
    if (status != RECSYS_OK)
        return status;
    return rs_ids_from_numbers(ids, numbers, n, order, name, err);
}

/* The numbers to be stored. NULL for texts, and for 1..n in the order of rows: a bundle without
 * ids means these. */
static recsys_status list_numbers(const struct rs_ids *ids, struct rs_plan *plan, int64_t **out,
                                  recsys_error *err)
{
    int is_plain = ids->numbers == NULL && ids->first == 1 && ids->sorted == NULL;

    if (ids->kind == RECSYS_ID_KIND_TEXT || is_plain || ids->n == 0)
        return RECSYS_OK;
    *out = rs_plan_own(plan, rs_alloc_array(ids->n, sizeof **out));
    if (*out == NULL)
        return rs_error_nomem(err, "ids");
    for (uint32_t row = 0; row < ids->n; row++)
        (*out)[row] = (int64_t)rs_ids_get(ids, row).number;
    return RECSYS_OK;
}

static recsys_status check_lower_case(const struct rs_ids *names, recsys_error *err)
{
    for (uint32_t row = 0; row < names->n; row++) {
        const char *name = rs_ids_get(names, row).text;
        for (const char *at = name; *at != '\0'; at++)
            if (*at >= 'A' && *at <= 'Z')
                return rs_error(err, RECSYS_E_INVALID,
                                "feature_names[%" PRIu32 "] is \"%s\", must be in lower case", row,
                                name);
    }
    return RECSYS_OK;
}

static recsys_status get_all_ids(const struct recsys_builder *builder, struct rs_plan *plan,
                                 recsys_error *err)
{
    int has_features = builder->parts[RS_PART_FEATURE_FACTORS].array.dtype != 0;
    int has_names = rs_part_is_set(&builder->parts[RS_PART_FEATURE_NAMES]);
    recsys_status status;

    if (has_features != has_names)
        return rs_error(err, RECSYS_E_INVALID, "%s is missing; it belongs to %s",
                        has_features ? "feature_names" : "feature_factors",
                        has_features ? "feature_factors" : "feature_names");
    if ((status = rs_plan_get_ids(builder, RS_PART_ITEM_IDS, plan->n_items, "item_factors",
                                  plan->order, plan, &plan->item_ids, err)) != RECSYS_OK ||
        (status = rs_plan_get_ids(builder, RS_PART_USER_IDS, plan->n_users, "user_factors", NULL,
                                  plan, &plan->user_ids, err)) != RECSYS_OK ||
        (status = list_numbers(&plan->item_ids, plan, &plan->item_numbers, err)) != RECSYS_OK ||
        (status = list_numbers(&plan->user_ids, plan, &plan->user_numbers, err)) != RECSYS_OK ||
        !has_names)
        return status;
    status = rs_plan_get_ids(builder, RS_PART_FEATURE_NAMES, plan->n_features, "feature_factors",
                             NULL, plan, &plan->feature_names, err);
    return status == RECSYS_OK ? check_lower_case(&plan->feature_names, err) : status;
}

recsys_status rs_plan_make(const struct recsys_builder *builder, struct rs_plan *plan,
                           recsys_error *err)
{
    const char *metric = json_string_value(json_object_get(builder->fields, "metric"));
    recsys_status status;

    memset(plan, 0, sizeof *plan);
    plan->metric = metric == NULL ? RECSYS_METRIC_INNER_PRODUCT : rs_metric_find(metric);
    if ((status = check_sizes(builder, plan, err)) != RECSYS_OK ||
        (status = get_all_floats(builder, plan, err)) != RECSYS_OK ||
        (status = decide_order(plan, err)) != RECSYS_OK ||
        (status = get_all_ids(builder, plan, err)) != RECSYS_OK)
        return status;
    return rs_plan_add_seen(builder, plan, err);
}

void rs_plan_destroy(struct rs_plan *plan)
{
    rs_ids_destroy(&plan->item_ids);
    rs_ids_destroy(&plan->user_ids);
    rs_ids_destroy(&plan->feature_names);
    while (plan->n_owned > 0)
        rs_free(plan->owned[--plan->n_owned]);
    memset(plan, 0, sizeof *plan);
}
