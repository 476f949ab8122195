/* lib/formats/fasttext.c - read fastText's .bin (versions 11 and 12), as gensim writes it too.
 *
 * A header of settings, the dictionary, the input matrix; the rest is not needed. The vector of a
 * word is the mean of its own row and of the rows of its character n-grams, which are found by a
 * hash. Sum and product are computed in float, in fastText's order, so that the numbers are its
 * own. Files of quantised models (.ftz) are refused.
 */
#include <inttypes.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/formats/word_vectors.h"

#define MAGIC 793712314u
#define N_SETTINGS 12u
#define MIN_ENTRY 11u /* a word of a byte, NUL, count, type */

struct fasttext_cursor {
    const unsigned char *at, *end;
};

struct fasttext {
    const char *file;
    struct fasttext_cursor bytes;
    int32_t version, dimensions, model, bucket, minn, maxn;
    int32_t n_entries, n_words;
    const unsigned char *words;  /* where the first entry begins */
    const unsigned char *matrix; /* n_words + bucket rows */
    recsys_error *err;
};

/* A word with the marks at its ends, by the bytes. */
struct marked {
    char text[RS_WORD_MAX_BYTES + 2];
    size_t size;
};

static int take(struct fasttext_cursor *bytes, void *out, size_t size)
{
    if ((size_t)(bytes->end - bytes->at) < size)
        return 0;
    memcpy(out, bytes->at, size);
    bytes->at += size;
    return 1;
}

int rs_fasttext_is(const unsigned char *bytes, size_t size)
{
    uint32_t magic = 0;

    if (size >= sizeof magic)
        memcpy(&magic, bytes, sizeof magic);
    return magic == MAGIC;
}

static recsys_status cut(const struct fasttext *model, const char *where)
{
    return rs_error(model->err, RECSYS_E_FORMAT, "%s: ends in its %s (truncated copy?)",
                    model->file, where);
}

/* dim ws epoch minCount neg wordNgrams loss model bucket minn maxn lrUpdateRate, then t. */
static recsys_status read_settings(struct fasttext *model)
{
    int32_t settings[N_SETTINGS];
    uint32_t magic;
    double t;

    if (!take(&model->bytes, &magic, sizeof magic) ||
        !take(&model->bytes, &model->version, sizeof model->version) ||
        !take(&model->bytes, settings, sizeof settings) || !take(&model->bytes, &t, sizeof t))
        return cut(model, "settings");
    if (model->version < 11 || model->version > 12)
        return rs_error(model->err, RECSYS_E_UNSUPPORTED,
                        "%s: is of fastText's version %" PRId32 ", 11 and 12 are known",
                        model->file, model->version);
    model->dimensions = settings[0];
    model->model = settings[7];
    model->bucket = settings[8];
    model->minn = settings[9];
    model->maxn = model->version == 11 && model->model == 3 ? 0 : settings[10];
    if (model->dimensions < 1 || model->dimensions > (int32_t)RS_WORD_MAX_DIMENSIONS ||
        model->bucket < 0 || (model->maxn > 0 && model->bucket == 0))
        return rs_error(model->err, RECSYS_E_FORMAT,
                        "%s: settings are damaged: dim %" PRId32 ", bucket %" PRId32
                        ", maxn %" PRId32,
                        model->file, model->dimensions, model->bucket, model->maxn);
    return RECSYS_OK;
}

/* The word at `bytes`, which is behind its count and type then; NULL at the file's end. */
static const char *take_word(struct fasttext_cursor *bytes, size_t *size)
{
    const unsigned char *word = bytes->at;
    const unsigned char *nul = memchr(word, 0, (size_t)(bytes->end - word));

    if (nul == NULL || (size_t)(bytes->end - nul) < MIN_ENTRY - 1)
        return NULL;
    *size = (size_t)(nul - word);
    bytes->at = nul + MIN_ENTRY - 1;
    return (const char *)word;
}

static recsys_status read_dictionary(struct fasttext *model)
{
    int32_t n_labels;
    int64_t n_tokens, n_pruned;
    size_t size;

    if (!take(&model->bytes, &model->n_entries, 4) || !take(&model->bytes, &model->n_words, 4) ||
        !take(&model->bytes, &n_labels, 4) || !take(&model->bytes, &n_tokens, 8) ||
        !take(&model->bytes, &n_pruned, 8))
        return cut(model, "dictionary");
    if (n_pruned > 0)
        return rs_error(model->err, RECSYS_E_UNSUPPORTED,
                        "%s: is a pruned model; save the one that it was made from", model->file);
    if (n_pruned == 0)
        model->maxn = 0; /* -1 is the usual: every n-gram counts */
    if (model->n_words < 1 || model->n_entries < model->n_words ||
        (size_t)model->n_entries > (size_t)(model->bytes.end - model->bytes.at) / (MIN_ENTRY - 1))
        return rs_error(model->err, RECSYS_E_FORMAT,
                        "%s: dictionary is damaged: %" PRId32 " words of %" PRId32 " entries",
                        model->file, model->n_words, model->n_entries);
    model->words = model->bytes.at;
    for (int32_t i = 0; i < model->n_entries; i++)
        if (take_word(&model->bytes, &size) == NULL)
            return cut(model, "dictionary");
    return RECSYS_OK;
}

