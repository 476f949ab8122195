/* daemon/http/route.h - one row of the route table. */
#ifndef RECSYSD_ROUTE_H
#define RECSYSD_ROUTE_H

#include <stddef.h>

#define RD_SMALL_BODY 65536u

struct rd_request;
struct rd_shape;

enum {
    RD_ROUTE_BODY = 1 << 0,         /* has a JSON body */
    RD_ROUTE_MAY_BE_EMPTY = 1 << 1, /* ... which may be left out */
    RD_ROUTE_NOT_IN_PRODUCTION = 1 << 2,
    RD_ROUTE_OPERATORS = 1 << 3, /* on health_listen alone, if there is one */
    RD_ROUTE_BOTH = 1 << 4,      /* there, too */
    RD_ROUTE_SMALL_BODY = 1 << 5 /* of at most RD_SMALL_BODY bytes */
};

struct rd_route {
    const char *method,
        *path; /* one segment of the path may be a {parameter}; the first fit counts */
    void (*handler)(struct rd_request *request);
    size_t part;     /* the application's: the offset of the handler's object */
    unsigned access; /* the application's: bits that say who may call */
    unsigned flags;
    const struct rd_shape *params; /* of the query, and of the path; NULL: none of note */
    const struct rd_shape *body;   /* NULL: none, or any object */
};

#endif
