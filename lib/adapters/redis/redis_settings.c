/* lib/adapters/redis/redis_settings.c - see redis_settings.h.
 *
 * An empty text means the same as none, because an environment variable or a field of
 * a form that was not filled in is empty.
 */
#include "lib/adapters/redis/redis_settings.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "lib/adapters/redis/redis_node.h"
#include "lib/adapters/redis/redis_tls.h"
#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/structs.h"

#define MAX_POOL 65536u
#define A_CENTURY_NS ((uint64_t)3155760000u * 1000000000u)

static int is_given(const char *text)
{
    return text != NULL && *text != '\0';
}

static recsys_status refuse(recsys_error *err, const char *why)
{
    return rs_error(err, RECSYS_E_INVALID, "recsys_redis_create: %s", why);
}

static recsys_status check(const recsys_redis_options *options, recsys_error *err)
{
    int has_tls = (options->flags & RECSYS_REDIS_TLS) != 0;

    recsys_status status = rs_reserved(options->flags & ~(uint32_t)RECSYS_REDIS_TLS,
                                       "recsys_redis_create: options.flags", err);
    if (status == RECSYS_OK)
        status = rs_reserved(options->reserved, "recsys_redis_create: options.reserved", err);
    if (status != RECSYS_OK)
        return status;
    status = rs_reserved(options->reserved_2, "recsys_redis_create: options.reserved_2", err);
    if (status != RECSYS_OK)
        return status;
    if (options->port > 65535)
        return refuse(err, "port is beyond 65535");
    if (options->pool_size > MAX_POOL)
        return refuse(err, "pool_size is beyond 65536");
    if (is_given(options->password) && is_given(options->password_file))
        return refuse(err, "password and password_file are given; give one of them");
    if (is_given(options->user) && !is_given(options->password) &&
        !is_given(options->password_file))
        return refuse(err,
                      "user is given without password; give both, or neither for the default user");
    if (is_given(options->cert_file) != is_given(options->key_file))
        return refuse(err, "cert_file and key_file belong together; one is missing");
    if (!has_tls && (is_given(options->ca_file) || is_given(options->cert_file)))
        return refuse(err, "certificates are given but RECSYS_REDIS_TLS is not; without it "
                           "everything would be sent in plain text");
    if (has_tls && is_given(options->host) && options->host[0] == '/')
        return refuse(err, "TLS over a Unix socket has no server name to verify");
    return RECSYS_OK;
}

/* 0 if there was no memory. */
static int copy(char **out, const char *text)
{
    *out = is_given(text) ? rs_copy_text(text) : NULL;
    return *out != NULL || !is_given(text);
}

/* RECSYS_NEVER_32 becomes a century, so that sums with it do not overflow. */
static uint64_t scale(uint32_t number, uint32_t if_zero, uint64_t unit_ns)
{
    if (number == RECSYS_NEVER_32)
        return A_CENTURY_NS;
    return (number == 0 ? if_zero : number) * unit_ns;
}

static recsys_status make_node(struct rs_redis_settings *settings, recsys_error *err)
{
    struct rs_redis_node *node = rs_alloc_array(1, sizeof *node);

    if (node == NULL)
        return rs_error_nomem(err, "redis options");
    atomic_init(&node->moves, 0u);
    int result = rs_lock_init(&node->lock);
    if (result != 0) {
        rs_free(node);
        return rs_error_sys(err, result, "cannot make the lock of a node");
    }
    settings->node = node;
    settings->has_hash_tag = rs_redis_has_hash_tag(settings->prefix);
    return RECSYS_OK;
}

static void say_where(struct rs_redis_settings *settings)
{
    if (settings->host[0] == '/')
        snprintf(settings->where, sizeof settings->where, "redis at %.90s, db %u", settings->host,
                 settings->db);
    else
        snprintf(settings->where, sizeof settings->where, "redis at %.80s:%u, db %u",
                 settings->host, settings->port, settings->db);
}

recsys_status rs_redis_settings_read(struct rs_redis_settings *settings,
                                     const recsys_redis_options *options, recsys_error *err)
{
    recsys_redis_options given;
    recsys_status status =
        rs_struct_read(&given, sizeof given, options, RECSYS_REDIS_OPTIONS_SIZE_V1,
                       "recsys_redis_create: options", err);

    memset(settings, 0, sizeof *settings);
    if (status != RECSYS_OK)
        return status;
    status = check(&given, err);
    if (status != RECSYS_OK)
        return status;
    settings->port = given.port == 0 ? 6379 : given.port;
    settings->db = given.db;
    settings->pool_size = given.pool_size == 0 ? 16 : given.pool_size;
    settings->share_from = given.share_from == 0 ? RECSYS_NEVER_32 : given.share_from;
    settings->connect_timeout_ns = scale(given.connect_timeout_ms, 100, 1000000u);
    settings->command_timeout_ns = scale(given.command_timeout_ms, 50, 1000000u);
    settings->pool_timeout_ns = scale(given.pool_timeout_ms, 10, 1000000u);
    settings->max_age_ns = scale(given.max_age_s, 600, 1000000000u);
    if (!copy(&settings->host, is_given(given.host) ? given.host : "127.0.0.1") ||
        !copy(&settings->user, given.user) || !copy(&settings->password, given.password) ||
        !copy(&settings->password_file, given.password_file) ||
        !copy(&settings->prefix, given.prefix) || !copy(&settings->ca_file, given.ca_file) ||
        !copy(&settings->cert_file, given.cert_file) || !copy(&settings->key_file, given.key_file))
        status = rs_error_nomem(err, "redis options");
    if (status == RECSYS_OK)
        status = make_node(settings, err);
    if (status == RECSYS_OK) {
        settings->prefix_size = settings->prefix == NULL ? 0 : strlen(settings->prefix);
        say_where(settings);
    }
    if (status == RECSYS_OK && (given.flags & RECSYS_REDIS_TLS) != 0) {
        const struct rs_redis_tls_files files = {settings->where, settings->ca_file,
                                                 settings->cert_file, settings->key_file};
        status = rs_redis_tls_create(&files, &settings->tls, err);
    }
    if (status != RECSYS_OK)
        rs_redis_settings_destroy(settings);
    return status;
}

void rs_redis_settings_destroy(struct rs_redis_settings *settings)
{
    rs_redis_tls_destroy(settings->tls);
    if (settings->node != NULL)
        rs_lock_destroy(&settings->node->lock);
    rs_free(settings->node);
    rs_free(settings->host);
    rs_free(settings->user);
    rs_free(settings->password);
    rs_free(settings->password_file);
    rs_free(settings->prefix);
    rs_free(settings->ca_file);
    rs_free(settings->cert_file);
    rs_free(settings->key_file);
    memset(settings, 0, sizeof *settings);
}
