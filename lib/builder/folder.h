/* lib/builder/folder.h - a directory that appears complete or not at all. Private to lib/builder.
 */
#ifndef RS_BUILDER_FOLDER_H
#define RS_BUILDER_FOLDER_H

#include "recsys/status.h"

struct rs_folder {
    char *path;       /* as the caller gave it, without slashes at its end */
    const char *name; /* the last component of `path` */
    char *temporary;  /* its name until it is complete; NULL = there is none */
    int parent;       /* both open, or -1 */
    int folder;
};

/* Make a temporary directory beside `path`. E_EXISTS if `path` is there. End
 * with rs_folder_close(), after a failure too. */
recsys_status rs_folder_open(struct rs_folder *folder, const char *path, recsys_error *err);
/* Sync it and give it its name, replacing nothing. */
recsys_status rs_folder_publish(struct rs_folder *folder, recsys_error *err);
/* Remove it with the files called `names` (NULL-terminated), unless it was published. */
void rs_folder_close(struct rs_folder *folder, const char *const *names);

#endif
