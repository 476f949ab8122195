/* tests/api/reference.h - what the right answer is, worked out the slow way from public functions.
 *
 * Reads a whole model through recsys_model_get_item() and recsys_catalog_get(),
 * scores every item in double and says of an answer whether it is the right
 * one. Float rounding is allowed for; that the bits are right is tests/unit's
 * business. For cmocka programs; private to tests/api.
 */
#ifndef TESTS_API_REFERENCE_H
#define TESTS_API_REFERENCE_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "recsys/recsys.h"
#include "tests/support/bundle.h"

struct reference {
    const recsys_model *model;
    recsys_model_info info;
    size_t n, d;
    recsys_id *ids; /* ascending */
    float *vectors; /* [n,d] */
    float *bias;
    recsys_item *items;
};

static inline void must(recsys_status status, const recsys_error *err, const char *what)
{
    if (status != RECSYS_OK)
        fail_msg("%s: %s: %s", what, recsys_status_name(status), err->message);
}

static inline recsys_model *load_model(const char *path)
{
    recsys_model *model = NULL;
    recsys_error err;

    must(recsys_model_load(path, NULL, &model, &err), &err, path);
    return model;
}

/* Write a bundle of bundle.h below `scratch` and load it. */
static inline recsys_model *make_model(const char *scratch, const char *name, struct bundle *bundle,
                                       size_t n_users, size_t n_items, size_t d, uint64_t seed,
                                       uint32_t flags)
{
    char path[1024];

    snprintf(path, sizeof path, "%s/%s", scratch, name);
    bundle_write(bundle, path, n_users, n_items, d, seed, flags);
    return load_model(path);
}

static inline void reference_create(struct reference *reference, const recsys_model *model)
{
    recsys_error err;
    size_t count = 0;

    memset(reference, 0, sizeof *reference);
    reference->model = model;
    reference->info.struct_size = (uint32_t)sizeof reference->info;
    must(recsys_model_get_info(model, &reference->info, &err), &err, "info");
    reference->n = (size_t)reference->info.n_items;
    reference->d = reference->info.dimensions;
    reference->ids = calloc(reference->n, sizeof *reference->ids);
    reference->vectors = calloc(reference->n * reference->d, sizeof *reference->vectors);
    reference->bias = calloc(reference->n, sizeof *reference->bias);
    reference->items = calloc(reference->n, sizeof *reference->items);
    assert_true(reference->ids != NULL && reference->vectors != NULL && reference->bias != NULL &&
                reference->items != NULL);
    must(recsys_model_get_item_ids(model, 0, reference->ids, reference->n, &count, &err), &err,
         "ids");
    assert_int_equal(count, reference->n);
    for (size_t i = 0; i < reference->n; i++) {
        reference->items[i].struct_size = (uint32_t)sizeof *reference->items;
        must(recsys_model_get_item(model, reference->ids[i], reference->vectors + i * reference->d,
                                   &reference->bias[i], &err),
             &err, "item");
        must(recsys_catalog_get(model, reference->ids[i], &reference->items[i], &err), &err,
             "catalog");
    }
}

static inline void reference_destroy(struct reference *reference)
{
    free(reference->ids);
    free(reference->vectors);
    free(reference->bias);
    free(reference->items);
}

static inline int same_id(recsys_id a, recsys_id b)
{
    if ((a.text == NULL) != (b.text == NULL))
        return 0;
    return a.text == NULL ? a.number == b.number : strcmp(a.text, b.text) == 0;
}

/* Number of an item in `reference`; fails if there is none. */
static inline size_t reference_find(const struct reference *reference, recsys_id id)
{
    for (size_t i = 0; i < reference->n; i++)
        if (same_id(reference->ids[i], id))
            return i;
    fail_msg("an answer names item %s %llu, which the model does not have",
             id.text == NULL ? "" : id.text, (unsigned long long)id.number);
    return 0;
}

static inline double dot(const float *a, const float *b, size_t n)
{
    double sum = 0;

    for (size_t j = 0; j < n; j++)
        sum += (double)a[j] * (double)b[j];
    return sum;
}

static inline int names_equal(const char *a, const char *b)
{
    for (; *a != '\0' && *b != '\0'; a++, b++) {
        int x = *a >= 'A' && *a <= 'Z' ? *a + 32 : *a, y = *b >= 'A' && *b <= 'Z' ? *b + 32 : *b;
        if (x != y)
            return 0;
    }
    return *a == *b;
}

static inline int is_among(recsys_id id, const recsys_id *ids, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (same_id(id, ids[i]))
            return 1;
    return 0;
}

