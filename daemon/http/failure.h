/* daemon/http/failure.h - replies after a failed call of librecsys. */
#ifndef RECSYSD_FAILURE_H
#define RECSYSD_FAILURE_H

#include <stdbool.h>

#include <recsys/status.h>

#include "daemon/http/problems.h"
#include "daemon/http/request.h"

/* The HTTP status that fits, and the message. Returns false. */
bool rd_reply_failure(struct rd_request *request, recsys_status status, const recsys_error *err);
/*
 * The reply after a failed call of the database or of what is cached of it: 422 about `place` if
 * the client can mend it, 503 with Retry-After while the database does not answer, 502 for data
 * that cannot be used. Returns false.
 */
bool rd_reply_database_failure(struct rd_request *request, recsys_status status,
                               const recsys_error *err, const struct rd_place *place);
/* 422 with err's message as a validation error of `place`. Returns false. */
bool rd_reply_refusal(struct rd_request *request, const struct rd_place *place,
                      const recsys_error *err);

#endif
