/* lib/adapters/mlflow/mlflow_room.h - makes room in the directory of bundles. */
#ifndef RS_MLFLOW_ROOM_H
#define RS_MLFLOW_ROOM_H

#include "lib/adapters/mlflow/mlflow_shelf.h"
#include "lib/base/json.h"

/*
 * Remove downloads of dead processes, and bundles that nobody uses until there is room for `needed`
 * more bytes below `max`: those that were not used for the longest time, first of those that no
 * record in kept/ is about, then of the others, together with their records.
 *
 * downloading  the sum of the download that the room is for
 * fetching     sums of bundles that must stay, in an object
 * cached       receives the bytes of all bundles and downloads afterwards; may be NULL
 * n_removed    receives how many bundles were removed
 *
 * Fails with: E_LIMIT (the rest is in use), E_IO, E_NOMEM.
 */
recsys_status rs_mlflow_room_make(struct rs_mlflow_shelf *shelf, const char *downloading,
                                  uint64_t needed, uint64_t max, json_t *fetching, uint64_t *cached,
                                  uint64_t *n_removed, recsys_error *err);

#endif
