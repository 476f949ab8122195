/* lib/adapters/mlflow/mlflow_kept.c - see mlflow_kept.h. */
#include "lib/adapters/mlflow/mlflow_kept.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/base/clock.h"
#include "lib/base/error.h"
#include "lib/base/hex.h"

#define MAX_FILE ((size_t)2 << 20)
#define MAX_FILES 200u

int rs_mlflow_digest(const char *const *texts, size_t n, char *out, size_t room)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    char hex[2 * EVP_MAX_MD_SIZE + 1];
    unsigned size = 0;
    EVP_MD_CTX *sum = EVP_MD_CTX_new();
    int is_done = sum != NULL && EVP_DigestInit_ex(sum, EVP_sha256(), NULL) == 1;

    for (size_t i = 0; is_done && i < n; i++) /* with the NUL, so that no two lists are one text */
        is_done = EVP_DigestUpdate(sum, texts[i], strlen(texts[i]) + 1) == 1;
    is_done = is_done && EVP_DigestFinal_ex(sum, digest, &size) == 1;
    EVP_MD_CTX_free(sum);
    if (!is_done)
        return 0;
    rs_hex_write(digest, size, hex);
    snprintf(out, room, "%s", hex);
    return 1;
}

int rs_mlflow_key(const struct rs_mlflow_settings *settings, const char *uri,
                  char out[RS_MLFLOW_KEY_SIZE])
{
    const char *const texts[] = {settings->origin, settings->prefix,
                                 settings->workspace == NULL ? "" : settings->workspace, uri};

    return rs_mlflow_digest(texts, sizeof texts / sizeof texts[0], out, RS_MLFLOW_KEY_SIZE);
}

/* -- files -- */

static int write_all(int fd, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t done = write(fd, bytes, size);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return -1;
        bytes += done;
        size -= (size_t)done;
    }
    return 0;
}

