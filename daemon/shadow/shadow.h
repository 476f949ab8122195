/* daemon/shadow/shadow.h - asks shadows what clients have asked, and compares. */
#ifndef RECSYSD_SHADOW_H
#define RECSYSD_SHADOW_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/observe/metrics.h"
#include "daemon/process/pause.h"
#include "daemon/shadow/shadow_queue.h"
#include "daemon/traffic/traffic.h"
#include "lib/base/buffer.h"

/* Sums over the answers of the version that a shadow serves now, in millionths. */
struct rd_shadow_findings {
    _Atomic uint64_t n_compared, n_ranked; /* n_ranked: with a rank correlation */
    _Atomic uint64_t overlap, cpu_us;
    _Atomic int64_t rank_correlation;
    char fingerprint[72]; /* the thread's alone */
};

/* SYNCHRONIZED. */
struct rd_shadow {
    struct rd_traffic *traffic;       /* BORROWED */
    const struct rd_metrics *metrics; /* BORROWED */
    struct rd_shadow_queue queue;
    _Atomic uint64_t offered[RD_MODELS_MAX]; /* requests, of which the rate is taken */
    _Atomic uint64_t n_dropped[RD_MODELS_MAX];
    struct rd_shadow_findings findings[RD_MODELS_MAX];
    recsys_recommender *recommender;
    struct rd_pause pause;
    pthread_t thread;
    bool started;
};

/* Nothing is started where there is only one model. False: logged. */
bool rd_shadow_start(struct rd_shadow *shadow, struct rd_traffic *traffic,
                     const struct rd_metrics *metrics);
void rd_shadow_stop(struct rd_shadow *shadow);

/* On the worker that has answered `request` from the model at `place`: copy it for the shadows that
 * the plan has. Never waits, locks nothing that the shadows' thread locks, and allocates nothing.
 */
void rd_shadow_offer(struct rd_shadow *shadow, size_t place, const recsys_request *request,
                     const recsys_reply *reply);

/* ,"shadow_findings":{…} about the version that serves now; null if it was never asked. */
void rd_shadow_write(struct rd_shadow *shadow, size_t place, struct rs_buffer *out);

#endif
