/* lib/model/digest.h - SHA-256, as files and fingerprints are named by it. */
#ifndef RS_MODEL_DIGEST_H
#define RS_MODEL_DIGEST_H

#include <stddef.h>

#include "recsys/status.h"

#define RS_DIGEST_SIZE 65u /* 64 lower-case hex digits and a NUL */

/* E_NOMEM or E_INTERNAL, should libcrypto fail. */
recsys_status rs_digest(const void *bytes, size_t size, char out[RS_DIGEST_SIZE],
                        recsys_error *err);

#endif