/* Takes over `value`, which may be NULL. */
static recsys_status write_file(const struct rs_mlflow_shelf *shelf, const char *name,
                                json_t *value, recsys_error *err)
{
    char new_name[64];
    char *text = value == NULL ? NULL : rs_json_write_text(value, JSON_COMPACT);

    json_decref(value);
    if (text == NULL)
        return rs_error_nomem(err, "record of a version");
    snprintf(new_name, sizeof new_name, "kept/.new-%ld-%" PRIx64, (long)getpid(), rs_clock_ns());
    int fd = openat(shelf->fd, new_name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    int is_written = fd >= 0 && write_all(fd, text, strlen(text)) == 0 && fsync(fd) == 0;
    is_written = fd >= 0 && close(fd) == 0 && is_written;
    is_written = is_written && renameat(shelf->fd, new_name, shelf->fd, name) == 0;
    int problem = errno;
    if (!is_written)
        (void)unlinkat(shelf->fd, new_name, 0);
    rs_free(text);
    return is_written ? RECSYS_OK
                      : rs_error_sys(err, problem, "cannot write %s in the cache directory %s",
                                     name, shelf->path);
}

static recsys_status read_file(const struct rs_mlflow_shelf *shelf, const char *name, json_t **out,
                               recsys_error *err)
{
    struct rs_buffer text;
    ssize_t got = 1;

    *out = NULL;
    int fd = openat(shelf->fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return rs_error(err, RECSYS_E_NOT_FOUND, "nothing is kept in %s", shelf->path);
    rs_buffer_init(&text, MAX_FILE);
    while (got > 0) {
        char piece[4096];
        got = read(fd, piece, sizeof piece);
        if (got < 0 && errno == EINTR)
            got = 1;
        else if (got > 0)
            rs_buffer_add(&text, piece, (size_t)got);
    }
    close(fd);
    recsys_status status = text.status;
    if (status == RECSYS_OK && got == 0)
        status = rs_json_parse(text.bytes == NULL ? "" : text.bytes, text.size, name, out, NULL);
    rs_buffer_destroy(&text);
    /* One that is damaged counts as none: it is written again. */
    return status == RECSYS_OK && *out != NULL
               ? RECSYS_OK
               : rs_error(err, RECSYS_E_NOT_FOUND, "%s in %s cannot be read", name, shelf->path);
}

static void copy_member(const json_t *object, const char *key, char *out, size_t room)
{
    const char *text = json_string_value(json_object_get(object, key));

    if (text == NULL || strlen(text) >= room)
        text = "";
    snprintf(out, room, "%s", text);
}

/* Remove the oldest file if there are too many of them. */
static void forget_oldest(const struct rs_mlflow_shelf *shelf)
{
    int fd = openat(shelf->fd, "kept", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *entry;
    char oldest[256] = "";
    struct stat about, first = {0};
    size_t n = 0;

    if (folder == NULL) {
        if (fd >= 0)
            close(fd);
        return;
    }
    while ((entry = readdir(folder)) != NULL) {
        if (entry->d_name[0] == '.' || fstatat(fd, entry->d_name, &about, AT_SYMLINK_NOFOLLOW) != 0)
            continue;
        if (n++ == 0 || about.st_mtim.tv_sec < first.st_mtim.tv_sec) {
            first = about;
            snprintf(oldest, sizeof oldest, "%s", entry->d_name);
        }
    }
    if (n > MAX_FILES)
        (void)unlinkat(fd, oldest, 0);
    closedir(folder);
}

/* -- records -- */

recsys_status rs_mlflow_keep_version(const struct rs_mlflow_shelf *shelf,
                                     const struct rs_mlflow_kept *version, json_t *described,
                                     recsys_error *err)
{
    char name[64];

    snprintf(name, sizeof name, "kept/v-%s.json", version->stamp);
    return write_file(shelf, name,
                      json_pack("{s:s, s:s, s:s, s:O}", "name", version->name, "version",
                                version->version, "bundle", version->sum, "described", described),
                      err);
}

recsys_status rs_mlflow_keep_question(const struct rs_mlflow_shelf *shelf, const char *key,
                                      const char *uri, const char *stamp, recsys_error *err)
{
    char name[64];

    snprintf(name, sizeof name, "kept/q-%s.json", key);
    recsys_status status =
        write_file(shelf, name, json_pack("{s:s, s:s}", "uri", uri, "stamp", stamp), err);
    forget_oldest(shelf);
    return status;
}

static recsys_status read_version(const struct rs_mlflow_shelf *shelf, const char *stamp,
                                  json_t **out, recsys_error *err)
{
    char name[64];

    snprintf(name, sizeof name, "kept/v-%s.json", stamp);
    return read_file(shelf, name, out, err);
}

static recsys_status find_stamp(const struct rs_mlflow_shelf *shelf, const char *name,
                                struct rs_mlflow_kept *out, recsys_error *err)
{
    json_t *question, *version = NULL;
    recsys_status status = read_file(shelf, name, &question, err);

    memset(out, 0, sizeof *out);
    if (status != RECSYS_OK)
        return status;
    copy_member(question, "stamp", out->stamp, sizeof out->stamp);
    json_decref(question);
    status = read_version(shelf, out->stamp, &version, err);
    if (status != RECSYS_OK)
        return status;
    copy_member(version, "name", out->name, sizeof out->name);
    copy_member(version, "version", out->version, sizeof out->version);
    copy_member(version, "bundle", out->sum, sizeof out->sum);
    json_decref(version);
    if (out->name[0] == '\0' || out->version[0] == '\0' ||
        strspn(out->sum, "0123456789abcdef") != RS_MLFLOW_SUM_SIZE - 1)
        return rs_error(err, RECSYS_E_NOT_FOUND, "%s in %s is damaged", name, shelf->path);
    return RECSYS_OK;
}

recsys_status rs_mlflow_kept_find(const struct rs_mlflow_shelf *shelf, const char *key,
                                  struct rs_mlflow_kept *out, recsys_error *err)
{
    char name[64];

    snprintf(name, sizeof name, "kept/q-%s.json", key);
    return find_stamp(shelf, name, out, err);
}

recsys_status rs_mlflow_kept_describe(const struct rs_mlflow_shelf *shelf, const char *stamp,
                                      json_t **out, recsys_error *err)
{
    json_t *version;
    recsys_status status = read_version(shelf, stamp, &version, err);

    *out = NULL;
    if (status != RECSYS_OK)
        return status;
    *out = json_incref(json_object_get(version, "described"));
    json_decref(version);
    return json_is_object(*out) ? RECSYS_OK
                                : rs_error(err, RECSYS_E_NOT_FOUND,
                                           "the version is not described in %s", shelf->path);
}

/* Does the record `name` lead to the bundle `sum`? */
static int is_about(const struct rs_mlflow_shelf *shelf, const char *name, int is_question,
                    const char *sum)
{
    struct rs_mlflow_kept kept = {"", "", "", ""};
    json_t *version;

    if (is_question)
        return find_stamp(shelf, name, &kept, NULL) == RECSYS_OK && strcmp(kept.sum, sum) == 0;
    if (read_file(shelf, name, &version, NULL) != RECSYS_OK)
        return 0;
    copy_member(version, "bundle", kept.sum, sizeof kept.sum);
    json_decref(version);
    return strcmp(kept.sum, sum) == 0;
}

static void forget(const struct rs_mlflow_shelf *shelf, int are_questions, const char *sum)
{
    int fd = openat(shelf->fd, "kept", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *entry;

    if (folder == NULL && fd >= 0)
        close(fd);
    while (folder != NULL && (entry = readdir(folder)) != NULL) {
        char name[512];
        snprintf(name, sizeof name, "kept/%s", entry->d_name);
        if (strncmp(entry->d_name, are_questions ? "q-" : "v-", 2) == 0 &&
            is_about(shelf, name, are_questions, sum))
            (void)unlinkat(shelf->fd, name, 0);
    }
    if (folder != NULL)
        closedir(folder);
}

void rs_mlflow_kept_forget(const struct rs_mlflow_shelf *shelf, const char *sum)
{
    forget(shelf, 1, sum); /* first: they lead there by their version */
    forget(shelf, 0, sum);
}

json_t *rs_mlflow_kept_sums(const struct rs_mlflow_shelf *shelf)
{
    json_t *sums = json_object();
    int fd = openat(shelf->fd, "kept", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *entry;

    if (folder == NULL && fd >= 0)
        close(fd);
    while (folder != NULL && sums != NULL && (entry = readdir(folder)) != NULL) {
        char name[512];
        struct rs_mlflow_kept kept;
        if (strncmp(entry->d_name, "q-", 2) != 0)
            continue;
        snprintf(name, sizeof name, "kept/%s", entry->d_name);
        if (find_stamp(shelf, name, &kept, NULL) == RECSYS_OK)
            (void)json_object_set_new(sums, kept.sum, json_true());
    }
    if (folder != NULL)
        closedir(folder);
    return sums;
}
