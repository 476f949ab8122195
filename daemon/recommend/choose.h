/* daemon/recommend/choose.h - which model answers a request. */
#ifndef RECSYSD_CHOOSE_H
#define RECSYSD_CHOOSE_H

#include <stdbool.h>

#include "daemon/models/model_use.h"
#include "daemon/recommend/recommend.h"

/* The model, as it serves now; give it back with recsys_model_unref(). */
struct rd_chosen {
    size_t place;
    bool is_named; /* by the request */
    const struct rd_named_model *named;
    recsys_model *model;
    recsys_model_info info;
};

/*
 * The model that the request names; else that of the share which `user` belongs to; else, without a
 * user, the default one. `user` is the id as the client gives it. The default model also answers
 * for a share whose model has no version now or ids of another kind, and says what is wrong with an
 * id that is none. False: answered with 422 or 503.
 */
bool rd_choose(struct rd_request *request, const json_t *user, struct rd_chosen *chosen);

/* Acquires the model of a share. False: it cannot answer instead of the default one, and *chosen is
 * as it was. */
bool rd_choose_share(const struct rd_recommend *recommend, size_t place,
                     const struct rd_chosen *main_model, struct rd_chosen *chosen);

/* ,"model_version":…,"model":… */
void rd_chosen_write(struct rs_buffer *out, const struct rd_chosen *chosen);

#endif
