/* tests/support/als_model.c - see als_model.h. */
#include "tests/support/als_model.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "recsys/builder.h"
#include "tests/support/bundle.h"
#include "tests/support/check.h"

#define N_SEEN 12u

static recsys_error err;

uint32_t als_genres(uint32_t row)
{
    uint32_t hash = row * 2654435761u >> 16;

    if (row % 11 == 0)
        return 0;
    return 1u << hash % ALS_N_GENRES | (hash % 3 == 0 ? 1u << (hash / 7) % ALS_N_GENRES : 0u);
}

int32_t als_year(uint32_t row)
{
    return row % 13 == 0 ? 0 : 1960 + (int32_t)(row * 40503u >> 8) % 60;
}

uint32_t als_language(uint32_t row)
{
    return (row * 7919u >> 5) % (ALS_N_LANGUAGES + 1u);
}

static float random_number(uint64_t *seed)
{
    double sum = -6.0;

    for (int i = 0; i < 12; i++)
        sum += (double)bundle_random(seed, 1000000) / 1e6;
    return (float)(sum * 0.3);
}

static void put(recsys_builder *builder, const char *name, const void *data, uint32_t dtype,
                uint64_t rows, uint64_t columns)
{
    recsys_array array = RECSYS_ARRAY_2D(data, dtype, rows, columns);

    array.n_dims = columns == 0 ? 1u : 2u;
    CHECK_OK(recsys_builder_set_array(builder, name, &array, &err), &err);
}

static void add_line(recsys_builder *builder, uint32_t row)
{
    char line[256], genres[64] = "", more[64] = "";

    for (uint32_t g = 0; g < ALS_N_GENRES; g++)
        if ((als_genres(row) >> g & 1u) != 0)
            snprintf(genres + strlen(genres), sizeof genres - strlen(genres), "%s\"g%u\"",
                     genres[0] == '\0' ? "" : ",", g);
    if (als_year(row) != 0)
        snprintf(more, sizeof more, ",\"release_year\":%d", (int)als_year(row));
    if (als_language(row) != 0)
        snprintf(more + strlen(more), sizeof more - strlen(more), ",\"language\":\"l%u\"",
                 als_language(row));
    snprintf(line, sizeof line, "{\"id\":%u,\"title\":\"Item %u\",\"genres\":[%s],\"rating\":%u%s}",
             row * 10, row, genres, row % 11, more);
    CHECK_OK(recsys_builder_add_item(builder, line, strlen(line), &err), &err);
}

/* The builder reads them when it writes. */
struct seen {
    uint64_t *offsets;
    uint32_t *items;
    float *weights;
};

static void make_seen(struct seen *seen, const struct als_model *als, uint64_t *seed)
{
    size_t n = (size_t)als->n_users * N_SEEN;

    seen->offsets = calloc(als->n_users + 1u, sizeof *seen->offsets);
    seen->items = calloc(n + 1, sizeof *seen->items);
    seen->weights = calloc(n + 1, sizeof *seen->weights);
    for (size_t i = 0; i < n; i++) {
        if (i % N_SEEN == 0)
            seen->items[i] = (uint32_t)bundle_random(seed, als->n_items / N_SEEN);
        else
            seen->items[i] = seen->items[i - 1] + als->n_items / N_SEEN;
        seen->weights[i] = 1.0f + (float)bundle_random(seed, 9) / 2.0f;
    }
    for (uint32_t u = 0; u <= als->n_users; u++)
        seen->offsets[u] = (uint64_t)u * N_SEEN;
}

static void put_seen(recsys_builder *builder, const struct seen *seen, uint32_t n_users)
{
    uint64_t n = (uint64_t)n_users * N_SEEN;

    put(builder, "seen_offsets", seen->offsets, RECSYS_DTYPE_U64, n_users + 1u, 0);
    put(builder, "seen_items", seen->items, RECSYS_DTYPE_U32, n, 0);
    put(builder, "seen_weights", seen->weights, RECSYS_DTYPE_F32, n, 0);
}

