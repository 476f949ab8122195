/* daemon/ctl/import/keras_file.c - finds the HDF5 file in what Keras writes; see keras_file.h. */
#include "daemon/ctl/import/keras_file.h"

#include <stdlib.h>
#include <string.h>

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

static recsys_status map_file(const char *path, struct ctl_keras_image *image, recsys_error *err)
{
    recsys_status status = rs_map_open(path, path, UINT64_MAX, &image->file, err);

    image->copy = NULL;
    image->bytes = image->file.bytes;
    image->size = image->file.size;
    return status;
}

static void close_image(struct ctl_keras_image *image)
{
    free(image->copy);
    rs_map_close(&image->file);
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

static bool has_weights(const struct ctl_keras_image *image, const char *path)
{
    struct rs_zip zip;
    bool found = image->size >= 2u && memcmp(image->bytes, "PK", 2u) == 0 &&
                 rs_zip_read(image->bytes, image->size, path, &zip, NULL) == RECSYS_OK;

    if (!found)
        return false;
    found = find_weights(&zip) != NULL;
    rs_zip_close(&zip);
    return found;
}

bool ctl_keras_is(const char *path)
{
    struct ctl_keras_image image;
    bool found;

    if (map_file(path, &image, NULL) != RECSYS_OK)
        return false;
    found = is_hdf5(image.bytes, image.size) || has_weights(&image, path);
    close_image(&image);
    return found;
}

recsys_status ctl_keras_open(const char *path, const struct ctl_keras **out, recsys_error *err)
{
    struct ctl_keras_image image;
    struct opened *opened = ctl_allocate(1u, sizeof *opened);
    recsys_status status = map_file(path, &image, err);

    opened->next = all;
    all = opened;
    if (status == RECSYS_OK && !is_hdf5(image.bytes, image.size))
        status = open_archive(path, &image, err);
    if (status == RECSYS_OK)
        status = ctl_keras_read(&image, path, &opened->keras, err);
    close_image(&image);
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
