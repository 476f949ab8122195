/* lib/bundle/digest.h - SHA-256, as files and fingerprints are named by it. */
#ifndef RS_BUNDLE_DIGEST_H
#define RS_BUNDLE_DIGEST_H

#include <stddef.h>

#include "recsys/status.h"

#define RS_DIGEST_SIZE 65u /* 64 lower-case hex digits and a NUL */

/* What libcrypto computed, as text. */
void rs_digest_to_text(const unsigned char sum[32], char out[RS_DIGEST_SIZE]);

/* E_NOMEM, should libcrypto fail. */
recsys_status rs_digest(const void *bytes, size_t size, char out[RS_DIGEST_SIZE],
                        recsys_error *err);

#endif
