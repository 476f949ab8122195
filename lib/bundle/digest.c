/* lib/bundle/digest.c - SHA-256 by libcrypto, which uses the processor's instructions for it. */
#include "lib/bundle/digest.h"

#include <openssl/err.h>
#include <openssl/evp.h>

#include "lib/base/error.h"

void rs_digest_to_text(const unsigned char sum[32], char out[RS_DIGEST_SIZE])
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < 32; i++) {
        out[2 * i] = digits[sum[i] >> 4];
        out[2 * i + 1] = digits[sum[i] & 15u];
    }
    out[64] = '\0';
}

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
    rs_digest_to_text(sum, out);
    return RECSYS_OK;
}
