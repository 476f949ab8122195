/* lib/adapters/mlflow/mlflow_download.c - see mlflow_download.h.
 *
 * The sum is computed while the bytes come, so a file is written once and not read again. A
 * transfer that looks complete may not be: MLflow ends one that failed inside of it like one that
 * succeeded. So only the manifest's size and sum say that a file is whole.
 *
 * After a break the rest is asked for with Range. The answer counts as the rest only if it is 206
 * with the range that was wanted, of a file of the wanted size; after any other answer the file
 * begins again. If the sum of a file in pieces is wrong, it is fetched once more in one piece.
 */
#include "lib/adapters/mlflow/mlflow_download.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/error.h"
#include "lib/base/hex.h"
#include "lib/base/log.h"

#define MAX_FRUITLESS 4 /* attempts in a row that bring nothing */
#define FIRST_PAUSE_MS 200u
#define LONGEST_PAUSE_MS 10000u
#define PIECE 65536u

/* One file while it comes. */
struct transfer {
    struct rs_mlflow_http *http;
    const struct rs_mlflow_file *file;
    const char *what;
    int fd;
    uint64_t size;    /* written so far */
    uint64_t asked;   /* the first byte of the running request */
    int has_begun;    /* this request has brought its first byte */
    int is_in_pieces; /* not all bytes came with one request */
    EVP_MD_CTX *sum;  /* over what was written */
    char etag[160];
};

static recsys_status start_sum(struct transfer *t, recsys_error *err)
{
    return EVP_DigestInit_ex(t->sum, EVP_sha256(), NULL) == 1 ? RECSYS_OK
                                                              : rs_error_nomem(err, "SHA-256");
}

static recsys_status disk_failure(const struct transfer *t, recsys_error *err)
{
    return rs_error_sys(err, errno, "%.140s: cannot write %.100s into the cache", t->what,
                        t->file->name);
}

static recsys_status begin_again(struct transfer *t, recsys_error *err)
{
    if (ftruncate(t->fd, 0) != 0 || lseek(t->fd, 0, SEEK_SET) != 0)
        return disk_failure(t, err);
    t->size = 0;
    t->is_in_pieces = 0;
    t->etag[0] = '\0';
    return start_sum(t, err);
}

/* Take in what an earlier attempt, perhaps of a killed process, has left. */
static recsys_status take_up(struct transfer *t, recsys_error *err)
{
    unsigned char piece[4096];
    struct stat about;
    ssize_t got;

    if (fstat(t->fd, &about) != 0)
        return disk_failure(t, err);
    recsys_status status = start_sum(t, err);
    if (status != RECSYS_OK || about.st_size == 0)
        return status;
    if ((uint64_t)about.st_size > t->file->size)
        return begin_again(t, err);
    while ((got = read(t->fd, piece, sizeof piece)) != 0) {
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return disk_failure(t, err);
        if (EVP_DigestUpdate(t->sum, piece, (size_t)got) != 1)
            return rs_error_nomem(err, "SHA-256");
        t->size += (uint64_t)got;
    }
    t->is_in_pieces = 1;
    return RECSYS_OK;
}

static recsys_status write_piece(struct transfer *t, const void *bytes, size_t size,
                                 recsys_error *err)
{
    const unsigned char *next = bytes;

    if (size > t->file->size - t->size)
        return rs_error(err, RECSYS_E_FORMAT,
                        "%.140s: %.100s is longer than the %" PRIu64 " bytes of the manifest",
                        t->what, t->file->name, t->file->size);
    if (EVP_DigestUpdate(t->sum, bytes, size) != 1)
        return rs_error_nomem(err, "SHA-256");
    for (size_t left = size; left > 0;) {
        ssize_t done = write(t->fd, next, left);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return disk_failure(t, err);
        next += done;
        left -= (size_t)done;
    }
    t->size += size;
    atomic_fetch_add(&t->http->counts->bytes, size);
    return RECSYS_OK;
}

/* Is this reply the rest of the file that we have? */
static int is_rest(const struct transfer *t, const struct rs_mlflow_reply *reply)
{
    return reply->code == 206 && reply->has_range && reply->range_start == t->asked &&
           (reply->range_total == UINT64_MAX || reply->range_total == t->file->size);
}

