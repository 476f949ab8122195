/* lib/adapters/mlflow/mlflow_settings.c - see mlflow_settings.h.
 *
 * A URL with a password in it is refused, because URLs end in logs. An empty text means the same
 * as none, because an environment variable or a field of a form that was not filled in is empty.
 */
#include "lib/adapters/mlflow/mlflow_settings.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/structs.h"
#include "lib/base/text.h"
#include "lib/base/utf8.h"

#define MAX_URL 2000u
#define DEFAULT_TIMEOUT_MS 10000u
#define DEFAULT_STALL_MS 30000u
#define DEFAULT_DOWNLOAD_MS 3600000u
#define DEFAULT_CACHE_BYTES (UINT64_C(16) << 30)

static int is_given(const char *text)
{
    return text != NULL && *text != '\0';
}

static recsys_status refuse(recsys_error *err, const char *why)
{
    return rs_error(err, RECSYS_E_INVALID, "recsys_mlflow_create: %s", why);
}

/* Would it end a line of an HTTP request, or is it beyond one? */
static int has_control(const char *text)
{
    for (; *text != '\0'; text++)
        if ((unsigned char)*text < ' ' || *text == 127)
            return 1;
    return 0;
}

/* 0 if there was no memory. */
static int copy(char **out, const char *text)
{
    *out = is_given(text) ? rs_copy_text(text) : NULL;
    return *out != NULL || !is_given(text);
}

static recsys_status read_url(struct rs_mlflow_settings *settings, const char *url,
                              recsys_error *err)
{
    char scheme[8] = "";
    const char *host;

    if (!is_given(url))
        return refuse(err, "url is missing");
    if (strnlen(url, MAX_URL + 1) > MAX_URL || !rs_utf8_is_valid(url, strlen(url)) ||
        has_control(url) || strchr(url, ' ') != NULL)
        return refuse(err, "url is longer than 2000 bytes, or has characters that no URL has");
    host = strstr(url, "://");
    if (host != NULL && host - url < (ptrdiff_t)sizeof scheme)
        memcpy(scheme, url, (size_t)(host - url));
    if (!rs_text_equal(scheme, "http") && !rs_text_equal(scheme, "https"))
        return rs_error(err, RECSYS_E_INVALID,
                        "recsys_mlflow_create: \"%.200s\" does not begin with http:// or https://",
                        url);
    host += 3;
    size_t n = strcspn(host, "/?#");
    if (n == 0)
        return refuse(err, "url has no host");
    if (memchr(host, '@', n) != NULL)
        return refuse(err, "url has a user or password in it; give them as options, so that they "
                           "are not in logs");
    if (strpbrk(host + n, "?#") != NULL)
        return refuse(err, "url has a query or a fragment");
    size_t end = strlen(host);
    while (end > n && host[end - 1] == '/')
        end--;
    settings->origin = rs_copy_bytes(url, (size_t)(host - url) + n);
    settings->prefix = rs_copy_bytes(host + n, end - n);
    return settings->origin == NULL || settings->prefix == NULL ? rs_error_nomem(err, "registry")
                                                                : RECSYS_OK;
}

/* Absolute: the host may change its working directory. */
static recsys_status read_cache(struct rs_mlflow_settings *settings, const char *given,
                                recsys_error *err)
{
    char path[PATH_MAX], here[PATH_MAX];
    int n;

    if (!is_given(given))
        return refuse(err, "no cache directory is given");
    if (*given == '/')
        n = snprintf(path, sizeof path, "%s", given);
    else if (getcwd(here, sizeof here) == NULL)
        return rs_error_sys(err, errno, "cannot find the cache directory %s", given);
    else
        n = snprintf(path, sizeof path, "%s/%s", here, given);
    if (n < 0 || (size_t)n >= sizeof path)
        return refuse(err, "the path of the cache directory is too long");
    settings->cache = rs_copy_text(path);
    return settings->cache == NULL ? rs_error_nomem(err, "registry") : RECSYS_OK;
}

