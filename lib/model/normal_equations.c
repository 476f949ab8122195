/* lib/model/normal_equations.c - see normal_equations.h.
 *
 * The sum over all items is computed in double and in scan order. A product of two floats is exact
 * in double, so each number is the same on every machine.
 */
#include "lib/model/normal_equations.h"

#include <math.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/cholesky.h"
#include "lib/base/error.h"
#include "lib/base/json.h"

#define ITEMS 4u /* added at a time */

static int get_number(const json_t *settings, const char *name, double *out)
{
    const json_t *value = json_object_get(settings, name);

    if (!json_is_number(value))
        return 0;
    *out = json_number_value(value);
    return isfinite(*out);
}

recsys_status rs_normal_load(struct recsys_model *model, const char *hyperparameters,
                             recsys_error *err)
{
    double alpha = 1.0; /* implicit's default */
    json_t *settings;
    recsys_status status;

    if (strcmp(model->algorithm, "als") != 0 || model->metric != RECSYS_METRIC_INNER_PRODUCT ||
        model->item_bias != NULL || model->user_bias != NULL ||
        model->dimensions > RS_NORMAL_MAX_DIMENSIONS)
        return RECSYS_OK;
    status =
        rs_json_parse(hyperparameters, strlen(hyperparameters), "hyperparameters", &settings, err);
    if (status != RECSYS_OK)
        return status;
    if (get_number(settings, "regularization", &model->regularization) &&
        model->regularization >= 0.0) {
        (void)get_number(settings, "alpha", &alpha);
        model->alpha = alpha > 0.0 && isfinite(alpha) ? alpha : 0.0;
    }
    json_decref(settings);
    return RECSYS_OK;
}

/* Adds the products of some items, which stand in `rows` one after another. */
static void add_items(double *restrict sum, const double *restrict rows, size_t d)
{
    const double *a = rows, *b = rows + d, *c = rows + 2 * d, *e = rows + 3 * d;

    for (size_t i = 0; i < d; i++) {
        double *row = sum + i * d;
        for (size_t j = i; j < d; j++)
            row[j] = (((row[j] + a[i] * a[j]) + b[i] * b[j]) + c[i] * c[j]) + e[i] * e[j];
    }
}

static void sum_items(const struct recsys_model *model, double *sum, double *rows)
{
    size_t d = model->dimensions;

    for (uint32_t first = 0; first < model->n_items; first += ITEMS) {
        for (uint32_t i = 0; i < ITEMS; i++)
            for (size_t j = 0; j < d; j++)
                rows[i * d + j] =
                    first + i < model->n_items
                        ? (double)model->items[(size_t)(first + i) * model->stride + j]
                        : 0.0;
        add_items(sum, rows, d);
    }
    for (size_t i = 0; i < d; i++)
        sum[i * d + i] += model->regularization;
}

static struct rs_normal *make(const struct recsys_model *model)
{
    size_t d = model->dimensions;
    struct rs_normal *normal = rs_normal_create(d);
    double *rows = rs_alloc_array(ITEMS * d, sizeof *rows);

    if (normal == NULL || rows == NULL) {
        rs_free(rows);
        rs_normal_destroy(normal);
        return NULL;
    }
    sum_items(model, normal->shared, rows);
    rs_free(rows);
    memcpy(normal->factor, normal->shared, d * d * sizeof *normal->factor);
    if (!rs_cholesky_factor(normal->factor, d)) {
        rs_free(normal->factor);
        normal->factor = NULL;
    }
    return normal;
}

recsys_status rs_normal_get(const struct recsys_model *model, const struct rs_normal **out,
                            recsys_error *err)
{
    struct recsys_model *owner = (struct recsys_model *)(uintptr_t)model;
    struct rs_normal *normal = atomic_load_explicit(&owner->normal, memory_order_acquire), *made;

    *out = normal;
    if (normal != NULL)
        return RECSYS_OK;
    made = make(model);
    if (made == NULL)
        return rs_error_nomem(err, "equations of new users");
    if (atomic_compare_exchange_strong_explicit(&owner->normal, &normal, made, memory_order_acq_rel,
                                                memory_order_acquire))
        normal = made;
    else
        rs_normal_destroy(made);
    *out = normal;
    return RECSYS_OK;
}
