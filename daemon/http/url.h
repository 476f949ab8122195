/* daemon/http/url.h - %XX and the parameters of a query. */
#ifndef RECSYSD_URL_H
#define RECSYSD_URL_H

#include <stdbool.h>
#include <stddef.h>

/* Decode %XX of `size` bytes of a path. False: a bad escape, a NUL, not UTF-8, or too long. */
bool rd_url_decode(const char *text, size_t size, char *out, size_t out_size);
/* The last `name` of `query` (may be NULL; names in it are decoded), decoded ("+" is a space), or
 * NULL. `buffer` is room for it. False: it cannot be decoded. */
bool rd_url_query(const char *query, const char *name, char *buffer, size_t size,
                  const char **value);

#endif
