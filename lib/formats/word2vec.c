/* lib/formats/word2vec.c - read word2vec's files, text and binary, as gensim writes them too.
 *
 * A line with two counts, then for each word its bytes, a space and the numbers: as decimals up to
 * the line's end, or as float32. In a text file the numbers are found from the line's end, so a
 * word may have spaces in it. In a binary one it cannot, and the newline behind the numbers, which
 * the first program writes and gensim does not, is skipped. Which of both a file is, its first
 * record shows.
 */
#include <stdio.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/real.h"
#include "lib/formats/word_vectors.h"

#define MAX_LINE 40u /* bytes of the line of counts */

struct text {
    const char *at, *end;
};

static int is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static int take_count(struct text *text, uint64_t *out)
{
    const char *first = text->at;

    for (*out = 0; text->at < text->end && *text->at >= '0' && *text->at <= '9'; text->at++)
        *out = *out * 10u + (uint64_t)(*text->at - '0');
    return text->at > first && text->at - first <= 12;
}

/* The first line; `text` is then behind it. */
static int take_counts(struct text *text, uint64_t *n, uint64_t *dimensions)
{
    if (!take_count(text, n) || text->at == text->end || *text->at++ != ' ' ||
        !take_count(text, dimensions))
        return 0;
    while (text->at < text->end && is_space(*text->at))
        text->at++;
    return text->at < text->end && *text->at++ == '\n';
}

int rs_word2vec_is(const unsigned char *bytes, size_t size)
{
    const char *begin = (const char *)bytes;
    struct text text = {begin, begin + (size < MAX_LINE ? size : MAX_LINE)};
    uint64_t n, dimensions;

    return take_counts(&text, &n, &dimensions);
}

/* Read the last number of a line and cut it off; 0 if there is none. */
static int take_last(struct text *line, float *out)
{
    double number;

    while (line->end > line->at && is_space(line->end[-1]))
        line->end--;
    const char *end = line->end;
    while (line->end > line->at && !is_space(line->end[-1]))
        line->end--;
    if (!rs_real_read(line->end, (size_t)(end - line->end), &number))
        return 0;
    *out = (float)number;
    return 1;
}

/* A record of a text file; what is left of `line` is the word. */
static int read_line(struct text *line, size_t dimensions, float *numbers)
{
    for (size_t j = dimensions; j-- > 0;)
        if (!take_last(line, &numbers[j]))
            return 0;
    while (line->end > line->at && is_space(line->end[-1]))
        line->end--;
    return line->end > line->at;
}

static int take_line(struct text *text, struct text *line)
{
    if (text->at == text->end)
        return 0;
    const char *end = memchr(text->at, '\n', (size_t)(text->end - text->at));
    *line = (struct text){text->at, end == NULL ? text->end : end};
    text->at = end == NULL ? text->end : end + 1;
    return 1;
}

static recsys_status read_text(struct rs_word_vectors *vectors, struct text *text, float *spare,
                               recsys_error *err)
{
    const size_t size = vectors->dimensions * sizeof *spare;
    struct text line;
    float *vector;

    for (size_t i = 0; i < vectors->max; i++) {
        if (!take_line(text, &line))
            return rs_error(err, RECSYS_E_FORMAT,
                            "%s: has %zu words, its first line says %zu (truncated copy?)",
                            vectors->file, i, vectors->max);
        if (!read_line(&line, vectors->dimensions, spare))
            return rs_error(err, RECSYS_E_FORMAT, "%s:%zu: must be a word and %zu numbers",
                            vectors->file, i + 2, vectors->dimensions);
        recsys_status status =
            rs_word_vectors_add(vectors, line.at, (size_t)(line.end - line.at), &vector, err);
        if (status != RECSYS_OK)
            return status;
        memcpy(vector, spare, size);
    }
    return RECSYS_OK;
}

static recsys_status read_binary(struct rs_word_vectors *vectors, struct text *text,
                                 recsys_error *err)
{
    const size_t size = vectors->dimensions * sizeof(float);
    float *vector;

    for (size_t i = 0; i < vectors->max; i++) {
        while (text->at < text->end && *text->at == '\n')
            text->at++;
        const char *space = memchr(text->at, ' ', (size_t)(text->end - text->at));
        if (space == NULL || (size_t)(text->end - space) - 1 < size)
            return rs_error(err, RECSYS_E_FORMAT,
                            "%s: ends in word %zu of the %zu that its first line says (truncated "
                            "copy, or a word with a space in it?)",
                            vectors->file, i + 1, vectors->max);
        recsys_status status =
            rs_word_vectors_add(vectors, text->at, (size_t)(space - text->at), &vector, err);
        if (status != RECSYS_OK)
            return status;
        memcpy(vector, space + 1, size);
        text->at = space + 1 + size;
    }
    return RECSYS_OK;
}

/* Only blank characters may follow the last record. */
static recsys_status check_end(const struct rs_word_vectors *vectors, const struct text *text,
                               recsys_error *err)
{
    for (const char *at = text->at; at < text->end; at++)
        if (!is_space(*at) && *at != '\n')
            return rs_error(err, RECSYS_E_FORMAT,
                            "%s: goes on behind the %zu words that its first line says (a word "
                            "with a space in it?)",
                            vectors->file, vectors->max);
    return RECSYS_OK;
}

static recsys_status read_records(struct rs_word_vectors *vectors, struct text *text,
                                  recsys_error *err)
{
    float *spare = rs_alloc_array(vectors->dimensions, sizeof *spare);
    struct text first = *text, line = {NULL, NULL};

    if (spare == NULL)
        return rs_error_nomem(err, vectors->file);
    int is_text = take_line(&first, &line) && read_line(&line, vectors->dimensions, spare);
    recsys_status status =
        is_text ? read_text(vectors, text, spare, err) : read_binary(vectors, text, err);
    rs_free(spare);
    return status == RECSYS_OK ? check_end(vectors, text, err) : status;
}

recsys_status rs_word2vec_parse(const unsigned char *bytes, size_t size, const char *name,
                                struct rs_tensors *out, recsys_error *err)
{
    const char *begin = (const char *)bytes;
    struct text text = {begin, begin + size};
    struct rs_word_vectors vectors;
    uint64_t n = 0, d = 0;

    memset(out, 0, sizeof *out);
    if (!rs_word2vec_is(bytes, size) || !take_counts(&text, &n, &d))
        return rs_error(err, RECSYS_E_FORMAT, "%s: does not begin with two counts in a line", name);
    /* A record has a word of a byte and for each number two bytes or more. */
    if (n < 1 || d < 1 || d > RS_WORD_MAX_DIMENSIONS || n > size / (2 * d + 1))
        return rs_error(err, RECSYS_E_FORMAT,
                        "%s: says that it has %llu words of %llu numbers, but it has %zu bytes",
                        name, (unsigned long long)n, (unsigned long long)d, size);
    recsys_status status = rs_word_vectors_begin(&vectors, name, (size_t)n, (size_t)d, size, err);
    if (status == RECSYS_OK)
        status = read_records(&vectors, &text, err);
    if (status == RECSYS_OK)
        status = rs_word_vectors_end(&vectors, out, err);
    out->source = "word2vec";
    rs_word_vectors_destroy(&vectors);
    if (status != RECSYS_OK)
        rs_tensors_close(out);
    return status;
}
