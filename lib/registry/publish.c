/* lib/registry/publish.c - put a bundle into the registry, whole or not at all.
 *
 * The bundle is copied into a directory of a temporary name beside the other
 * versions, checked there by loading it, given its name and number, synced,
 * and then renamed to that number. Before the rename it does not count as a version;
 * a rename never replaces one, so if two publishers choose the same number, one of
 * them tries again with the next.
 *
 * Only what the manifest lists is copied. Any thread or process.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/base/buffer.h"
#include "lib/base/error.h"
#include "lib/base/json.h"
#include "lib/base/log.h"
#include "lib/base/utf8.h"
#include "lib/registry/registry.h"
#include "lib/registry/staging.h"
#include "recsys/model.h"

#define MANIFEST "recsys.json"
#define MAX_MANIFEST ((size_t)1 << 20)
#define PIECE (MAX_MANIFEST + 1) /* a manifest that fills it is too long */
#define MAX_ATTEMPTS 1000

struct publication {
    const struct rs_local *local;
    const char *bundle, *name;
    int source; /* directory of the bundle */
    int model;  /* directory of the model in the registry */
    struct rs_staging staging;
    json_t *manifest;
    unsigned char *piece; /* PIECE bytes to copy through */
};

static int write_all(int fd, const void *bytes, size_t size)
{
    const unsigned char *next = bytes;

    while (size > 0) {
        ssize_t done = write(fd, next, size);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return -1;
        next += done;
        size -= (size_t)done;
    }
    return 0;
}

/* Up to `size` bytes, fewer at the end of the file; -1 and errno. */
static ssize_t read_piece(int fd, void *bytes, size_t size)
{
    ssize_t done;

    do
        done = read(fd, bytes, size);
    while (done < 0 && errno == EINTR);
    return done;
}

