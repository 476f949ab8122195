/* lib/adapters/mlflow/mlflow_fetch.c - bring the bundle of a version to this machine.
 *
 * The manifest is always asked for: the files behind a version may change without any trace in the
 * registry. Its sum is the bundle's name in the cache, so a bundle that is there needs no download,
 * whatever version it belongs to.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "lib/adapters/mlflow/mlflow_api.h"
#include "lib/adapters/mlflow/mlflow_download.h"
#include "lib/adapters/mlflow/mlflow_driver.h"
#include "lib/adapters/mlflow/mlflow_origin.h"
#include "lib/adapters/mlflow/mlflow_place.h"
#include "lib/adapters/mlflow/mlflow_room.h"
#include "lib/base/clock.h"
#include "lib/base/error.h"
#include "lib/base/hex.h"
#include "lib/base/log.h"

#define MANIFEST "recsys.json"

/* One fetch; everything that its steps leave for later ones. */
struct fetch {
    struct rs_mlflow *mlflow;
    const recsys_registry_location *location;
    char what[320]; /* "version 3 of model films" */
    struct rs_mlflow_http http;
    struct rs_mlflow_version version;
    struct rs_mlflow_origins origins;
    struct rs_mlflow_place place;
    struct rs_buffer text; /* of the manifest */
    struct rs_mlflow_manifest manifest;
    char sum[RS_MLFLOW_SUM_SIZE];
};

static recsys_status ask_version(struct fetch *f, recsys_error *err)
{
    struct rs_mlflow_path path;
    struct rs_mlflow_reply reply = {0};
    recsys_error said = {0};
    char stamp[RS_MLFLOW_KEY_SIZE];

    rs_mlflow_path_begin(&path, "/mlflow/model-versions/get");
    rs_mlflow_path_add(&path, "name", f->location->name);
    rs_mlflow_path_add(&path, "version", f->location->version);
    recsys_status status = rs_mlflow_ask(&f->http, &path, f->what, &reply, err);
    if (status == RECSYS_OK) {
        status = rs_mlflow_parse_version(reply.body.bytes, reply.body.size, &f->version, &said);
        if (status != RECSYS_OK)
            rs_mlflow_say(f->http.settings, f->what, &said, err);
    }
    rs_mlflow_reply_destroy(&reply);
    if (status != RECSYS_OK)
        return status;
    if (!rs_mlflow_stamp(f->mlflow, &f->version, stamp))
        return rs_error_nomem(err, "stamp of a version");
    if (strcmp(stamp, f->location->stamp) != 0)
        return rs_error(err, RECSYS_E_CONFLICT,
                        "%s is another one than a moment ago: the model was deleted and made again",
                        f->what);
    return RECSYS_OK;
}

static recsys_status ask_place(struct fetch *f, recsys_error *err)
{
    struct rs_mlflow_path path;
    struct rs_mlflow_reply reply = {0};
    recsys_error said = {0};
    char uri[RS_MLFLOW_MAX_URI];

    rs_mlflow_path_begin(&path, "/mlflow/model-versions/get-download-uri");
    rs_mlflow_path_add(&path, "name", f->location->name);
    rs_mlflow_path_add(&path, "version", f->location->version);
    recsys_status status = rs_mlflow_ask(&f->http, &path, f->what, &reply, err);
    if (status == RECSYS_OK) {
        status = rs_mlflow_parse_uri(reply.body.bytes, reply.body.size, uri, &said);
        if (status == RECSYS_OK)
            status = rs_mlflow_place_read(f->http.settings, uri, &f->version, &f->place, &said);
        if (status != RECSYS_OK)
            rs_mlflow_say(f->http.settings, f->what, &said, err);
    }
    rs_mlflow_reply_destroy(&reply);
    if (status != RECSYS_OK || f->place.way != RS_MLFLOW_OF_RUN)
        return status;
    /* The server leaves runs:/RUN/PATH as it is; the run knows where its files are. */
    if (!f->origins.has_run || strcmp(f->place.run_id, f->version.run_id) != 0 ||
        f->origins.run.artifact_uri[0] == '\0')
        return RECSYS_OK; /* then the server must read the files for us */
    char whole[2 * RS_MLFLOW_MAX_URI];
    snprintf(whole, sizeof whole, "%s/%s", f->origins.run.artifact_uri, f->place.path);
    if (strlen(whole) >= RS_MLFLOW_MAX_URI)
        return RECSYS_OK;
    struct rs_mlflow_place direct;
    status = rs_mlflow_place_read(f->http.settings, whole, &f->version, &direct, &said);
    if (status == RECSYS_OK && direct.way != RS_MLFLOW_OF_VERSION) /* 500 for such a source */
        f->place = direct;
    return RECSYS_OK;
}

