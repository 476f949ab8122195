/* lib/registry/poll_schedule.h - when a deployment should poll next. */
#ifndef RS_REGISTRY_POLL_SCHEDULE_H
#define RS_REGISTRY_POLL_SCHEDULE_H

#include <stdint.h>

/* ONE THREAD AT A TIME. */
struct rs_poll_schedule {
    uint32_t interval_ms;
    uint32_t max_ms;   /* between polls of a source that fails */
    double jitter;     /* 0..1: an interval is longer or shorter by up to this share of it */
    uint32_t n_failed; /* polls in a row that failed for a reason that may pass */
    uint64_t random;   /* state of the generator */
    uint64_t due_ms;
};

/* The first poll is due at any time of the first interval, so that replicas that start together do
 * not poll together. */
void rs_poll_schedule_begin(struct rs_poll_schedule *schedule, uint64_t now_ms);
/* A poll ended. `failed`: for a reason that may pass. `is_serving`: there is a model. */
void rs_poll_schedule_note(struct rs_poll_schedule *schedule, int failed, int is_serving,
                           uint64_t now_ms);
uint64_t rs_poll_schedule_wait(const struct rs_poll_schedule *schedule, uint64_t now_ms);

#endif
