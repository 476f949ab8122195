/* lib/adapters/mlflow/mlflow_place.c - see mlflow_place.h.
 *
 * An artifact address of another server is refused: otherwise every user of MLflow that may
 * register a version could send this process, and its credentials, anywhere.
 */
#include "lib/adapters/mlflow/mlflow_place.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/error.h"

#define MANIFEST "recsys.json"
#define FOLDER "bundle"
#define MAX_MANIFEST ((size_t)1 << 20)
#define PROXY "/mlflow-artifacts/artifacts"

static const char *skip(const char *text, const char *start)
{
    size_t n = strlen(start);

    return strncmp(text, start, n) == 0 ? text + n : NULL;
}

/* The rest of `uri` behind our own server's address; NULL if it is another one's. */
static const char *skip_server(const struct rs_mlflow_settings *settings, const char *uri)
{
    const char *host = strstr(settings->origin, "://") + 3;

    if (skip(uri, "mlflow-artifacts:") != NULL)
        uri = skip(uri, "mlflow-artifacts:");
    else if (skip(uri, "http:") != NULL)
        uri = skip(uri, "http:");
    else
        uri = skip(uri, "https:");
    if (skip(uri, "//") == NULL)
        return uri; /* mlflow-artifacts:/PATH */
    uri = skip(uri, "//");
    if (*uri == '/')
        return uri;
    uri = skip(uri, host);
    return uri != NULL && (*uri == '/' || *uri == '\0') ? uri : NULL;
}

static recsys_status set_path(struct rs_mlflow_place *out, int way, const char *path,
                              recsys_error *err)
{
    size_t n = strlen(path);

    while (n > 0 && path[n - 1] == '/')
        n--;
    if (n >= sizeof out->path)
        return rs_error(err, RECSYS_E_FORMAT, "MLflow's address of a version is too long");
    /* A path that climbs is no version's own. */
    for (const char *at = path; at != NULL; at = strchr(at, '/')) {
        at += *at == '/';
        if (strncmp(at, "..", 2) == 0 && (at[2] == '/' || at[2] == '\0'))
            return rs_error(err, RECSYS_E_FORMAT,
                            "MLflow's address of a version has \"..\" in it: %.200s", path);
    }
    memcpy(out->path, path, n);
    out->path[n] = '\0';
    out->way = way;
    return RECSYS_OK;
}

static int is_directory(const char *path)
{
    struct stat about;

    return stat(path, &about) == 0 && S_ISDIR(about.st_mode);
}

/* runs:/RUN/path */
static recsys_status read_run(const char *rest, struct rs_mlflow_place *out, recsys_error *err)
{
    size_t n;

    rest += strspn(rest, "/");
    n = strcspn(rest, "/");
    if (n == 0 || n >= sizeof out->run_id)
        return rs_error(err, RECSYS_E_FORMAT, "MLflow's address runs:/%.100s has no run", rest);
    memcpy(out->run_id, rest, n);
    out->run_id[n] = '\0';
    rest += n;
    rest += strspn(rest, "/");
    return set_path(out, RS_MLFLOW_OF_RUN, rest, err);
}

recsys_status rs_mlflow_place_read(const struct rs_mlflow_settings *settings, const char *uri,
                                   const struct rs_mlflow_version *version,
                                   struct rs_mlflow_place *out, recsys_error *err)
{
    const char *rest, *file = uri;

    memset(out, 0, sizeof *out);
    snprintf(out->name, sizeof out->name, "%s", version->name);
    snprintf(out->number, sizeof out->number, "%s", version->number);
    rest = skip(uri, "runs:/");
    if (rest != NULL)
        return read_run(rest, out, err);
    if (skip(uri, "mlflow-artifacts:") != NULL || skip(uri, "http:") != NULL ||
        skip(uri, "https:") != NULL) {
        int is_plain = skip(uri, "mlflow-artifacts:") == NULL;
        rest = skip_server(settings, uri);
        if (rest != NULL && is_plain) {
            const char *below = strstr(rest, "/api/2.0" PROXY "/");
            rest = below == NULL ? NULL : below + strlen("/api/2.0" PROXY);
        }
        if (rest == NULL)
            return rs_error(err, RECSYS_E_UNSUPPORTED,
                            "the files of version %s of model \"%.80s\" are on another server, "
                            "%.150s; files are fetched from the registry's own server only",
                            version->number, version->name, uri);
        return set_path(out, RS_MLFLOW_PROXIED, rest + strspn(rest, "/"), err);
    }
    if (skip(uri, "file://") != NULL)
        file = skip(uri, "file://");
    else if (skip(uri, "file:") != NULL)
        file = skip(uri, "file:");
    if (*file == '/' && is_directory(file))
        return set_path(out, RS_MLFLOW_LOCAL, file, err);
    return set_path(out, RS_MLFLOW_OF_VERSION, "", err);
}

