/* lib/adapters/redis/redis_glob.c - see redis_glob.h.
 *
 * Redis's patterns know * ? [ and \, and ] ^ - inside brackets. All of them are
 * escaped everywhere: a needless backslash means nothing. Gaps with nothing
 * between them are one gap, so that empty parts cannot make the server recurse.
 */
#include "lib/adapters/redis/redis_glob.h"

#include <string.h>

static void add_literal(struct rs_buffer *out, recsys_bytes literal)
{
    const char *bytes = literal.data;
    size_t begin = 0;

    for (size_t i = 0; i < literal.size; i++)
        if (bytes[i] != '\0' && strchr("\\*?[]^-", bytes[i]) != NULL) {
            rs_buffer_add(out, bytes + begin, i - begin);
            rs_buffer_add(out, "\\", 1);
            begin = i;
        }
    rs_buffer_add(out, bytes + begin, literal.size - begin);
}

void rs_redis_glob_write(struct rs_buffer *out, recsys_bytes prefix, const recsys_bytes *parts,
                         size_t n)
{
    size_t n_gaps = 0;
    int after_gap = 0;

    if (prefix.size > 0)
        add_literal(out, prefix);
    for (size_t i = 0; i < n; i++) {
        if (i > 0 && !after_gap) {
            rs_buffer_add(out, "*", 1);
            n_gaps++;
            after_gap = 1;
        }
        if (parts[i].size > 0) {
            add_literal(out, parts[i]);
            after_gap = 0;
        }
    }
    if (n_gaps > RS_REDIS_MAX_GAPS && out->status == RECSYS_OK)
        out->status = RECSYS_E_LIMIT;
}
