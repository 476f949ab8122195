/* tests/support/memory_model.c - see memory_model.h. */
#include "tests/support/memory_model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/bundle/layout.h"
#include "lib/model/model_memory.h"
#include "tests/support/check.h"

/* splitmix64 (Steele, Lea, Flood, OOPSLA 2014). */
uint64_t numbers_next(struct numbers *numbers)
{
    uint64_t z = numbers->state += 0x9e3779b97f4a7c15u;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

double numbers_uniform(struct numbers *numbers)
{
    return (double)(numbers_next(numbers) >> 11) * 0x1p-53;
}

double numbers_gauss(struct numbers *numbers)
{
    double u = 1.0 - numbers_uniform(numbers), v = numbers_uniform(numbers);

    return sqrt(-2.0 * log(u)) * cos(6.283185307179586 * v);
}

const char *family_name(enum family family)
{
    static const char *const names[] = {"gaussian", "log-normal norms", "duplicates",
                                        "zeros",    "denormals",        "huge norms"};
    return names[family];
}

static double row_scale(enum family family, struct numbers *numbers)
{
    switch (family) {
    case LOG_NORMAL:
        return exp(0.8 * numbers_gauss(numbers));
    case DENORMALS:
        return 1e-40;
    case HUGE_NORMS:
        return pow(10.0, 30.0 * numbers_uniform(numbers));
    case ZEROS:
        return numbers_uniform(numbers) < 0.7 ? 0.0 : 1.0;
    default:
        return 1.0;
    }
}

void plain_items_create(struct plain_items *items, enum family family, uint32_t n, uint32_t d,
                        int with_bias, uint64_t seed)
{
    struct numbers numbers = {seed};

    items->n = n;
    items->d = d;
    items->rows = malloc((size_t)n * d * sizeof *items->rows);
    items->bias = with_bias ? malloc(n * sizeof *items->bias) : NULL;
    items->ids = malloc(n * sizeof *items->ids);
    CHECK(items->rows != NULL && items->ids != NULL && (!with_bias || items->bias != NULL));
    for (uint32_t i = 0; i < n; i++) {
        float *row = items->rows + (size_t)i * d;
        double scale = row_scale(family, &numbers);
        for (uint32_t j = 0; j < d; j++)
            row[j] = (float)(scale * numbers_gauss(&numbers));
        if (family == DUPLICATES && i >= 7) /* seven different vectors only */
            memcpy(row, items->rows + (size_t)(numbers_next(&numbers) % 7) * d, d * sizeof *row);
        if (with_bias)
            items->bias[i] = (float)(scale * 3.0 * numbers_gauss(&numbers));
        items->ids[i] = (int64_t)(1 + i);
    }
    for (uint32_t i = n; i > 1; i--) { /* ids in no order at all */
        uint32_t other = (uint32_t)(numbers_next(&numbers) % i);
        int64_t id = items->ids[i - 1];
        items->ids[i - 1] = items->ids[other];
        items->ids[other] = id;
    }
}

void plain_items_destroy(struct plain_items *items)
{
    free(items->rows);
    free(items->bias);
    free(items->ids);
}

struct recsys_model *memory_model_create(const struct plain_items *items)
{
    struct recsys_model *model = rs_alloc_array(1, sizeof *model);
    double *norms = malloc(items->n * sizeof *norms), *sorted = malloc(items->n * sizeof *sorted);
    uint32_t *order = malloc(items->n * sizeof *order);
    recsys_error err;

    CHECK(model != NULL && norms != NULL && sorted != NULL && order != NULL);
    atomic_init(&model->refs, 1u);
    model->dimensions = items->d;
    model->stride = (items->d + 15u) / 16u * 16u;
    model->n_items = items->n;
    model->metric = RECSYS_METRIC_INNER_PRODUCT;
    model->link = RECSYS_LINK_SIGMOID;
    CHECK_OK(rs_layout_norms(items->rows, items->n, items->d, items->d, norms, "rows", &err), &err);
    CHECK_OK(rs_layout_order(norms, items->n, order, &err), &err);
    model->memory = rs_alloc_array(1, sizeof *model->memory);
    CHECK(model->memory != NULL);
    float *rows = rs_memory_take(model->memory, (size_t)items->n * model->stride, sizeof *rows, 0);
    float *bias =
        items->bias == NULL ? NULL : rs_memory_take(model->memory, items->n, sizeof *bias, 0);
    CHECK(rows != NULL);
    memset(rows, 0, (size_t)items->n * model->stride * sizeof *rows);
    for (uint32_t p = 0; p < items->n; p++) {
        memcpy(rows + (size_t)p * model->stride, items->rows + (size_t)order[p] * items->d,
               items->d * sizeof *rows);
        sorted[p] = norms[order[p]];
        if (bias != NULL)
            bias[p] = items->bias[order[p]];
    }
    model->items = rows;
    model->item_bias = bias;
    CHECK_OK(rs_ids_from_numbers(&model->item_ids, items->ids, items->n, order, "ids", &err), &err);
    CHECK_OK(rs_ids_from_rows(&model->user_ids, 0, 0, NULL, &err), &err);
    CHECK_OK(rs_catalog_create(items->n, &model->catalog, &err), &err);
    model->n_blocks = (items->n + RS_BLOCK_ITEMS - 1) / RS_BLOCK_ITEMS;
    model->blocks = rs_alloc_array(model->n_blocks, sizeof *model->blocks);
    CHECK(model->blocks != NULL);
    rs_layout_blocks(sorted, bias, items->n, model->blocks);
    uint8_t *codes = rs_memory_take(model->memory, rs_codes_bytes(items->n, items->d), 1, 0);
    model->code_bounds =
        rs_memory_take(model->memory, model->n_blocks, sizeof *model->code_bounds, 0);
    CHECK(codes != NULL && model->code_bounds != NULL);
    rs_codes_make(rows, items->n, items->d, model->stride, model->blocks, codes,
                  model->code_bounds);
    model->codes = codes;
    uint8_t *short_codes =
        rs_memory_take(model->memory, rs_short_codes_bytes(items->n, items->d), 1, 0);
    float *steps = rs_memory_take(model->memory, rs_short_codes_groups(items->n) * RS_CODES_GROUP,
                                  sizeof *steps, 0);
    float *residuals = rs_memory_take(
        model->memory, rs_short_codes_groups(items->n) * RS_CODES_GROUP, sizeof *residuals, 0);
    CHECK(short_codes != NULL && steps != NULL && residuals != NULL);
    rs_short_codes_make(rows, items->n, items->d, model->stride, short_codes, steps);
    rs_short_codes_measure(rows, items->n, items->d, model->stride, model->blocks, short_codes,
                           steps, residuals);
    model->short_codes = (struct rs_short_codes){short_codes, steps, residuals};
    free(norms);
    free(sorted);
    free(order);
    return model;
}
