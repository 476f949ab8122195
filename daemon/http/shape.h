/* daemon/http/shape.h - which members a body or a query may have, as tables.
 *
 * A handler reads a member by its row (members.h, params.h), and openapi.json describes the same
 * row (daemon/openapi/), so limits and defaults stand here alone.
 */
#ifndef RECSYSD_SHAPE_H
#define RECSYSD_SHAPE_H

#include <stddef.h>
#include <stdint.h>

enum rd_type {
    RD_TYPE_INTEGER, /* from min to max */
    RD_TYPE_NUMBER,
    RD_TYPE_TEXT, /* of min to max characters; max 0: of any length */
    RD_TYPE_BOOLEAN,
    RD_TYPE_DECADE,
    RD_TYPE_CHOICE,  /* one of `choices` */
    RD_TYPE_WORDS,   /* a list of words */
    RD_TYPE_ID,      /* of the kind that the model has */
    RD_TYPE_IDS,     /* a list of min to max of these */
    RD_TYPE_NUMBERS, /* a list of at most RD_NUMBERS_MAX, each from min to max */
    RD_TYPE_OBJECT,  /* with the members of `shape`; NULL: with any */
    RD_TYPE_OBJECTS, /* a list of min to max of these */
    RD_TYPE_MAP,     /* an object whose members, of any name, are as the first one of `shape` */
    RD_TYPE_OTHER    /* as the words of openapi.json say */
};

enum {
    RD_REQUIRED = 1 << 0, /* must be there, and is not null */
    RD_NOT_NULL = 1 << 1, /* may be left out, but is not null */
    RD_UNIQUE = 1 << 2,   /* no element of the list comes twice */
    RD_STRICT = 1 << 3,   /* a boolean that is neither text nor number */
    RD_PRESET = 1 << 4    /* is `preset` if it is left out */
};

#define RD_NUMBERS_MAX 1000

struct rd_shape;

struct rd_member {
    const char *name;
    enum rd_type type;
    unsigned flags;
    int64_t min, max;
    double preset;
    const struct rd_shape *shape;
    const char *const *choices; /* ends with NULL */
    const char *pattern;        /* of a text, in openapi.json; NULL: any */
};

/* Of a parameter of the path, which names it as well, only what differs from text of at most
 * RD_PARAM_MAX bytes needs a row. */
struct rd_shape {
    const char *name; /* in openapi.json; NULL for parameters */
    const struct rd_member *members;
    size_t n_members;
    const struct rd_shape *also;  /* more members; NULL: none */
    const struct rd_shape *or_as; /* it may look like this instead; NULL: it may not */
};

/* The members of an array. */
#define RD_MEMBERS(array) .members = (array), .n_members = sizeof(array) / sizeof((array)[0])

#endif
