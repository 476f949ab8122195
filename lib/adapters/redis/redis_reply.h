/* lib/adapters/redis/redis_reply.h - bytes from a server become a reply.
 *
 * hiredis reads the protocol and calls back; what it finds goes straight into
 * memory that can be handed on: one allocation a text, none for the rest of a
 * simple reply. The server is not trusted: see the limits below.
 */
#ifndef RS_REDIS_REPLY_H
#define RS_REDIS_REPLY_H

#include <stddef.h>
#include <stdint.h>

#include "recsys/status.h"

#define RS_REDIS_NIL (1u << 0)
#define RS_REDIS_INTEGER (1u << 1)
#define RS_REDIS_OK (1u << 2)     /* +OK */
#define RS_REDIS_STATUS (1u << 3) /* another, as +PONG or +QUEUED */
#define RS_REDIS_ERROR (1u << 4)
#define RS_REDIS_BYTES (1u << 5)
#define RS_REDIS_ARRAY (1u << 6)
#define RS_REDIS_NOSCRIPT (1u << 7) /* of a question: this error may be the answer */

/* The longest reply: as long as the longest value Redis takes. */
#define RS_REDIS_MAX_REPLY ((size_t)512 << 20)

struct rs_redis_reply {
    uint32_t type; /* RS_REDIS_*; 0 = none */
    int64_t integer;
    char *bytes; /* of a status, an error, bytes: NUL-terminated, for rs_free() */
    size_t size;
    struct rs_redis_reply *items; /* of an array: n of them */
    size_t n, room, n_expected;
};

/* Free what the reply has, and make it none. */
void rs_redis_reply_clear(struct rs_redis_reply *reply);

struct rs_redis_parser;

struct rs_redis_parser *rs_redis_parser_create(void); /* NULL: no memory */
void rs_redis_parser_destroy(struct rs_redis_parser *parser);

/* Take the next bytes, and if a reply is complete with them, or was complete
 * before (bytes NULL), move it to *out (type 0: not yet). Arrays have at most
 * max_items items and no arrays in their arrays' arrays.
 *
 * E_BACKEND (not the protocol, or beyond a limit), E_NOMEM: parser and
 * connection cannot be used any more. */
recsys_status rs_redis_parser_read(struct rs_redis_parser *parser, const char *bytes, size_t size,
                                   size_t max_items, struct rs_redis_reply *out, recsys_error *err);

/* 1 if no bytes are left that belong to a further reply. */
int rs_redis_parser_is_empty(const struct rs_redis_parser *parser);
/* Give back the memory that a long reply needed; 0 if there is none for a small one. */
int rs_redis_parser_shrink(struct rs_redis_parser *parser);

#endif
