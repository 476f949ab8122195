/* daemon/recommend/ignored.h - the preferences of a request that had no effect. */
#ifndef RECSYSD_IGNORED_H
#define RECSYSD_IGNORED_H

#include <recsys/recommend.h>

#include "daemon/recommend/predict_body.h"
#include "lib/base/buffer.h"

/* ,"preferences_ignored":["favorite_genres: comdy",…], or nothing if there are none: what the reply
 * lists, and members of "preferences" that no preference is called. */
void rd_ignored_write(struct rs_buffer *text, const struct rd_predict_body *predict,
                      const recsys_reply *reply);

#endif
