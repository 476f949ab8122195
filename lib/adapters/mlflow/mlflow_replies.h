/* lib/adapters/mlflow/mlflow_replies.h - what the server's JSON says, checked.
 *
 * Every member may be missing, null, or "" for "none". A text that is too long for its room is
 * E_FORMAT, never cut: a cut name would be another one. All parsers fail with E_FORMAT (the message
 * names the member) and E_NOMEM. `bytes` needs no NUL at its end.
 */
#ifndef RS_MLFLOW_REPLIES_H
#define RS_MLFLOW_REPLIES_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/json.h"

#define RS_MLFLOW_MAX_URI 2048u

enum { RS_MLFLOW_READY = 1, RS_MLFLOW_PENDING = 2, RS_MLFLOW_FAILED = 3 };

/* A version of a registered model. */
struct rs_mlflow_version {
    char name[256];
    char number[24]; /* decimal, without leading zeros */
    char source[RS_MLFLOW_MAX_URI];
    char run_id[256];
    char model_id[256]; /* of MLflow 3's logged model; out of the source */
    int64_t created_ms;
    int status; /* RS_MLFLOW_* */
};

/* Any reply with a list: *list is the array `member`, BORROWED from *json, or NULL if there is none.
 * Release *json, also after a failure. `where` is for messages. */
recsys_status rs_mlflow_parse_list(const char *bytes, size_t size, const char *member,
                                   const char *where, json_t **json, const json_t **list,
                                   recsys_error *err);

/* {"model_version": {...}} */
recsys_status rs_mlflow_parse_version(const char *bytes, size_t size, struct rs_mlflow_version *out,
                                      recsys_error *err);
/* {"model_versions": [...]}: the first one that is READY. E_NOT_FOUND if none is. */
recsys_status rs_mlflow_parse_first(const char *bytes, size_t size, struct rs_mlflow_version *out,
                                    recsys_error *err);
/* {"artifact_uri": "..."} */
recsys_status rs_mlflow_parse_uri(const char *bytes, size_t size, char out[RS_MLFLOW_MAX_URI],
                                  recsys_error *err);

/* A run or a logged model: where its artifacts are, and its description. */
struct rs_mlflow_origin {
    char artifact_uri[RS_MLFLOW_MAX_URI];
    char run_id[256];                /* of a logged model */
    int status;                      /* of a logged model: RS_MLFLOW_* */
    int64_t start_ms;                /* 0 = not said */
    json_t *metrics, *params, *tags; /* objects */
};

/* {"run": {"info": {}, "data": {}}}, {"model": {"info": {}, "data": {}}}. Bounded: entries beyond
 * 500 of a kind, and texts beyond 4 KiB, are left out. Destroy it also after a failure. */
recsys_status rs_mlflow_parse_run(const char *bytes, size_t size, struct rs_mlflow_origin *out,
                                  recsys_error *err);
recsys_status rs_mlflow_parse_logged(const char *bytes, size_t size, struct rs_mlflow_origin *out,
                                     recsys_error *err);
void rs_mlflow_origin_destroy(struct rs_mlflow_origin *origin);

/* {"files": [{"path", "is_dir", "file_size"}]}: is there recsys.json, and a folder "bundle"? Names
 * may come with the folder's path before them. */
struct rs_mlflow_listing {
    int has_manifest, has_bundle;
    size_t n;
    char first[4][64]; /* some of the names, for messages */
};

recsys_status rs_mlflow_parse_files(const char *bytes, size_t size, struct rs_mlflow_listing *out,
                                    recsys_error *err);

/* One file of a bundle. */
struct rs_mlflow_file {
    const char *name; /* BORROWED from the manifest's JSON */
    uint64_t size;
    const char *sha256;
};

struct rs_mlflow_manifest {
    json_t *json;
    struct rs_mlflow_file *files;
    size_t n_files;
    uint64_t n_bytes; /* of all files, the manifest too */
};

/* recsys.json as docs/model-format.md has it, as far as fetching needs it: plain names, each once;
 * sizes; sums. E_FORMAT, E_LIMIT (sizes that overflow, more than 256 files). */
recsys_status rs_mlflow_parse_manifest(const char *bytes, size_t size,
                                       struct rs_mlflow_manifest *out, recsys_error *err);
void rs_mlflow_manifest_destroy(struct rs_mlflow_manifest *manifest);

#endif
