/* daemon/http/params.h - reads parameters of a query like fields of a body. */
#ifndef RECSYSD_PARAMS_H
#define RECSYSD_PARAMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/http/problems.h"
#include "daemon/http/request.h"
#include "daemon/http/shape.h"

#define RD_PARAM_TEXT 2048u

/*
 * All of them: if a parameter is absent, *out becomes its row's preset, or stays as it is; a value
 * that does not fit, or is missing, is added to `problems`. False: the query cannot be read, and
 * the request has been answered with 400.
 */
bool rd_param_int(struct rd_request *request, struct rd_problems *problems,
                  const struct rd_member *row, int64_t *out);
bool rd_param_number(struct rd_request *request, struct rd_problems *problems,
                     const struct rd_member *row, double *out);
bool rd_param_text(struct rd_request *request, struct rd_problems *problems,
                   const struct rd_member *row, char out[RD_PARAM_TEXT]);

#endif
