/* daemon/http/file.h - files that are part of the program, as replies.
 *
 * CMake makes an array of each (daemon/embed.cmake). A page and what it loads are listed once, as
 * X(name in C, name in the path, type, whether the bytes are gzip's), with "" as the path of the
 * page itself.
 */
#ifndef RECSYSD_FILE_H
#define RECSYSD_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/http/request.h"

struct rd_file {
    const char *path, *type;
    const unsigned char *bytes;
    const size_t *size;
    bool is_packed;
};

#define RD_FILE_DECLARE(name, path, type, is_packed)                                               \
    extern const unsigned char rd_##name[];                                                        \
    extern const size_t rd_##name##_size;

/* A row of an array of struct rd_file. */
#define RD_FILE_ROW(name, path, type, is_packed)                                                   \
    {path, type, rd_##name, &rd_##name##_size, is_packed},

/* The file that the {file} of the path names, or the page if the path has none; 404 if there is no
 * such file. `policy` is the page's. */
void rd_reply_file(struct rd_request *request, const struct rd_file *files, size_t n_files,
                   const char *policy);

#endif
