/* daemon/domains/domain_reply.h - the replies of all routes of the domains. */
#ifndef RECSYSD_DOMAIN_REPLY_H
#define RECSYSD_DOMAIN_REPLY_H

#include <stdbool.h>
#include <stdint.h>

#include <recsys/domain.h>

#include "daemon/http/problems.h"
#include "daemon/http/request.h"

/* The domains. NULL: no database is configured; answered with 503. */
recsys_domains *rd_domains_get(struct rd_request *request);

/* 200 with `json`, which is released, and X-Cache of `outcome` (RECSYS_ASIDE_*, 0 = none). */
void rd_domain_reply(struct rd_request *request, recsys_value *json, uint32_t outcome);
/* 200 with {"message":…,"<name>":json}; releases json. */
void rd_domain_reply_change(struct rd_request *request, const char *message, const char *name,
                            recsys_value *json);

/*
 * A library call's failure: 404 with `missing`, 422 in the shape of a validation error of `place`,
 * 502 if the database's data cannot be read, or 503 if the database does not answer, or the result
 * is too large. Returns false.
 */
bool rd_domain_fail(struct rd_request *request, recsys_status status, const recsys_error *err,
                    uint32_t outcome, const struct rd_place *place, const char *missing);

/*
 * Does the {…} of the path, `parameter`, fit into a key? False: answered with 422. To be called
 * first: then RECSYS_E_LIMIT of later calls is never about an id.
 */
bool rd_domain_takes_id(struct rd_request *request, const char *parameter);

struct rd_domain_value {
    recsys_value json;
    uint32_t outcome; /* RECSYS_ASIDE_* */
};

/*
 * Read an entry whose only parameter, if it has any, is the {…} of the path. `limit` as for
 * recsys_domains_get(). Release value->json. False: answered with an error, 404 with `missing`.
 */
bool rd_domain_get(struct rd_request *request, const char *name, const char *parameter,
                   uint32_t limit, const char *missing, struct rd_domain_value *value);
/* The same, and answer with the value. */
void rd_domain_read(struct rd_request *request, const char *name, const char *parameter,
                    uint32_t limit, const char *missing);

#endif
