/* lib/model/load_codes.c - the model's integer codes: from its bundle, else made now.
 *
 * A bundle's codes are used where they are mapped. They are suggestions: how far they are from the
 * vectors is measured here (lib/bundle/codes.h), so a file of wrong codes makes scans slow and
 * never an answer wrong. They belong to the vectors as the file has them; a model whose vectors
 * were put in another order, or scaled, gets codes of its own.
 */
#include <inttypes.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/bundle/code_sample.h"
#include "lib/model/loading.h"

static int has_shape(const struct rs_tensor *tensor, uint32_t dtype, uint32_t n_dims,
                     const uint64_t *shape)
{
    if (tensor == NULL || tensor->dtype != dtype || tensor->n_dims != n_dims)
        return 0;
    for (uint32_t i = 0; i < n_dims; i++)
        if (tensor->shape[i] != shape[i])
            return 0;
    return 1;
}

static recsys_status find_codes(const struct rs_loading *loading, const uint8_t **codes,
                                const float **scales)
{
    const struct recsys_model *model = loading->model;
    const struct rs_tensor *steps = rs_tensors_find(loading->codes, "item_code_scales");
    const struct rs_tensor *tensor = rs_tensors_find(loading->codes, "item_codes");
    uint64_t n_groups =
        rs_codes_bytes(model->n_items, model->dimensions) / rs_codes_group_bytes(model->dimensions);
    const uint64_t shape[] = {n_groups, (model->dimensions + 3u) / 4u, RS_CODES_GROUP, 4};
    const uint64_t n_blocks = model->n_blocks;

    if (!has_shape(tensor, RECSYS_DTYPE_U8, 4, shape))
        return rs_error(loading->err, RECSYS_E_FORMAT,
                        "%s: item_codes: must be U8 [%" PRIu64 ",%" PRIu64 ",16,4]",
                        loading->codes_file, shape[0], shape[1]);
    if (!has_shape(steps, RECSYS_DTYPE_F32, 1, &n_blocks))
        return rs_error(loading->err, RECSYS_E_FORMAT,
                        "%s: item_code_scales: must be F32 [%" PRIu64 "]", loading->codes_file,
                        n_blocks);
    *codes = tensor->data;
    *scales = steps->data;
    for (uint32_t b = 0; b < model->n_blocks; b++)
        if (!rs_codes_is_scale((*scales)[b]))
            return rs_error(loading->err, RECSYS_E_FORMAT,
                            "%s: item_code_scales[%" PRIu32 "] is neither 0 nor a scale of codes",
                            loading->codes_file, b);
    return RECSYS_OK;
}

static recsys_status take_bounds(struct rs_loading *loading)
{
    struct recsys_model *model = loading->model;

    model->code_bounds =
        rs_memory_take(model->memory, model->n_blocks, sizeof *model->code_bounds, 0);
    return model->code_bounds != NULL ? RECSYS_OK
                                      : rs_error_nomem(loading->err, "codes of item vectors");
}

/* How far short codes are from the vectors is measured into memory of this process: four bytes an
 * item. */
static recsys_status take_short_codes(struct rs_loading *loading, const uint8_t *codes,
                                      const float *steps)
{
    struct recsys_model *model = loading->model;
    size_t n = rs_short_codes_groups(model->n_items) * RS_CODES_GROUP;
    float *residuals = rs_memory_take(model->memory, n, sizeof *residuals, 0);

    if (residuals == NULL)
        return rs_error_nomem(loading->err, "codes of item vectors");
    rs_short_codes_measure(model->items, model->n_items, model->dimensions, model->stride,
                           model->blocks, codes, steps, residuals);
    model->short_codes = (struct rs_short_codes){codes, steps, residuals};
    return RECSYS_OK;
}

