/* lib/adapters/mlflow/mlflow_shelf.h - the directory that bundles are kept in.
 *
 *   bundles/<sha256 of the manifest>/   whole bundles; the time of change of the directory is when
 *                                       it was last used
 *   tmp/<sha256>/                       one that is being downloaded, or was when a process died
 *   tmp/old-...                         one that is being removed
 *   locks/<two digits>                  held (flock) by the process that downloads a bundle whose
 *                                       sum begins so; it goes away with its process
 *   locks/evict                         held while bundles are counted and removed
 *   kept/                               see mlflow_kept.h
 *
 * A bundle in use is locked (shared flock on its directory) by the registry object that has handed
 * it out, and not removed while it is.
 */
#ifndef RS_MLFLOW_SHELF_H
#define RS_MLFLOW_SHELF_H

#include <stdint.h>

#include "lib/base/lock.h"
#include "recsys/status.h"

#define RS_MLFLOW_SUM_SIZE 65u /* 64 digits and a NUL */
#define RS_MLFLOW_N_HELD 4u
#define RS_MLFLOW_N_SERVED 2u /* of these; a deployment serves one and may go back to another */

struct rs_mlflow_shelf {
    char *path;
    int fd;
    struct rs_lock lock; /* of what follows */
    struct {
        char sum[RS_MLFLOW_SUM_SIZE];
        int fd;
    } held[RS_MLFLOW_N_HELD]; /* the last that were handed out, the newest first; fd -1 = none */
};

/* Make the directories that are missing. E_IO, E_NOMEM; close it also after a failure. */
recsys_status rs_mlflow_shelf_open(struct rs_mlflow_shelf *shelf, const char *path,
                                   recsys_error *err);
void rs_mlflow_shelf_close(struct rs_mlflow_shelf *shelf);

/* Open the whole bundle `sum`, locked against removal; -1 if it is not there. */
int rs_mlflow_shelf_find(struct rs_mlflow_shelf *shelf, const char *sum);
/* Hand an open bundle out: note its use, and keep `fd` among the last ones. */
void rs_mlflow_shelf_hold(struct rs_mlflow_shelf *shelf, const char *sum, int fd);
/* Where room is needed: only the last RS_MLFLOW_N_SERVED are still locked against removal. */
void rs_mlflow_shelf_let_go(struct rs_mlflow_shelf *shelf);

/* Be the only one who downloads `sum`. *lock is closed to give it back. E_TIMEOUT at `deadline_ns`
 * while another process or thread has it; E_IO. */
recsys_status rs_mlflow_shelf_lock(struct rs_mlflow_shelf *shelf, const char *sum,
                                   uint64_t deadline_ns, int *lock, recsys_error *err);
/* The directory of a download, perhaps with parts in it; -1 and errno. Under its lock. */
int rs_mlflow_shelf_begin(struct rs_mlflow_shelf *shelf, const char *sum);
/* Make the download a bundle. Under its lock. E_IO. */
recsys_status rs_mlflow_shelf_finish(struct rs_mlflow_shelf *shelf, const char *sum, int directory,
                                     recsys_error *err);
/* Remove the directory of a download, or a bundle that is damaged. Under its lock. */
void rs_mlflow_shelf_discard(struct rs_mlflow_shelf *shelf, const char *folder, const char *sum);

#endif
