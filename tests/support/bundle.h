/* tests/support/bundle.h - small valid bundles, written without the library.
 *
 * Readers are tested against these, so nothing here goes through the builder.
 * Everything that was written is kept in the struct, row by row as in the files, for
 * reference computations. Every failure ends the program: tests have no use
 * for a half-made bundle.
 */
#ifndef TESTS_SUPPORT_BUNDLE_H
#define TESTS_SUPPORT_BUNDLE_H

#include <stddef.h>
#include <stdint.h>

#define BUNDLE_BIAS (1u << 0)       /* item_bias and user_bias */
#define BUNDLE_NUMBER_IDS (1u << 1) /* integer ids with gaps, in no order; else none: 1..n */
#define BUNDLE_TEXT_IDS (1u << 2)   /* "i-17", "u-29" */
#define BUNDLE_SEEN (1u << 3)       /* seen.safetensors with weights */
#define BUNDLE_CATALOG (1u << 4)    /* catalog.jsonl; every seventh item has no line */
#define BUNDLE_FEATURES (1u << 5)   /* three features */
#define BUNDLE_POPULARITY (1u << 6)
#define BUNDLE_UNSORTED (1u << 7) /* items in no order; else by descending norm */
#define BUNDLE_COSINE (1u << 8)   /* "metric": "cosine" */
#define BUNDLE_UNIT (1u << 9)     /* all vectors have length 1 */
#define BUNDLE_LINEAR (1u << 10)  /* "link": linear from -3 to 3; else sigmoid */
#define BUNDLE_FORMAT_2 (1u << 11) /* the catalogue as columns; else as lines */
#define BUNDLE_CODES (1u << 12)    /* codes.safetensors; with BUNDLE_FORMAT_2 */

struct bundle {
    uint32_t flags;
    size_t n_users, n_items, d;
    float *users, *items; /* [n,d], rows as in the file */
    float *user_bias, *item_bias;
    int64_t *user_numbers, *item_numbers; /* ids by row; texts are these with a prefix */
    float *popularity;
    float *features; /* [3,d]: pref_genre_drama, pref_genre_comedy, min_rating */
    uint64_t *seen_offsets;
    uint32_t *seen_items;
    float *seen_weights;
};

/* Write a bundle into directory `path`, which is made. The same arguments give
 * the same bytes. Free with bundle_free(). */
void bundle_write(struct bundle *bundle, const char *path, size_t n_users, size_t n_items, size_t d,
                  uint64_t seed, uint32_t flags);
void bundle_free(struct bundle *bundle);
/* The catalogue's line of an item, without newline, as bundle_write() writes
 * it; "" if it has none. `out` has room for 256 bytes. */
void bundle_catalog_line(const struct bundle *bundle, size_t row, char *out);

/* The parts that bundles are made of, for tests that want other ones. */
struct bundle_tensor {
    const char *name, *dtype; /* "F32", ... */
    size_t n_dims;
    uint64_t shape[4];
    const void *data;
    size_t n_bytes;
};

/* A .safetensors file in memory (free it); data begins at a multiple of `align`. */
unsigned char *bundle_make_safetensors(const struct bundle_tensor *tensors, size_t n, size_t align,
                                       size_t *size);
/* recsys.json with the sizes and hashes of those of the known files that
 * are there. `members` goes in between, as `"n_users": 3, ...,` */
void bundle_write_manifest(const char *path, const char *members);
/* The members that bundle_write() gives to bundle_write_manifest(). Free it. */
char *bundle_manifest_members(const struct bundle *bundle);

/* A new directory below $TMPDIR or /tmp. Free the name. */
char *bundle_make_directory(void);
/* Remove a directory and the files in it, and its directories' files. */
void bundle_remove_directory(const char *path);
void bundle_write_file(const char *directory, const char *name, const void *bytes, size_t size);
unsigned char *bundle_read_file(const char *directory, const char *name, size_t *size);

/* 0..n-1 from a small generator. */
uint64_t bundle_random(uint64_t *state, uint64_t n);

#endif
