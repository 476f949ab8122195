/* daemon/http/json_read.h - parses JSON of clients. */
#ifndef RECSYSD_JSON_READ_H
#define RECSYSD_JSON_READ_H

#include <stddef.h>

#include <jansson.h>

#define RD_DEPTH_MAX 32 /* of brackets; requests have four */

/* The error of a text that is not JSON, or nests too deeply. */
struct rd_json_error {
    size_t position;
    char text[128];
};

/*
 * Any JSON value; with JSON_REJECT_DUPLICATES in `flags`, objects with a name twice are refused.
 * NULL: `error` says why, or there is no memory.
 */
json_t *rd_json_read(const char *text, size_t size, size_t flags, struct rd_json_error *error);

#endif
