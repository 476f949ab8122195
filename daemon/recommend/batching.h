/* daemon/recommend/batching.h - requests that come at the same time, scored together. */
#ifndef RECSYSD_BATCHING_H
#define RECSYSD_BATCHING_H

#include <stdbool.h>
#include <stdint.h>

#include <recsys/batcher.h>

#include "daemon/recommend/recommend.h"

/* The values of the setting `batching`. */
enum rd_batching { RD_BATCHING_OFF, RD_BATCHING_ON, RD_BATCHING_AUTO };

struct rd_batching_settings {
    enum rd_batching when;
    uint32_t n_threads;   /* of each scan */
    uint32_t max_batch;   /* requests scored together */
    uint32_t max_waiting; /* requests */
};

/* Makes the batcher, unless it is off. False: logged. */
bool rd_batching_start(struct rd_recommend *recommend, const struct rd_batching_settings *settings);
void rd_batching_stop(struct rd_recommend *recommend);

/* Is it worth it for this model? */
bool rd_batching_is_used(const struct rd_recommend *recommend, const recsys_model_info *info);

/* recsys_batcher_recommend() for `request`, which leaves the queue when its client is gone. */
recsys_status rd_batching_ask(struct rd_request *request, const recsys_model *model,
                              const recsys_request *asked, recsys_reply_callback reply,
                              void *user_data, recsys_error *err);

#endif