/* O_NONBLOCK: a pipe of that name must not block the caller. */
static recsys_status open_regular(const struct publication *p, const char *name, int *fd,
                                  uint64_t *size, recsys_error *err)
{
    struct stat about;

    *size = 0;
    *fd = openat(p->source, name, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (*fd < 0 || fstat(*fd, &about) != 0)
        return rs_error_sys(err, errno, "cannot open %s/%s", p->bundle, name);
    if (!S_ISREG(about.st_mode))
        return rs_error(err, RECSYS_E_FORMAT, "%s/%s is not a regular file", p->bundle, name);
    *size = (uint64_t)about.st_size;
    return RECSYS_OK;
}

static recsys_status read_manifest(struct publication *p, recsys_error *err)
{
    char where[PATH_MAX];
    uint64_t size;
    size_t filled = 0;
    ssize_t got;
    int fd;
    recsys_status status = open_regular(p, MANIFEST, &fd, &size, err);

    while (status == RECSYS_OK && filled < PIECE) {
        got = read_piece(fd, p->piece + filled, PIECE - filled);
        if (got < 0)
            status = rs_error_sys(err, errno, "cannot read %s/" MANIFEST, p->bundle);
        if (got <= 0)
            break;
        filled += (size_t)got;
    }
    if (status == RECSYS_OK && filled > MAX_MANIFEST)
        status = rs_error(err, RECSYS_E_FORMAT, "%s/" MANIFEST " is larger than 1 MiB", p->bundle);
    if (fd >= 0)
        close(fd);
    if (status != RECSYS_OK)
        return status;

    snprintf(where, sizeof where, "%s/" MANIFEST, p->bundle);
    size_t mark = rs_utf8_mark_size((const char *)p->piece, filled);
    status = rs_json_parse((const char *)p->piece + mark, filled - mark, where, &p->manifest, err);
    if (status == RECSYS_OK && !json_is_array(json_object_get(p->manifest, "files")))
        status = rs_error(err, RECSYS_E_FORMAT, "%s: \"files\" must be an array", where);
    return status;
}

static int is_plain(const char *name)
{
    return *name != '\0' && strchr(name, '/') == NULL && strcmp(name, ".") != 0 &&
           strcmp(name, "..") != 0 && strcmp(name, MANIFEST) != 0;
}

static recsys_status copy_file(const struct publication *p, const char *name, recsys_error *err)
{
    uint64_t size, copied = 0;
    int from, to = -1;
    ssize_t got = 0;
    recsys_status status = open_regular(p, name, &from, &size, err);

    if (status != RECSYS_OK)
        goto end;
    to = openat(p->staging.fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (to < 0)
        goto fail;
    /* Not beyond the size it had: a bundle's file does not grow. */
    while (copied < size && (got = read_piece(from, p->piece, PIECE)) > 0) {
        if (write_all(to, p->piece, (size_t)got) != 0)
            goto fail;
        copied += (uint64_t)got;
    }
    if (got < 0 || fsync(to) != 0)
        goto fail;
    int result = close(to);
    to = -1;
    if (result == 0)
        goto end;

fail:
    status = rs_error_sys(err, errno, "cannot copy %s/%s to %s/%s", p->bundle, name, p->local->root,
                          p->name);
end:
    if (to >= 0)
        close(to);
    if (from >= 0)
        close(from);
    return status;
}

static recsys_status copy_files(const struct publication *p, recsys_error *err)
{
    size_t i;
    json_t *file;

    json_array_foreach(json_object_get(p->manifest, "files"), i, file)
    {
        const char *name = NULL;
        recsys_status status = rs_json_get_text(file, "name", 1, MANIFEST, &name, err);
        if (status == RECSYS_OK && !is_plain(name))
            status = rs_error(err, RECSYS_E_FORMAT,
                              "%s/" MANIFEST ": \"%.100s\" is not the plain name of a file",
                              p->bundle, name);
        if (status == RECSYS_OK)
            status = copy_file(p, name, err);
        if (status != RECSYS_OK)
            return status;
    }
    return RECSYS_OK;
}

static recsys_status write_manifest(const struct publication *p, uint64_t version,
                                    recsys_error *err)
{
    struct rs_buffer text;
    char number[32];
    recsys_status status = RECSYS_OK;

    rs_buffer_init(&text, 2 * MAX_MANIFEST);
    snprintf(number, sizeof number, "%" PRIu64, version);
    if (json_object_set_new(p->manifest, "name", json_string(p->name)) != 0 ||
        json_object_set_new(p->manifest, "version", json_string(number)) != 0 ||
        rs_json_write(p->manifest, JSON_INDENT(2), &text) != 0)
        status = rs_error_nomem(err, "writing " MANIFEST);
    rs_buffer_add_text(&text, "\n");
    if (status == RECSYS_OK && text.status != RECSYS_OK)
        status = rs_error_nomem(err, "writing " MANIFEST);
    if (status == RECSYS_OK) {
        int fd = openat(p->staging.fd, MANIFEST, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
        if (fd < 0 || write_all(fd, text.bytes, text.size) != 0 || fsync(fd) != 0)
            status = rs_error_sys(err, errno, "cannot write " MANIFEST " to %s/%s", p->local->root,
                                  p->name);
        if (fd >= 0 && close(fd) != 0 && status == RECSYS_OK)
            status = rs_error_sys(err, errno, "cannot write " MANIFEST);
    }
    rs_buffer_destroy(&text);
    return status;
}

/* The loader's message names the temporary directory; the publisher knows only the bundle's. */
static recsys_status check_by_loading(const struct publication *p, recsys_error *err)
{
    char path[PATH_MAX];
    recsys_model *model = NULL;
    recsys_error reason;

    if (snprintf(path, sizeof path, "%s/%s/%s", p->local->root, p->name, p->staging.name) >=
        (int)sizeof path)
        return rs_error_sys(err, ENAMETOOLONG, "cannot publish %s", p->bundle);
    recsys_status status = recsys_model_load(path, NULL, &model, &reason);
    recsys_model_unref(model);
    if (status == RECSYS_OK)
        return status;
    rs_error(err, status, "cannot publish %.100s: %s", p->bundle, reason.message);
    if (err != NULL)
        err->sys_errno = reason.sys_errno;
    return status;
}

static recsys_status give_number(struct publication *p, uint64_t *version, recsys_error *err)
{
    int problem = 0;

    for (int attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
        char name[32];
        uint64_t highest;
        recsys_status status = rs_registry_find_highest(p->model, &highest, err);
        if (status == RECSYS_OK && highest == UINT64_MAX)
            return rs_error(err, RECSYS_E_LIMIT, "model \"%s\" has no numbers left", p->name);
        if (status == RECSYS_OK)
            status = write_manifest(p, highest + 1, err);
        if (status == RECSYS_OK && attempt == 0)
            status = check_by_loading(p, err);
        if (status != RECSYS_OK)
            return status;
        snprintf(name, sizeof name, "%" PRIu64, highest + 1);
        problem = rs_staging_rename(&p->staging, name);
        if (problem == 0) {
            *version = highest + 1;
            return RECSYS_OK;
        }
        if (problem != EEXIST && problem != ENOTEMPTY) /* = another publisher took the number */
            break;
    }
    return rs_error_sys(err, problem, "cannot publish %s in %s/%s", p->bundle, p->local->root,
                        p->name);
}

static recsys_status open_target(struct publication *p, recsys_error *err)
{
    int root = open(p->local->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int problem = 0;

    if (root < 0)
        return rs_error_sys(err, errno, "registry: cannot open %s", p->local->root);
    if (mkdirat(root, p->name, 0777) == 0) {
        if (fsync(root) != 0)
            problem = errno;
    } else if (errno != EEXIST) {
        problem = errno;
    }
    close(root);
    if (problem != 0)
        return rs_error_sys(err, problem, "registry: cannot make %s/%s", p->local->root, p->name);
    return rs_registry_open_model(p->local, p->name, &p->model, err);
}

static recsys_status publish(struct publication *p, uint64_t *version, recsys_error *err)
{
    recsys_status status;

    p->source = open(p->bundle, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (p->source < 0 && errno == ENOTDIR)
        return rs_error(err, RECSYS_E_INVALID,
                        "cannot publish %s: it is not a bundle directory; write one with "
                        "recsys_builder_import_model() and recsys_builder_write()",
                        p->bundle);
    if (p->source < 0)
        return rs_error_sys(err, errno, "cannot open bundle %s", p->bundle);
    p->piece = rs_alloc(PIECE);
    if (p->piece == NULL)
        return rs_error_nomem(err, "publishing a bundle");
    status = read_manifest(p, err);
    if (status == RECSYS_OK)
        status = open_target(p, err);
    if (status != RECSYS_OK)
        return status;
    rs_staging_clear_leftovers(p->model);
    status = rs_staging_open(p->model, &p->staging, err);
    if (status == RECSYS_OK)
        status = copy_files(p, err);
    if (status == RECSYS_OK)
        status = give_number(p, version, err);
    return status;
}

static recsys_status check_path_length(const struct rs_local *local, const char *name,
                                       recsys_error *err)
{
    recsys_registry_location longest = RECSYS_REGISTRY_LOCATION_INIT;

    return rs_local_locate(local, name, UINT64_MAX, &longest, err);
}

recsys_status rs_local_publish(void *self, const char *bundle, const char *name,
                               recsys_registry_location *out, recsys_error *err)
{
    const struct rs_local *local = self;
    uint64_t version = 0;
    struct publication p = {.local = local,
                            .bundle = bundle,
                            .name = name,
                            .source = -1,
                            .model = -1,
                            .staging = {.fd = -1}};
    recsys_status status = rs_registry_check_name(name, "model name", err);

    if (status == RECSYS_OK) /* before publishing a version whose path the caller could not get */
        status = check_path_length(local, name, err);
    if (status != RECSYS_OK)
        return status;
    status = publish(&p, &version, err);
    if (status == RECSYS_OK)
        status = rs_local_locate(local, name, version, out, err);
    if (status == RECSYS_OK)
        rs_log(RECSYS_LOG_INFO, "registry: published %s as models:/%s/%" PRIu64, bundle, name,
               version);

    rs_staging_close(&p.staging);
    if (p.model >= 0)
        close(p.model);
    if (p.source >= 0)
        close(p.source);
    rs_free(p.piece);
    json_decref(p.manifest);
    return status;
}
