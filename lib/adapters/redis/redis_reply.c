/* lib/adapters/redis/redis_reply.c - see redis_reply.h.
 *
 * The only file that knows hiredis, and all it uses is the reader: connecting
 * and waiting are in redis_socket.c, since hiredis's own have a time-out for
 * each read instead of one for the whole answer, and write without
 * MSG_NOSIGNAL. 0.14 and 1.x differ in the callbacks' signatures alone.
 *
 * The lengths that a server announces are not trusted: the items of an array are
 * allocated as they arrive, and hiredis buffers a text before it allocates the
 * reply's memory. This store never asks for RESP3, so its types are refused. A
 * callback that refuses returns NULL, which hiredis takes for "out of memory";
 * `refusal` keeps the reason.
 */
#include "lib/adapters/redis/redis_reply.h"

#include <hiredis/hiredis.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"

#define FIRST_ITEMS 16
#define KEEP_BYTES ((size_t)64 << 10) /* of buffer, between replies */

struct rs_redis_parser {
    redisReader *reader;
    struct rs_redis_reply reply; /* the one that is being read */
    size_t n_bytes;              /* fed since the last complete reply */
    size_t max_items;
    int was_long;
    const char *refusal; /* NULL: a callback had no memory */
};

void rs_redis_reply_clear(struct rs_redis_reply *reply)
{
    for (size_t i = 0; i < reply->n; i++)
        rs_redis_reply_clear(&reply->items[i]);
    rs_free(reply->items);
    rs_free(reply->bytes);
    memset(reply, 0, sizeof *reply);
}

/* Where the object of a task goes: into the reply itself or the next item of
 * the array it belongs to. Items move when the array grows, but only while
 * none of them is being read. */
static struct rs_redis_reply *place(const redisReadTask *task, uint32_t type)
{
    struct rs_redis_parser *parser = task->privdata;
    struct rs_redis_reply *reply = &parser->reply;

    if (task->parent != NULL) {
        struct rs_redis_reply *array = task->parent->obj;
        if (array->n == array->room) {
            size_t room = array->room == 0 ? FIRST_ITEMS : array->room * 2;
            room = room > array->n_expected ? array->n_expected : room;
            reply = rs_resize_array(array->items, room, sizeof *reply);
            if (reply == NULL)
                return NULL;
            array->items = reply;
            array->room = room;
        }
        reply = &array->items[array->n++];
    }
    memset(reply, 0, sizeof *reply);
    reply->type = type;
    return reply;
}

static void *refuse(const redisReadTask *task, const char *why)
{
    struct rs_redis_parser *parser = task->privdata;

    parser->refusal = why;
    return NULL;
}

static void *create_text(const redisReadTask *task, char *text, size_t size)
{
    uint32_t type = 0;

    if (task->type == REDIS_REPLY_STRING)
        type = RS_REDIS_BYTES;
    else if (task->type == REDIS_REPLY_ERROR)
        type = RS_REDIS_ERROR;
    else if (task->type == REDIS_REPLY_STATUS)
        type = size == 2 && memcmp(text, "OK", 2) == 0 ? RS_REDIS_OK : RS_REDIS_STATUS;
    if (type == 0)
        return refuse(task, "a type of text that was not asked for");
    struct rs_redis_reply *reply = place(task, type);
    if (reply == NULL)
        return NULL;
    reply->bytes = rs_copy_bytes(text, size);
    reply->size = size;
    return reply->bytes == NULL ? NULL : reply;
}

#if HIREDIS_MAJOR >= 1
static void *create_array(const redisReadTask *task, size_t n)
#else
static void *create_array(const redisReadTask *task, int n)
#endif
{
    struct rs_redis_parser *parser = task->privdata;

    if (task->type != REDIS_REPLY_ARRAY)
        return refuse(task, "a type of collection that was not asked for");
    if ((size_t)n > parser->max_items)
        return refuse(task, "an array longer than the command allows");
    if (task->parent != NULL && task->parent->parent != NULL)
        return refuse(task, "arrays nested deeper than any answer has them");
    struct rs_redis_reply *reply = place(task, RS_REDIS_ARRAY);
    if (reply != NULL)
        reply->n_expected = (size_t)n;
    return reply;
}

