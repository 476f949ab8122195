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

/* A tensor of codes in a file, and beside it one of floats, by which its codes are read. */
struct wanted {
    const char *codes, *floats;
    uint64_t shape[4], n_floats;
    int (*is_valid)(float);
    const char *valid; /* in words, beside 0 */
};

static recsys_status find(const struct rs_loading *loading, const struct wanted *wanted,
                          const uint8_t **codes, const float **floats)
{
    const struct rs_tensor *tensor = rs_tensors_find(loading->codes, wanted->codes);
    const struct rs_tensor *beside = rs_tensors_find(loading->codes, wanted->floats);

    if (!has_shape(tensor, RECSYS_DTYPE_U8, 4, wanted->shape))
        return rs_error(loading->err, RECSYS_E_FORMAT,
                        "%s: %s: must be U8 [%" PRIu64 ",%" PRIu64 ",16,4]", loading->codes_file,
                        wanted->codes, wanted->shape[0], wanted->shape[1]);
    if (!has_shape(beside, RECSYS_DTYPE_F32, 1, &wanted->n_floats))
        return rs_error(loading->err, RECSYS_E_FORMAT, "%s: %s: must be F32 [%" PRIu64 "]",
                        loading->codes_file, wanted->floats, wanted->n_floats);
    *codes = tensor->data;
    *floats = beside->data;
    for (uint64_t i = 0; i < wanted->n_floats; i++)
        if (!wanted->is_valid((*floats)[i]))
            return rs_error(loading->err, RECSYS_E_FORMAT,
                            "%s: %s[%" PRIu64 "] is neither 0 nor a %s", loading->codes_file,
                            wanted->floats, i, wanted->valid);
    return RECSYS_OK;
}

static recsys_status find_codes(const struct rs_loading *loading, const uint8_t **codes,
                                const float **scales)
{
    uint32_t n = loading->model->n_items, d = loading->model->dimensions;
    const struct wanted wanted = {
        .codes = "item_codes",
        .floats = "item_code_scales",
        .shape = {rs_codes_bytes(n, d) / rs_codes_group_bytes(d), (d + 3u) / 4u, RS_CODES_GROUP, 4},
        .n_floats = loading->model->n_blocks,
        .is_valid = rs_codes_is_scale,
        .valid = "scale of codes",
    };

    return find(loading, &wanted, codes, scales);
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
    uint32_t n = loading->model->n_items, d = loading->model->dimensions;
    const struct wanted wanted = {
        .codes = "item_short_codes",
        .floats = "item_short_code_steps",
        .shape = {rs_short_codes_groups(n), rs_short_codes_pairs(d), RS_CODES_GROUP, 4},
        .n_floats = rs_short_codes_groups(n) * RS_CODES_GROUP,
        .is_valid = rs_short_codes_is_step,
        .valid = "step",
    };
    const uint8_t *codes = NULL;
    const float *steps = NULL;

    if (rs_tensors_find(loading->codes, wanted.codes) == NULL &&
        rs_tensors_find(loading->codes, wanted.floats) == NULL)
        return RECSYS_OK;
    recsys_status status = find(loading, &wanted, &codes, &steps);
    return status == RECSYS_OK ? take_short_codes(loading, codes, steps) : status;
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
