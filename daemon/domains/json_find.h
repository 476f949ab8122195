/* daemon/domains/json_find.h - one member of JSON that a database made. */
#ifndef RECSYSD_JSON_FIND_H
#define RECSYSD_JSON_FIND_H

#include <stddef.h>

#include <jansson.h>

/* The text that the object `json` has under `name`, for json_decref(). NULL: it has none, or is no
 * object. */
json_t *rd_json_find_text(const char *json, size_t size, const char *name);

#endif
