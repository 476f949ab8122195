/* daemon/recommend/answer_write.h - recommendations as clients read them. */
#ifndef RECSYSD_ANSWER_WRITE_H
#define RECSYSD_ANSWER_WRITE_H

#include <recsys/catalog.h>
#include <recsys/recommend.h>

#include "lib/base/buffer.h"

/* "recommendations":[{"movie_id":…},…],"strategy":"…", and "preferences_ignored":[…] where there
 * are any. A reply that is a failure has no items and the strategy null. */
void rd_answer_write(struct rs_buffer *text, const recsys_model *model,
                     const recsys_request *request, const recsys_reply *reply);
/* A number or a string. */
void rd_answer_write_id(struct rs_buffer *text, recsys_id id);

#endif
