/* lib/base/json.h - read JSON from outside, with jansson.
 *
 * Parsing is strict: duplicate keys, numbers beyond 64 bits, NUL characters
 * and invalid UTF-8 are refused. Getters name what they looked for in the
 * error, prefixed by `where` ("recsys.json", "catalog.jsonl line 7").
 */
#ifndef RS_BASE_JSON_H
#define RS_BASE_JSON_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/buffer.h"
#include "recsys/status.h"

/* Parse one value; nothing but white space may follow. Free with json_decref.
 * E_FORMAT with line and column in the message, or E_NOMEM. */
recsys_status rs_json_parse(const char *bytes, size_t size, const char *where, json_t **out,
                            recsys_error *err);

/* Append `value` as text to `out`; flags are jansson's. 0, or -1 if something
 * was not written: no memory, or no room (then out->status says so). */
int rs_json_write(const json_t *value, size_t flags, struct rs_buffer *out);

/* The same as text of its own, for rs_free(); NULL if there is no memory. */
char *rs_json_write_text(const json_t *value, size_t flags);

/* 1 if it is an integer, also one that was written 7.0 (as pandas does for a column with gaps),
 * unless a double cannot tell it from its neighbours. */
int rs_json_to_integer(const json_t *value, int64_t *out);

/* Object member `key`. A missing or null member gives RECSYS_OK and leaves
 * *out as it was, unless `required`; another type is E_FORMAT. Texts are
 * BORROWED from `object`. */
recsys_status rs_json_get_text(const json_t *object, const char *key, int required,
                               const char *where, const char **out, recsys_error *err);
recsys_status rs_json_get_integer(const json_t *object, const char *key, int required, int64_t min,
                                  int64_t max, const char *where, int64_t *out, recsys_error *err);
recsys_status rs_json_get_number(const json_t *object, const char *key, int required,
                                 const char *where, double *out, recsys_error *err);

#endif
