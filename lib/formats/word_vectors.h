/* lib/formats/word_vectors.h - files of word vectors, whose words are ids of items.
 *
 * Item2vec and its kin train word2vec or fastText on the items of sessions. A reader gives them
 * as the tensors item_factors, item_ids and item_ids_offsets. The word </s>, with which both
 * programs mark the end of a sentence, is no item and left out.
 */
#ifndef RS_FORMATS_WORD_VECTORS_H
#define RS_FORMATS_WORD_VECTORS_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/buffer.h"
#include "lib/formats/tensors.h"

#define RS_WORD_MAX_DIMENSIONS 65536u
#define RS_WORD_MAX_BYTES 255u /* an id cannot have more */

struct rs_word_vectors {
    const char *file; /* for errors */
    size_t max, n, dimensions;
    float *numbers;    /* of max vectors; aligned */
    uint64_t *offsets; /* max + 1 */
    struct rs_buffer words;
};

/* Room for `max` words, whose bytes together are at most `max_bytes`. E_NOMEM. */
recsys_status rs_word_vectors_begin(struct rs_word_vectors *vectors, const char *file, size_t max,
                                    size_t dimensions, size_t max_bytes, recsys_error *err);
/* *vector becomes the place for the word's numbers. E_FORMAT: a word that cannot be an id. */
recsys_status rs_word_vectors_add(struct rs_word_vectors *vectors, const char *word, size_t size,
                                  float **vector, recsys_error *err);
/* Move the vectors into `out`; the caller destroys `vectors` after it. */
recsys_status rs_word_vectors_end(struct rs_word_vectors *vectors, struct rs_tensors *out,
                                  recsys_error *err);
void rs_word_vectors_destroy(struct rs_word_vectors *vectors);

/* 1 if a file begins as word2vec's: two counts in a line. */
int rs_word2vec_is(const unsigned char *bytes, size_t size);
/* 1 if a file begins as fastText's .bin. */
int rs_fasttext_is(const unsigned char *bytes, size_t size);
recsys_status rs_word2vec_parse(const unsigned char *bytes, size_t size, const char *name,
                                struct rs_tensors *out, recsys_error *err);
recsys_status rs_fasttext_parse(const unsigned char *bytes, size_t size, const char *name,
                                struct rs_tensors *out, recsys_error *err);

#endif