recsys_status rs_mlflow_place_url(const struct rs_mlflow_settings *settings,
                                  const struct rs_mlflow_place *place, const char *file,
                                  char out[RS_MLFLOW_MAX_URL], recsys_error *err)
{
    char below[RS_MLFLOW_MAX_URI + 512];
    struct rs_mlflow_path path;
    int is_proxied = place->way == RS_MLFLOW_PROXIED;

    snprintf(below, sizeof below, "%s%s%s", place->path, *place->path == '\0' ? "" : "/", file);
    if (is_proxied) {
        rs_mlflow_path_begin(&path, PROXY "/");
        rs_mlflow_url_add(&path.text, below, '/');
    } else if (place->way == RS_MLFLOW_OF_VERSION) {
        rs_mlflow_path_begin(&path, "/model-versions/get-artifact");
        rs_mlflow_path_add(&path, "name", place->name);
        rs_mlflow_path_add(&path, "version", place->number);
        rs_mlflow_path_add(&path, "path", below);
    } else {
        rs_mlflow_path_begin(&path, "/get-artifact");
        rs_mlflow_path_add(&path, "run_id", place->run_id);
        rs_mlflow_path_add(&path, "path", below);
    }
    if (path.text.status != RECSYS_OK)
        return rs_error(err, RECSYS_E_LIMIT, "MLflow %.200s: the URL of a file is too long",
                        settings->origin);
    return rs_mlflow_url(settings, path.text.bytes, is_proxied, out, err);
}

/* -- the manifest -- */

static recsys_status enter(struct rs_mlflow_place *place, recsys_error *err)
{
    char path[RS_MLFLOW_MAX_URI + 16];

    snprintf(path, sizeof path, "%s%s" FOLDER, place->path, *place->path == '\0' ? "" : "/");
    return set_path(place, place->way, path, err);
}

static recsys_status too_large(const char *what, recsys_error *err)
{
    return rs_error(err, RECSYS_E_LIMIT, "%.140s: " MANIFEST " is larger than 1 MiB", what);
}

static recsys_status read_local(const struct rs_mlflow_place *place, const char *what,
                                struct rs_buffer *out, recsys_error *err)
{
    char path[RS_MLFLOW_MAX_URI + 32];
    struct stat about;
    ssize_t got = 1;
    recsys_status status = RECSYS_OK;

    rs_buffer_clear(out);
    snprintf(path, sizeof path, "%s/" MANIFEST, place->path);
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? rs_error(err, RECSYS_E_NOT_FOUND, "there is no %s", path)
                               : rs_error_sys(err, errno, "cannot open %s", path);
    if (fstat(fd, &about) != 0 || !S_ISREG(about.st_mode))
        status = rs_error(err, RECSYS_E_FORMAT, "%s is not a regular file", path);
    while (status == RECSYS_OK && got > 0) {
        char piece[4096];
        got = read(fd, piece, sizeof piece);
        if (got < 0 && errno == EINTR)
            got = 1;
        else if (got < 0)
            status = rs_error_sys(err, errno, "cannot read %s", path);
        else
            rs_buffer_add(out, piece, (size_t)got);
    }
    close(fd);
    if (status == RECSYS_OK && out->status == RECSYS_E_LIMIT)
        return too_large(what, err);
    return status == RECSYS_OK && out->status != RECSYS_OK ? rs_error_nomem(err, MANIFEST) : status;
}

