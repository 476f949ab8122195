/* daemon/auth/limit.h - how often a client may ask. */
#ifndef RECSYSD_LIMIT_H
#define RECSYSD_LIMIT_H

#include <stdbool.h>

#include "daemon/auth/access.h"
#include "daemon/auth/auth.h"
#include "daemon/http/request.h"

/* The step: takes one from the limit of the caller, who is counted as `key`. False: answered with
 * 429. */
bool rd_limit_check(struct rd_request *request, const struct rd_auth *auth, const char *key);
/* Takes one from the address's limit of failed logins. False: answered with 429. */
bool rd_limit_failed_login(struct rd_request *request, const struct rd_auth *auth);

#endif
