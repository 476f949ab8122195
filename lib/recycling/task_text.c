/* lib/recycling/task_text.c - see task_text.h.
 *
 * With `result_compression` Celery compresses results in Redis since 5.7: a mark, the type, a NUL,
 * the stream. The type application/x-gzip stands before a zlib stream (RFC 1950); a gzip file (RFC
 * 1952) is understood, too. Other types are named in the refusal.
 *
 * Python writes NaN, Infinity and -Infinity where JSON has no number. Outside of strings they become
 * null, so that one value is lost and not the whole task.
 */
#include "lib/recycling/task_text.h"

#include <string.h>
#include <zlib.h>

#include "lib/base/alloc.h"
#include "lib/base/buffer.h"
#include "lib/base/error.h"

#define STEP ((size_t)64 << 10)

static const char mark[] = "\0celery-compressed\0";
static const char gzip[] = "application/x-gzip"; /* and the NUL behind it */

static int starts_with(recsys_bytes bytes, const char *start, size_t size)
{
    return bytes.size >= size && memcmp(bytes.data, start, size) == 0;
}

static recsys_status inflate_all(const char *id, z_stream *stream, struct rs_buffer *text,
                                 recsys_error *err)
{
    int result = Z_OK;

    while (result == Z_OK) {
        char *room = rs_buffer_reserve(text, STEP);
        if (room == NULL && text->status == RECSYS_E_NOMEM)
            return rs_error_nomem(err, "result of a task");
        if (room == NULL)
            break;
        stream->next_out = (unsigned char *)room;
        stream->avail_out = (uInt)STEP;
        result = inflate(stream, Z_NO_FLUSH);
        text->size += STEP - stream->avail_out;
        if (result == Z_OK && stream->avail_in == 0 && stream->avail_out == STEP)
            result = Z_BUF_ERROR; /* the stream is cut off */
    }
    if (result == Z_MEM_ERROR)
        return rs_error_nomem(err, "result of a task");
    if (text->size > RS_TASK_MAX_RESULT || text->status == RECSYS_E_LIMIT)
        return rs_error(err, RECSYS_E_LIMIT,
                        "task %s: its result has more than %zu bytes when it is inflated", id,
                        RS_TASK_MAX_RESULT);
    if (result != Z_STREAM_END || stream->avail_in != 0)
        return rs_error(err, RECSYS_E_FORMAT,
                        "task %s: its result is compressed, and damaged", id);
    return RECSYS_OK;
}

static recsys_status inflate_text(const char *id, recsys_bytes bytes, struct rs_buffer *text,
                                  recsys_error *err)
{
    z_stream stream = {.next_in = (unsigned char *)(uintptr_t)bytes.data,
                       .avail_in = (uInt)bytes.size};

    if (inflateInit2(&stream, MAX_WBITS + 32) != Z_OK) /* zlib or gzip, whichever it is */
        return rs_error_nomem(err, "result of a task");
    recsys_status status = inflate_all(id, &stream, text, err);
    inflateEnd(&stream);
    return status;
}

static const char *const no_numbers[] = {"NaN", "-Infinity", "Infinity"};

/* The length of such a word at `at`, or 0. */
static size_t no_number_at(const char *at, size_t left)
{
    for (size_t i = 0; i < sizeof no_numbers / sizeof no_numbers[0]; i++) {
        size_t size = strlen(no_numbers[i]);
        if (left >= size && memcmp(at, no_numbers[i], size) == 0)
            return size;
    }
    return 0;
}

/* How many there are; the text with null in their places into `out`, if it is not NULL. */
static size_t without_no_numbers(recsys_bytes text, struct rs_buffer *out)
{
    const char *at = text.data;
    size_t n = 0, from = 0;
    int is_string = 0;

    for (size_t i = 0; i < text.size; i++) {
        if (is_string && at[i] == '\\') {
            i++;
        } else if (at[i] == '"') {
            is_string = !is_string;
        } else if (!is_string && (at[i] == 'N' || at[i] == 'I' || at[i] == '-')) {
            size_t size = no_number_at(at + i, text.size - i);
            if (size == 0)
                continue;
            n++;
            if (out != NULL) {
                rs_buffer_add(out, at + from, i - from);
                rs_buffer_add_text(out, "null");
            }
            from = i + size;
            i = from - 1;
        }
    }
    if (out != NULL && from < text.size)
        rs_buffer_add(out, at + from, text.size - from);
    return n;
}

static recsys_status refuse(const char *id, recsys_bytes bytes, recsys_error *err)
{
    const char *at = bytes.data;
    size_t size = 0;

    if (starts_with(bytes, mark, sizeof mark - 1)) {
        at += sizeof mark - 1;
        while (size < bytes.size - (sizeof mark - 1) && size < 60 && at[size] > ' ' && at[size] <= '~')
            size++;
        return rs_error(err, RECSYS_E_FORMAT,
                        "task %s: its result is compressed as %.*s, which is refused unread; set "
                        "Celery's result_compression to gzip or none",
                        id, (int)size, at);
    }
    return rs_error(err, RECSYS_E_FORMAT,
                    "task %s: its result is not JSON but %s, which is refused unread; set Celery's "
                    "result_serializer to json",
                    id, starts_with(bytes, "\x80", 1) ? "a pickle" : "something else");
}

recsys_status rs_task_text(const char *id, recsys_bytes *bytes, char **own, recsys_error *err)
{
    struct rs_buffer inflated, mended;
    recsys_status status = RECSYS_OK;

    *own = NULL;
    if (bytes->size > RS_TASK_MAX_RESULT)
        return rs_error(err, RECSYS_E_LIMIT,
                        "task %s: its result has %zu bytes, at most %zu are read", id, bytes->size,
                        RS_TASK_MAX_RESULT);
    rs_buffer_init(&inflated, RS_TASK_MAX_RESULT + STEP);
    rs_buffer_init(&mended, RS_TASK_MAX_RESULT * 2);
    size_t head = sizeof mark - 1 + sizeof gzip;
    if (starts_with(*bytes, mark, sizeof mark - 1) && bytes->size >= head &&
        memcmp((const char *)bytes->data + sizeof mark - 1, gzip, sizeof gzip) == 0) {
        const recsys_bytes packed = {(const char *)bytes->data + head, bytes->size - head};
        status = inflate_text(id, packed, &inflated, err);
        *bytes = (recsys_bytes){inflated.bytes, inflated.size};
    }
    if (status == RECSYS_OK && !starts_with(*bytes, "{", 1))
        status = refuse(id, *bytes, err);
    if (status == RECSYS_OK && without_no_numbers(*bytes, NULL) > 0) {
        (void)without_no_numbers(*bytes, &mended);
        status = mended.status == RECSYS_OK ? RECSYS_OK : rs_error_nomem(err, "result of a task");
        *bytes = (recsys_bytes){mended.bytes, mended.size};
    }
    if (status == RECSYS_OK && bytes->data == mended.bytes)
        *own = mended.bytes;
    else
        rs_buffer_destroy(&mended);
    if (status == RECSYS_OK && bytes->data == inflated.bytes)
        *own = inflated.bytes;
    else
        rs_buffer_destroy(&inflated);
    return status;
}
