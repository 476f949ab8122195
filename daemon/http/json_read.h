/* daemon/http/json_read.h - parses JSON that a stranger wrote. */
#ifndef RECSYSD_JSON_READ_H
#define RECSYSD_JSON_READ_H

#include <stddef.h>

#include <jansson.h>

#define RD_DEPTH_MAX 32 /* of brackets; what we read has four */

/* What is wrong with a text that is not JSON, or nests too deeply. */
struct rd_json_error {
    size_t position;
    char text[128];
};

/*
 * Any JSON value; with JSON_REJECT_DUPLICATES in `flags` also only such objects
 * that name nothing twice. NULL: it is none, or there is no memory.
 */
json_t *rd_json_read(const char *text, size_t size, size_t flags, struct rd_json_error *error);

#endif
