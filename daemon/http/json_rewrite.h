/* daemon/http/json_rewrite.h - makes well-formed JSON readable for jansson. */
#ifndef RECSYSD_JSON_REWRITE_H
#define RECSYSD_JSON_REWRITE_H

#include <stdbool.h>
#include <stddef.h>

/* U+FFFF, which is no character: it stands for \u0000 and for half a pair of surrogates. */
#define RD_NO_CHARACTER "\xEF\xBF\xBF"

/* Rewrite in place, in text that ends with a NUL, what jansson refuses. Every
 * position stays. False: there was nothing. */
bool rd_json_rewrite(char *text, size_t size);

#endif
