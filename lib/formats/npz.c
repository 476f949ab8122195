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

static recsys_status take_deflated(const struct rs_zip_member *member, const char *what,
                                   struct rs_tensor *tensor, recsys_error *err)
{
    unsigned char begin[RS_NPY_MAX_HEADER];
    struct rs_npy_header header;
    size_t size = (size_t)member->unpacked, peek = size < sizeof begin ? size : sizeof begin;
    recsys_status status = rs_zip_unpack(member, begin, peek, what, err);

    if (status == RECSYS_OK)
        status = rs_npy_read_header(begin, peek, what, &header, err);
    if (status != RECSYS_OK || header.dtype == 0)
        return status;
    unsigned char *bytes = rs_alloc_aligned(size, 1);
    if (bytes == NULL)
        return rs_error_nomem(err, what);
    status = rs_zip_unpack(member, bytes, size, what, err);
    if (status == RECSYS_OK)
        status = rs_npy_take(bytes, size, what, &header, tensor, err);
    if (status == RECSYS_OK && tensor->copy == NULL)
        tensor->copy = bytes; /* `data` points into it */
    else
        rs_free_aligned(bytes);
    return status;
}

static recsys_status take_stored(const struct rs_zip_member *member, const char *what,
                                 struct rs_tensor *tensor, recsys_error *err)
{
    struct rs_npy_header header;
    size_t size = (size_t)member->unpacked;
    recsys_status status = rs_npy_read_header(member->data, size, what, &header, err);

    if (status != RECSYS_OK || header.dtype == 0)
        return status;
    status = rs_zip_check(member, member->data, what, err);
    if (status == RECSYS_OK)
        status = rs_npy_take(member->data, size, what, &header, tensor, err);
    return status;
}

static recsys_status take_member(const struct rs_zip_member *member, const char *file,
                                 struct rs_tensors *out, recsys_error *err)
{
    const size_t ending = sizeof ".npy" - 1;
    struct rs_tensor *tensor = &out->list[out->n];
    char what[640];

    if (member->name_size <= ending ||
        memcmp(member->name + member->name_size - ending, ".npy", ending) != 0)
        return RECSYS_OK;
    char *name = rs_copy_bytes(member->name, member->name_size - ending);
    if (name == NULL)
        return rs_error_nomem(err, file);
    snprintf(what, sizeof what, "%s: %s", file, name);
    if (rs_tensors_find(out, name) != NULL) {
        rs_free(name);
        return rs_error(err, RECSYS_E_FORMAT, "%s: is there twice", what);
    }
    tensor->name = name;
    out->n++;
    return member->deflated ? take_deflated(member, what, tensor, err)
                            : take_stored(member, what, tensor, err);
}

recsys_status rs_npz_parse(const unsigned char *bytes, size_t size, const char *name,
                           struct rs_tensors *out, recsys_error *err)
{
    struct rs_zip zip;

    memset(out, 0, sizeof *out);
    recsys_status status = rs_zip_read(bytes, size, name, &zip, err);
    if (status != RECSYS_OK)
        return status;
    out->list = rs_alloc_array(zip.n_members, sizeof *out->list);
    if (out->list == NULL)
        status = rs_error_nomem(err, name);
    for (size_t i = 0; i < zip.n_members && status == RECSYS_OK; i++)
        status = take_member(&zip.members[i], name, out, err);
    rs_zip_close(&zip);
    if (status != RECSYS_OK)
        rs_tensors_close(out);
    return status;
}
