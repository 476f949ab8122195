/* daemon/auth/limit.h - how often a client may ask. */
#ifndef RECSYSD_LIMIT_H
#define RECSYSD_LIMIT_H

#include <stdbool.h>

struct rd_request;

/* The step: takes one from the caller's limit. False: answered with 429. */
bool rd_limit_check(struct rd_request *request);
/* Takes one from the address's limit of failed logins. False: answered with 429. */
bool rd_limit_failed_login(struct rd_request *request);

#endif
