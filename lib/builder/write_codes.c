/* lib/builder/write_codes.c - integer codes of the items, so that no process has to make them.
 *
 * The vectors are read back from the file that was just written: there they stand in scan order, as
 * the loader will see them. A model whose items codes do not tell apart gets none, and its manifest
 * says so, so that the loader need not find out again.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/builder/write_files.h"
#include "lib/bundle/code_sample.h"
#include "lib/bundle/codes.h"
#include "lib/bundle/short_codes.h"
#include "lib/formats/tensors.h"

struct coding {
    struct rs_tensors model; /* the file */
    struct rs_code_vectors vectors;
    double *norms;
    struct rs_block *blocks;
    uint8_t *codes;
    struct rs_code_bounds *bounds;
    float *scales;
    uint8_t *short_codes; /* NULL: they do not pay */
    float *steps;
};

static recsys_status open_model(const struct rs_bundle *bundle, struct coding *coding,
                                recsys_error *err)
{
    struct rs_map map;
    int descriptor = openat(bundle->folder.folder, RS_FILE_MODEL, O_RDONLY | O_CLOEXEC);

    if (descriptor < 0)
        return rs_error_sys(err, errno, "cannot read %s back", RS_FILE_MODEL);
    recsys_status status = rs_map_descriptor(descriptor, RS_FILE_MODEL, &map, err);
    close(descriptor);
    if (status != RECSYS_OK)
        return status;
    status = rs_safetensors_parse(map.bytes, map.size, RS_FILE_MODEL, &coding->model, err);
    if (status == RECSYS_OK)
        coding->model.map = map;
    else
        rs_map_close(&map);
    return status;
}

static const float *floats_of(const struct coding *coding, const char *name)
{
    const struct rs_tensor *tensor = rs_tensors_find(&coding->model, name);

    return tensor == NULL ? NULL : tensor->data;
}

static recsys_status measure(const struct rs_plan *plan, struct coding *coding, recsys_error *err)
{
    struct rs_code_vectors *vectors = &coding->vectors;

    vectors->users = floats_of(coding, "user_factors");
    vectors->items = floats_of(coding, "item_factors");
    vectors->item_bias = floats_of(coding, "item_bias");
    vectors->n_users = plan->n_users;
    vectors->n_items = plan->n_items;
    vectors->n_blocks = (plan->n_items - 1) / RS_BLOCK_ITEMS + 1;
    vectors->dimensions = vectors->stride = plan->dimensions;
    coding->norms = rs_alloc_array(plan->n_items, sizeof *coding->norms);
    coding->blocks = rs_alloc_array(vectors->n_blocks, sizeof *coding->blocks);
    if (coding->norms == NULL || coding->blocks == NULL)
        return rs_error_nomem(err, "codes of item vectors");
    recsys_status status = rs_layout_norms(vectors->items, plan->n_items, plan->dimensions,
                                           plan->dimensions, coding->norms, "item_factors", err);
    if (status == RECSYS_OK)
        rs_layout_blocks(coding->norms, vectors->item_bias, plan->n_items, coding->blocks);
    vectors->blocks = coding->blocks;
    return status;
}

static recsys_status make(struct coding *coding, recsys_error *err)
{
    const struct rs_code_vectors *vectors = &coding->vectors;

    coding->codes = rs_alloc(rs_codes_bytes(vectors->n_items, vectors->dimensions));
    coding->bounds = rs_alloc_array(vectors->n_blocks, sizeof *coding->bounds);
    coding->scales = rs_alloc_array(vectors->n_blocks, sizeof *coding->scales);
    if (coding->codes == NULL || coding->bounds == NULL || coding->scales == NULL)
        return rs_error_nomem(err, "codes of item vectors");
    rs_codes_make(vectors->items, vectors->n_items, vectors->dimensions, vectors->stride,
                  vectors->blocks, coding->codes, coding->bounds);
    for (uint32_t b = 0; b < vectors->n_blocks; b++)
        coding->scales[b] = rs_codes_scale(coding->bounds[b].step);
    return RECSYS_OK;
}

static recsys_status make_short(struct coding *coding, recsys_error *err)
{
    const struct rs_code_vectors *vectors = &coding->vectors;

    coding->short_codes = rs_alloc(rs_short_codes_bytes(vectors->n_items, vectors->dimensions));
    coding->steps = rs_alloc_array(rs_short_codes_groups(vectors->n_items) * RS_CODES_GROUP,
                                   sizeof *coding->steps);
    if (coding->short_codes == NULL || coding->steps == NULL)
        return rs_error_nomem(err, "codes of item vectors");
    rs_short_codes_make(vectors->items, vectors->n_items, vectors->dimensions, vectors->stride,
                        coding->short_codes, coding->steps);
    return RECSYS_OK;
}

static void add_codes(struct rs_sources *sources, const char *name, uint64_t n_groups,
                      uint64_t n_cells, const uint8_t *data)
{
    struct rs_tensor_written *codes = &sources->list[sources->n++];

    codes->name = name;
    codes->dtype = RECSYS_DTYPE_U8;
    codes->n_dims = 4;
    codes->shape[0] = n_groups;
    codes->shape[1] = n_cells;
    codes->shape[2] = RS_CODES_GROUP;
    codes->shape[3] = 4;
    codes->data = data;
    codes->is_aligned = 1;
}

static recsys_status add_file(struct rs_bundle *bundle, const struct coding *coding,
                              recsys_error *err)
{
    uint32_t n = coding->vectors.n_items, d = coding->vectors.dimensions;
    uint64_t n_short_groups = rs_short_codes_groups(n);
    struct rs_sources sources = {.n = 0};

    add_codes(&sources, "item_codes", rs_codes_bytes(n, d) / rs_codes_group_bytes(d), (d + 3u) / 4u,
              coding->codes);
    if (coding->short_codes != NULL) {
        add_codes(&sources, "item_short_codes", n_short_groups, rs_short_codes_pairs(d),
                  coding->short_codes);
        rs_sources_add(&sources, "item_short_code_steps", RECSYS_DTYPE_F32, coding->steps,
                       n_short_groups * RS_CODES_GROUP, 0, NULL);
    }
    rs_sources_add(&sources, "item_code_scales", RECSYS_DTYPE_F32, coding->scales,
                   coding->vectors.n_blocks, 0, NULL);
    return rs_bundle_add_tensors(bundle, RS_FILE_CODES, &sources, err);
}

recsys_status rs_bundle_add_codes(struct rs_bundle *bundle, recsys_error *err)
{
    struct coding coding = {0};
    struct rs_code_verdict verdict = {0};
    recsys_status status;

    if ((status = open_model(bundle, &coding, err)) == RECSYS_OK &&
        (status = measure(&bundle->plan, &coding, err)) == RECSYS_OK)
        status = rs_code_sample(&coding.vectors, &verdict, err);
    bundle->codes_pay = status == RECSYS_OK && verdict.codes_pay;
    if (bundle->codes_pay && (status = make(&coding, err)) == RECSYS_OK &&
        (!verdict.short_codes_pay || (status = make_short(&coding, err)) == RECSYS_OK))
        status = add_file(bundle, &coding, err);
    rs_free(coding.steps);
    rs_free(coding.short_codes);
    rs_free(coding.scales);
    rs_free(coding.bounds);
    rs_free(coding.codes);
    rs_free(coding.blocks);
    rs_free(coding.norms);
    rs_tensors_close(&coding.model);
    return status;
}