static recsys_status check(const recsys_mlflow_options *options, recsys_error *err)
{
    const char *const in_headers[] = {options->user, options->password, options->token,
                                      options->workspace, options->host};

    for (size_t i = 0; i < sizeof in_headers / sizeof in_headers[0]; i++)
        if (is_given(in_headers[i]) && has_control(in_headers[i]))
            return refuse(err, "a user, password, token, workspace or host has a control "
                               "character in it");
    if (is_given(options->user) && strchr(options->user, ':') != NULL)
        return refuse(err, "a user of basic authentication cannot have a colon");
    int has_password = is_given(options->password) || is_given(options->password_file);
    int has_token = is_given(options->token) || is_given(options->token_file);
    if (is_given(options->user) != has_password)
        return refuse(err, "user and password belong together; one is missing");
    if (has_password && has_token)
        return refuse(err, "a password and a token are given; the server takes one of them");
    return RECSYS_OK;
}

static uint64_t to_ns(uint32_t ms, uint32_t if_zero)
{
    if (ms == RECSYS_NEVER_32)
        return UINT64_MAX;
    return (ms == 0 ? if_zero : ms) * UINT64_C(1000000);
}

recsys_status rs_mlflow_settings_read(struct rs_mlflow_settings *settings, const char *url,
                                      const recsys_mlflow_options *options, recsys_error *err)
{
    recsys_mlflow_options given;

    memset(settings, 0, sizeof *settings);
    atomic_init(&settings->api_at_origin, 0);
    recsys_status status =
        rs_struct_read(&given, sizeof given, options, RECSYS_MLFLOW_OPTIONS_SIZE_V1,
                       "recsys_mlflow_create: options", err);
    if (status == RECSYS_OK)
        status = check(&given, err);
    if (status == RECSYS_OK)
        status = read_url(settings, url, err);
    if (status == RECSYS_OK)
        status = read_cache(settings, given.cache, err);
    if (status != RECSYS_OK)
        return status;
    if (!copy(&settings->user, given.user) || !copy(&settings->password, given.password) ||
        !copy(&settings->password_file, given.password_file) ||
        !copy(&settings->token, given.token) || !copy(&settings->token_file, given.token_file) ||
        !copy(&settings->ca_file, given.ca_file) || !copy(&settings->workspace, given.workspace) ||
        !copy(&settings->host, given.host))
        return rs_error_nomem(err, "registry");
    settings->timeout_ms = given.timeout_ms == 0 ? DEFAULT_TIMEOUT_MS : given.timeout_ms;
    settings->stall_s =
        (uint32_t)(((uint64_t)(given.stall_timeout_ms == 0 ? DEFAULT_STALL_MS
                                                           : given.stall_timeout_ms) +
                    999u) /
                   1000u);
    settings->download_ns = to_ns(given.download_timeout_ms, DEFAULT_DOWNLOAD_MS);
    settings->cache_bytes = given.cache_bytes == 0 ? DEFAULT_CACHE_BYTES : given.cache_bytes;
    return RECSYS_OK;
}

void rs_mlflow_settings_destroy(struct rs_mlflow_settings *settings)
{
    char *const texts[] = {settings->origin,    settings->prefix,     settings->cache,
                           settings->user,      settings->password,   settings->password_file,
                           settings->token,     settings->token_file, settings->ca_file,
                           settings->workspace, settings->host};

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        rs_free(texts[i]);
}

recsys_status rs_mlflow_read_secret(const char *text, const char *file, const char *what,
                                    char out[RS_MLFLOW_MAX_SECRET + 1], recsys_error *err)
{
    size_t size = 0;
    ssize_t got;

    *out = '\0';
    if (text != NULL) {
        if (strlen(text) > RS_MLFLOW_MAX_SECRET)
            return rs_error(err, RECSYS_E_INVALID, "registry: the %s is longer than 4096 bytes",
                            what);
        memcpy(out, text, strlen(text) + 1);
        return RECSYS_OK;
    }
    if (file == NULL)
        return RECSYS_OK;
    int fd = open(file, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return rs_error_sys(err, errno, "registry: cannot open the %s file %s", what, file);
    while (size < RS_MLFLOW_MAX_SECRET &&
           (got = read(fd, out + size, RS_MLFLOW_MAX_SECRET - size)) != 0) {
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            int problem = errno;
            close(fd);
            *out = '\0';
            return rs_error_sys(err, problem, "registry: cannot read the %s file %s", what, file);
        }
        size += (size_t)got;
    }
    close(fd);
    out[size] = '\0';
    out[strcspn(out, "\r\n")] = '\0';
    if (*out == '\0' || has_control(out))
        return rs_error(err, RECSYS_E_INVALID,
                        "registry: the first line of the %s file %s is empty, or has a control "
                        "character",
                        what, file);
    return RECSYS_OK;
}
