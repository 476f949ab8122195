/* daemon/ctl/import/keras_hdf5.c - reads the arrays of an HDF5 file with libhdf5; see keras_file.h.
 *
 * The file is read from memory, so it cannot make the library open another one. Datasets whose data
 * lie elsewhere (external or virtual ones) are refused, and all together may not be larger than a
 * multiple of the file. Keras calls a layer by its author's name in an attribute of the group
 * "vars"; the path has the name of its class, or of a variable.
 */
#include <hdf5.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/ctl/ctl_command.h"
#include "daemon/ctl/import/keras_file.h"
#include "lib/base/error.h"

#define MAX_NAME 255u
#define FREE_BYTES ((hsize_t)64 << 20) /* may be unpacked from any file */
#define MAX_RATIO 100u                 /* beyond: this many times the file */

struct paths {
    char *list[KERAS_MAX_ARRAYS];
    size_t n;
    bool too_many;
};

struct h5_reader {
    hid_t file;
    const char *path; /* of the file */
    hsize_t left;     /* bytes that may still be read */
    struct ctl_keras *out;
    recsys_error *err;
};

static herr_t add_path(hid_t object, const char *name, const H5O_info_t *info, void *data)
{
    struct paths *paths = data;

    (void)object;
    if (info->type != H5O_TYPE_DATASET || strncmp(name, "optimizer/", 10u) == 0)
        return 0;
    if (paths->n == KERAS_MAX_ARRAYS) {
        paths->too_many = true;
        return 1;
    }
    paths->list[paths->n] = ctl_allocate(strlen(name), 1u);
    memcpy(paths->list[paths->n++], name, strlen(name));
    return 0;
}

static recsys_status refuse(const struct h5_reader *reader, const char *path, const char *what)
{
    return rs_error(reader->err, RECSYS_E_FORMAT, "%s: %.200s: %s", reader->path, path, what);
}

/* A text attribute of the object at `path`; false if there is none that is short. */
static bool get_attribute(hid_t file, const char *path, const char *name, char out[MAX_NAME + 1u])
{
    hid_t attribute = H5Aexists_by_name(file, path, name, H5P_DEFAULT) > 0
                          ? H5Aopen_by_name(file, path, name, H5P_DEFAULT, H5P_DEFAULT)
                          : -1;
    hid_t type = attribute >= 0 ? H5Aget_type(attribute) : -1;
    hid_t space = attribute >= 0 ? H5Aget_space(attribute) : -1;
    char *text = NULL;
    bool found = false;

    if (type >= 0 && H5Tis_variable_str(type) > 0 && H5Sget_simple_extent_npoints(space) == 1 &&
        H5Aread(attribute, type, &text) >= 0 && text != NULL) {
        found = strlen(text) > 0u && strlen(text) <= MAX_NAME;
        if (found)
            memcpy(out, text, strlen(text) + 1u);
        H5free_memory(text);
    }
    if (space >= 0)
        H5Sclose(space);
    if (type >= 0)
        H5Tclose(type);
    if (attribute >= 0)
        H5Aclose(attribute);
    return found;
}

/* Keras's own name for a layer that has none: `embedding`, `embedding_3`. */
static bool is_generic(const char *name)
{
    size_t n = strlen("embedding");

    if (strncmp(name, "embedding", n) != 0)
        return false;
    if (name[n] == '_')
        n++;
    return name[n + strspn(name + n, "0123456789")] == '\0';
}

/* The name of an array: `layers/embedding_1/vars/0` has the layer's, others have their path. */
static char *name_array(hid_t file, const char *path)
{
    char group[1024], name[MAX_NAME + 1u];
    const char *last = strrchr(path, '/');
    char *copy;

    if (last != NULL && strcmp(last, "/0") == 0 && (size_t)(last - path) < sizeof group &&
        strncmp(path, "layers/embedding", strlen("layers/embedding")) == 0) {
        memcpy(group, path, (size_t)(last - path));
        group[last - path] = '\0';
        if (get_attribute(file, group, "name", name) && !is_generic(name))
            path = name;
    }
    copy = ctl_allocate(strlen(path), 1u);
    memcpy(copy, path, strlen(path));
    return copy;
}

/* The type in memory, and its RECSYS_DTYPE_*; 0 if they are no numbers. */
static uint32_t choose_type(hid_t type, hid_t *memory)
{
    switch (H5Tget_class(type)) {
    case H5T_FLOAT:
        *memory = H5Tget_size(type) > 4u ? H5T_NATIVE_DOUBLE : H5T_NATIVE_FLOAT;
        return H5Tget_size(type) > 4u ? RECSYS_DTYPE_F64 : RECSYS_DTYPE_F32;
    case H5T_INTEGER:
        *memory = H5Tget_sign(type) == H5T_SGN_NONE ? H5T_NATIVE_UINT64 : H5T_NATIVE_INT64;
        return H5Tget_sign(type) == H5T_SGN_NONE ? RECSYS_DTYPE_U64 : RECSYS_DTYPE_I64;
    default:
        return 0u;
    }
}

