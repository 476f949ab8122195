/* Writes a golden bundle of the format version that the builder writes. README.md says how and
 * when.
 *
 * Numbers come from a small generator and are multiples of 2^-12, so that the
 * bundle is the same wherever it is made. */
#include <recsys/recsys.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define N_USERS 40
#define MAX_ITEMS 1000
#define D 16
#define N_FEATURES 4

static recsys_error err;
static size_t n_items;
static uint64_t state = 20261121;

static uint32_t next(uint32_t n)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)((state >> 33) % n);
}

/* -1..1 in steps of 2^-12. */
static float number(void)
{
    return ((float)next(8193) - 4096.0f) / 4096.0f;
}

static void check(recsys_status status)
{
    if (status != RECSYS_OK) {
        fprintf(stderr, "make: %s\n", err.message);
        exit(1);
    }
}

static void set(recsys_builder *builder, const char *name, const void *data, uint32_t dtype,
                uint64_t rows, uint64_t columns)
{
    recsys_array array = {data, dtype, columns == 0 ? 1u : 2u, {rows, columns}, {0, 0}};

    check(recsys_builder_set_array(builder, name, &array, &err));
}

static float users[N_USERS * D], items[MAX_ITEMS * D], features[N_FEATURES * D];
static float user_bias[N_USERS], item_bias[MAX_ITEMS];
static int64_t user_ids[N_USERS], item_ids[MAX_ITEMS];
static uint64_t seen_offsets[N_USERS + 1];
static uint32_t seen_items[N_USERS * MAX_ITEMS];
static float seen_weights[N_USERS * MAX_ITEMS];

static void fill_vectors(void)
{
    for (size_t i = 0; i < N_USERS * D; i++)
        users[i] = number();
    for (size_t i = 0; i < n_items * D; i++)
        items[i] = number() * (1.0f + (float)(i / D % 5));
    /* Two equal items that the last user likes best: a tie, to be decided by id. */
    memcpy(items + 7 * D, items + 8 * D, D * sizeof *items);
    for (size_t j = 0; j < D; j++)
        users[(N_USERS - 1) * D + j] = items[8 * D + j] * 0.25f;
    memset(items + 9 * D, 0, D * sizeof *items); /* an item without data */
    for (size_t i = 0; i < N_FEATURES * D; i++)
        features[i] = number();
    for (size_t i = 0; i < N_USERS; i++) {
        user_bias[i] = number();
        user_ids[i] = 1000 + (int64_t)((i * 17) % N_USERS) * 3;
    }
    for (size_t i = 0; i < n_items; i++) {
        item_bias[i] = number();
        item_ids[i] = 1 + (int64_t)((i * 23) % n_items) * 5;
    }
    item_bias[7] = item_bias[8];
}

/* Every third item or so for every user but the last, ratings in half stars. */
static void fill_seen(void)
{
    uint64_t n = 0;

    for (size_t user = 0; user < N_USERS; user++) {
        for (uint32_t item = next(5); user + 1 < N_USERS && item < n_items; item += 1 + next(5)) {
            seen_items[n] = item;
            seen_weights[n++] = 0.5f * (float)(1 + next(10));
        }
        seen_offsets[user + 1] = n;
    }
}

/* Every attribute occurs, and every attribute is missing somewhere. */
static void add_catalog(recsys_builder *builder)
{
    static const char *const genres[] = {"Action", "Comedy", "Drama", "Film-Noir", "Sci-Fi"};
    static const char *const languages[] = {"en", "fr", "de", "ja"};

    for (size_t i = 0; i < n_items; i++) {
        char line[512];
        int at = snprintf(line, sizeof line,
                          "{\"id\": %" PRId64 ", \"title\": \"Film \\\"%zu\\\" – %c\"", item_ids[i],
                          i, (char)('A' + i % 26));
        if (i % 11 == 10)
            continue;
        if (i % 7 != 6)
            at += snprintf(line + at, sizeof line - (size_t)at, ", \"genres\": [\"%s\", \"%s\"]",
                           genres[i % 5], genres[(i + 1 + i / 5 % 3) % 5]);
        if (i % 5 != 4)
            at += snprintf(line + at, sizeof line - (size_t)at, ", \"release_year\": %zu",
                           1950 + i % 75);
        if (i % 6 != 5)
            at += snprintf(line + at, sizeof line - (size_t)at, ", \"rating\": %u.%u", next(10),
                           next(10));
        if (i % 4 != 3)
            at += snprintf(line + at, sizeof line - (size_t)at,
                           ", \"poster_url\": \"https://img.example.org/%zu.jpg\"", i);
        if (i % 8 != 7)
            at += snprintf(line + at, sizeof line - (size_t)at, ", \"language\": \"%s\"",
                           languages[i % 4]);
        at += snprintf(line + at, sizeof line - (size_t)at, ", \"adult\": %s}",
                       i % 13 == 12 ? "true" : "false");
        check(recsys_builder_add_item(builder, line, (size_t)at, &err));
    }
}

static void set_fields(recsys_builder *builder)
{
    static const char *const fields[][2] = {{"name", "golden"},
                                            {"version", "1"},
                                            {"algorithm", "als"},
                                            {"training_date", "2026-11-21T00:00:00Z"},
                                            {"link", "linear"},
                                            {"link_min", "-8"},
                                            {"link_max", "8"},
                                            {"metrics.recall@10", "0.25"},
                                            {"hyperparameters.factors", "16"},
                                            {"hyperparameters.regularization", "0.05"}};

    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        check(recsys_builder_set_field(builder, fields[i][0], fields[i][1], &err));
}

int main(int argc, char **argv)
{
    static const char *const names[N_FEATURES] = {"pref_genre_action", "pref_genre_drama",
                                                  "pref_language_en", "min_rating"};
    recsys_builder *builder = NULL;

    if (argc != 3 || (n_items = strtoul(argv[2], NULL, 10)) < 10 || n_items > MAX_ITEMS) {
        fprintf(stderr, "usage: make DIRECTORY NUMBER-OF-ITEMS\n");
        return 2;
    }
    fill_vectors();
    fill_seen();
    check(recsys_builder_create(&builder, &err));
    set(builder, "user_factors", users, RECSYS_DTYPE_F32, N_USERS, D);
    set(builder, "item_factors", items, RECSYS_DTYPE_F32, n_items, D);
    set(builder, "user_bias", user_bias, RECSYS_DTYPE_F32, N_USERS, 0);
    set(builder, "item_bias", item_bias, RECSYS_DTYPE_F32, n_items, 0);
    set(builder, "user_ids", user_ids, RECSYS_DTYPE_I64, N_USERS, 0);
    set(builder, "item_ids", item_ids, RECSYS_DTYPE_I64, n_items, 0);
    set(builder, "feature_factors", features, RECSYS_DTYPE_F32, N_FEATURES, D);
    check(recsys_builder_set_texts(builder, "feature_names", names, N_FEATURES, &err));
    set(builder, "seen_offsets", seen_offsets, RECSYS_DTYPE_U64, N_USERS + 1, 0);
    set(builder, "seen_items", seen_items, RECSYS_DTYPE_U32, seen_offsets[N_USERS], 0);
    set(builder, "seen_weights", seen_weights, RECSYS_DTYPE_F32, seen_offsets[N_USERS], 0);
    set_fields(builder);
    add_catalog(builder);
    check(recsys_builder_write(builder, argv[1], &err));
    recsys_builder_destroy(builder);
    return 0;
}
