/* daemon/http/params.h - reads parameters of a query like fields of a body. */
#ifndef RECSYSD_PARAMS_H
#define RECSYSD_PARAMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/http/problems.h"
#include "daemon/http/request.h"

#define RD_PARAM_TEXT 2048u

enum { RD_PARAM_OPTIONAL = 0, RD_PARAM_REQUIRED = 1 };

/*
 * All of them: if an optional parameter is absent, *out stays as it is; a value that does not fit
 * is added to `problems`. False: the query cannot be read, and the request has been answered with
 * 400.
 */
bool rd_param_int(struct rd_request *request, struct rd_problems *problems, const char *name,
                  int required, int64_t min, int64_t max, int64_t *out);
bool rd_param_number(struct rd_request *request, struct rd_problems *problems, const char *name,
                     int required, int min, int max, double *out);
/* Text of `min` to `max` characters. */
bool rd_param_text(struct rd_request *request, struct rd_problems *problems, const char *name,
                   int required, size_t min, size_t max, char out[RD_PARAM_TEXT]);

#endif
