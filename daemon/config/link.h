/* daemon/config/link.h - the link as a setting or an option writes it. */
#ifndef RECSYSD_LINK_H
#define RECSYSD_LINK_H

#include <stdbool.h>

#include <recsys/model.h>

/* "" (the model's own), "sigmoid", "clip" or "linear:0.5:5" as link, link_min and link_max of
 * `out`. `name` is what the message calls it. */
bool rd_link_read(const char *text, const char *name, recsys_model_options *out, recsys_error *err);

#endif
