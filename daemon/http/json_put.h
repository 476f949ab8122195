/* daemon/http/json_put.h - JSON values of replies and log lines. */
#ifndef RECSYSD_JSON_PUT_H
#define RECSYSD_JSON_PUT_H

#include <stddef.h>

#include "lib/base/buffer.h"

/* The fewest digits that are read back as the same float; null if it is not finite. */
void rd_json_put_float(struct rs_buffer *out, float value);
/* A JSON string with its quotes. `bytes` may be anything: those beyond ASCII become %XX. */
void rd_json_put_bytes(struct rs_buffer *out, const char *bytes, size_t size);

#endif
