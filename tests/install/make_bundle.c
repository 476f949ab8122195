/* tests/install/make_bundle.c - write a small bundle for tests that need any bundle at all.
 *
 *   make_bundle DIR
 *
 * 60 users, 200 films in 16 dimensions with ids, biases, seen lists and a
 * catalogue. An older bundle at DIR is kept: what is written is always the same. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "recsys/recsys.h"

#define N_USERS 60
#define N_ITEMS 200
#define DIMENSIONS 16
#define N_SEEN 5

static uint64_t state = 20260101;

/* splitmix64, as a number in [-1,1). */
static float next_number(void)
{
    uint64_t z = state += 0x9e3779b97f4a7c15u;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    z ^= z >> 31;
    return (float)(z >> 40) * 0x1p-23f - 1.0f;
}

static float users[N_USERS * DIMENSIONS], items[N_ITEMS * DIMENSIONS], biases[N_ITEMS];
static uint64_t seen_offsets[N_USERS + 1];
static uint32_t seen_items[N_USERS * N_SEEN];
static int64_t user_ids[N_USERS], item_ids[N_ITEMS];

static void make_numbers(void)
{
    for (size_t i = 0; i < sizeof users / sizeof *users; i++)
        users[i] = next_number();
    for (size_t i = 0; i < sizeof items / sizeof *items; i++)
        items[i] = next_number();
    for (size_t i = 0; i < N_ITEMS; i++) {
        biases[i] = 0.1f * next_number();
        item_ids[i] = (int64_t)i + 1;
    }
    for (uint32_t u = 0; u < N_USERS; u++) {
        user_ids[u] = (int64_t)u + 1;
        seen_offsets[u + 1] = (uint64_t)(u + 1) * N_SEEN;
        for (uint32_t i = 0; i < N_SEEN; i++)
            seen_items[u * N_SEEN + i] = (u * 7 + i * 31) % N_ITEMS;
    }
}

static void check(recsys_status status, const recsys_error *err)
{
    if (status != RECSYS_OK) {
        fprintf(stderr, "make_bundle: %s: %s\n", recsys_status_name(status), err->message);
        exit(1);
    }
}

static void set_array(recsys_builder *builder, const char *name, const void *data, uint32_t dtype,
                      uint64_t rows, uint64_t columns)
{
    recsys_array array = RECSYS_ARRAY_2D(data, dtype, rows, columns);
    recsys_error err;

    array.n_dims = columns == 0 ? 1u : 2u;
    check(recsys_builder_set_array(builder, name, &array, &err), &err);
}

static void add_items(recsys_builder *builder)
{
    static const char *const genres[] = {"Action", "Comedy", "Drama", "Horror", "Sci-Fi"};
    static const char *const languages[] = {"en", "fr", "de", "ja"};
    recsys_error err;

    for (int i = 0; i < N_ITEMS; i++) {
        char line[512];
        int size = snprintf(line, sizeof line,
                            "{\"id\": %d, \"title\": \"Film %d (%d)\", \"genres\": [\"%s\", "
                            "\"%s\"], \"release_year\": %d, \"rating\": %d.%d, "
                            "\"language\": \"%s\", \"adult\": %s}",
                            i + 1, i + 1, 1960 + i % 60, genres[i % 5], genres[(i + 1 + i / 5) % 5],
                            1960 + i % 60, i % 10, i % 7, languages[i % 4],
                            i % 23 == 0 ? "true" : "false");
        check(recsys_builder_add_item(builder, line, (size_t)size, &err), &err);
    }
}

int main(int argc, char **argv)
{
    recsys_builder *builder = NULL;
    recsys_error err;
    recsys_status status;

    if (argc != 2) {
        fputs("usage: make_bundle DIR\n", stderr);
        return 2;
    }
    make_numbers();
    check(recsys_builder_create(&builder, &err), &err);
    set_array(builder, "user_factors", users, RECSYS_DTYPE_F32, N_USERS, DIMENSIONS);
    set_array(builder, "item_factors", items, RECSYS_DTYPE_F32, N_ITEMS, DIMENSIONS);
    set_array(builder, "user_ids", user_ids, RECSYS_DTYPE_I64, N_USERS, 0);
    set_array(builder, "item_ids", item_ids, RECSYS_DTYPE_I64, N_ITEMS, 0);
    set_array(builder, "item_bias", biases, RECSYS_DTYPE_F32, N_ITEMS, 0);
    set_array(builder, "seen_offsets", seen_offsets, RECSYS_DTYPE_U64, N_USERS + 1, 0);
    set_array(builder, "seen_items", seen_items, RECSYS_DTYPE_U32, N_USERS * N_SEEN, 0);
    check(recsys_builder_set_field(builder, "name", "small", &err), &err);
    check(recsys_builder_set_field(builder, "version", "1", &err), &err);
    add_items(builder);
    status = recsys_builder_write(builder, argv[1], &err);
    if (status != RECSYS_E_EXISTS)
        check(status, &err);
    recsys_builder_destroy(builder);
    return 0;
}