void als_model_create(struct als_model *als, const char *path, uint32_t n_users, uint32_t n_items,
                      uint32_t d, uint64_t seed, const char *const *fields)
{
    recsys_builder *builder = NULL;
    struct seen seen;
    int64_t *ids = calloc((size_t)n_users + n_items, sizeof *ids);

    *als = (struct als_model){n_users, n_items, d, NULL, NULL, NULL};
    als->users = calloc((size_t)n_users * d + 1, sizeof *als->users);
    als->items = calloc((size_t)n_items * d, sizeof *als->items);
    for (size_t i = 0; i < (size_t)n_users * d; i++)
        als->users[i] = random_number(&seed);
    for (size_t i = 0; i < (size_t)n_items * d; i++)
        als->items[i] = random_number(&seed);
    for (uint32_t i = 0; i < n_items; i++)
        ids[i] = (int64_t)i * 10;
    for (uint32_t i = 0; i < n_users; i++)
        ids[n_items + i] = i;
    CHECK_OK(recsys_builder_create(&builder, &err), &err);
    put(builder, "user_factors", als->users, RECSYS_DTYPE_F32, n_users, d);
    put(builder, "item_factors", als->items, RECSYS_DTYPE_F32, n_items, d);
    put(builder, "item_ids", ids, RECSYS_DTYPE_I64, n_items, 0);
    put(builder, "user_ids", ids + n_items, RECSYS_DTYPE_I64, n_users, 0);
    make_seen(&seen, als, &seed);
    put_seen(builder, &seen, n_users);
    for (; *fields != NULL; fields += 2)
        CHECK_OK(recsys_builder_set_field(builder, fields[0], fields[1], &err), &err);
    for (uint32_t row = 0; row < n_items; row++)
        add_line(builder, row);
    CHECK_OK(recsys_builder_write(builder, path, &err), &err);
    CHECK_OK(recsys_model_load(path, NULL, &als->model, &err), &err);
    recsys_builder_destroy(builder);
    free(seen.offsets);
    free(seen.items);
    free(seen.weights);
    free(ids);
}

void als_model_destroy(struct als_model *als)
{
    recsys_model_unref(als->model);
    free(als->users);
    free(als->items);
}

/* The matrix and, behind it, the right side. */
static double *make_system(const struct als_model *als, double regularization, const uint32_t *rows,
                           const double *confidences, uint32_t n)
{
    size_t d = als->d;
    double *system = calloc(d * d + d, sizeof *system);

    for (uint32_t r = 0; r < als->n_items; r++)
        for (size_t i = 0; i < d * d; i++)
            system[i] += (double)als->items[r * d + i / d] * (double)als->items[r * d + i % d];
    for (size_t i = 0; i < d; i++)
        system[i * d + i] += regularization;
    for (uint32_t m = 0; m < n; m++) {
        const float *item = als->items + rows[m] * d;
        for (size_t i = 0; i < d * d; i++)
            system[i] += (confidences[m] - 1.0) * (double)item[i / d] * (double)item[i % d];
        for (size_t i = 0; i < d; i++)
            system[d * d + i] += confidences[m] * (double)item[i];
    }
    return system;
}

/* Gauss-Jordan; the matrix is positive definite, so no pivot is searched. */
static void eliminate(double *system, size_t d)
{
    double *right = system + d * d;

    for (size_t k = 0; k < d; k++)
        for (size_t i = 0; i < d; i++) {
            double factor = system[i * d + k] / system[k * d + k];
            for (size_t j = k; i != k && j < d; j++)
                system[i * d + j] -= factor * system[k * d + j];
            right[i] -= i == k ? 0.0 : factor * right[k];
        }
    for (size_t k = 0; k < d; k++)
        right[k] /= system[k * d + k];
}

void als_solve(const struct als_model *als, double regularization, const uint32_t *rows,
               const double *confidences, uint32_t n, double *vector)
{
    double *system = make_system(als, regularization, rows, confidences, n);

    eliminate(system, als->d);
    memcpy(vector, system + (size_t)als->d * als->d, als->d * sizeof *vector);
    free(system);
}

double als_part(const struct als_model *als, double regularization, const uint32_t *rows,
                const double *confidences, uint32_t n, uint32_t j, uint32_t row)
{
    size_t d = als->d;
    double *system = make_system(als, regularization, rows, confidences, n), part = 0.0;

    for (size_t i = 0; i < d; i++)
        system[d * d + i] = confidences[j] * (double)als->items[rows[j] * d + i];
    eliminate(system, d);
    for (size_t i = 0; i < d; i++)
        part += system[d * d + i] * (double)als->items[row * d + i];
    free(system);
    return part;
}
