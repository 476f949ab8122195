/* lib/registry/staging.h - the directory in which a publisher works before readers see a version. */
#ifndef RS_REGISTRY_STAGING_H
#define RS_REGISTRY_STAGING_H

#include "recsys/status.h"

struct rs_staging {
    int model;     /* the model's directory; BORROWED */
    int fd;        /* locked until the process ends or closes it; -1 = none */
    char name[64]; /* in the model's directory; "" once it has been renamed */
};

recsys_status rs_staging_open(int model, struct rs_staging *out, recsys_error *err);
/* Sync it, make it `name`, sync the parent. 0, or an errno: EEXIST or ENOTEMPTY
 * if `name` is taken. */
int rs_staging_rename(struct rs_staging *staging, const char *name);
/* Removes it with what is in it, unless it has been renamed. */
void rs_staging_close(struct rs_staging *staging);

/* Remove what killed publishers left in the model's directory. */
void rs_staging_clear_leftovers(int model);

#endif
