/* tests/support/memory_model.h - a model made in memory, without files, for tests of scoring. */
#ifndef MEMORY_MODEL_H
#define MEMORY_MODEL_H

#include <stdint.h>

#include "lib/model/model.h"

/* The vectors as the test knows them: row i belongs to id ids[i]. */
struct plain_items {
    uint32_t n, d;
    float *rows; /* [n, d] */
    float *bias; /* NULL = none */
    int64_t *ids;
};

/* A stream of numbers that is the same on every machine. */
struct numbers {
    uint64_t state;
};
uint64_t numbers_next(struct numbers *numbers);
double numbers_uniform(struct numbers *numbers); /* [0,1) */
double numbers_gauss(struct numbers *numbers);

enum family { GAUSSIAN, LOG_NORMAL, DUPLICATES, ZEROS, DENORMALS, HUGE_NORMS, N_FAMILIES };
const char *family_name(enum family family);

void plain_items_create(struct plain_items *items, enum family family, uint32_t n, uint32_t d,
                        int with_bias, uint64_t seed);
void plain_items_destroy(struct plain_items *items);

/* Not loaded, but laid out as the loader does it. Has a catalogue without entries. */
struct recsys_model *memory_model_create(const struct plain_items *items);

#endif
