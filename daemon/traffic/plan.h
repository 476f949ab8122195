/* daemon/traffic/plan.h - which requests go to which model. */
#ifndef RECSYSD_PLAN_H
#define RECSYSD_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <recsys/split.h>

#include "daemon/traffic/named_models.h"
#include "lib/base/buffer.h"

#define RD_WHOLE RECSYS_SPLIT_WHOLE /* shares and rates are hundredths of a percent */

/* All arrays are in the places of rd_named_models. */
struct rd_plan {
    size_t n;                        /* models */
    size_t main_place;               /* the place of the default model */
    uint32_t shares[RD_MODELS_MAX];  /* of the users; the default model's is 0: it has the rest */
    uint32_t shadows[RD_MODELS_MAX]; /* of the requests that it is asked, too */
    char salt[RECSYS_SPLIT_MAX_SALT + 1];
    uint64_t number; /* of changes before it */
};

/* How far a model has come. */
enum rd_role { RD_ROLE_IDLE, RD_ROLE_SHADOW, RD_ROLE_SHARE, RD_ROLE_DEFAULT };

/* From the settings model_shares, model_shadows and model_salt. False: `err` says what to do. */
bool rd_plan_read(struct rd_plan *plan, const struct rd_named_models *named, const char *shares,
                  const char *shadows, const char *salt, recsys_error *err);
/* Do the shares leave something to the default model, or at least nothing too much? */
bool rd_plan_check(const struct rd_plan *plan, recsys_error *err);

/* "12.5" as 1250. False: it is none from 0 to 100, or has more than two decimals. */
bool rd_percent_read(double percent, uint32_t *out);

enum rd_role rd_plan_role(const struct rd_plan *plan, size_t place);
extern const char *const rd_role_names[]; /* ends with NULL */
const char *rd_role_name(enum rd_role stage);
/* ,"stage":"share","share":10,"shadow":0 as percent; the default model's share is the rest. */
void rd_plan_write(struct rs_buffer *out, const struct rd_plan *plan, size_t place);
/* The share of the users that get the default model. */
uint32_t rd_plan_rest(const struct rd_plan *plan);
/* Do all users get the default model? */
bool rd_plan_is_whole(const struct rd_plan *plan);
/* The place of the model that a user gets. */
size_t rd_plan_find(const struct rd_plan *plan, recsys_id user);

#endif
