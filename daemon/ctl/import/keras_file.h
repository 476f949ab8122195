/* daemon/ctl/import/keras_file.h - Keras's files: .keras, .weights.h5 and the older .h5.
 *
 * They are HDF5, which recsysctl reads with libhdf5 if it was built with it; the library does not
 * depend on it. A .keras is a ZIP archive with the HDF5 file model.weights.h5 in it.
 */
#ifndef RECSYSCTL_KERAS_FILE_H
#define RECSYSCTL_KERAS_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include <recsys/recsys.h>

#include "lib/formats/map.h"

#define KERAS_MAX_ARRAYS 4096u

struct ctl_keras {
    char *names[KERAS_MAX_ARRAYS]; /* with the data: kept until ctl_keras_close() */
    recsys_array arrays[KERAS_MAX_ARRAYS];
    size_t n;
};

/* Bytes of an HDF5 file in memory. */
struct ctl_keras_image {
    struct rs_map file;  /* the whole file */
    unsigned char *copy; /* the unpacked member, if there is one; to be freed */
    const unsigned char *bytes;
    size_t size;
};

/* Whether the file is one of Keras's: its first bytes or, of an archive, the directory say so. The
 * rest is not read. */
bool ctl_keras_is(const char *path);

/* All arrays of one or two dimensions of the file at `path`. A layer of vectors is called by
 * the name that its author gave it, everything else by its path in the file. The arrays stay until
 * ctl_keras_close(). E_UNSUPPORTED: built without libhdf5. */
recsys_status ctl_keras_open(const char *path, const struct ctl_keras **out, recsys_error *err);
/* Frees what every ctl_keras_open() has given. */
void ctl_keras_close(void);

/* keras_hdf5.c, or keras_without_hdf5.c. Arrays that are no numbers are named on stdout. */
recsys_status ctl_keras_read(const struct ctl_keras_image *image, const char *path,
                             struct ctl_keras *out, recsys_error *err);

#endif