static recsys_status take(const struct rs_mlflow_reply *reply, const void *bytes, size_t size,
                          void *user_data, recsys_error *err)
{
    struct transfer *t = user_data;
    recsys_status status = RECSYS_OK;

    if (!t->has_begun) {
        t->has_begun = 1;
        if (t->asked > 0 && is_rest(t, reply)) {
            atomic_fetch_add(&t->http->counts->resumed, 1u);
        } else if (reply->code == 206) { /* another part than we asked for is of no use */
            recsys_error said = {0};
            status = begin_again(t, &said);
            return status != RECSYS_OK ? rs_error_copy(err, &said)
                                       : rs_error(err, RECSYS_E_IO,
                                                  "the server sends another range than asked for");
        } else if (t->asked > 0) {
            atomic_fetch_add(&t->http->counts->restarted, 1u);
            status = begin_again(t, err);
        }
        if (status == RECSYS_OK)
            memcpy(t->etag, reply->etag, sizeof t->etag);
    }
    return status == RECSYS_OK ? write_piece(t, bytes, size, err) : status;
}

/* -- attempts -- */

static recsys_status copy_local(struct transfer *t, const struct rs_mlflow_place *place,
                                recsys_error *err)
{
    char path[RS_MLFLOW_MAX_URI + 300];
    unsigned char piece[PIECE];
    struct stat about;
    ssize_t got = 1;
    recsys_status status = begin_again(t, err);

    if (status != RECSYS_OK)
        return status;
    snprintf(path, sizeof path, "%s/%s", place->path, t->file->name);
    int from = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (from < 0)
        return errno == ENOENT
                   ? rs_error(err, RECSYS_E_NOT_FOUND, "%.140s: there is no %.300s", t->what, path)
                   : rs_error_sys(err, errno, "%.140s: cannot open %.300s", t->what, path);
    if (fstat(from, &about) != 0 || !S_ISREG(about.st_mode))
        status =
            rs_error(err, RECSYS_E_FORMAT, "%.140s: %.300s is not a regular file", t->what, path);
    while (status == RECSYS_OK && got > 0) {
        got = read(from, piece, sizeof piece);
        if (got < 0 && errno == EINTR)
            got = 1;
        else if (got < 0)
            status = rs_error_sys(err, errno, "%.140s: cannot read %.300s", t->what, path);
        else
            status = write_piece(t, piece, (size_t)got, err);
    }
    close(from);
    return status;
}

static recsys_status fetch_once(struct transfer *t, const struct rs_mlflow_place *place,
                                uint32_t *retry_after_s, recsys_error *err)
{
    char url[RS_MLFLOW_MAX_URL];
    struct rs_mlflow_reply reply = {0};
    recsys_error said = {0};

    if (place->way == RS_MLFLOW_LOCAL)
        return copy_local(t, place, err);
    recsys_status status = rs_mlflow_place_url(t->http->settings, place, t->file->name, url, err);
    if (status != RECSYS_OK)
        return status;
    t->asked = t->size;
    t->has_begun = 0;
    status = rs_mlflow_stream(t->http, url, t->asked, t->etag, take, t, &reply, &said);
    *retry_after_s = reply.retry_after_s;
    if (status != RECSYS_OK) {
        t->is_in_pieces |= t->has_begun;
        /* The sink's own messages name the file already. */
        if (status == RECSYS_E_FORMAT || said.sys_errno != 0)
            rs_error_copy(err, &said);
        else
            rs_mlflow_say(t->http->settings, t->what, &said, err);
    } else if (reply.code == 416 && t->asked > 0) {
        atomic_fetch_add(&t->http->counts->restarted, 1u);
        status = begin_again(t, err);
        if (status == RECSYS_OK)
            status = rs_error(err, RECSYS_E_IO, "%.140s: the server has less of %.100s than before",
                              t->what, t->file->name);
    } else if (reply.code != 200 && reply.code != 206) {
        status = rs_mlflow_judge(t->http->settings, &reply, t->what, err);
    }
    rs_mlflow_reply_destroy(&reply);
    return status;
}

static recsys_status check_sum(struct transfer *t, recsys_error *err)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    char hex[2 * EVP_MAX_MD_SIZE + 1];
    unsigned size = 0;

    if (EVP_DigestFinal_ex(t->sum, digest, &size) != 1)
        return rs_error_nomem(err, "SHA-256");
    rs_hex_write(digest, size, hex);
    if (strcmp(hex, t->file->sha256) == 0)
        return RECSYS_OK;
    return rs_error(err, RECSYS_E_FORMAT,
                    "%.140s: %.100s has another sum than the manifest says: its content was "
                    "replaced or damaged",
                    t->what, t->file->name);
}

static int may_pass(recsys_status status, const recsys_error *said)
{
    if (said->sys_errno != 0) /* the disk */
        return 0;
    return status == RECSYS_E_IO || status == RECSYS_E_TIMEOUT || status == RECSYS_E_BACKEND ||
           status == RECSYS_E_EXHAUSTED;
}

