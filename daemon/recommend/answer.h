/* daemon/recommend/answer.h - the recommendations of one request as JSON: cached or computed. */
#ifndef RECSYSD_ANSWER_H
#define RECSYSD_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <recsys/model.h>
#include <recsys/store.h>

#include "daemon/http/request.h"
#include "daemon/recommend/choose.h"
#include "daemon/recommend/scratch.h"

struct rd_answer {
    const char *json; /* what rd_answer_write() writes */
    size_t size;
    uint32_t count;
    recsys_value value; /* holds the above, unless the scratch does */
};

/*
 * Answers scratch->predict from the model that has been chosen. `item`: for items similar to it;
 * NULL for recommendations. False: the request has been answered with an error. Release with
 * rd_answer_release() before the model.
 */
bool rd_answer_get(struct rd_request *request, struct rd_scratch *scratch,
                   const struct rd_chosen *chosen, const recsys_id *item, struct rd_answer *answer);
void rd_answer_release(struct rd_answer *answer);

#endif
