/* lib/builder/sink.c - see sink.h.
 *
 * Small pieces are collected in a buffer; pieces as large as the buffer are written directly. Bytes
 * are hashed while they are written, so that gigabytes need not be read again.
 */
#include "lib/builder/sink.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/hex.h"

#define BUFFER_BYTES (1u << 20)

recsys_status rs_sink_open(struct rs_sink *sink, int folder, const char *name, recsys_error *err)
{
    memset(sink, 0, sizeof *sink);
    sink->name = name;
    sink->descriptor = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (sink->descriptor < 0)
        return rs_error_sys(err, errno, "cannot create %s", name);
    sink->buffer = rs_alloc(BUFFER_BYTES);
    sink->hash = EVP_MD_CTX_new();
    if (sink->buffer == NULL || sink->hash == NULL)
        return rs_error_nomem(err, name);
    if (EVP_DigestInit_ex(sink->hash, EVP_sha256(), NULL) != 1)
        return rs_error_nomem(err, "SHA-256 of a file");
    return RECSYS_OK;
}

static recsys_status write_through(struct rs_sink *sink, const unsigned char *bytes, size_t size,
                                   recsys_error *err)
{
    if (size > 0 && EVP_DigestUpdate(sink->hash, bytes, size) != 1)
        return rs_error_nomem(err, "SHA-256 of a file");
    while (size > 0) {
        /* Linux writes at most 2 GB a call, others refuse more. */
        size_t piece = size < ((size_t)1 << 30) ? size : (size_t)1 << 30;
        ssize_t written = write(sink->descriptor, bytes, piece);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return rs_error_sys(err, errno, "cannot write %s", sink->name);
        bytes += written;
        size -= (size_t)written;
    }
    return RECSYS_OK;
}

static recsys_status flush(struct rs_sink *sink, recsys_error *err)
{
    recsys_status status = write_through(sink, sink->buffer, sink->used, err);

    sink->used = 0;
    return status;
}

recsys_status rs_sink_write(struct rs_sink *sink, const void *bytes, size_t size, recsys_error *err)
{
    sink->size += size;
    if (size > BUFFER_BYTES - sink->used) {
        recsys_status status = flush(sink, err);
        if (status != RECSYS_OK)
            return status;
    }
    if (size >= BUFFER_BYTES)
        return write_through(sink, bytes, size, err);
    if (size > 0)
        memcpy(sink->buffer + sink->used, bytes, size);
    sink->used += size;
    return RECSYS_OK;
}

void rs_sink_abandon(struct rs_sink *sink)
{
    if (sink->descriptor >= 0)
        close(sink->descriptor);
    EVP_MD_CTX_free(sink->hash);
    rs_free(sink->buffer);
    sink->descriptor = -1;
    sink->hash = NULL;
    sink->buffer = NULL;
}

recsys_status rs_sink_close(struct rs_sink *sink, char digest[RS_DIGEST_SIZE], recsys_error *err)
{
    unsigned char sum[EVP_MAX_MD_SIZE];
    unsigned int sum_size = 0;
    recsys_status status = flush(sink, err);

    digest[0] = '\0';
    if (status != RECSYS_OK)
        goto done;
    if (EVP_DigestFinal_ex(sink->hash, sum, &sum_size) != 1 || sum_size != 32) {
        status = rs_error_nomem(err, "SHA-256 of a file");
        goto done;
    }
    rs_hex_write(sum, 32, digest);
    if (fsync(sink->descriptor) != 0) {
        status = rs_error_sys(err, errno, "cannot sync %s", sink->name);
        goto done;
    }
    int descriptor = sink->descriptor;
    sink->descriptor = -1;
    if (close(descriptor) != 0)
        status = rs_error_sys(err, errno, "cannot close %s", sink->name);
done:
    rs_sink_abandon(sink);
    return status;
}
