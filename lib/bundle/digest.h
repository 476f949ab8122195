/* lib/bundle/digest.h - SHA-256 of files and fingerprints. */
#ifndef RS_BUNDLE_DIGEST_H
#define RS_BUNDLE_DIGEST_H

#include <stddef.h>

#include "recsys/status.h"

#define RS_DIGEST_SIZE 65u /* 64 lower-case hex digits and a NUL */

/* E_NOMEM if libcrypto fails. */
recsys_status rs_digest(const void *bytes, size_t size, char out[RS_DIGEST_SIZE],
                        recsys_error *err);

#endif