static recsys_status read_manifest(struct fetch *f, recsys_error *err)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    recsys_error said = {0};
    recsys_status status =
        rs_mlflow_place_find_manifest(&f->http, &f->place, f->what, &f->text, err);

    if (status != RECSYS_OK)
        return status;
    status = rs_mlflow_parse_manifest(f->text.bytes, f->text.size, &f->manifest, &said);
    if (status != RECSYS_OK)
        return rs_mlflow_say(f->http.settings, f->what, &said, err);
    if (EVP_Digest(f->text.bytes, f->text.size, digest, &size, EVP_sha256(), NULL) != 1)
        return rs_error_nomem(err, "SHA-256");
    char hex[2 * EVP_MAX_MD_SIZE + 1];
    rs_hex_write(digest, size, hex);
    snprintf(f->sum, sizeof f->sum, "%.64s", hex);
    return RECSYS_OK;
}

/* Is every file of the bundle in `directory` as the manifest says? */
static recsys_status verify(const struct fetch *f, int directory, recsys_error *err)
{
    recsys_status status = RECSYS_OK;

    for (size_t i = 0; i < f->manifest.n_files && status == RECSYS_OK; i++)
        status = rs_mlflow_verify(&f->manifest.files[i], directory, err);
    return status;
}

/* The questions that were asked last. */
static void copy_asked(struct rs_mlflow *mlflow, struct rs_mlflow_asked out[RS_MLFLOW_N_ASKED])
{
    rs_lock_take(&mlflow->lock);
    memcpy(out, mlflow->asked, sizeof mlflow->asked);
    rs_lock_give(&mlflow->lock);
}

/* -- downloading, under the lock of the bundle -- */

/* The bundle, and what a start without the server would take today for the URI that it is fetched
 * for: that stays until the bundle is there. An object; NULL without memory. */
static json_t *list_staying(const struct fetch *f)
{
    struct rs_mlflow_asked asked[RS_MLFLOW_N_ASKED];
    struct rs_mlflow_kept kept;
    json_t *sums = json_object();
    int failed = json_object_set_new(sums, f->sum, json_true());

    copy_asked(f->mlflow, asked);
    for (size_t i = 0; i < RS_MLFLOW_N_ASKED; i++)
        if (asked[i].key[0] != '\0' && strcmp(asked[i].stamp, f->location->stamp) == 0 &&
            rs_mlflow_kept_find(&f->mlflow->shelf, asked[i].key, &kept, NULL) == RECSYS_OK)
            failed |= json_object_set_new(sums, kept.sum, json_true());
    if (failed == 0)
        return sums;
    json_decref(sums);
    return NULL;
}

static recsys_status make_room(struct fetch *f, int directory, recsys_error *err)
{
    const struct rs_mlflow_settings *settings = f->http.settings;
    uint64_t here = 0, cached = 0, n_removed = 0;
    struct stat about;

    for (size_t i = 0; i < f->manifest.n_files; i++)
        if (fstatat(directory, f->manifest.files[i].name, &about, AT_SYMLINK_NOFOLLOW) == 0 &&
            (uint64_t)about.st_size <= f->manifest.files[i].size)
            here += (uint64_t)about.st_size;
    if (f->manifest.n_bytes > settings->cache_bytes)
        return rs_error(err, RECSYS_E_LIMIT,
                        "%s has %llu bytes, and all bundles in the cache directory %s together may "
                        "have %llu; raise the limit of the cache",
                        f->what, (unsigned long long)f->manifest.n_bytes, settings->cache,
                        (unsigned long long)settings->cache_bytes);
    json_t *staying = list_staying(f);
    if (staying == NULL)
        return rs_error_nomem(err, "cache");
    recsys_status status =
        rs_mlflow_room_make(&f->mlflow->shelf, f->sum, f->manifest.n_bytes - here,
                            settings->cache_bytes, staying, &cached, &n_removed, err);
    json_decref(staying);
    atomic_fetch_add(&f->mlflow->counts.evictions, n_removed);
    atomic_store(&f->mlflow->counts.cache_bytes, cached + f->manifest.n_bytes - here);
    return status;
}

