/* daemon/recommend/liked.h - the liked items of a session, from JSON. */
#ifndef RECSYSD_LIKED_H
#define RECSYSD_LIKED_H

#include <stddef.h>
#include <stdint.h>

#include <recsys/recommend.h>

#include "daemon/http/fields.h"
#include "daemon/recommend/predict_members.h"

struct rd_liked_item {
    recsys_id id;
    float weight;
};

/* Sorted by id, each once, with the sum of its weights. */
struct rd_liked {
    recsys_id ids[RD_LIKED_MAX];
    float weights[RD_LIKED_MAX];
    struct rd_liked_item unsorted[RD_LIKED_MAX];
};

/* Reads "liked_items" and "liked_weights" of `body`, into `liked` and `to`, which points to it. */
void rd_liked_read(struct rd_problems *problems, const json_t *body, uint32_t item_id_kind,
                   struct rd_liked *liked, recsys_request *to);

#endif
