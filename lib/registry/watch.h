/* lib/registry/watch.h - does a new model answer worse than the one before it? */
#ifndef RS_REGISTRY_WATCH_H
#define RS_REGISTRY_WATCH_H

#include <stddef.h>
#include <stdint.h>

#include "recsys/model.h"

struct rs_watch_rules {
    uint64_t window_ns; /* 0 = no model is watched */
    uint64_t min_answers;
    double max_error_rise, max_empty_rise; /* negative: no limit */
};

struct rs_tally {
    uint64_t n_answers, n_failed, n_empty;
};

/* ONE THREAD AT A TIME. Zeroed but for the rules: no model is served yet. */
struct rs_watch {
    struct rs_watch_rules rules;
    const recsys_model *model; /* the active one; only compared */
    struct rs_tally tally;     /* of it */
    struct rs_tally before;    /* of the model that it replaced; zero if too little is known */
    uint64_t until_ns;         /* 0 = it is not watched */
};

/* `model` is active from now on. `is_new`: it replaces another one and shall be watched. */
void rs_watch_begin(struct rs_watch *watch, const recsys_model *model, int is_new, uint64_t now_ns);

/* Count answers, if they are of the active model. 1 if it should be rolled back: once for each
 * rs_watch_begin(), and with the reason in `why`. */
int rs_watch_count(struct rs_watch *watch, const recsys_model *model, const struct rs_tally *found,
                   uint64_t now_ns, char *why, size_t size);

int rs_watch_is_on(const struct rs_watch *watch, uint64_t now_ns);

#endif
