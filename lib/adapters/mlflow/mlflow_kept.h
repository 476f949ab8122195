/* lib/adapters/mlflow/mlflow_kept.h - what the server said, kept for starts without it.
 *
 *   kept/q-<key>.json    what a URI meant when its bundle was last fetched: {"uri", "stamp"}
 *   kept/v-<stamp>.json  a version: {"name", "version", "bundle": sum of the manifest, "described"}
 *
 * Files are replaced as a whole. Only the newest 200 stay.
 */
#ifndef RS_MLFLOW_KEPT_H
#define RS_MLFLOW_KEPT_H

#include "lib/adapters/mlflow/mlflow_settings.h"
#include "lib/adapters/mlflow/mlflow_shelf.h"
#include "lib/base/json.h"

#define RS_MLFLOW_KEY_SIZE 33u /* 32 digits and a NUL: of a question, or a stamp */

struct rs_mlflow_kept {
    char name[256], version[24];
    char stamp[RS_MLFLOW_KEY_SIZE];
    char sum[RS_MLFLOW_SUM_SIZE];
};

/* SHA-256 over texts and their order, as 64 digits (or fewer, as the room is). 0 without memory. */
int rs_mlflow_digest(const char *const *texts, size_t n, char *out, size_t room);

/* The key of a question to this server. */
int rs_mlflow_key(const struct rs_mlflow_settings *settings, const char *uri,
                  char out[RS_MLFLOW_KEY_SIZE]);

recsys_status rs_mlflow_keep_version(const struct rs_mlflow_shelf *shelf,
                                     const struct rs_mlflow_kept *version, json_t *described,
                                     recsys_error *err);
recsys_status rs_mlflow_keep_question(const struct rs_mlflow_shelf *shelf, const char *key,
                                      const char *uri, const char *stamp, recsys_error *err);

/* E_NOT_FOUND: nothing is kept. */
recsys_status rs_mlflow_kept_find(const struct rs_mlflow_shelf *shelf, const char *key,
                                  struct rs_mlflow_kept *out, recsys_error *err);
/* The description of a version; an object, for json_decref(). E_NOT_FOUND. */
recsys_status rs_mlflow_kept_describe(const struct rs_mlflow_shelf *shelf, const char *stamp,
                                      json_t **out, recsys_error *err);

/* Remove every record of a bundle that is no longer there. */
void rs_mlflow_kept_forget(const struct rs_mlflow_shelf *shelf, const char *sum);

/* The bundles that questions need: sums in an object, for json_decref(); NULL without memory. */
json_t *rs_mlflow_kept_sums(const struct rs_mlflow_shelf *shelf);

#endif
