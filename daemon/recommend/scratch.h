/* daemon/recommend/scratch.h - memory of a worker that recommends, kept between requests. */
#ifndef RECSYSD_SCRATCH_H
#define RECSYSD_SCRATCH_H

#include "daemon/http/request.h"
#include "daemon/recommend/predict_body.h"
#include "daemon/recommend/recent.h"

/* ONE THREAD AT A TIME. */
struct rd_scratch {
    recsys_recommender *recommender; /* made on first use */
    struct rd_predict_body predict;
    struct rd_recent_list recent; /* what the request excludes, with recent items */
    struct rs_buffer key;         /* of the cache */
    struct rs_buffer value;       /* for the cache */
    struct evp_md_ctx_st *digest; /* made on first use */
};

/* The worker's. NULL: no memory; answered with 503. */
struct rd_scratch *rd_scratch_get(struct rd_request *request);
void rd_scratch_free(void *scratch);

#endif
