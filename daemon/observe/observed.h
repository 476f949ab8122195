/* daemon/observe/observed.h - the objects that /health and /metrics show. */
#ifndef RECSYSD_OBSERVED_H
#define RECSYSD_OBSERVED_H

struct rd_backend_watch;
struct rd_metrics;
struct rd_outbox_watch;
struct rd_store_metrics;
struct rd_stores;
struct rd_traffic;

/* BORROWED; set before the server starts. */
struct rd_observed {
    struct rd_traffic *traffic;
    const struct rd_stores *stores;
    struct rd_backend_watch *watch;
    struct rd_metrics *metrics;
    struct rd_store_metrics *store_metrics;
    struct rd_outbox_watch *outbox;
};

#endif
