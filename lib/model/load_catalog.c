/* lib/model/load_catalog.c - the catalogue of a bundle: columns of format 2, or lines of format 1.
 */
#include "lib/catalog/catalog_tensors.h"
#include "lib/model/loading.h"

static recsys_status use_columns(struct rs_loading *loading)
{
    struct recsys_model *model = loading->model;
    struct rs_catalog_columns columns;
    recsys_status status = rs_catalog_view(loading->columns, model->n_items, loading->catalog_file,
                                           &columns, loading->err);

    if (status != RECSYS_OK)
        return status;
    return rs_catalog_use(&columns, model->n_items, loading->order, loading->catalog_file,
                          &model->catalog, loading->err);
}

recsys_status rs_load_catalog(struct rs_loading *loading)
{
    struct recsys_model *model = loading->model;
    const struct rs_map *lines = loading->lines;
    recsys_status status;

    if (loading->columns != NULL)
        status = use_columns(loading);
    else if (lines->size == 0)
        status = rs_catalog_create(model->n_items, &model->catalog, loading->err);
    else
        status = rs_catalog_parse((const char *)lines->bytes, lines->size, loading->catalog_file,
                                  &model->item_ids, &model->catalog, loading->err);
    if (status == RECSYS_OK)
        rs_memory_count(model->memory, (size_t)rs_catalog_bytes(model->catalog), 1);
    return status;
}
