/* tests/support/als_model.h - a model of ALS with a catalogue, built with the builder.
 *
 * Its vectors are random, not trained, which does not matter for what is computed from them.
 * The vectors are kept for reference computations. Every failure ends the program.
 */
#ifndef TESTS_SUPPORT_ALS_MODEL_H
#define TESTS_SUPPORT_ALS_MODEL_H

#include <stddef.h>
#include <stdint.h>

#include "recsys/model.h"

#define ALS_N_GENRES 5u
#define ALS_N_LANGUAGES 3u

struct als_model {
    uint32_t n_users, n_items, d;
    float *users, *items; /* [n, d] by row */
    recsys_model *model;
};

/* `fields` are given to the builder: pairs of name and value, NULL at the end. The item of row r
 * has the id 10 * r, and the user of row r the id r; each user has seen 12 items, with weights. */
void als_model_create(struct als_model *als, const char *path, uint32_t n_users, uint32_t n_items,
                      uint32_t d, uint64_t seed, const char *const *fields);
void als_model_destroy(struct als_model *als);

/* As the catalogue has them: the genres of a row as bits (one or two of "g0" to "g4", none for
 * every eleventh), its year (0 for every thirteenth), its language (0 = unknown, else 1 to 3 for
 * "l1" to "l3"). */
uint32_t als_genres(uint32_t row);
int32_t als_year(uint32_t row);
uint32_t als_language(uint32_t row);

/* The vector of a user who likes these rows with these confidences, by Gaussian elimination. */
void als_solve(const struct als_model *als, double regularization, const uint32_t *rows,
               const double *confidences, uint32_t n, double *vector);
/* The part of rows[j] in the score of `row`. */
double als_part(const struct als_model *als, double regularization, const uint32_t *rows,
                const double *confidences, uint32_t n, uint32_t j, uint32_t row);

#endif
