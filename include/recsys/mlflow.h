/* recsys/mlflow.h - an MLflow server as a registry. Part of librecsys-mlflow. Group: core. */
#ifndef RECSYS_MLFLOW_H
#define RECSYS_MLFLOW_H

#include <stdint.h>

#include "export.h"
#include "registry.h"
#include "status.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Options of a registry. Texts but `cache` may be NULL or "" for "none"; all are COPIED. Files with
 * credentials are read for every call, so that they can be replaced at any time; their
 * first line counts.
 */
typedef struct recsys_mlflow_options {
    uint32_t struct_size;
    uint32_t timeout_ms;          /* of each question; 0 = 10000 */
    uint32_t stall_timeout_ms;    /* a download that is slower than 1 KiB/s for so long is cut off
                                     and tried again; 0 = 30000; rounded up to seconds */
    uint32_t download_timeout_ms; /* of a whole bundle; 0 = 3600000; RECSYS_NEVER_32 */
    uint64_t cache_bytes;         /* of all bundles in `cache` together; 0 = 16 GiB; RECSYS_NEVER */
    const char *cache;            /* directory for bundles, made if it is missing; needed */
    const char *user;             /* of basic authentication */
    const char *password;
    const char *password_file;    /* instead of password */
    const char *token;            /* bearer token, instead of user and password */
    const char *token_file;       /* instead of token */
    const char *ca_file;          /* PEM; NULL = the system's certificates */
    const char *workspace;        /* for a server with workspaces; NULL = its default one */
    const char *host;             /* Host header, for a server that accepts only that name */
    /* -- end of version 1 -- append below, never insert above -- */
} recsys_mlflow_options;

#define RECSYS_MLFLOW_OPTIONS_SIZE_V1 RECSYS_SIZE_TO(recsys_mlflow_options, host)
#define RECSYS_MLFLOW_OPTIONS_INIT \
    {(uint32_t)sizeof(recsys_mlflow_options), 0u, 0u, 0u, 0u, NULL, NULL, NULL, NULL, NULL, NULL, \
     NULL, NULL, NULL}

/*
 * A registry over an MLflow server, 2.9 or newer. It asks the server when it is
 * first used. docs/registry.md says how to publish, and has a table of failures.
 *
 * A version holds a bundle (docs/model-format.md) if recsys.json is at the root of its
 * artifacts or in their folder "bundle". Only the files that recsys.json lists are
 * fetched, from wherever the server says they are: through the server, whatever
 * store it uses, or from a directory of this machine if the version lies in one.
 *
 * find costs one request: an alias is asked by its name, because nothing else in MLflow
 * changes when it moves. Its stamp covers name, number, source and time of creation, so
 * a model that was deleted and made again is another one. MLflow may replace files behind
 * a version without a trace; fetch sees that, because it always asks for the manifest.
 *
 * fetch puts a bundle into `cache`, under the SHA-256 of its manifest, so that a
 * bundle is downloaded once, whatever versions it has. Every file is checked against
 * the manifest's size and sum. A bundle appears by one rename, when it is complete and on
 * disk. Processes may share the directory: one downloads, the others wait for it; what
 * a killed one leaves is continued or removed. A download that breaks off is resumed
 * where the server can (206 with the wanted range), and restarted where it cannot. When
 * the bundles exceed `cache_bytes`, those that were not used for the longest time are
 * removed: first of those that no start without the server would need, then of all.
 * Never removed are the last two that a living registry object has handed out, and what
 * such a start would take now for the URI that is fetched.
 *
 * If the server does not answer (E_IO, E_TIMEOUT, E_BACKEND, E_EXHAUSTED) and has not
 * answered this object before, find gives what the URI meant when it was last fetched,
 * with RECSYS_REGISTRY_KEPT and a warning in the log. A server that has answered once is
 * never replaced: the failure is returned.
 *
 * describe gives an object with "name", "version", "source", "run_id", "start_time"
 * (milliseconds), and "metrics", "params" and "tags" of the run, or of the logged model
 * where the version has no run. It is what they were when the version was fetched.
 *
 * Publishing and moving aliases are E_UNSUPPORTED: MLflow's own client does that.
 *
 * Nothing that a server says is trusted: replies are bounded, redirects are not
 * followed, only http and https are spoken, and file names cannot lead out of the
 * bundle's directory. Environment variables for proxies count as libcurl takes them.
 *
 * url      "https://host[:port][/prefix]", with the prefix of --static-prefix; without
 *          user and password; COPIED
 * options  COPIED; only `cache` is needed
 *
 * Fails with: E_INVALID (url, options), E_IO (the cache directory), E_UNSUPPORTED,
 *   E_NOMEM.
 * The registry's calls fail with the driver's statuses of registry.h; besides:
 *   E_NOT_FOUND  no such model, version or alias, or its files are not there (yet)
 *   E_REJECTED   the server refuses the credentials or the Host header, or redirects;
 *                with basic authentication also for a model that does not exist, which
 *                MLflow does not tell apart; a model whose upload failed
 *   E_FORMAT     a reply or a bundle that is not what it should be; a wrong sum
 *   E_LIMIT      a reply that is too large; a bundle that has no room in the cache
 *   E_CONFLICT   the version was replaced between find and fetch
 * Since: 0.2
 */
RECSYS_API RECSYS_NODISCARD recsys_status
recsys_mlflow_create(const char *url, const recsys_mlflow_options *options, recsys_registry **out,
                     recsys_error *err);

typedef struct recsys_mlflow_stats {
    uint32_t struct_size; /* in: sizeof(recsys_mlflow_stats) */
    uint32_t reserved;
    uint64_t requests, failures; /* HTTP requests; those without a reply of success */
    uint64_t downloads;          /* bundles */
    uint64_t hits;               /* bundles that were in the cache already */
    uint64_t bytes;              /* of files that were downloaded or copied */
    uint64_t resumed, restarted; /* files that broke off, and how they went on */
    uint64_t evictions;          /* bundles removed from the cache */
    uint64_t cache_bytes;        /* in the cache after the last fetch */
    /* -- end of version 1 -- append below, never insert above -- */
} recsys_mlflow_stats;

#define RECSYS_MLFLOW_STATS_SIZE_V1 RECSYS_SIZE_TO(recsys_mlflow_stats, cache_bytes)
#define RECSYS_MLFLOW_STATS_INIT \
    {(uint32_t)sizeof(recsys_mlflow_stats), 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u}

/* Fails with: E_INVALID (not an MLflow registry). Since: 0.2 */
RECSYS_API recsys_status recsys_mlflow_get_stats(recsys_registry *registry,
                                                 recsys_mlflow_stats *out, recsys_error *err);

#ifdef __cplusplus
}
#endif

#endif
