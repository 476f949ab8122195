/* daemon/http/request_id.c - request ids without a system call for most of them.
 *
 * A thread draws random bytes for 64 UUIDs at once. Ids need not be secret, but
 * two processes must never give the same one, so the bytes come from OpenSSL's
 * generator.
 */
#include "daemon/http/request_id.h"

#include <string.h>

#include <openssl/rand.h>

#include "lib/base/hex.h"

bool rd_request_id_make(struct rd_request_ids *ids, char out[RD_UUID_SIZE])
{
    static const size_t groups[] = {4, 2, 2, 2, 6}; /* bytes between the dashes */
    unsigned char *bytes;

    if (ids->n_random < 16) {
        if (RAND_bytes(ids->random, (int)sizeof ids->random) != 1)
            return false;
        ids->n_random = sizeof ids->random;
    }
    ids->n_random -= 16;
    bytes = ids->random + ids->n_random;
    bytes[6] = (unsigned char)((bytes[6] & 0x0f) | 0x40);
    bytes[8] = (unsigned char)((bytes[8] & 0x3f) | 0x80);
    for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++) {
        rs_hex_write(bytes, groups[i], out);
        bytes += groups[i];
        out += 2 * groups[i];
        *out++ = '-';
    }
    out[-1] = '\0';
    return true;
}

bool rd_request_id_is_valid(const char *id)
{
    size_t size = strspn(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-");

    return size > 0 && size <= RD_REQUEST_ID_MAX && id[size] == '\0';
}
