/* lib/adapters/mlflow/mlflow_download.h - one file of a bundle, from its place into a directory. */
#ifndef RS_MLFLOW_DOWNLOAD_H
#define RS_MLFLOW_DOWNLOAD_H

#include "lib/adapters/mlflow/mlflow_place.h"

/*
 * Make `file` be in the open directory, whole, with the manifest's size and sum, and on disk. Parts
 * that are there already are continued.
 *
 * Fails with: E_FORMAT (another size or sum than the manifest's), E_NOT_FOUND, E_IO (the line or
 * the disk; sys_errno is set for the disk), E_TIMEOUT, and others of rs_mlflow_judge().
 */
recsys_status rs_mlflow_download(struct rs_mlflow_http *http, const struct rs_mlflow_place *place,
                                 const char *what, const struct rs_mlflow_file *file, int directory,
                                 recsys_error *err);

/* Has the file in the open directory the manifest's size and sum? RECSYS_OK; E_FORMAT; E_IO. */
recsys_status rs_mlflow_verify(const struct rs_mlflow_file *file, int directory, recsys_error *err);

#endif
