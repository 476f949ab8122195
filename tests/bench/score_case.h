/* score_case.h - the data of one case of bench_score: vectors, filters and a model of them. */
#ifndef BENCH_SCORE_CASE_H
#define BENCH_SCORE_CASE_H

#include <recsys/recsys.h>
#include <stddef.h>
#include <stdint.h>

/* The command line. */
struct score_options {
    const char *items_path, *queries_path, *bits_path, *seen_path, *out_path, *catalog_path;
    const char *bundle_path; /* where the model is kept; NULL = a temporary directory */
    const char *check_paths[16];
    size_t n_checks;
    size_t n, d, batch, k, threads, reps, cold;
    double seconds;
    int huge_pages, rounds, recommend, build_only, no_check;
};

/*
 * Item i of the file has id i + 1, query q is also user q + 1, and the user's
 * seen items are those of the query's place in its batch.
 */
struct score_case {
    const float *items, *queries;
    const uint8_t *bits; /* n_bitmaps of bits_size bytes; NULL = none */
    const int32_t *seen; /* [batch, n_seen]; NULL = none */
    size_t n_queries, n_bitmaps, bits_size, n_seen;
    recsys_model *model;
    recsys_filter **filters; /* n_filters: 0, 1 or batch */
    size_t n_filters;
};

/* Map the files, build or find the bundle, load it, make the filters. Ends the program if it
 * cannot. */
void score_case_open(struct score_case *c, const struct score_options *options);
void score_case_close(struct score_case *c);

/* May query `place` of a batch get item row `item`? */
int score_case_allows(const struct score_case *c, size_t place, size_t item);

/* Map a whole file for reading. Ends the program if it cannot. */
const void *score_map_file(const char *path, size_t *size);

_Noreturn void score_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
