/* daemon/recommend/answer_write.h - recommendations as clients read them. */
#ifndef RECSYSD_ANSWER_WRITE_H
#define RECSYSD_ANSWER_WRITE_H

#include <recsys/catalog.h>
#include <recsys/recommend.h>

#include "daemon/recommend/predict_body.h"
#include "lib/base/buffer.h"

/* BORROWED: what an answer is written from, beside the reply. */
struct rd_answer_source {
    const char *name; /* by which this daemon knows the model */
    const recsys_model *model;
    const recsys_model_info *info;
    const struct rd_predict_body *predict;
};

/* "recommendations":[{"movie_id":…},…],"strategy":"…", and "preferences_ignored":[…] where there
 * are any. A reply that is a failure has no items and the strategy null. */
void rd_answer_write(struct rs_buffer *text, const struct rd_answer_source *source,
                     const recsys_reply *reply);
/* "movie_id":…, which the clients of the first service read, and "item_id" beside it where the
 * model says that its items are no films. */
void rd_answer_write_item_id(struct rs_buffer *text, const recsys_model_info *info, recsys_id id);
/* A number or a string. */
void rd_answer_write_id(struct rs_buffer *text, recsys_id id);

#endif