static recsys_status find_matrix(struct fasttext *model)
{
    uint64_t n_bytes, n_rows = (uint64_t)model->n_words + (uint64_t)model->bucket;
    unsigned char is_quantised;
    int64_t rows, columns;

    if (!take(&model->bytes, &is_quantised, 1))
        return cut(model, "matrix");
    if (is_quantised != 0)
        return rs_error(model->err, RECSYS_E_UNSUPPORTED,
                        "%s: is a quantised model; save the one that it was made from (.bin)",
                        model->file);
    if (!take(&model->bytes, &rows, 8) || !take(&model->bytes, &columns, 8))
        return cut(model, "matrix");
    if (columns != model->dimensions || rows < 0 || (uint64_t)rows != n_rows)
        return rs_error(model->err, RECSYS_E_FORMAT,
                        "%s: matrix is [%" PRId64 ",%" PRId64 "], the settings say [%" PRIu64
                        ",%" PRId32 "]",
                        model->file, rows, columns, n_rows, model->dimensions);
    n_bytes = n_rows * (uint64_t)model->dimensions * sizeof(float); /* below 2^32 * 2^16 * 4 */
    if (n_bytes > (uint64_t)(model->bytes.end - model->bytes.at))
        return cut(model, "matrix");
    model->matrix = model->bytes.at;
    return RECSYS_OK;
}

static void add_row(const struct fasttext *model, uint64_t row, float *vector)
{
    const size_t size = sizeof(float);
    const unsigned char *from = model->matrix + row * (uint64_t)model->dimensions * size;
    float number;

    for (int32_t j = 0; j < model->dimensions; j++) {
        memcpy(&number, from + (size_t)j * size, size);
        vector[j] += number;
    }
}

/* FNV-1a of bytes with a sign, as fastText has it by accident and keeps it for its files. */
static uint32_t hash(const char *bytes, size_t size)
{
    uint32_t h = 2166136261u;

    for (size_t i = 0; i < size; i++) {
        uint32_t byte = (unsigned char)bytes[i];
        if (byte >= 0x80u)
            byte |= 0xFFFFFF00u;
        h = (h ^ byte) * 16777619u;
    }
    return h;
}

static int is_inside(char byte) /* of a character of UTF-8 */
{
    return ((unsigned char)byte & 0xC0u) == 0x80u;
}

/* Add the rows of all n-grams that begin at `begin`; their number is returned. */
static uint32_t add_grams(const struct fasttext *model, const struct marked *word, size_t begin,
                          float *vector)
{
    uint32_t n_rows = 0;
    size_t end = begin;

    for (int32_t n = 1; n <= model->maxn && end < word->size; n++) {
        for (end++; end < word->size && is_inside(word->text[end]);)
            end++;
        if (n < model->minn || (n == 1 && (begin == 0 || end == word->size)))
            continue;
        uint32_t h = hash(word->text + begin, end - begin) % (uint32_t)model->bucket;
        add_row(model, (uint64_t)model->n_words + h, vector);
        n_rows++;
    }
    return n_rows;
}

static void fill_vector(const struct fasttext *model, int32_t row, const char *word, size_t size,
                        float *vector)
{
    struct marked marked;
    uint32_t n_rows = 1;

    marked.size = size + 2;
    marked.text[0] = '<';
    memcpy(marked.text + 1, word, size);
    marked.text[size + 1] = '>';
    memset(vector, 0, (size_t)model->dimensions * sizeof *vector);
    add_row(model, (uint64_t)row, vector);
    for (size_t begin = 0; model->maxn > 0 && begin < marked.size; begin++)
        if (!is_inside(marked.text[begin]))
            n_rows += add_grams(model, &marked, begin, vector);
    const float share = (float)(1.0 / n_rows);
    for (int32_t j = 0; j < model->dimensions; j++)
        vector[j] *= share;
}

static recsys_status read_vectors(const struct fasttext *model, struct rs_word_vectors *vectors)
{
    struct fasttext_cursor bytes = {model->words, model->matrix};
    float *vector;
    size_t size = 0;

    for (int32_t row = 0; row < model->n_words; row++) {
        const char *word = take_word(&bytes, &size);
        size_t before = vectors->n;
        recsys_status status = rs_word_vectors_add(vectors, word, size, &vector, model->err);
        if (status != RECSYS_OK)
            return status;
        if (vectors->n > before)
            fill_vector(model, row, word, size, vector);
    }
    return RECSYS_OK;
}

recsys_status rs_fasttext_parse(const unsigned char *bytes, size_t size, const char *name,
                                struct rs_tensors *out, recsys_error *err)
{
    struct fasttext model = {.file = name, .bytes = {bytes, bytes + size}, .err = err};
    struct rs_word_vectors vectors;
    recsys_status status;

    memset(out, 0, sizeof *out);
    if (!rs_fasttext_is(bytes, size))
        return rs_error(err, RECSYS_E_FORMAT, "%s: does not begin as fastText's files do", name);
    if ((status = read_settings(&model)) != RECSYS_OK ||
        (status = read_dictionary(&model)) != RECSYS_OK ||
        (status = find_matrix(&model)) != RECSYS_OK)
        return status;
    status = rs_word_vectors_begin(&vectors, name, (size_t)model.n_words, (size_t)model.dimensions,
                                   size, err);
    if (status == RECSYS_OK)
        status = read_vectors(&model, &vectors);
    if (status == RECSYS_OK)
        status = rs_word_vectors_end(&vectors, out, err);
    out->source = "fasttext";
    rs_word_vectors_destroy(&vectors);
    if (status != RECSYS_OK)
        rs_tensors_close(out);
    return status;
}
