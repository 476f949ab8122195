/* daemon/domains/json_find.h - finds one member in JSON of a database. */
#ifndef RECSYSD_JSON_FIND_H
#define RECSYSD_JSON_FIND_H

#include <stddef.h>

#include <jansson.h>

/* The text that the object `json` has under `name`, for json_decref(). NULL: there is no such
 * text, or `json` is no object. */
json_t *rd_json_find_text(const char *json, size_t size, const char *name);

#endif
