/* lib/builder/builder_catalog.c - take a bundle's catalogue over, whatever its format is.
 *
 * The builder keeps lines, because lines may be added from several places and name their items by
 * id. Columns of a file become lines again.
 */
#include <string.h>

#include "lib/base/error.h"
#include "lib/builder/parts.h"
#include "lib/catalog/catalog.h"
#include "lib/catalog/catalog_tensors.h"
#include "lib/catalog/parse.h"

static recsys_status add_items(struct recsys_builder *builder, const struct rs_catalog *catalog,
                               const struct rs_ids *ids, recsys_error *err)
{
    size_t before = builder->catalog.size;
    recsys_status status = RECSYS_OK;

    for (uint32_t row = 0; row < catalog->n_items && status == RECSYS_OK; row++) {
        struct rs_line line;
        if (!catalog->known[row])
            continue;
        rs_catalog_get_line(catalog, ids, row, &line);
        status = rs_line_write(&line, &builder->catalog, err);
    }
    if (status != RECSYS_OK) {
        builder->catalog.size = before;
        builder->catalog.status = RECSYS_OK;
    }
    return status;
}

static recsys_status add_columns(struct recsys_builder *builder, const struct rs_files *files,
                                 recsys_error *err)
{
    uint32_t n = files->manifest.n_items;
    struct rs_catalog_columns columns;
    struct rs_catalog *catalog = NULL;
    struct rs_ids ids = {0};
    struct rs_plan plan; /* owns converted numbers */

    memset(&plan, 0, sizeof plan);
    recsys_status status = rs_catalog_view(&files->columns, n, files->catalog_name, &columns, err);
    if (status == RECSYS_OK)
        status = rs_catalog_use(&columns, n, NULL, files->catalog_name, &catalog, err);
    if (status == RECSYS_OK)
        status =
            rs_plan_get_ids(builder, RS_PART_ITEM_IDS, n, "item_factors", NULL, &plan, &ids, err);
    if (status == RECSYS_OK)
        status = add_items(builder, catalog, &ids, err);
    rs_ids_destroy(&ids);
    rs_plan_destroy(&plan);
    rs_catalog_destroy(catalog);
    return status;
}

recsys_status rs_builder_take_catalog(struct recsys_builder *builder, const struct rs_files *files,
                                      recsys_error *err)
{
    if (files->has_columns)
        return add_columns(builder, files, err);
    return rs_builder_add_lines(builder, (const char *)files->catalog.bytes, files->catalog.size,
                                files->catalog_name, err);
}
