/* tests/fuzz/fuzz_jwt.c - any bytes as a token, and any bytes behind a good signature.
 *
 * The first byte chooses: even, the rest is a token as a stranger sends it,
 * which must never be accepted, since no stranger can sign. Odd, the rest is a
 * header and a payload (divided by a newline) that are signed here, so that the
 * code that reads claims is reached; a token that it accepts has to be complete.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "daemon/auth/jwt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned char secret[] = "0123456789abcdef0123456789abcdef";

static size_t encode(const uint8_t *bytes, size_t size, char *out)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    size_t n = 0;

    for (size_t i = 0; i < size; i += 3) {
        size_t left = size - i < 3 ? size - i : 3;
        uint32_t three = (uint32_t)bytes[i] << 16 | (uint32_t)(left > 1 ? bytes[i + 1] : 0) << 8 |
                         (uint32_t)(left > 2 ? bytes[i + 2] : 0);

        for (size_t j = 0; j <= left; j++)
            out[n++] = digits[three >> (18 - 6 * j) & 63];
    }
    return n;
}

static size_t sign(const uint8_t *data, size_t size, char *token)
{
    const uint8_t *cut = memchr(data, '\n', size);
    size_t first = cut != NULL ? (size_t)(cut - data) : size, n;
    unsigned char mac[EVP_MAX_MD_SIZE];
    unsigned mac_size;

    n = encode(data, first, token);
    token[n++] = '.';
    n += cut != NULL ? encode(cut + 1, size - first - 1, token + n) : 0;
    (void)HMAC(EVP_sha256(), secret, sizeof secret - 1, (unsigned char *)token, n, mac, &mac_size);
    token[n++] = '.';
    return n + encode(mac, mac_size, token + n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char token[2 * RD_JWT_MAX];
    struct rd_jwt_keys keys = {.now = {secret, sizeof secret - 1, NULL}, .leeway_s = 5};
    struct rd_jwt_claims claims;
    recsys_error err = {0};
    int is_signed;

    if (size < 1 || size > RD_JWT_MAX)
        return 0;
    is_signed = data[0] % 2 == 1;
    data++;
    size--;
    if (is_signed)
        size = sign(data, size, token);
    else
        memcpy(token, data, size);
    if (!rd_jwt_check(&keys, token, size, 1700000000, &claims, &err)) {
        if (err.message[0] == '\0' || claims.subject[0] != '\0' || claims.is_admin)
            __builtin_trap();
        return 0;
    }
    if (!is_signed || claims.jti[0] == '\0' || claims.subject[0] == '\0' ||
        claims.expires_s + keys.leeway_s <= 1700000000)
        __builtin_trap();
    return 0;
}
