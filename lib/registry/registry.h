/* lib/registry/registry.h - private to lib/registry: the registry, URIs, and the directory driver.
 */
#ifndef RS_REGISTRY_REGISTRY_H
#define RS_REGISTRY_REGISTRY_H

#include <dirent.h>
#include <stdatomic.h>
#include <stdint.h>

#include "lib/base/lock.h"
#include "recsys/registry.h"

#define RS_REGISTRY_MAX_NAME 128u   /* in a directory */
#define RS_REGISTRY_NAME_SIZE 256u  /* room for a name of any registry */
#define RS_REGISTRY_NUMBER_SIZE 24u /* room for a version as text */
#define RS_REGISTRY_URI_SCHEME "models:/"

struct recsys_registry {
    atomic_uint refs;
    recsys_registry_driver driver;
    void *self;
    char *label;
    struct rs_lock lock;          /* held while `state` is read or written, never in a call */
    recsys_registry_status state; /* protected by lock */
};

/* A registry that is a directory. */
struct rs_local {
    char *root; /* absolute, without links; never changes */
};

/* models:/NAME/3 has a version, models:/NAME@ALIAS an alias, models:/NAME/Production a stage,
 * models:/NAME/latest none of them. "" = none. */
struct rs_uri {
    char name[RS_REGISTRY_NAME_SIZE];
    char alias[RS_REGISTRY_NAME_SIZE];
    char version[RS_REGISTRY_NUMBER_SIZE];
    const char *stage; /* static; NULL = none */
};

/* -- file_uri.c -- */

/* *path is `source` itself, or the path of a file: URI, in `room`. E_INVALID: another URI. */
recsys_status rs_file_uri_read(const char *source, char *room, size_t size, const char **path,
                               recsys_error *err);

/* -- uri.c -- */

int rs_uri_is_registry(const char *source);
/* The name and the alias are texts as registry.h allows them to drivers. */
recsys_status rs_uri_parse(const char *uri, struct rs_uri *out, recsys_error *err);

/* E_INVALID with the accepted forms of URIs. */
recsys_status rs_uri_refuse(const char *uri, recsys_error *err);

/* E_INVALID unless `name` is one that a model (or alias) may have in any registry. */
recsys_status rs_registry_check_text(const char *name, const char *what, recsys_error *err);
/* ... in a directory. `what` is "model name" ... */
recsys_status rs_registry_check_name(const char *name, const char *what, recsys_error *err);
/* 1..18446744073709551615 in the one way to write it; 0 if `text` is no such number. */
uint64_t rs_registry_parse_version(const char *text);

/* -- directory.c -- */

struct rs_listed {
    uint64_t version;
    char name[RS_REGISTRY_MAX_NAME + 1];
};

struct rs_listing {
    struct rs_listed *list;
    size_t n, room;
};

/* The versions in directory `fd`, or the names that a model or alias may have. rs_free() the list,
 * also after a failure. */
recsys_status rs_registry_list_directory(int fd, int want_versions, struct rs_listing *out,
                                         recsys_error *err);
/* The directory of a model, to be closed. E_NOT_FOUND if there is none; *fd is -1 then. */
recsys_status rs_registry_open_model(const struct rs_local *local, const char *name, int *fd,
                                     recsys_error *err);
int rs_registry_has_version(int model, uint64_t version);
/* The entries of directory `fd`, which stays open. NULL: see errno. closedir() it. */
DIR *rs_registry_read_directory(int fd);
/* The highest number that is taken in the model's directory `fd`; 0 = none. */
recsys_status rs_registry_find_highest(int fd, uint64_t *highest, recsys_error *err);

/* Fill `out`. E_LIMIT if the path is too long. */
recsys_status rs_local_locate(const struct rs_local *local, const char *name, uint64_t version,
                              recsys_registry_location *out, recsys_error *err);

/* -- alias.c -- */

/* The version an alias points to; 0 if there is no such alias or no such version. */
uint64_t rs_registry_read_alias(int model, const char *alias);

recsys_status rs_local_set_alias(void *self, const char *name, const char *alias,
                                 const char *version, recsys_error *err);

/* -- publish.c -- */

recsys_status rs_local_publish(void *self, const char *bundle, const char *name,
                               recsys_registry_location *out, recsys_error *err);

/* -- tried.c -- */

/* A hash of the file or bundle at `path` now, or of the reason why there is none; never 0. A bundle
 * is another one if its directory or its manifest is. */
uint64_t rs_tried_hash(const char *path, const char *reason);

#endif
