/* daemon/auth/auth.h - what decides who may call, and how often. */
#ifndef RECSYSD_AUTH_H
#define RECSYSD_AUTH_H

#include <stdint.h>

#include <recsys/denylist.h>
#include <recsys/limiter.h>

#include "daemon/auth/keys.h"

/* Set before the server starts; pointers are BORROWED, and NULL is what is not configured. */
struct rd_auth {
    struct rd_keys keys;
    recsys_denylist *denylist;
    recsys_limiter *limiter, *auth_limiter;
    uint64_t unconfirmed_s; /* the setting jwt_unconfirmed_s */
};

#endif
