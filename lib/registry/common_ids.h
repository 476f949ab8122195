/* lib/registry/common_ids.h - the ids that two models have in common. */
#ifndef RS_REGISTRY_COMMON_IDS_H
#define RS_REGISTRY_COMMON_IDS_H

#include <stddef.h>
#include <stdint.h>

#include "recsys/model.h"

#define RS_ID_PAGE 256u

/* The ids of one model, ascending, a page at a time. */
struct rs_id_list {
    const recsys_model *model; /* NULL: an empty list */
    int of_items;              /* else of users */
    uint64_t offset;           /* of the next page */
    size_t n, at;
    recsys_id page[RS_ID_PAGE];
};

struct rs_common_ids {
    struct rs_id_list before, after;
    int has_before;
};

/* Begin a walk through the common ids of two models, or with before == NULL through all ids of
 * `after`. The models' kinds of ids are the same. */
void rs_common_ids_begin(struct rs_common_ids *walk, const recsys_model *before,
                         const recsys_model *after, int of_items);
/* The next common id, ascending; BORROWED from the model. 0 at the end. */
int rs_common_ids_next(struct rs_common_ids *walk, recsys_id *out);

/* How many ids the whole walk gives. */
uint64_t rs_common_ids_count(const recsys_model *before, const recsys_model *after, int of_items);

#endif
