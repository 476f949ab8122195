/* lib/registry/registry.h - private to lib/registry: names, URIs and directories. */
#ifndef RS_REGISTRY_REGISTRY_H
#define RS_REGISTRY_REGISTRY_H

#include <dirent.h>
#include <stdatomic.h>
#include <stdint.h>

#include "recsys/registry.h"

#define RS_REGISTRY_MAX_NAME 128u
#define RS_REGISTRY_NUMBER_SIZE 24u /* room for a version as text */
#define RS_REGISTRY_URI_SCHEME "models:/"

struct recsys_registry {
    atomic_uint refs;
    char *root; /* absolute, without links; never changes */
};

/* models:/NAME/3 has a version, models:/NAME@ALIAS an alias, models:/NAME/latest neither. */
struct rs_uri {
    char name[RS_REGISTRY_MAX_NAME + 1];
    char alias[RS_REGISTRY_MAX_NAME + 1]; /* "" = none */
    uint64_t version;                     /* 0 = none */
};

/* -- file_uri.c -- */

/* *path is `source` itself, or the path of a file: URI, in `room`. E_INVALID: another URI. */
recsys_status rs_file_uri_read(const char *source, char *room, size_t size, const char **path,
                               recsys_error *err);

/* -- uri.c -- */

int rs_uri_is_registry(const char *source);
recsys_status rs_uri_parse(const char *uri, struct rs_uri *out, recsys_error *err);

/* E_INVALID unless `name` is one that a model (or alias) may have. `what` is "model name" ... */
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
recsys_status rs_registry_open_model(const recsys_registry *registry, const char *name, int *fd,
                                     recsys_error *err);
int rs_registry_has_version(int model, uint64_t version);
/* The entries of directory `fd`, which stays open. NULL: see errno. closedir() it. */
DIR *rs_registry_read_directory(int fd);
/* The highest number that is taken in the model's directory `fd`; 0 = none. */
recsys_status rs_registry_find_highest(int fd, uint64_t *highest, recsys_error *err);

/* -- alias.c -- */

/* The version an alias points to; 0 if there is no such alias or no such version. */
uint64_t rs_registry_read_alias(int model, const char *alias);

/* -- registry.c -- */

/* Fill `out`, which rs_struct_begin() has passed. E_LIMIT if the path is too long. */
recsys_status rs_registry_locate(const recsys_registry *registry, const char *name,
                                 uint64_t version, recsys_registry_location *out,
                                 recsys_error *err);

#endif
