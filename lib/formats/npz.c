/* lib/formats/npz.c - read .npz: a ZIP archive of .npy files.
 *
 * The header of a compressed member is unpacked first. Data that the library does not use, such as
 * pickled objects, stays packed. Members whose names do not end in .npy are ignored.
 */
#include <stdio.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/formats/npy.h"
#include "lib/formats/tensors.h"
#include "lib/formats/zip.h"

/* The member's array points into `bytes`, if it needed no copy. */
static void keep_unpacked(struct rs_tensors *out, size_t first, unsigned char *bytes)
{
    if (out->n > first && out->list[first].copy == NULL)
        out->list[first].copy = bytes;
    else
        rs_free_aligned(bytes);
}

static recsys_status take_deflated(const struct rs_zip_member *member, const char *name,
                                   const char *what, struct rs_tensors *out, recsys_error *err)
{
    unsigned char begin[RS_NPY_MAX_HEADER];
    struct rs_npy_header header;
    size_t size = (size_t)member->unpacked, peek = size < sizeof begin ? size : sizeof begin;
    size_t first = out->n;
    recsys_status status = rs_zip_unpack(member, begin, peek, what, err);

    if (status == RECSYS_OK)
        status = rs_npy_read_header(begin, peek, what, &header, err);
    if (status != RECSYS_OK)
        return status;
    if (!rs_npy_is_used(&header))
        return rs_npy_take(begin, peek, name, what, &header, out, err);
    unsigned char *bytes = rs_alloc_aligned(size, 1);
    if (bytes == NULL)
        return rs_error_nomem(err, what);
    status = rs_zip_unpack(member, bytes, size, what, err);
    if (status == RECSYS_OK)
        status = rs_npy_take(bytes, size, name, what, &header, out, err);
    keep_unpacked(out, first, bytes);
    return status;
}

static recsys_status take_stored(const struct rs_zip_member *member, const char *name,
                                 const char *what, struct rs_tensors *out, recsys_error *err)
{
    struct rs_npy_header header;
    size_t size = (size_t)member->unpacked;
    recsys_status status = rs_npy_read_header(member->data, size, what, &header, err);

    if (status == RECSYS_OK && rs_npy_is_used(&header))
        status = rs_zip_check(member, member->data, what, err);
    if (status == RECSYS_OK)
        status = rs_npy_take(member->data, size, name, what, &header, out, err);
    return status;
}

static recsys_status take_member(const struct rs_zip_member *member, const char *file,
                                 struct rs_tensors *out, recsys_error *err)
{
    const size_t ending = sizeof ".npy" - 1;
    char name[RS_ZIP_MAX_NAME + 1], what[640];

    if (member->name_size <= ending ||
        memcmp(member->name + member->name_size - ending, ".npy", ending) != 0)
        return RECSYS_OK;
    snprintf(name, sizeof name, "%.*s", (int)(member->name_size - ending), member->name);
    snprintf(what, sizeof what, "%s: %s", file, name);
    if (rs_tensors_find(out, name) != NULL)
        return rs_error(err, RECSYS_E_FORMAT, "%s: is there twice", what);
    return member->deflated ? take_deflated(member, name, what, out, err)
                            : take_stored(member, name, what, out, err);
}

static int has_member(const struct rs_zip *zip, const char *ending)
{
    size_t n = strlen(ending);

    for (size_t i = 0; i < zip->n_members; i++)
        if (zip->members[i].name_size >= n &&
            memcmp(zip->members[i].name + zip->members[i].name_size - n, ending, n) == 0)
            return 1;
    return 0;
}

/* An archive without arrays is another program's. */
static recsys_status refuse_other(const struct rs_zip *zip, const char *name, recsys_error *err)
{
    if (has_member(zip, "data.pkl"))
        return rs_error(err, RECSYS_E_UNSUPPORTED,
                        "%s: is a file of torch.save(), which is pickled: reading it can run "
                        "programs. Save the tensors with safetensors.torch.save_file("
                        "model.state_dict(), \"model.safetensors\")",
                        name);
    if (has_member(zip, "model.weights.h5"))
        return rs_error(err, RECSYS_E_UNSUPPORTED,
                        "%s: is a Keras model; `recsysctl import --model` makes a bundle of it",
                        name);
    return rs_error(err, RECSYS_E_FORMAT, "%s: is a ZIP archive without arrays (.npy)", name);
}

recsys_status rs_npz_parse(const unsigned char *bytes, size_t size, const char *name,
                           struct rs_tensors *out, recsys_error *err)
{
    struct rs_zip zip;

    memset(out, 0, sizeof *out);
    recsys_status status = rs_zip_read(bytes, size, name, &zip, err);
    if (status != RECSYS_OK)
        return status;
    out->list = rs_alloc_array(zip.n_members * RS_NPY_MAX_TENSORS, sizeof *out->list);
    if (out->list == NULL)
        status = rs_error_nomem(err, name);
    for (size_t i = 0; i < zip.n_members && status == RECSYS_OK; i++)
        status = take_member(&zip.members[i], name, out, err);
    if (status == RECSYS_OK && out->n == 0)
        status = refuse_other(&zip, name, err);
    rs_zip_close(&zip);
    if (status != RECSYS_OK)
        rs_tensors_close(out);
    return status;
}
