/* lib/model/item.c - an item's entry in the model's catalogue. */
#include "lib/base/error.h"
#include "lib/model/model.h"

recsys_status recsys_catalog_get(const recsys_model *model, recsys_id item, recsys_item *out,
                                 recsys_error *err)
{
    uint32_t position;

    if (model == NULL || out == NULL)
        return rs_error(err, RECSYS_E_INVALID, "recsys_catalog_get: NULL argument");
    if (out->struct_size < sizeof *out)
        return rs_error(err, RECSYS_E_INVALID, "recsys_catalog_get: struct_size is %u, want %zu",
                        out->struct_size, sizeof *out);
    recsys_status status = rs_ids_lookup(&model->item_ids, item, "item", &position, err);
    if (status == RECSYS_OK)
        rs_catalog_fill(model->catalog, position, out);
    return status;
}
