/* tests/fuzz/fuzz_redis_reply.c - any bytes as what a server answers.
 *
 * However they are cut into pieces, the same replies come out, and what comes
 * out is within the limits. The first byte chooses how large the pieces are.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "lib/adapters/redis/redis_reply.h"

#define MAX_ITEMS 8u
#define MAX_REPLIES 64u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
    size_t n;
    recsys_status status;
    uint32_t types[MAX_REPLIES];
    size_t sizes[MAX_REPLIES];
};

static void check(const struct rs_redis_reply *reply, unsigned depth)
{
    if (depth > 2 || reply->n > MAX_ITEMS || reply->n > reply->n_expected)
        __builtin_trap();
    if ((reply->type & (RS_REDIS_BYTES | RS_REDIS_ERROR)) != 0 &&
        (reply->bytes == NULL || reply->bytes[reply->size] != '\0'))
        __builtin_trap();
    for (size_t i = 0; i < reply->n; i++)
        check(&reply->items[i], depth + 1);
}

/* One step; 0 when there is no more to have from these bytes. */
static int take(struct rs_redis_parser *parser, const char *bytes, size_t size, struct seen *seen)
{
    struct rs_redis_reply reply;
    recsys_error err;

    memset(&reply, 0, sizeof reply);
    seen->status = rs_redis_parser_read(parser, bytes, size, MAX_ITEMS, &reply, &err);
    if (seen->status != RECSYS_OK || reply.type == 0) {
        rs_redis_reply_clear(&reply);
        return 0;
    }
    check(&reply, 0);
    seen->types[seen->n] = reply.type;
    seen->sizes[seen->n] = reply.size + reply.n;
    seen->n++;
    rs_redis_reply_clear(&reply);
    return seen->n < MAX_REPLIES;
}

static void read_all(const uint8_t *data, size_t size, size_t piece, struct seen *seen)
{
    struct rs_redis_parser *parser = rs_redis_parser_create();
    int goes_on = parser != NULL;

    memset(seen, 0, sizeof *seen);
    for (size_t at = 0; goes_on && at < size; at += piece) {
        const char *bytes = (const char *)data + at;
        size_t n = size - at < piece ? size - at : piece;

        while (seen->n < MAX_REPLIES && take(parser, bytes, n, seen)) {
            bytes = NULL;
            n = 0;
        }
        goes_on = seen->status == RECSYS_OK && seen->n < MAX_REPLIES;
    }
    rs_redis_parser_destroy(parser);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct seen whole, pieces;

    if (size < 2 || size > 4096)
        return 0;
    read_all(data + 1, size - 1, size, &whole);
    read_all(data + 1, size - 1, 1 + data[0] % 16, &pieces);
    if (whole.n != pieces.n || memcmp(whole.types, pieces.types, sizeof whole.types) != 0 ||
        memcmp(whole.sizes, pieces.sizes, sizeof whole.sizes) != 0)
        __builtin_trap();
    return 0;
}
