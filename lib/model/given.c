/* lib/model/given.c - recsys_model_load_files(): a model from memory and descriptors.
 *
 * Memory with a release function is used where it is and released once, also after a failure: all
 * files are taken over in one step that cannot fail, and a call that fails before this step
 * releases them all at once. Memory without a release function is copied, which also aligns it.
 */
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/structs.h"
#include "lib/bundle/files.h"
#include "lib/model/loading.h"

#define FUNCTION "recsys_model_load_files"
#define MAX_FILES 1024u

/* Copy the members of the caller's i-th file that this library knows; 0 if its struct_size is
 * wrong. */
static int get_file(const recsys_model_file *files, size_t i, recsys_model_file *out)
{
    const char *file = (const char *)files + i * files->struct_size;
    uint32_t size;

    memset(out, 0, sizeof *out);
    memcpy(&size, file, sizeof size);
    if (size < RECSYS_MODEL_FILE_SIZE_V1 || size > RS_STRUCT_MAX_SIZE)
        return 0;
    memcpy(out, file, size < sizeof *out ? size : sizeof *out);
    return 1;
}

static void release_all(const recsys_model_file *files, size_t n_files)
{
    recsys_model_file file;

    for (size_t i = 0; i < n_files && get_file(files, i, &file); i++)
        if (file.release != NULL)
            file.release(file.user_data, file.data, file.size);
}

static recsys_status check_file(const recsys_model_file *files, size_t i, recsys_error *err)
{
    const char *raw = (const char *)files + i * files->struct_size;
    recsys_model_file file;
    uint32_t size;

    memcpy(&size, raw, sizeof size);
    if (size != files->struct_size)
        return rs_error(err, RECSYS_E_INVALID,
                        FUNCTION ": struct_size of file %zu is %u, the first's %u", i, size,
                        files->struct_size);
    recsys_status status = rs_struct_read(&file, sizeof file, raw, RECSYS_MODEL_FILE_SIZE_V1,
                                          FUNCTION ": files[]", err);
    if (status == RECSYS_OK)
        status = rs_reserved(file.flags & ~RECSYS_MODEL_FILE_DESCRIPTOR, FUNCTION ": files[].flags",
                             err);
    if (status == RECSYS_OK)
        status = rs_reserved(file.reserved, FUNCTION ": files[].reserved", err);
    if (status != RECSYS_OK)
        return status;
    if (file.name == NULL || !rs_manifest_is_plain_name(file.name))
        return rs_error(err, RECSYS_E_INVALID,
                        FUNCTION ": the name of file %zu must be 1..255 bytes without a slash", i);
    if ((file.flags & RECSYS_MODEL_FILE_DESCRIPTOR) != 0
            ? file.data != NULL || file.size != 0 || file.release != NULL
            : file.data == NULL && file.size > 0)
        return rs_error(err, RECSYS_E_INVALID,
                        FUNCTION ": %.255s: either `data` and `size`, or the flag "
                                 "RECSYS_MODEL_FILE_DESCRIPTOR and `fd`",
                        file.name);
    if (file.size > SIZE_MAX / 2)
        return rs_error(err, RECSYS_E_INVALID, FUNCTION ": %.255s: is larger than memory",
                        file.name);
    for (size_t j = 0; j < i; j++) {
        recsys_model_file other;
        if (get_file(files, j, &other) && strcmp(other.name, file.name) == 0)
            return rs_error(err, RECSYS_E_INVALID, FUNCTION ": %.255s is given twice", file.name);
    }
    return RECSYS_OK;
}

static recsys_status check(const recsys_model_file *files, size_t n_files,
                           const recsys_model_options *options, recsys_model_options *own,
                           recsys_model **out, recsys_error *err)
{
    if (out == NULL || files == NULL || n_files == 0 || n_files > MAX_FILES)
        return rs_error(err, RECSYS_E_INVALID, FUNCTION ": %s",
                        out == NULL     ? "out is NULL"
                        : n_files == 0  ? "no files are given"
                        : files == NULL ? "files is NULL"
                                        : "more than 1024 files are given");
    recsys_status status = rs_load_options(options, own, FUNCTION, err);
    for (size_t i = 0; i < n_files && status == RECSYS_OK; i++)
        status = check_file(files, i, err);
    return status;
}

/* Map descriptors, and copy memory that the library may not keep. */
static recsys_status open_file(const recsys_model_file *file, struct rs_given *given,
                               recsys_error *err)
{
    if ((file->flags & RECSYS_MODEL_FILE_DESCRIPTOR) != 0)
        return rs_map_descriptor(file->fd, file->name, &given->map, err);
    return file->release != NULL
               ? RECSYS_OK
               : rs_map_copy(file->data, (size_t)file->size, file->name, &given->map, err);
}

recsys_status recsys_model_load_files(const recsys_model_file *files, size_t n_files,
                                      const recsys_model_options *options, recsys_model **out,
                                      recsys_error *err)
{
    recsys_model_options own;
    struct rs_files opened;
    struct rs_given *given = NULL;

    if (out != NULL)
        *out = NULL;
    recsys_status status = check(files, n_files, options, &own, out, err);
    if (status == RECSYS_OK) {
        given = rs_alloc_array(n_files, sizeof *given);
        if (given == NULL)
            status = rs_error_nomem(err, FUNCTION);
    }
    if (status != RECSYS_OK) {
        if (files != NULL)
            release_all(files, n_files);
        return status;
    }
    for (size_t i = 0; i < n_files; i++) {
        recsys_model_file file;
        (void)get_file(files, i, &file);
        given[i].name = file.name;
        if (file.release != NULL) {
            given[i].map.bytes = file.data;
            given[i].map.size = (size_t)file.size;
            given[i].map.release = file.release;
            given[i].map.user_data = file.user_data;
        }
    }
    for (size_t i = 0; i < n_files && status == RECSYS_OK; i++) {
        recsys_model_file file;
        (void)get_file(files, i, &file);
        status = open_file(&file, &given[i], err);
    }
    if (status == RECSYS_OK)
        status =
            rs_files_take(given, n_files, own.flags, own.max_bytes, own.n_threads, &opened, err);
    if (status == RECSYS_OK)
        status = rs_load_model(&opened, &own, out, err);
    for (size_t i = 0; i < n_files; i++)
        rs_map_close(&given[i].map);
    rs_free(given);
    return status;
}
