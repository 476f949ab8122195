/* lib/store/match.c - see match.h.
 *
 * The first literal must be the beginning and the last one the end; what those
 * two take is gone before the middle is looked at, so they cannot overlap. Each
 * middle one is taken where it comes first: whatever follows then has the most
 * room, so if any choice succeeds this one does, and nothing is tried twice.
 */
#include "lib/store/match.h"

#include <string.h>

static int is_equal(const unsigned char *bytes, recsys_bytes part)
{
    return part.size == 0 || memcmp(bytes, part.data, part.size) == 0;
}

int rs_key_matches(const void *key, size_t key_size, const recsys_bytes *parts, size_t n)
{
    const unsigned char *at = key;
    recsys_bytes first = parts[0], last = parts[n - 1];

    if (n == 1)
        return key_size == first.size && is_equal(at, first);
    if (key_size < first.size || key_size - first.size < last.size || !is_equal(at, first) ||
        !is_equal(at + key_size - last.size, last))
        return 0;
    const unsigned char *end = at + key_size - last.size;
    at += first.size;
    for (size_t i = 1; i < n - 1; i++) {
        while ((size_t)(end - at) >= parts[i].size && !is_equal(at, parts[i]))
            at++;
        if ((size_t)(end - at) < parts[i].size)
            return 0;
        at += parts[i].size;
    }
    return 1;
}
