/* lib/formats/word_vectors.c - see word_vectors.h. */
#include "lib/formats/word_vectors.h"

#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"

static const char sentence_end[] = "</s>";

recsys_status rs_word_vectors_begin(struct rs_word_vectors *vectors, const char *file, size_t max,
                                    size_t dimensions, size_t max_bytes, recsys_error *err)
{
    size_t n;

    memset(vectors, 0, sizeof *vectors);
    rs_buffer_init(&vectors->words, max_bytes);
    vectors->file = file;
    vectors->max = max;
    vectors->dimensions = dimensions;
    if (rs_multiply(max, dimensions, &n))
        vectors->numbers = rs_alloc_aligned(n, sizeof *vectors->numbers);
    vectors->offsets = rs_alloc_aligned(max + 1, sizeof *vectors->offsets);
    if (vectors->numbers == NULL || vectors->offsets == NULL)
        return rs_error_nomem(err, file);
    vectors->offsets[0] = 0;
    return RECSYS_OK;
}

recsys_status rs_word_vectors_add(struct rs_word_vectors *vectors, const char *word, size_t size,
                                  float **vector, recsys_error *err)
{
    *vector = vectors->numbers + vectors->n * vectors->dimensions;
    if (size == 0 || size > RS_WORD_MAX_BYTES || memchr(word, 0, size) != NULL)
        return rs_error(err, RECSYS_E_FORMAT, "%s: word %zu has %zu bytes%s", vectors->file,
                        vectors->n + 1, size,
                        size == 0                  ? ""
                        : size > RS_WORD_MAX_BYTES ? ", an id at most 255"
                                                   : ", one of which is 0");
    if (size == sizeof sentence_end - 1 && memcmp(word, sentence_end, size) == 0)
        return RECSYS_OK; /* the next word takes its place */
    rs_buffer_add(&vectors->words, word, size);
    rs_buffer_add(&vectors->words, "", 1);
    if (vectors->words.status != RECSYS_OK)
        return rs_error_nomem(err, vectors->file);
    vectors->offsets[++vectors->n] = vectors->words.size;
    return RECSYS_OK;
}

static recsys_status move_tensor(struct rs_tensors *out, const char *name, uint32_t dtype,
                                 void *data, size_t rows, size_t columns, recsys_error *err)
{
    struct rs_tensor *tensor = &out->list[out->n++];

    tensor->data = tensor->copy = data;
    tensor->dtype = dtype;
    rs_dtype_show(dtype, tensor->type);
    tensor->n_dims = columns == 0 ? 1 : 2;
    tensor->shape[0] = rows;
    tensor->shape[1] = columns;
    tensor->n_bytes = rows * (columns == 0 ? 1 : columns) * rs_dtype_size(dtype);
    tensor->name = rs_copy_text(name);
    return tensor->name == NULL ? rs_error_nomem(err, name) : RECSYS_OK;
}

recsys_status rs_word_vectors_end(struct rs_word_vectors *vectors, struct rs_tensors *out,
                                  recsys_error *err)
{
    char *words = rs_alloc_aligned(vectors->words.size, 1);
    recsys_status status;

    out->list = rs_alloc_array(3, sizeof *out->list);
    if (out->list == NULL || words == NULL) {
        rs_free_aligned(words);
        return rs_error_nomem(err, vectors->file);
    }
    if (vectors->words.size > 0)
        memcpy(words, vectors->words.bytes, vectors->words.size);
    status = move_tensor(out, "item_ids", RECSYS_DTYPE_U8, words, vectors->words.size, 0, err);
    if (status != RECSYS_OK)
        return status;
    status = move_tensor(out, "item_factors", RECSYS_DTYPE_F32, vectors->numbers, vectors->n,
                         vectors->dimensions, err);
    vectors->numbers = NULL;
    if (status != RECSYS_OK)
        return status;
    status = move_tensor(out, "item_ids_offsets", RECSYS_DTYPE_U64, vectors->offsets,
                         vectors->n + 1, 0, err);
    vectors->offsets = NULL;
    return status;
}

void rs_word_vectors_destroy(struct rs_word_vectors *vectors)
{
    rs_free_aligned(vectors->numbers);
    rs_free_aligned(vectors->offsets);
    rs_buffer_destroy(&vectors->words);
}
