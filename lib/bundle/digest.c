/* lib/bundle/digest.c - SHA-256 by libcrypto, which uses the processor's instructions for it. */
#include "lib/bundle/digest.h"

#include <openssl/err.h>
#include <openssl/evp.h>

#include "lib/base/error.h"
#include "lib/base/hex.h"

recsys_status rs_digest(const void *bytes, size_t size, char out[RS_DIGEST_SIZE], recsys_error *err)
{
    unsigned char sum[EVP_MAX_MD_SIZE];
    unsigned int sum_size = 0;

    out[0] = '\0';
    /* SHA-256 is always available; libcrypto fails only without memory. */
    (void)ERR_set_mark(); /* keep failures out of the host's error queue */
    int done = EVP_Digest(size == 0 ? "" : bytes, size, sum, &sum_size, EVP_sha256(), NULL) == 1;
    (void)ERR_pop_to_mark();
    if (!done || sum_size != 32)
        return rs_error_nomem(err, "SHA-256 of a file");
    rs_hex_write(sum, sum_size, out);
    return RECSYS_OK;
}
