/* lib/base/json_write.h - JSON as text, piece by piece. */
#ifndef RS_BASE_JSON_WRITE_H
#define RS_BASE_JSON_WRITE_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/buffer.h"
#include "recsys/source.h"

/* A string in quotes. Only characters that must be escaped are; `text` is UTF-8. */
void rs_json_put_text(struct rs_buffer *out, const char *text, size_t size);
/* The same of a text that ends with NUL. */
void rs_json_put_string(struct rs_buffer *out, const char *text);

void rs_json_put_integer(struct rs_buffer *out, int64_t value);
void rs_json_put_unsigned(struct rs_buffer *out, uint64_t value);

/* A number as rs_real_write() writes it; null if it is not finite. */
void rs_json_put_real(struct rs_buffer *out, double value);

/* As recsys_rows_format() promises. `value` was checked before. */
void rs_json_put_datum(struct rs_buffer *out, const recsys_datum *value);

#endif