/* The manifest last: with it the directory is complete. */
static recsys_status write_manifest(const struct fetch *f, int directory, recsys_error *err)
{
    int fd =
        openat(directory, MANIFEST, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0666);
    const char *next = f->text.bytes;
    size_t left = f->text.size;
    int is_written = fd >= 0;

    while (is_written && left > 0) {
        ssize_t done = write(fd, next, left);
        if (done < 0 && errno != EINTR)
            is_written = 0;
        if (done > 0) {
            next += done;
            left -= (size_t)done;
        }
    }
    is_written = is_written && fsync(fd) == 0;
    int problem = errno;
    if (fd >= 0)
        close(fd);
    return is_written ? RECSYS_OK
                      : rs_error_sys(err, problem, "%s: cannot write " MANIFEST " into the cache",
                                     f->what);
}

static recsys_status download(struct fetch *f, recsys_error *err)
{
    struct rs_mlflow_shelf *shelf = &f->mlflow->shelf;
    uint64_t began = rs_clock_ns();
    int directory = rs_mlflow_shelf_begin(shelf, f->sum);

    if (directory < 0)
        return rs_error_sys(err, errno, "%s: cannot make a directory in the cache directory %s",
                            f->what, shelf->path);
    recsys_status status = make_room(f, directory, err);
    rs_log(RECSYS_LOG_INFO, "registry: fetching %s: %llu bytes", f->what,
           (unsigned long long)f->manifest.n_bytes);
    recsys_error said = {0};
    for (size_t i = 0; i < f->manifest.n_files && status == RECSYS_OK; i++) {
        status = rs_mlflow_download(&f->http, &f->place, f->what, &f->manifest.files[i], directory,
                                    &said);
        if (status != RECSYS_OK)
            rs_error_copy(err, &said);
    }
    if (status == RECSYS_OK)
        status = write_manifest(f, directory, err);
    if (status == RECSYS_OK)
        status = rs_mlflow_shelf_finish(shelf, f->sum, directory, err);
    close(directory);
    /* A full disk needs the room more than we need the parts; parts with a wrong sum are of no use.
     */
    if (status != RECSYS_OK &&
        (status == RECSYS_E_FORMAT || status == RECSYS_E_LIMIT || said.sys_errno != 0))
        rs_mlflow_shelf_discard(shelf, "tmp", f->sum);
    if (status != RECSYS_OK)
        return status;
    atomic_fetch_add(&f->mlflow->counts.downloads, 1u);
    rs_log(RECSYS_LOG_INFO, "registry: fetched %s in %llu ms", f->what,
           (unsigned long long)((rs_clock_ns() - began) / 1000000u));
    return RECSYS_OK;
}

/* The whole bundle, open and checked; -1 if it is not there, or was damaged and is removed. */
static int find_whole(struct fetch *f)
{
    struct rs_mlflow_shelf *shelf = &f->mlflow->shelf;
    int fd = rs_mlflow_shelf_find(shelf, f->sum);
    recsys_error why = {0};

    if (fd < 0 || verify(f, fd, &why) == RECSYS_OK)
        return fd;
    close(fd);
    rs_log(RECSYS_LOG_WARN, "registry: %s is damaged in the cache and is fetched again: %s",
           f->what, why.message);
    rs_mlflow_shelf_discard(shelf, "bundles", f->sum);
    return -1;
}

