/* daemon/recommend/recommend.h - the routes that recommend. */
#ifndef RECSYSD_RECOMMEND_H
#define RECSYSD_RECOMMEND_H

#include <stdbool.h>
#include <stdint.h>

#include <recsys/aside.h>
#include <recsys/batcher.h>
#include <recsys/recommend.h>

#include "daemon/http/request.h"
#include "daemon/observe/metrics.h"
#include "daemon/recommend/predict_members.h"
#include "daemon/recommend/recent.h"
#include "daemon/shadow/shadow.h"
#include "daemon/traffic/traffic.h"
#include "lib/base/lock.h"

/* Set before the server starts; pointers but the batcher and the recommender are BORROWED. */
struct rd_recommend {
    struct rd_traffic *traffic;
    struct rd_shadow *shadow;
    recsys_aside *answers; /* NULL: none are kept */
    struct rd_metrics *metrics;
    struct rd_recent_items recent; /* what users have met since the training */
    uint64_t timeout_ms;           /* of a request */
    uint32_t batching;             /* enum rd_batching */
    recsys_batcher *batcher;       /* NULL: batching is off */

    /* Batches share one recommender, so that 64 workers do not keep 64 large ones. */
    struct rs_lock batch_lock;
    struct rs_signal batch_end;
    bool batch_runs; /* protected by batch_lock; the worker that has set it uses the recommender */
    recsys_recommender *batch_recommender;
};

/* Until when a request may look recent items up: half of its time, so that an answer is left. */
uint64_t rd_recent_until(const struct rd_request *request);

/* Handlers; their part is struct rd_recommend. */
void rd_post_predict(struct rd_request *request);
void rd_post_session(struct rd_request *request);
void rd_get_recommendations(struct rd_request *request);
void rd_get_similar(struct rd_request *request);
void rd_post_batch(struct rd_request *request);

/* Makes the recommender of batches. False: logged. */
bool rd_batch_start(struct rd_recommend *recommend, uint32_t n_threads);
void rd_batch_stop(struct rd_recommend *recommend);
/* Wait until no other worker uses the recommender of batches. False: they took longer than
 * request_timeout_ms; answered with 503. */
bool rd_batch_begin(struct rd_request *request);
void rd_batch_end(struct rd_recommend *recommend);

#endif
