/* lib/catalog/catalog_tensors.c - the columns of a catalogue among a file's tensors.
 *
 * Names, types and lengths are checked here, values by rs_catalog_use().
 */
#include "lib/catalog/catalog_tensors.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/error.h"

struct viewing {
    const struct rs_tensors *tensors;
    uint32_t n_items;
    const char *where;
    recsys_error *err;
};

static const char *dtype_name(uint32_t dtype)
{
    return dtype == RECSYS_DTYPE_F32   ? "F32"
           : dtype == RECSYS_DTYPE_I32 ? "I32"
           : dtype == RECSYS_DTYPE_U32 ? "U32"
           : dtype == RECSYS_DTYPE_U64 ? "U64"
                                       : "U8";
}

/* A tensor of one dimension; `n` numbers, UINT64_MAX = any. */
static recsys_status find_list(const struct viewing *viewing, const char *name, uint32_t dtype,
                               uint64_t n, const struct rs_tensor **out)
{
    const struct rs_tensor *tensor = rs_tensors_find(viewing->tensors, name);

    *out = tensor;
    if (tensor != NULL && tensor->dtype == dtype && tensor->n_dims == 1 &&
        (n == UINT64_MAX || tensor->shape[0] == n))
        return RECSYS_OK;
    if (n == UINT64_MAX)
        return rs_error(viewing->err, RECSYS_E_FORMAT, "%s: %s: must be %s, one dimension",
                        viewing->where, name, dtype_name(dtype));
    return rs_error(viewing->err, RECSYS_E_FORMAT, "%s: %s: must be %s [%" PRIu64 "]",
                    viewing->where, name, dtype_name(dtype), n);
}

/* The numbers of a column; `n` as above. */
static recsys_status get_column(const struct viewing *viewing, const char *name, uint32_t dtype,
                                uint64_t n, const void **out)
{
    const struct rs_tensor *tensor;
    recsys_status status = find_list(viewing, name, dtype, n, &tensor);

    *out = status == RECSYS_OK ? tensor->data : NULL;
    return status;
}

/* NAME and NAME_offsets, whose number gives *n if that is UINT64_MAX. */
static recsys_status get_offsets(const struct viewing *viewing, const char *name, uint64_t *n,
                                 const uint64_t **out)
{
    const struct rs_tensor *offsets;
    char offsets_name[64];

    snprintf(offsets_name, sizeof offsets_name, "%s_offsets", name);
    recsys_status status = find_list(viewing, offsets_name, RECSYS_DTYPE_U64,
                                     *n == UINT64_MAX ? *n : *n + 1, &offsets);
    if (status != RECSYS_OK)
        return status;
    if (offsets->shape[0] == 0)
        return rs_error(viewing->err, RECSYS_E_FORMAT, "%s: %s: is empty, must begin with 0",
                        viewing->where, offsets_name);
    *n = offsets->shape[0] - 1;
    *out = offsets->data;
    return RECSYS_OK;
}

static recsys_status get_texts(const struct viewing *viewing, const char *name, uint64_t *n,
                               struct rs_text_column *out)
{
    const struct rs_tensor *bytes;
    recsys_status status = find_list(viewing, name, RECSYS_DTYPE_U8, UINT64_MAX, &bytes);

    if (status != RECSYS_OK)
        return status;
    out->bytes = bytes->data;
    out->n_bytes = bytes->n_bytes;
    return get_offsets(viewing, name, n, &out->starts);
}

static recsys_status get_lists(const struct viewing *viewing, struct rs_catalog_columns *out)
{
    const struct rs_tensor *numbers;
    recsys_status status =
        find_list(viewing, "genre_lists", RECSYS_DTYPE_U32, UINT64_MAX, &numbers);

    if (status != RECSYS_OK)
        return status;
    out->list_genres = numbers->data;
    out->n_list_genres = numbers->shape[0];
    out->n_lists = UINT64_MAX;
    return get_offsets(viewing, "genre_lists", &out->n_lists, &out->list_offsets);
}

static recsys_status get_all(const struct viewing *viewing, struct rs_catalog_columns *out)
{
    static const struct {
        const char *name;
        uint32_t dtype;
    } columns[] = {
        {"known", RECSYS_DTYPE_U8},     {"adult", RECSYS_DTYPE_U8},
        {"rating", RECSYS_DTYPE_F32},   {"release_year", RECSYS_DTYPE_I32},
        {"language", RECSYS_DTYPE_U32}, {"genres", RECSYS_DTYPE_U32},
    };
    const void *data[sizeof columns / sizeof *columns] = {NULL};
    uint64_t n_items = viewing->n_items;
    recsys_status status = RECSYS_OK;

    for (size_t i = 0; i < sizeof columns / sizeof *columns && status == RECSYS_OK; i++)
        status = get_column(viewing, columns[i].name, columns[i].dtype, n_items, &data[i]);
    out->known = data[0];
    out->adult = data[1];
    out->ratings = data[2];
    out->years = data[3];
    out->languages = data[4];
    out->genre_lists = data[5];
    out->n_genres = out->n_languages = UINT64_MAX;
    if (status != RECSYS_OK ||
        (status = get_texts(viewing, "title", &n_items, &out->titles)) != RECSYS_OK ||
        (status = get_texts(viewing, "poster_url", &n_items, &out->posters)) != RECSYS_OK ||
        (status = get_texts(viewing, "genre_names", &out->n_genres, &out->genre_names)) !=
            RECSYS_OK ||
        (status = get_texts(viewing, "language_names", &out->n_languages, &out->language_names)) !=
            RECSYS_OK)
        return status;
    return get_lists(viewing, out);
}

recsys_status rs_catalog_view(const struct rs_tensors *tensors, uint32_t n_items, const char *where,
                              struct rs_catalog_columns *out, recsys_error *err)
{
    const struct viewing viewing = {tensors, n_items, where, err};

    memset(out, 0, sizeof *out);
    return get_all(&viewing, out);
}
