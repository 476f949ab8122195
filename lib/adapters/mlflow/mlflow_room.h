/* lib/adapters/mlflow/mlflow_room.h - makes room in the directory of bundles. */
#ifndef RS_MLFLOW_ROOM_H
#define RS_MLFLOW_ROOM_H

#include "lib/adapters/mlflow/mlflow_shelf.h"

/*
 * Remove bundles that were not used for the longest time, and downloads of dead processes, until
 * there is room for `needed` more bytes below `max`. `is_kept` says which bundles must stay.
 *
 * cached     receives the bytes of all bundles and downloads afterwards; may be NULL
 * n_removed  receives how many bundles were removed
 *
 * Fails with: E_LIMIT (the rest is in use), E_IO.
 */
recsys_status rs_mlflow_room_make(struct rs_mlflow_shelf *shelf, const char *downloading,
                                  uint64_t needed, uint64_t max,
                                  int (*is_kept)(const char *sum, void *user_data), void *user_data,
                                  uint64_t *cached, uint64_t *n_removed, recsys_error *err);

#endif