/* The conditions of a filter as catalog.h words them, but for seen_by. */
static inline int passes(const struct reference *reference, size_t i,
                         const recsys_filter_options *options)
{
    const recsys_item *item = &reference->items[i];
    int spoken = options->n_languages == 0;

    if ((options->flags & RECSYS_FILTER_EXCLUDE_ADULT) != 0 && item->adult)
        return 0;
    if (options->min_rating != 0 &&
        !(item->known && item->rating >= 0 && item->rating >= options->min_rating))
        return 0;
    if (options->min_year != 0 &&
        (item->release_year == 0 || item->release_year < options->min_year))
        return 0;
    if (options->max_year != 0 &&
        (item->release_year == 0 || item->release_year > options->max_year))
        return 0;
    for (uint32_t l = 0; l < options->n_languages; l++)
        spoken |= item->language != NULL && names_equal(item->language, options->languages[l]);
    if (!spoken)
        return 0;
    if ((options->flags & RECSYS_FILTER_ALLOW) != 0 &&
        !is_among(reference->ids[i], options->allow, options->n_allow))
        return 0;
    return !is_among(reference->ids[i], options->exclude, options->n_exclude);
}

/* scores[i] of every item for a vector; slack[i]: by how much a float may differ. */
static inline void reference_score(const struct reference *reference, const float *vector,
                                   double offset, double relative, double *scores, double *slack)
{
    for (size_t i = 0; i < reference->n; i++) {
        const float *item = reference->vectors + i * reference->d;
        double size = fabs(offset) + fabs((double)reference->bias[i]);
        for (size_t j = 0; j < reference->d; j++)
            size += fabs((double)vector[j] * (double)item[j]);
        scores[i] = offset + (double)reference->bias[i] + dot(vector, item, reference->d);
        slack[i] = relative * size + 1e-40;
    }
}

#define FLOAT_ROUNDING 0x1p-23 /* one rounding to float, and some double ones */

/* One place of an answer, whatever struct it came in. */
struct place {
    recsys_id item;
    float raw;
};

/* An answer is right if it has min(k, eligible) different eligible items with
 * their scores, best first, equal scores by id, and nothing better is missing. */
static inline void check_answer(const struct reference *reference, const char *what,
                                const unsigned char *eligible, const double *scores,
                                const double *slack, uint32_t k, const struct place *places,
                                uint32_t count)
{
    unsigned char *returned = calloc(reference->n, 1);
    size_t n_eligible = 0, last = 0, previous = 0;

    assert_non_null(returned);
    for (size_t i = 0; i < reference->n; i++)
        n_eligible += eligible[i] != 0;
    if (count != (k < n_eligible ? k : n_eligible))
        fail_msg("%s: %u items, want %zu: k is %u and %zu are eligible", what, count,
                 k < n_eligible ? (size_t)k : n_eligible, k, n_eligible);
    for (uint32_t c = 0; c < count; c++) {
        size_t i = reference_find(reference, places[c].item);
        if (!eligible[i] || returned[i])
            fail_msg("%s: place %u is item %zu, which is %s", what, c, i,
                     eligible[i] ? "there twice" : "not eligible");
        returned[i] = 1;
        if (!(fabs((double)places[c].raw - scores[i]) <= slack[i]))
            fail_msg("%s: place %u has score %.9g, want %.9g", what, c, (double)places[c].raw,
                     scores[i]);
        /* reference->ids ascend, so the smaller number is the smaller id. */
        if (c > 0 && (places[c].raw > places[c - 1].raw ||
                      (places[c].raw == places[c - 1].raw && i < previous)))
            fail_msg("%s: place %u is better than the one before", what, c);
        previous = last = i;
    }
    for (size_t i = 0; count > 0 && i < reference->n; i++)
        if (eligible[i] && !returned[i] && scores[i] - slack[i] > scores[last] + slack[last])
            fail_msg("%s: item %zu (%.9g) is missing; the last one has %.9g", what, i, scores[i],
                     scores[last]);
    free(returned);
}

/* Does a status and only it come back, with a message, and nothing else? */
static inline void expect(recsys_status got, recsys_status want, const recsys_error *err,
                          const char *what)
{
    if (got != want)
        fail_msg("%s: %s, want %s (%s)", what, recsys_status_name(got), recsys_status_name(want),
                 got == RECSYS_OK ? "" : err->message);
    if (want != RECSYS_OK && (err->status != want || err->message[0] == '\0'))
        fail_msg("%s: the error record says %s \"%s\"", what, recsys_status_name(err->status),
                 err->message);
}

#endif
