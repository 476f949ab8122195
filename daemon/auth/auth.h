/* daemon/auth/auth.h - the keys, the denylist and the limiters that requests are checked with. */
#ifndef RECSYSD_AUTH_H
#define RECSYSD_AUTH_H

#include <stdint.h>

#include <recsys/denylist.h>
#include <recsys/limiter.h>

#include "daemon/auth/keyring.h"

/* Set before the server starts. Pointers are BORROWED; NULL if the settings do not ask for the
 * object. */
struct rd_auth {
    struct rd_keyring *keys;
    recsys_denylist *denylist;
    recsys_limiter *limiter, *auth_limiter;
    uint32_t window_s, auth_window_s; /* in which a whole burst comes back */
    uint64_t unconfirmed_s;           /* the setting jwt_unconfirmed_s */
};

#endif