static bool is_elsewhere(hid_t dataset)
{
    hid_t plist = H5Dget_create_plist(dataset);
    bool elsewhere =
        plist < 0 || H5Pget_external_count(plist) != 0 || H5Pget_layout(plist) == H5D_VIRTUAL;

    if (plist >= 0)
        H5Pclose(plist);
    return elsewhere;
}

/* Bytes of the array in memory; 0 if they are too many. */
static size_t count_bytes(const struct h5_reader *reader, const recsys_array *array, size_t element)
{
    hsize_t n = array->shape[0], columns = array->n_dims == 2u ? array->shape[1] : 1u, bytes;

    if (__builtin_mul_overflow(n, columns, &bytes) ||
        __builtin_mul_overflow(bytes, (hsize_t)element, &bytes) || bytes > reader->left)
        return 0u;
    return (size_t)bytes;
}

static recsys_status read_numbers(struct h5_reader *reader, const char *path, hid_t dataset,
                                  recsys_array *array, hid_t memory)
{
    size_t n_bytes = count_bytes(reader, array, H5Tget_size(memory));

    if (array->shape[0] == 0u || (array->n_dims == 2u && array->shape[1] == 0u))
        return refuse(reader, path, "is empty");
    if (n_bytes == 0u)
        return refuse(reader, path, "is much larger than the file");
    reader->left -= n_bytes;
    void *data = ctl_allocate(n_bytes, 1u);
    array->data = data;
    reader->out->arrays[reader->out->n] = *array;
    reader->out->names[reader->out->n++] = name_array(reader->file, path);
    if (H5Dread(dataset, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) < 0)
        return refuse(reader, path, "cannot be read (damaged?)");
    return RECSYS_OK;
}

static recsys_status read_dataset(struct h5_reader *reader, const char *path, hid_t dataset)
{
    hid_t space = H5Dget_space(dataset), type = H5Dget_type(dataset), memory = -1;
    recsys_array array = RECSYS_ARRAY_INIT;
    int n_dims = space < 0 ? -1 : H5Sget_simple_extent_ndims(space);
    hsize_t shape[2] = {0u, 0u};
    recsys_status status = RECSYS_OK;

    array.dtype = type < 0 ? 0u : choose_type(type, &memory);
    if (is_elsewhere(dataset))
        status = refuse(reader, path, "has its data in another file");
    else if (n_dims == 1 || n_dims == 2) {
        H5Sget_simple_extent_dims(space, shape, NULL);
        array.n_dims = (uint32_t)n_dims;
        array.shape[0] = shape[0];
        array.shape[1] = shape[1];
        if (array.dtype != 0u)
            status = read_numbers(reader, path, dataset, &array, memory);
        else
            printf("not used: %s: %s, which are no numbers of a known type (bfloat16, quantised?); "
                   "save them as float32\n",
                   reader->path, path);
    }
    if (type >= 0)
        H5Tclose(type);
    if (space >= 0)
        H5Sclose(space);
    return status;
}

static recsys_status read_all(struct h5_reader *reader, struct paths *paths)
{
    recsys_status status = RECSYS_OK;

    if (H5Ovisit(reader->file, H5_INDEX_NAME, H5_ITER_INC, add_path, paths) < 0)
        return refuse(reader, "/", "cannot be read (damaged?)");
    if (paths->too_many)
        return refuse(reader, "/", "has too many arrays");
    for (size_t i = 0; i < paths->n && status == RECSYS_OK; i++) {
        hid_t dataset = H5Dopen2(reader->file, paths->list[i], H5P_DEFAULT);
        status = dataset < 0 ? refuse(reader, paths->list[i], "cannot be read (damaged?)")
                             : read_dataset(reader, paths->list[i], dataset);
        if (dataset >= 0)
            H5Dclose(dataset);
    }
    return status;
}

static hid_t open_image(const struct ctl_keras_image *image)
{
    hid_t plist = H5Pcreate(H5P_FILE_ACCESS), file = -1;

    /* libhdf5 takes a pointer that is not const and makes a copy */
    if (plist >= 0 && H5Pset_fapl_core(plist, 65536u, 0) >= 0 &&
        H5Pset_file_image(plist, (void *)(uintptr_t)image->bytes, image->size) >= 0)
        file = H5Fopen("image", H5F_ACC_RDONLY, plist);
    if (plist >= 0)
        H5Pclose(plist);
    return file;
}

recsys_status ctl_keras_read(const struct ctl_keras_image *image, const char *path,
                             struct ctl_keras *out, recsys_error *err)
{
    struct h5_reader reader = {-1, path, FREE_BYTES + (hsize_t)image->size * MAX_RATIO, out, err};
    struct paths *paths = ctl_allocate(1u, sizeof *paths);
    recsys_status status;

    H5Eset_auto2(H5E_DEFAULT, NULL, NULL); /* our messages say it */
    reader.file = open_image(image);
    status = reader.file < 0
                 ? rs_error(err, RECSYS_E_FORMAT, "%s: libhdf5 cannot read it (damaged?)", path)
                 : read_all(&reader, paths);
    for (size_t i = 0; i < paths->n; i++)
        free(paths->list[i]);
    free(paths);
    if (reader.file >= 0)
        H5Fclose(reader.file);
    return status;
}