static void *create_integer(const redisReadTask *task, long long number)
{
    struct rs_redis_reply *reply = place(task, RS_REDIS_INTEGER);

    if (reply != NULL)
        reply->integer = number;
    return reply;
}

/* "$-1" alone: "*-1" and RESP3's "_" answer other questions. */
static void *create_nil(const redisReadTask *task)
{
    if (task->type != REDIS_REPLY_STRING)
        return refuse(task, "a kind of null that was not asked for");
    return place(task, RS_REDIS_NIL);
}

#if HIREDIS_MAJOR >= 1
static void *create_double(const redisReadTask *task, double number, char *text, size_t size)
{
    (void)number, (void)text, (void)size;
    return refuse(task, "a fraction");
}

static void *create_bool(const redisReadTask *task, int truth)
{
    (void)truth;
    return refuse(task, "a boolean");
}
#endif

/* The parser's own reply is freed by the parser. */
static void leave_object(void *object)
{
    (void)object;
}

static redisReplyObjectFunctions callbacks = {.createString = create_text,
                                              .createArray = create_array,
                                              .createInteger = create_integer,
                                              .createNil = create_nil,
#if HIREDIS_MAJOR >= 1
                                              .createDouble = create_double,
                                              .createBool = create_bool,
#endif
                                              .freeObject = leave_object};

static redisReader *create_reader(struct rs_redis_parser *parser)
{
    redisReader *reader = redisReaderCreateWithFunctions(&callbacks);

    if (reader != NULL) {
        reader->privdata = parser;
        /* Version 0.14 asserts that shrinking a buffer succeeds. */
        reader->maxbuf = 0;
    }
    return reader;
}

struct rs_redis_parser *rs_redis_parser_create(void)
{
    struct rs_redis_parser *parser = rs_alloc_array(1, sizeof *parser);

    if (parser == NULL)
        return NULL;
    parser->reader = create_reader(parser);
    if (parser->reader == NULL) {
        rs_free(parser);
        return NULL;
    }
    return parser;
}

void rs_redis_parser_destroy(struct rs_redis_parser *parser)
{
    if (parser == NULL)
        return;
    redisReaderFree(parser->reader);
    rs_redis_reply_clear(&parser->reply);
    rs_free(parser);
}

static recsys_status read_error(const struct rs_redis_parser *parser, recsys_error *err)
{
    const redisReader *reader = parser->reader;

    if (reader->err != REDIS_ERR_OOM)
        return rs_error(err, RECSYS_E_BACKEND, "%s", reader->errstr);
    if (parser->refusal != NULL)
        return rs_error(err, RECSYS_E_BACKEND, "%s", parser->refusal);
    return rs_error_nomem(err, "reply");
}

recsys_status rs_redis_parser_read(struct rs_redis_parser *parser, const char *bytes, size_t size,
                                   size_t max_items, struct rs_redis_reply *out, recsys_error *err)
{
    void *object = NULL;

    memset(out, 0, sizeof *out);
    if (bytes != NULL) {
        if (size > RS_REDIS_MAX_REPLY - parser->n_bytes)
            return rs_error(err, RECSYS_E_BACKEND, "longer than %zu bytes", RS_REDIS_MAX_REPLY);
        parser->n_bytes += size;
        if (redisReaderFeed(parser->reader, bytes, size) != REDIS_OK)
            return read_error(parser, err);
    }
    parser->max_items = max_items;
    if (redisReaderGetReply(parser->reader, &object) != REDIS_OK)
        return read_error(parser, err);
    if (object == NULL)
        return RECSYS_OK;
    *out = parser->reply;
    memset(&parser->reply, 0, sizeof parser->reply);
    parser->was_long |= parser->n_bytes > KEEP_BYTES;
    parser->n_bytes = parser->reader->len - parser->reader->pos;
    return RECSYS_OK;
}

int rs_redis_parser_is_empty(const struct rs_redis_parser *parser)
{
    return parser->reader->pos == parser->reader->len;
}

int rs_redis_parser_shrink(struct rs_redis_parser *parser)
{
    if (!parser->was_long)
        return 1;
    redisReader *reader = create_reader(parser);
    if (reader == NULL)
        return 0;
    redisReaderFree(parser->reader);
    parser->reader = reader;
    parser->was_long = 0;
    return 1;
}
