/* lib/formats/formats.h - which reader a file needs. */
#ifndef RS_FORMATS_FORMATS_H
#define RS_FORMATS_FORMATS_H

#include <stddef.h>

#include "lib/formats/tensors.h"

/*
 * The reader for a file with these bytes. The content decides; the ending of `path` only chooses
 * whose message a damaged file gets.
 *
 * Fails with: E_UNSUPPORTED (pickled data, a format of another program; the message says what to
 *   export instead), E_FORMAT (nothing that is known).
 */
recsys_status rs_formats_find(const char *path, const unsigned char *bytes, size_t size,
                              const char *name, rs_tensors_parse *out, recsys_error *err);

#endif