/* 0 if the deadline would be over. */
static int pause_for(const struct rs_mlflow_http *http, int n_fruitless, uint32_t retry_after_s)
{
    uint64_t ms = (uint64_t)FIRST_PAUSE_MS << (n_fruitless > 6 ? 6 : n_fruitless);

    if (retry_after_s > 0)
        ms = (uint64_t)retry_after_s * 1000u;
    if (ms > LONGEST_PAUSE_MS)
        ms = LONGEST_PAUSE_MS;
    if (http->deadline_ns != UINT64_MAX && rs_clock_ns() + ms * 1000000u >= http->deadline_ns)
        return 0;
    struct timespec rest = {(time_t)(ms / 1000u), (long)(ms % 1000u) * 1000000L};
    while (nanosleep(&rest, &rest) != 0 && errno == EINTR) {
    }
    return 1;
}

/* Fetch until all bytes are there. */
static recsys_status fetch_all(struct transfer *t, const struct rs_mlflow_place *place,
                               recsys_error *err)
{
    int n_fruitless = 0;

    while (t->size < t->file->size) {
        uint64_t before = t->size;
        uint32_t retry_after_s = 0;
        recsys_error said = {0};
        recsys_status status = fetch_once(t, place, &retry_after_s, &said);
        if (status == RECSYS_OK && t->size < t->file->size) {
            t->is_in_pieces = 1;
            status = rs_error(&said, RECSYS_E_IO,
                              "%.140s: %.100s breaks off after %" PRIu64 " of %" PRIu64 " bytes",
                              t->what, t->file->name, t->size, t->file->size);
        }
        if (status == RECSYS_OK)
            return RECSYS_OK;
        n_fruitless = t->size > before ? 1 : n_fruitless + 1;
        if (!may_pass(status, &said) || n_fruitless >= MAX_FRUITLESS ||
            !pause_for(t->http, n_fruitless, retry_after_s))
            return rs_error_copy(err, &said);
        rs_log(RECSYS_LOG_INFO, "%s; trying again", said.message);
    }
    return RECSYS_OK;
}

static recsys_status transfer(struct transfer *t, const struct rs_mlflow_place *place,
                              recsys_error *err)
{
    recsys_status status = take_up(t, err);

    for (int attempt = 0; status == RECSYS_OK; attempt++) {
        recsys_error said = {0};
        status = fetch_all(t, place, err);
        if (status != RECSYS_OK)
            return status;
        int was_in_pieces = t->is_in_pieces;
        status = check_sum(t, &said);
        if (status == RECSYS_OK)
            return fsync(t->fd) == 0 ? RECSYS_OK : disk_failure(t, err);
        if (status != RECSYS_E_FORMAT || !was_in_pieces || attempt > 0) {
            recsys_error ignored;
            (void)begin_again(t, &ignored); /* so that nobody continues it */
            return rs_error_copy(err, &said);
        }
        atomic_fetch_add(&t->http->counts->restarted, 1u);
        status = begin_again(t, err);
    }
    return status;
}

static recsys_status open_file(struct transfer *t, int directory, int flags, recsys_error *err)
{
    t->sum = EVP_MD_CTX_new();
    if (t->sum == NULL)
        return rs_error_nomem(err, "SHA-256");
    t->fd = openat(directory, t->file->name, flags | O_NOFOLLOW | O_CLOEXEC, 0666);
    return t->fd >= 0 ? RECSYS_OK : disk_failure(t, err);
}

static void close_file(struct transfer *t)
{
    EVP_MD_CTX_free(t->sum);
    if (t->fd >= 0)
        close(t->fd);
}

recsys_status rs_mlflow_download(struct rs_mlflow_http *http, const struct rs_mlflow_place *place,
                                 const char *what, const struct rs_mlflow_file *file, int directory,
                                 recsys_error *err)
{
    struct transfer t = {.http = http, .file = file, .what = what, .fd = -1};
    recsys_status status = open_file(&t, directory, O_RDWR | O_CREAT, err);

    if (status == RECSYS_OK)
        status = transfer(&t, place, err);
    close_file(&t);
    return status;
}

recsys_status rs_mlflow_verify(const struct rs_mlflow_file *file, int directory, recsys_error *err)
{
    struct transfer t = {.file = file, .what = "cache", .fd = -1};
    struct stat about;
    recsys_status status = open_file(&t, directory, O_RDONLY, err);

    if (status == RECSYS_OK && (fstat(t.fd, &about) != 0 || (uint64_t)about.st_size != file->size))
        status = rs_error(err, RECSYS_E_FORMAT, "cache: %.100s has another size", file->name);
    if (status == RECSYS_OK)
        status = take_up(&t, err);
    if (status == RECSYS_OK)
        status = check_sum(&t, err);
    close_file(&t);
    return status;
}