static recsys_status read_remote(struct rs_mlflow_http *http, const struct rs_mlflow_place *place,
                                 const char *what, struct rs_buffer *out, recsys_error *err)
{
    char url[RS_MLFLOW_MAX_URL];
    struct rs_mlflow_reply reply = {0};
    recsys_error said = {0};
    recsys_status status = rs_mlflow_place_url(http->settings, place, MANIFEST, url, err);

    if (status != RECSYS_OK)
        return status;
    rs_buffer_clear(out);
    status = rs_mlflow_get(http, url, MAX_MANIFEST, &reply, &said);
    if (status == RECSYS_E_LIMIT)
        status = too_large(what, err);
    else if (status != RECSYS_OK)
        rs_mlflow_say(http->settings, what, &said, err);
    else if (reply.code != 200)
        status = rs_mlflow_judge(http->settings, &reply, what, err);
    else if (reply.body.size == 0) /* as a folder of an object store downloads */
        status = rs_error(err, RECSYS_E_NOT_FOUND, "%.140s: " MANIFEST " is empty", what);
    if (status == RECSYS_OK)
        rs_buffer_add(out, reply.body.bytes, reply.body.size);
    rs_mlflow_reply_destroy(&reply);
    return status == RECSYS_OK && out->status != RECSYS_OK ? rs_error_nomem(err, MANIFEST) : status;
}

/* Where there are lists, they say where the manifest is. */
static recsys_status look(struct rs_mlflow_http *http, struct rs_mlflow_place *place,
                          const char *what, recsys_error *err)
{
    struct rs_mlflow_reply reply;
    struct rs_mlflow_listing found = {0};
    struct rs_mlflow_path path;
    recsys_error said = {0};

    rs_mlflow_path_begin(&path, PROXY);
    rs_mlflow_path_add(&path, "path", place->path);
    recsys_status status = rs_mlflow_ask(http, &path, what, &reply, err);
    if (status == RECSYS_OK) {
        status = rs_mlflow_parse_files(reply.body.bytes, reply.body.size, &found, &said);
        if (status != RECSYS_OK)
            rs_mlflow_say(http->settings, what, &said, err);
    }
    rs_mlflow_reply_destroy(&reply);
    if (status != RECSYS_OK || found.has_manifest)
        return status;
    if (found.has_bundle)
        return enter(place, err);
    if (found.n == 0)
        return rs_error(
            err, RECSYS_E_NOT_FOUND,
            "%.140s: the version has no files. They were never uploaded, or `mlflow gc` "
            "has removed them; log the model again",
            what);
    return rs_error(err, RECSYS_E_NOT_FOUND,
                    "%.140s: there is no bundle: neither " MANIFEST " nor " FOLDER "/ is among its "
                    "%zu files: %s %s %s %s",
                    what, found.n, found.first[0], found.first[1], found.first[2], found.first[3]);
}

static recsys_status read_manifest(struct rs_mlflow_http *http, const struct rs_mlflow_place *place,
                                   const char *what, struct rs_buffer *out, recsys_error *err)
{
    return place->way == RS_MLFLOW_LOCAL ? read_local(place, what, out, err)
                                         : read_remote(http, place, what, out, err);
}

/* Some stores answer 500 for a file that is not there. */
static int may_be_missing(recsys_status status)
{
    return status == RECSYS_E_NOT_FOUND || status == RECSYS_E_BACKEND;
}

recsys_status rs_mlflow_place_find_manifest(struct rs_mlflow_http *http,
                                            struct rs_mlflow_place *place, const char *what,
                                            struct rs_buffer *manifest, recsys_error *err)
{
    struct rs_mlflow_place inside = *place;
    recsys_error at_root = {0}, in_folder = {0};

    rs_buffer_init(manifest, MAX_MANIFEST);
    if (place->way == RS_MLFLOW_PROXIED) {
        recsys_status status = look(http, place, what, err);
        return status == RECSYS_OK ? read_manifest(http, place, what, manifest, err) : status;
    }
    recsys_status status = enter(&inside, err);
    if (status != RECSYS_OK)
        return status;
    status = read_manifest(http, &inside, what, manifest, &in_folder);
    if (status == RECSYS_OK) {
        *place = inside;
        return RECSYS_OK;
    }
    if (!may_be_missing(status))
        return rs_error_copy(err, &in_folder);
    status = read_manifest(http, place, what, manifest, &at_root);
    if (status == RECSYS_OK)
        return RECSYS_OK;
    if (status == RECSYS_E_NOT_FOUND)
        return rs_error(err, RECSYS_E_NOT_FOUND,
                        "%.140s: there is no bundle: neither " MANIFEST " nor " FOLDER "/" MANIFEST
                        ". The files were never uploaded, or were removed",
                        what);
    return rs_error_copy(err, &at_root);
}
