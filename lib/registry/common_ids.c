/* lib/registry/common_ids.c - see common_ids.h.
 *
 * Models list their ids in ascending order, so the common ones are found as in a merge: the list
 * with the smaller id goes on. Nothing is allocated.
 */
#include "lib/registry/common_ids.h"

#include <string.h>

/* The id at which the list stands; NULL at its end. */
static const recsys_id *current(struct rs_id_list *list)
{
    if (list->at < list->n)
        return &list->page[list->at];
    list->at = list->n = 0;
    if (list->model == NULL)
        return NULL;
    (void)(list->of_items ? recsys_model_get_item_ids : recsys_model_get_user_ids)(
        list->model, list->offset, list->page, RS_ID_PAGE, &list->n, NULL);
    list->offset += list->n;
    return list->n == 0 ? NULL : &list->page[0];
}

/* Texts of models end with NUL and are in the order of strcmp(). */
static int compare_ids(const recsys_id *a, const recsys_id *b)
{
    if (a->text != NULL && b->text != NULL)
        return strcmp(a->text, b->text);
    return (a->number > b->number) - (a->number < b->number);
}

void rs_common_ids_begin(struct rs_common_ids *walk, const recsys_model *before,
                         const recsys_model *after, int of_items)
{
    memset(walk, 0, sizeof *walk);
    walk->before.model = before;
    walk->after.model = after;
    walk->before.of_items = walk->after.of_items = of_items;
    walk->has_before = before != NULL;
}

int rs_common_ids_next(struct rs_common_ids *walk, recsys_id *out)
{
    const recsys_id *before, *after;

    while ((after = current(&walk->after)) != NULL) {
        int order = 0;
        if (walk->has_before) {
            if ((before = current(&walk->before)) == NULL)
                return 0;
            order = compare_ids(before, after);
            walk->before.at += order <= 0;
        }
        *out = *after;
        walk->after.at += order >= 0;
        if (order == 0)
            return 1;
    }
    return 0;
}

uint64_t rs_common_ids_count(const recsys_model *before, const recsys_model *after, int of_items)
{
    struct rs_common_ids walk;
    recsys_id id;
    uint64_t n = 0;

    rs_common_ids_begin(&walk, before, after, of_items);
    while (rs_common_ids_next(&walk, &id))
        n++;
    return n;
}