/* A file need not have them. */
static recsys_status use_short_codes(struct rs_loading *loading)
{
    const struct recsys_model *model = loading->model;
    const struct rs_tensor *codes = rs_tensors_find(loading->codes, "item_short_codes");
    const struct rs_tensor *steps = rs_tensors_find(loading->codes, "item_short_code_steps");
    const uint64_t shape[] = {rs_short_codes_groups(model->n_items),
                              rs_short_codes_pairs(model->dimensions), RS_CODES_GROUP, 4};
    const uint64_t n_steps = shape[0] * RS_CODES_GROUP;

    if (codes == NULL && steps == NULL)
        return RECSYS_OK;
    if (!has_shape(codes, RECSYS_DTYPE_U8, 4, shape))
        return rs_error(loading->err, RECSYS_E_FORMAT,
                        "%s: item_short_codes: must be U8 [%" PRIu64 ",%" PRIu64 ",16,4]",
                        loading->codes_file, shape[0], shape[1]);
    if (!has_shape(steps, RECSYS_DTYPE_F32, 1, &n_steps))
        return rs_error(loading->err, RECSYS_E_FORMAT,
                        "%s: item_short_code_steps: must be F32 [%" PRIu64 "]", loading->codes_file,
                        n_steps);
    const float *values = steps->data;
    for (uint64_t i = 0; i < n_steps; i++)
        if (!rs_short_codes_is_step(values[i]))
            return rs_error(loading->err, RECSYS_E_FORMAT,
                            "%s: item_short_code_steps[%" PRIu64 "] is neither 0 nor a step",
                            loading->codes_file, i);
    return take_short_codes(loading, codes->data, values);
}

static recsys_status use_codes(struct rs_loading *loading)
{
    struct recsys_model *model = loading->model;
    const uint8_t *codes = NULL;
    const float *scales = NULL;
    recsys_status status = find_codes(loading, &codes, &scales);

    if (status == RECSYS_OK)
        status = take_bounds(loading);
    if (status != RECSYS_OK)
        return status;
    rs_codes_measure(model->items, model->n_items, model->dimensions, model->stride, model->blocks,
                     scales, codes, model->code_bounds);
    model->codes = codes;
    return use_short_codes(loading);
}

static recsys_status judge_codes(const struct rs_loading *loading, struct rs_code_verdict *verdict)
{
    const struct recsys_model *model = loading->model;
    const struct rs_code_vectors vectors = {
        .users = model->users,
        .items = model->items,
        .item_bias = model->item_bias,
        .blocks = model->blocks,
        .n_users = model->n_users,
        .n_items = model->n_items,
        .n_blocks = model->n_blocks,
        .dimensions = model->dimensions,
        .stride = model->stride,
    };

    if (loading->manifest != NULL && loading->manifest->codes_pay != RS_CODES_UNKNOWN) {
        verdict->codes_pay = loading->manifest->codes_pay == RS_CODES_YES;
        return RECSYS_OK;
    }
    return rs_code_sample(&vectors, verdict, loading->err);
}

static recsys_status make_codes(struct rs_loading *loading)
{
    struct recsys_model *model = loading->model;
    size_t size = rs_codes_bytes(model->n_items, model->dimensions);
    uint8_t *codes = rs_memory_take(model->memory, size, 1, rs_memory_of_codes(size));

    if (codes == NULL)
        return rs_error_nomem(loading->err, "codes of item vectors");
    recsys_status status = take_bounds(loading);
    if (status != RECSYS_OK)
        return status;
    rs_codes_make(model->items, model->n_items, model->dimensions, model->stride, model->blocks,
                  codes, model->code_bounds);
    model->codes = codes;
    return RECSYS_OK;
}

static recsys_status make_short_codes(struct rs_loading *loading)
{
    struct recsys_model *model = loading->model;
    size_t size = rs_short_codes_bytes(model->n_items, model->dimensions);
    uint8_t *codes = rs_memory_take(model->memory, size, 1, rs_memory_of_codes(size));
    float *steps = rs_memory_take(
        model->memory, rs_short_codes_groups(model->n_items) * RS_CODES_GROUP, sizeof *steps, 0);

    if (codes == NULL || steps == NULL)
        return rs_error_nomem(loading->err, "codes of item vectors");
    rs_short_codes_make(model->items, model->n_items, model->dimensions, model->stride, codes,
                        steps);
    return take_short_codes(loading, codes, steps);
}

recsys_status rs_load_codes(struct rs_loading *loading)
{
    struct rs_code_verdict verdict = {0};

    if (loading->codes != NULL && loading->as_in_file)
        return use_codes(loading);
    recsys_status status = judge_codes(loading, &verdict);
    if (status == RECSYS_OK && verdict.codes_pay)
        status = make_codes(loading);
    if (status == RECSYS_OK && verdict.short_codes_pay)
        status = make_short_codes(loading);
    return status;
}
