/* lib/adapters/mlflow/mlflow_folder.h - locks on, lists of and the removal of folders of the cache.
 */
#ifndef RS_MLFLOW_FOLDER_H
#define RS_MLFLOW_FOLDER_H

#include <dirent.h>

/* flock(), again after a signal. */
int rs_mlflow_folder_lock(int fd, int how);

/* The entries of a folder of the cache `shelf`; NULL and errno. closedir() it. */
DIR *rs_mlflow_folder_open(int shelf, const char *name);

/* "." or ".." */
int rs_mlflow_folder_is_dots(const char *name);

/* Remove the directory `name` of the cache `shelf`, which holds files only: it gets a name below
 * tmp first, so that nobody finds a half of it. A file that cannot be removed stays for the next
 * time. */
void rs_mlflow_folder_remove(int shelf, const char *name);

#endif
