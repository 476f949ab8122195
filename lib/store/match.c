/* lib/store/match.c - see match.h.
 *
 * The first literal must be the beginning of the key and the last one its end. Both are cut off
 * before the middle is searched, so literals cannot overlap. Each middle literal is taken at its
 * first place: that leaves the most room for those that follow, so if any choice matches, this one
 * does. Nothing is tried twice.
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
