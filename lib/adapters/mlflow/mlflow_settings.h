/* lib/adapters/mlflow/mlflow_settings.h - what a registry was made with, checked. */
#ifndef RS_MLFLOW_SETTINGS_H
#define RS_MLFLOW_SETTINGS_H

#include <stdatomic.h>
#include <stdint.h>

#include "recsys/mlflow.h"

#define RS_MLFLOW_MAX_SECRET 4096u /* bytes of a password or token */

struct rs_mlflow_settings {
    char *origin; /* "http://host:port", without a slash at its end */
    char *prefix; /* "" or "/ml" */
    char *cache;  /* absolute */
    char *user, *password, *password_file, *token, *token_file, *ca_file, *workspace, *host;
    uint32_t timeout_ms, stall_s;
    uint64_t download_ns; /* UINT64_MAX = no limit */
    uint64_t cache_bytes;
    /* Older servers have the REST API beside the prefix, not below it; found out by the first
     * reply. */
    atomic_int api_at_origin;
};

/* E_INVALID, E_UNSUPPORTED, E_NOMEM; rs_mlflow_settings_destroy() also after a failure. */
recsys_status rs_mlflow_settings_read(struct rs_mlflow_settings *settings, const char *url,
                                      const recsys_mlflow_options *options, recsys_error *err);
void rs_mlflow_settings_destroy(struct rs_mlflow_settings *settings);

/* The password or the token that counts now, in `out`; "" = none. E_IO, E_INVALID (more than one
 * would fit in a header). */
recsys_status rs_mlflow_read_secret(const char *text, const char *file, const char *what,
                                    char out[RS_MLFLOW_MAX_SECRET + 1], recsys_error *err);

#endif
