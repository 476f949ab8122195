/* daemon/ctl/import/keras_file.c - finds the HDF5 file in what Keras writes; see keras_file.h. */
#include "daemon/ctl/import/keras_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "daemon/ctl/ctl_command.h"
#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/formats/zip.h"

static const char hdf5_mark[] = "\x89HDF\r\n\x1a\n";
static const char weights[] = "model.weights.h5";

/* Everything that is open, for ctl_keras_close(). */
static struct opened {
    struct opened *next;
    struct ctl_keras keras;
} * all;

static recsys_status read_file(const char *path, struct ctl_keras_image *image, recsys_error *err)
{
    FILE *file = fopen(path, "rb");
    struct stat info;

    if (file == NULL || fstat(fileno(file), &info) != 0 || !S_ISREG(info.st_mode)) {
        int number = file == NULL ? errno : EINVAL;
        if (file != NULL)
            fclose(file);
        return rs_error_sys(err, number, "cannot open %s", path);
    }
    image->size = (size_t)info.st_size;
    image->bytes = image->file = ctl_allocate(image->size, 1u);
    size_t got = fread(image->file, 1u, image->size, file);
    fclose(file);
    if (got != image->size)
        return rs_error(err, RECSYS_E_IO, "%s: cannot be read to its end", path);
    return RECSYS_OK;
}

static const struct rs_zip_member *find_weights(const struct rs_zip *zip)
{
    for (size_t i = 0; i < zip->n_members; i++)
        if (zip->members[i].name_size == sizeof weights - 1u &&
            memcmp(zip->members[i].name, weights, sizeof weights - 1u) == 0)
            return &zip->members[i];
    return NULL;
}

static recsys_status take_member(const struct rs_zip_member *member, const char *path,
                                 struct ctl_keras_image *image, recsys_error *err)
{
    image->size = (size_t)member->unpacked;
    image->bytes = member->data;
    if (!member->deflated)
        return rs_zip_check(member, member->data, path, err);
    image->bytes = image->copy = ctl_allocate(image->size, 1u);
    return rs_zip_unpack(member, image->copy, image->size, path, err);
}

/* The HDF5 file that the archive holds. */
static recsys_status open_archive(const char *path, struct ctl_keras_image *image,
                                  recsys_error *err)
{
    struct rs_zip zip;
    recsys_status status = rs_zip_read(image->bytes, image->size, path, &zip, err);

    if (status != RECSYS_OK)
        return status;
    const struct rs_zip_member *member = find_weights(&zip);
    status = member != NULL ? take_member(member, path, image, err)
                            : rs_error(err, RECSYS_E_FORMAT, "%s: has no member %s", path, weights);
    rs_zip_close(&zip);
    return status;
}

static int is_hdf5(const unsigned char *bytes, size_t size)
{
    return size >= 8u && memcmp(bytes, hdf5_mark, 8u) == 0;
}

bool ctl_keras_is(const char *path)
{
    struct ctl_keras_image image = {NULL, NULL, NULL, 0u};
    unsigned char begin[8] = {0};
    FILE *file = fopen(path, "rb");
    bool found;

    if (file == NULL)
        return false;
    size_t size = fread(begin, 1u, sizeof begin, file);
    fclose(file);
    if (is_hdf5(begin, size))
        return true;
    if (size < 2u || memcmp(begin, "PK", 2u) != 0 || read_file(path, &image, NULL) != RECSYS_OK) {
        free(image.file);
        return false;
    }
    found = open_archive(path, &image, NULL) == RECSYS_OK;
    free(image.copy);
    free(image.file);
    return found;
}

recsys_status ctl_keras_open(const char *path, const struct ctl_keras **out, recsys_error *err)
{
    struct ctl_keras_image image = {NULL, NULL, NULL, 0u};
    struct opened *opened = ctl_allocate(1u, sizeof *opened);
    recsys_status status = read_file(path, &image, err);

    opened->next = all;
    all = opened;
    if (status == RECSYS_OK && !is_hdf5(image.bytes, image.size))
        status = open_archive(path, &image, err);
    if (status == RECSYS_OK)
        status = ctl_keras_read(&image, path, &opened->keras, err);
    free(image.copy);
    free(image.file);
    *out = &opened->keras;
    return status;
}

void ctl_keras_close(void)
{
    while (all != NULL) {
        struct opened *next = all->next;
        for (size_t i = 0; i < all->keras.n; i++) {
            free(all->keras.names[i]);
            free((void *)(uintptr_t)all->keras.arrays[i].data);
        }
        free(all);
        all = next;
    }
}
