/* lib/model/item.c - an item's entry in the model's catalogue. */
#include "lib/base/error.h"
#include "lib/base/structs.h"
#include "lib/model/model.h"

recsys_status recsys_catalog_get(const recsys_model *model, recsys_id item, recsys_item *out,
                                 recsys_error *err)
{
    uint32_t position;
    recsys_item entry = RECSYS_ITEM_INIT;
    recsys_status status =
        rs_struct_begin(out, RECSYS_ITEM_SIZE_V1, "recsys_catalog_get: out", err);

    if (status != RECSYS_OK)
        return status;
    if (model == NULL)
        return rs_error(err, RECSYS_E_INVALID, "recsys_catalog_get: model is NULL");
    status = rs_ids_lookup(&model->item_ids, item, "item", &position, err);
    if (status != RECSYS_OK)
        return status;
    rs_catalog_fill(model->catalog, position, &entry);
    rs_struct_write(out, &entry, sizeof entry);
    return RECSYS_OK;
}
