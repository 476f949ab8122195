/* daemon/http/gzip.h - compressed bodies of replies. */
#ifndef RECSYSD_GZIP_H
#define RECSYSD_GZIP_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/buffer.h"

/* Does this Accept-Encoding header (or NULL) allow gzip? */
bool rd_gzip_accepted(const char *accept_encoding);
/*
 * Compress what is behind the first `skip` bytes of `from` to the same place in
 * `to`, whose first bytes stay unset. *deflater is made on first use. False if
 * compressing is not worth it.
 */
bool rd_gzip(void **deflater, const struct rs_buffer *from, size_t skip, struct rs_buffer *to);
/* The other way round; `from` is gzip's and trusted. False: there is not enough memory. */
bool rd_gunzip(const struct rs_buffer *from, size_t skip, struct rs_buffer *to);
void rd_gzip_free(void *deflater);

#endif
