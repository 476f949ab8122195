/* daemon/routes.h - the table that assigns a handler to each route. */
#ifndef RECSYSD_ROUTES_H
#define RECSYSD_ROUTES_H

#include <stddef.h>

#include "daemon/app.h"
#include "daemon/http/request.h"

extern const struct rd_route rd_routes[];
extern const size_t rd_n_routes;

/* Their `user_data` is struct rd_app. */
extern const struct rd_app_steps rd_steps;

#endif
