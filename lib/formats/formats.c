/* lib/formats/formats.c - see formats.h. */
#include "lib/formats/formats.h"

#include <string.h>

#include "lib/base/error.h"
#include "lib/formats/word_vectors.h"

static int begins(const unsigned char *bytes, size_t size, const char *with, size_t n)
{
    return size >= n && memcmp(bytes, with, n) == 0;
}

static int ends_in(const char *path, const char *ending)
{
    size_t size = strlen(path), n = strlen(ending);

    return size > n && strcmp(path + size - n, ending) == 0;
}

/* Python's pickle of protocol 2 and later. */
static int is_pickle(const unsigned char *bytes, size_t size)
{
    return size > 2 && bytes[0] == 0x80 && bytes[1] >= 2 && bytes[1] < 6;
}

static recsys_status refuse(const unsigned char *bytes, size_t size, const char *name,
                            recsys_error *err)
{
    if (is_pickle(bytes, size))
        return rs_error(err, RECSYS_E_UNSUPPORTED,
                        "%s: is pickled data, which can run programs when it is read; export the "
                        "arrays as .safetensors or .npz (docs/models.md says how for each library)",
                        name);
    if (begins(bytes, size, "\x89HDF\r\n", 6))
        return rs_error(err, RECSYS_E_UNSUPPORTED,
                        "%s: is an HDF5 file; `recsysctl import --model` makes a bundle of Keras's",
                        name);
    if (begins(bytes, size, "PAR1", 4) || begins(bytes, size, "ARROW1", 6))
        return rs_error(err, RECSYS_E_UNSUPPORTED,
                        "%s: is a %s file; export its columns as .npz (docs/models.md)", name,
                        bytes[0] == 'P' ? "Parquet" : "Arrow");
    return rs_error(err, RECSYS_E_FORMAT,
                    "%s: is neither a bundle directory nor a .safetensors or .npz file", name);
}

recsys_status rs_formats_find(const char *path, const unsigned char *bytes, size_t size,
                              const char *name, rs_tensors_parse *out, recsys_error *err)
{
    if (begins(bytes, size, "\x93NUMPY", 6))
        *out = rs_npy_parse;
    else if (begins(bytes, size, "PK", 2))
        *out = rs_npz_parse;
    else if (size > 8 && bytes[8] == '{')
        *out = rs_safetensors_parse;
    else if (rs_fasttext_is(bytes, size))
        *out = rs_fasttext_parse;
    else if (rs_word2vec_is(bytes, size))
        *out = rs_word2vec_parse;
    else if (is_pickle(bytes, size))
        return refuse(bytes, size, name, err);
    else if (ends_in(path, ".safetensors"))
        *out = rs_safetensors_parse;
    else if (ends_in(path, ".npz"))
        *out = rs_npz_parse;
    else if (ends_in(path, ".npy"))
        *out = rs_npy_parse;
    else
        return refuse(bytes, size, name, err);
    return RECSYS_OK;
}
