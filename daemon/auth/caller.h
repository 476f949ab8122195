/* daemon/auth/caller.h - the sender of a request, and the users whose data the sender may see. */
#ifndef RECSYSD_CALLER_H
#define RECSYSD_CALLER_H

#include <stdbool.h>

#include <recsys/model.h>

#include "daemon/auth/access.h"
#include "daemon/auth/auth.h"
#include "daemon/auth/jwt.h"
#include "daemon/http/request.h"

enum rd_caller_kind {
    RD_CALLER_ANYONE,  /* neither keys nor tokens are configured: everything is allowed */
    RD_CALLER_USER,    /* a JWT: only the data of that user */
    RD_CALLER_SERVICE, /* an API key: acts for all users */
    RD_CALLER_ADMIN    /* the admin token, or a JWT that says so */
};

struct rd_caller {
    enum rd_caller_kind kind;
    char key[2 + RD_JWT_TEXT];   /* the limiter's name for the caller: "u:" sub, "k:" key or admin
                                    token, "a:" address */
    struct rd_jwt_claims claims; /* jti is "" without a token */
};

/* The step: fills *request->caller, which is zero. False: answered with 401, 403, 429 or 503. */
bool rd_caller_check(struct rd_request *request, const struct rd_auth *auth);
/* Routes under a user's name are for that user. False: answered with 403. */
bool rd_caller_check_owner(struct rd_request *request);

/* May the caller see and change the data of this user? False: answered with 403. */
bool rd_caller_may(struct rd_request *request, const char *user_id);
/* The same for a model's id. */
bool rd_caller_may_id(struct rd_request *request, recsys_id user);
bool rd_caller_may_ids(struct rd_request *request, const recsys_id *users, size_t n);
/* Is the caller a user, who may only see their own data? */
bool rd_caller_is_user(const struct rd_request *request);

#endif