static recsys_status bring(struct fetch *f, int *bundle, recsys_error *err)
{
    struct rs_mlflow_shelf *shelf = &f->mlflow->shelf;
    int lock = -1;
    recsys_status status = rs_mlflow_shelf_lock(shelf, f->sum, f->http.deadline_ns, &lock, err);

    if (status != RECSYS_OK)
        return status;
    *bundle = find_whole(f); /* perhaps the one that we waited for has brought it */
    if (*bundle >= 0) {
        atomic_fetch_add(&f->mlflow->counts.hits, 1u);
    } else {
        status = download(f, err);
        if (status == RECSYS_OK) {
            *bundle = rs_mlflow_shelf_find(shelf, f->sum);
            if (*bundle < 0)
                status = rs_error(err, RECSYS_E_CONFLICT,
                                  "%s was removed from the cache directory %s as soon as it was "
                                  "there",
                                  f->what, shelf->path);
        }
    }
    close(lock);
    return status;
}

/* -- records for a start without the server -- */

/* A record that is not written only makes such a start fail. */
static void keep(struct fetch *f)
{
    struct rs_mlflow *mlflow = f->mlflow;
    struct rs_mlflow_asked asked[RS_MLFLOW_N_ASKED];
    struct rs_mlflow_kept kept = {"", "", "", ""};
    recsys_error why = {0};
    json_t *described = rs_mlflow_origins_write(&f->origins, &f->version);
    recsys_status status = RECSYS_OK;

    snprintf(kept.name, sizeof kept.name, "%s", f->version.name);
    snprintf(kept.version, sizeof kept.version, "%s", f->version.number);
    snprintf(kept.stamp, sizeof kept.stamp, "%.32s", f->location->stamp);
    snprintf(kept.sum, sizeof kept.sum, "%s", f->sum);
    if (described == NULL)
        status = rs_error_nomem(&why, "description of a version");
    else
        status = rs_mlflow_keep_version(&mlflow->shelf, &kept, described, &why);
    json_decref(described);
    copy_asked(mlflow, asked);
    for (size_t i = 0; i < RS_MLFLOW_N_ASKED && status == RECSYS_OK; i++)
        if (asked[i].key[0] != '\0' && strcmp(asked[i].stamp, kept.stamp) == 0)
            status = rs_mlflow_keep_question(&mlflow->shelf, asked[i].key, asked[i].uri, kept.stamp,
                                             &why);
    if (status != RECSYS_OK)
        rs_log(RECSYS_LOG_WARN, "registry: a start without the server would fail: %s", why.message);
}

static recsys_status run(struct fetch *f, int *bundle, recsys_error *err)
{
    const struct rs_mlflow_settings *settings = &f->mlflow->settings;
    recsys_status status = rs_mlflow_http_open(&f->http, settings, &f->mlflow->counts, err);

    if (status != RECSYS_OK)
        return status;
    if (settings->download_ns != UINT64_MAX)
        f->http.deadline_ns = rs_clock_ns() + settings->download_ns;
    status = ask_version(f, err);
    if (status == RECSYS_OK)
        status = rs_mlflow_origins_ask(&f->http, &f->version, f->what, &f->origins, err);
    if (status == RECSYS_OK)
        status = ask_place(f, err);
    if (status == RECSYS_OK)
        status = read_manifest(f, err);
    if (status == RECSYS_OK)
        status = bring(f, bundle, err);
    if (status == RECSYS_OK)
        keep(f);
    return status;
}

recsys_status rs_mlflow_fetch(void *self, recsys_registry_location *location, recsys_error *err)
{
    struct rs_mlflow *mlflow = self;
    struct fetch f = {.mlflow = mlflow, .location = location};
    int bundle = -1;

    snprintf(f.what, sizeof f.what, "version %.24s of model %.255s", location->version,
             location->name);
    rs_buffer_init(&f.text, 0);
    recsys_status status = run(&f, &bundle, err);
    if (status == RECSYS_OK) {
        int n = snprintf(location->path, sizeof location->path, "%s/bundles/%s", mlflow->shelf.path,
                         f.sum);
        if (n < 0 || (size_t)n >= sizeof location->path) {
            status = rs_error(err, RECSYS_E_LIMIT, "the path of the cache directory is too long");
            close(bundle);
        } else {
            rs_mlflow_shelf_hold(&mlflow->shelf, f.sum, bundle);
        }
    }
    rs_mlflow_manifest_destroy(&f.manifest);
    rs_buffer_destroy(&f.text);
    rs_mlflow_origins_destroy(&f.origins);
    rs_mlflow_http_close(&f.http);
    return status;
}
