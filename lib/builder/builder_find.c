/* lib/builder/builder_find.c - which row an id has, while a model is being collected.
 *
 * Readers of files that name users and items by their ids need the rows before the bundle is
 * written. The table of ids is made when it is first asked for, and again after ids or factors
 * have been replaced.
 */
#include <inttypes.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/builder/parts.h"

/* The part with the ids, and how many rows have one. */
static recsys_status find_ids(const struct recsys_builder *builder, const char *name, int *part,
                              uint32_t *n, recsys_error *err)
{
    int is_user = strcmp(name, "user_ids") == 0;

    if (!is_user && strcmp(name, "item_ids") != 0)
        return rs_error(err, RECSYS_E_INVALID, "\"%.80s\" are no ids; user_ids and item_ids are",
                        name);
    *part = is_user ? RS_PART_USER_IDS : RS_PART_ITEM_IDS;
    int factors = is_user ? RS_PART_USER_FACTORS : RS_PART_ITEM_FACTORS;
    const recsys_array *rows = &builder->parts[factors].array;
    if (rows->dtype == 0)
        return rs_error(err, RECSYS_E_STATE, "%s is not set yet, so no row has an id",
                        rs_part_kinds[factors].name);
    if (rows->shape[0] > UINT32_MAX)
        return rs_error(err, RECSYS_E_INVALID, "%s has more than %" PRIu32 " rows",
                        rs_part_kinds[factors].name, UINT32_MAX);
    *n = (uint32_t)rows->shape[0];
    return RECSYS_OK;
}

recsys_status recsys_builder_get_ids(const recsys_builder *builder, const char *name,
                                     uint64_t *count, uint32_t *kind, recsys_error *err)
{
    int part = 0;
    uint32_t n = 0;

    if (count != NULL)
        *count = 0;
    if (kind != NULL)
        *kind = 0;
    if (builder == NULL || name == NULL || count == NULL || kind == NULL)
        return rs_error(err, RECSYS_E_INVALID, "recsys_builder_get_ids: %s is NULL",
                        builder == NULL ? "builder"
                        : name == NULL  ? "name"
                        : count == NULL ? "count"
                                        : "kind");
    recsys_status status = find_ids(builder, name, &part, &n, err);
    if (status != RECSYS_OK)
        return status;
    *count = n;
    *kind = builder->parts[part].texts != NULL ? RECSYS_ID_KIND_TEXT : RECSYS_ID_KIND_INTEGER;
    return RECSYS_OK;
}

static recsys_status make_lookup(const struct recsys_builder *builder, int part, uint32_t n,
                                 struct rs_ids *ids, recsys_error *err)
{
    const char *rows_of = part == RS_PART_USER_IDS ? "user_factors" : "item_factors";
    struct rs_plan plan; /* owns converted numbers */

    memset(&plan, 0, sizeof plan);
    recsys_status status = rs_plan_get_ids(builder, part, n, rows_of, NULL, &plan, ids, err);
    rs_plan_destroy(&plan);
    return status;
}

static recsys_status get_lookup(struct recsys_builder *builder, int part, uint32_t n,
                                const struct rs_ids **out, recsys_error *err)
{
    struct rs_part *at = &builder->parts[part];

    if (at->lookup == NULL)
        at->lookup = rs_alloc_array(1, sizeof *at->lookup);
    else if (at->lookup->n == n && at->lookup->kind != 0 && at->lookup_first == at->first) {
        *out = at->lookup;
        return RECSYS_OK;
    }
    if (at->lookup == NULL)
        return rs_error_nomem(err, rs_part_kinds[part].name);
    rs_ids_destroy(at->lookup);
    recsys_status status = make_lookup(builder, part, n, at->lookup, err);
    if (status != RECSYS_OK)
        rs_ids_destroy(at->lookup);
    at->lookup_first = at->first;
    *out = at->lookup;
    return status;
}

recsys_status recsys_builder_find(recsys_builder *builder, const char *name, recsys_id id,
                                  uint64_t *row, recsys_error *err)
{
    const struct rs_ids *ids = NULL;
    int part = 0;
    uint32_t n = 0, found = 0;

    if (row != NULL)
        *row = 0;
    if (builder == NULL || name == NULL || row == NULL)
        return rs_error(err, RECSYS_E_INVALID, "recsys_builder_find: %s is NULL",
                        builder == NULL ? "builder"
                        : name == NULL  ? "name"
                                        : "row");
    recsys_status status = find_ids(builder, name, &part, &n, err);
    if (status == RECSYS_OK)
        status = get_lookup(builder, part, n, &ids, err);
    if (status == RECSYS_OK)
        status = rs_ids_lookup(ids, id, part == RS_PART_USER_IDS ? "user" : "item", &found, err);
    *row = found;
    return status;
}
