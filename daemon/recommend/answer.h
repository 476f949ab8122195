/* daemon/recommend/answer.h - the recommendations of one request as JSON: cached or computed. */
#ifndef RECSYSD_ANSWER_H
#define RECSYSD_ANSWER_H

#include "daemon/http/request.h"

struct rd_answer {
    const char *json; /* what rd_reply_write() writes */
    size_t size;
    uint32_t count;
    recsys_value value; /* holds the above, unless the worker does */
};

/* The model that serves now. False: there is none, and the request has been answered so. */
bool rd_model_acquire(struct rd_request *request, recsys_model **model, recsys_model_info *info);
/* Ends the worker's question, whose ids may point into the model, and gives the model back. */
void rd_model_release(struct rd_request *request, recsys_model *model);

/*
 * Answers request->worker->question from `model`, which `info` describes and
 * the caller holds. `item` asks for items similar to it instead; NULL for
 * recommendations. False: the request has been answered with an error.
 * Release with rd_answer_release() before the model.
 */
bool rd_answer_get(struct rd_request *request, recsys_model *model, const recsys_model_info *info,
                   const recsys_id *item, struct rd_answer *answer);
void rd_answer_release(struct rd_answer *answer);

/* "recommendations":[{"movie_id":…},…],"strategy":"…", and "preferences_ignored":[…] where there
 * are any. A reply that is a failure has no items and the strategy null. */
void rd_reply_write(struct rs_buffer *text, const recsys_model *model,
                    const recsys_request *request, const recsys_reply *reply);
/* A number or a string. */
void rd_id_write(struct rs_buffer *text, recsys_id id);

#endif
