/* lib/adapters/mlflow/mlflow_place.h - where the files of a version are, and how to read them. */
#ifndef RS_MLFLOW_PLACE_H
#define RS_MLFLOW_PLACE_H

#include "lib/adapters/mlflow/mlflow_api.h"
#include "lib/adapters/mlflow/mlflow_replies.h"

/* Ways to a file. Only the first has lists. */
enum {
    RS_MLFLOW_PROXIED = 1,    /* mlflow-artifacts:/PATH, through the server */
    RS_MLFLOW_LOCAL = 2,      /* a directory of this machine */
    RS_MLFLOW_OF_VERSION = 3, /* the server reads any store for us: /model-versions/get-artifact */
    RS_MLFLOW_OF_RUN = 4      /* ... /get-artifact, with a path below the run's artifacts */
};

struct rs_mlflow_place {
    int way;
    char path[RS_MLFLOW_MAX_URI]; /* without slashes at its end */
    char name[256], number[24];   /* OF_VERSION */
    char run_id[256];             /* OF_RUN */
};

/*
 * Find the way to `uri`, as get-download-uri gives it for `version`. A runs:/ URI stays one,
 * because the server does not resolve it.
 *
 * Fails with: E_UNSUPPORTED (another server's artifacts), E_FORMAT.
 */
recsys_status rs_mlflow_place_read(const struct rs_mlflow_settings *settings, const char *uri,
                                   const struct rs_mlflow_version *version,
                                   struct rs_mlflow_place *out, recsys_error *err);

/* The URL of a file; of no use for LOCAL. E_LIMIT. */
recsys_status rs_mlflow_place_url(const struct rs_mlflow_settings *settings,
                                  const struct rs_mlflow_place *place, const char *file,
                                  char out[RS_MLFLOW_MAX_URL], recsys_error *err);

/*
 * Find recsys.json, at the root of the place or in its folder "bundle", which becomes the place,
 * and read it.
 *
 * Fails with: E_NOT_FOUND (there is none; the message says what is there), E_LIMIT (more than
 *   1 MiB), and as rs_mlflow_ask(). Destroy *manifest in any case.
 */
recsys_status rs_mlflow_place_find_manifest(struct rs_mlflow_http *http,
                                            struct rs_mlflow_place *place, const char *what,
                                            struct rs_buffer *manifest, recsys_error *err);

#endif
