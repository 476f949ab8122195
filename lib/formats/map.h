/* lib/formats/map.h - the bytes of a file: mapped read-only, copied, or the caller's. */
#ifndef RS_FORMATS_MAP_H
#define RS_FORMATS_MAP_H

#include <stddef.h>
#include <stdint.h>

#include "recsys/model.h"
#include "recsys/status.h"

struct rs_map { /* a file's bytes: mapped read-only and private, or memory of the caller's */
    const unsigned char *bytes;
    size_t size;
    recsys_model_release release; /* of the caller's memory; NULL = unmap */
    void *user_data;
    int is_file;   /* 1: pages that are let go come again from the file */
    int is_let_go; /* 1: they have been */
};

/* `name` is how errors call the file. An empty file maps to size 0. */
recsys_status rs_map_open(const char *path, const char *name, uint64_t max_bytes,
                          struct rs_map *out, recsys_error *err);
/* The same for a descriptor. It stays open, and the caller may close it after this call. */
recsys_status rs_map_descriptor(int descriptor, const char *name, struct rs_map *out,
                                recsys_error *err);
/* A copy of `bytes` in new pages. */
recsys_status rs_map_copy(const void *bytes, size_t size, const char *name, struct rs_map *out,
                          recsys_error *err);
void rs_map_close(struct rs_map *map);

/* Take a file's pages out of this process's memory until they are read again. They stay in the
 * system's cache as long as there is room. Does nothing with memory that is no file's. */
void rs_map_let_go(struct rs_map *map);
/* munmap() in steps: one call over gigabytes would stop every page fault of the process for as long
 * as it takes. */
void rs_map_unmap(void *bytes, size_t size);

#endif
