/* daemon/http/fields.h - reads single values of a request as pydantic does. */
#ifndef RECSYSD_FIELDS_H
#define RECSYSD_FIELDS_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>
#include <recsys/model.h>

#include "daemon/http/problems.h"

#define RD_WORD_MAX 64u /* characters of a genre or language */
#define RD_WORDS_MAX 64u
#define RD_DECADE_PATTERN "^[1-9][0-9]{2}0s$"

/*
 * All of them: NULL or JSON null leaves *out as it is (the default). A value that does not fit is
 * added to `problems` and does not change *out either. As in pydantic, "10" and 10.0 are integers;
 * unlike there, true is not.
 */
void rd_field_int(struct rd_problems *problems, const struct rd_place *place, const json_t *value,
                  int64_t min, int64_t max, int64_t *out);
void rd_field_float(struct rd_problems *problems, const struct rd_place *place, const json_t *value,
                    int min, int max, float *out);
void rd_field_double(struct rd_problems *problems, const struct rd_place *place,
                     const json_t *value, int min, int max, double *out);
/* Text of min to max characters. BORROWED from `value`. */
void rd_field_text(struct rd_problems *problems, const struct rd_place *place, const json_t *value,
                   size_t min, size_t max, const char **out);
void rd_field_bool(struct rd_problems *problems, const struct rd_place *place, const json_t *value,
                   bool *out);
/* "1990s" as 1990. */
void rd_field_decade(struct rd_problems *problems, const struct rd_place *place,
                     const json_t *value, int32_t *out);

/* A list of words in small letters, sorted, each once. */
struct rd_words {
    uint32_t count;
    const char *words[RD_WORDS_MAX];
    char text[RD_WORDS_MAX][RD_WORD_MAX * 4 + 1];
};
void rd_field_words(struct rd_problems *problems, const struct rd_place *place, const json_t *value,
                    struct rd_words *out);

/* An id of `kind` (RECSYS_ID_KIND_*). Text is BORROWED from `value`. False if it is none. */
bool rd_field_id(struct rd_problems *problems, const struct rd_place *place, const json_t *value,
                 uint32_t kind, recsys_id *out);
/* A list of at most `max` ids. Stores the ones that are right. */
void rd_field_ids(struct rd_problems *problems, const struct rd_place *place, const json_t *value,
                  uint32_t kind, size_t min, size_t max, recsys_id *out, size_t *n_out);

int rd_id_compare(const void *a, const void *b);
/* In ascending order, each once. Returns how many there are then. */
size_t rd_ids_sort(recsys_id *ids, size_t n);

#endif
