/* tests/support/bundle.c - see bundle.h. */
#include "tests/support/bundle.h"

#include <dirent.h>
#include <inttypes.h>
#include <math.h>
#include <openssl/evp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void need(int condition, const char *what)
{
    if (!condition) {
        fprintf(stderr, "tests/support/bundle.c: %s failed\n", what);
        abort();
    }
}

static void *get(size_t n, size_t size)
{
    void *memory = calloc(n == 0 ? 1 : n, size);

    need(memory != NULL, "calloc");
    return memory;
}

/* splitmix64 */
uint64_t bundle_random(uint64_t *state, uint64_t n)
{
    uint64_t z = *state += 0x9E3779B97F4A7C15u;

    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return (z ^ (z >> 31)) % n;
}

static float random_real(uint64_t *state)
{
    return (float)bundle_random(state, 2000001) / 1e6f - 1.0f;
}

/* Rows whose norms are `length` of their number, up to rounding. */
static float *random_rows(uint64_t *state, size_t n, size_t d, const double *lengths)
{
    float *rows = get(n * d, sizeof *rows);

    for (size_t i = 0; i < n; i++) {
        double norm = 0;
        for (size_t j = 0; j < d; j++) {
            rows[i * d + j] = random_real(state);
            norm += (double)rows[i * d + j] * (double)rows[i * d + j];
        }
        for (size_t j = 0; j < d && norm > 0; j++)
            rows[i * d + j] = (float)((double)rows[i * d + j] * lengths[i] / sqrt(norm));
    }
    return rows;
}

/* Clearly descending, so that no rounding changes the order. */
static double *make_lengths(uint64_t *state, size_t n, uint32_t flags)
{
    double *lengths = get(n, sizeof *lengths);

    for (size_t i = 0; i < n; i++)
        lengths[i] = flags & BUNDLE_UNIT ? 1 : 2 - (double)i / (double)n;
    for (size_t i = n; i > 1 && (flags & BUNDLE_UNSORTED); i--) {
        size_t j = (size_t)bundle_random(state, i);
        double swap = lengths[i - 1];
        lengths[i - 1] = lengths[j];
        lengths[j] = swap;
    }
    return lengths;
}

static float *random_numbers(uint64_t *state, size_t n)
{
    float *numbers = get(n, sizeof *numbers);

    for (size_t i = 0; i < n; i++)
        numbers[i] = random_real(state) / 4;
    return numbers;
}

/* 1..n, or 5, 8, 11, ... shuffled. */
static int64_t *make_ids(uint64_t *state, size_t n, uint32_t flags)
{
    int64_t *ids = get(n, sizeof *ids);
    int sparse = (flags & (BUNDLE_NUMBER_IDS | BUNDLE_TEXT_IDS)) != 0;

    for (size_t i = 0; i < n; i++)
        ids[i] = sparse ? (int64_t)(3 * i + 5) : (int64_t)i + 1;
    for (size_t i = n; sparse && i > 1; i--) {
        size_t j = (size_t)bundle_random(state, i);
        int64_t swap = ids[i - 1];
        ids[i - 1] = ids[j];
        ids[j] = swap;
    }
    return ids;
}

static void make_seen(struct bundle *bundle, uint64_t *state)
{
    size_t room = bundle->n_users * 8, n = 0;

    bundle->seen_offsets = get(bundle->n_users + 1, sizeof *bundle->seen_offsets);
    bundle->seen_items = get(room, sizeof *bundle->seen_items);
    bundle->seen_weights = get(room, sizeof *bundle->seen_weights);
    for (size_t user = 0; user < bundle->n_users; user++) {
        uint64_t item = bundle_random(state, 3);
        for (size_t i = 0; i < 8 && item < bundle->n_items; i++) {
            bundle->seen_items[n] = (uint32_t)item;
            bundle->seen_weights[n++] = (float)(1 + bundle_random(state, 5));
            item += 1 + bundle_random(state, bundle->n_items / 4 + 1);
        }
        bundle->seen_offsets[user + 1] = n;
    }
}

void bundle_write_file(const char *directory, const char *name, const void *bytes, size_t size)
{
    char path[4096];

    snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *file = fopen(path, "wb");
    need(file != NULL, path);
    need(size == 0 || fwrite(bytes, 1, size, file) == size, path);
    need(fclose(file) == 0, path);
}

unsigned char *bundle_read_file(const char *directory, const char *name, size_t *size)
{
    char path[4096];
    struct stat info;

    snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *file = fopen(path, "rb");
    need(file != NULL && fstat(fileno(file), &info) == 0, path);
    *size = (size_t)info.st_size;
    unsigned char *bytes = get(*size + 1, 1);
    need(fread(bytes, 1, *size, file) == *size, path);
    fclose(file);
    return bytes;
}

char *bundle_make_directory(void)
{
    const char *base = getenv("TMPDIR");
    char *path = get(4096, 1);

    snprintf(path, 4096, "%s/recsys-test-XXXXXX", base != NULL && *base != '\0' ? base : "/tmp");
    need(mkdtemp(path) != NULL, "mkdtemp");
    return path;
}

void bundle_remove_directory(const char *path)
{
    DIR *directory = opendir(path);
    struct dirent *entry;

    if (directory == NULL)
        return;
    while ((entry = readdir(directory)) != NULL) {
        char name[8192];
        struct stat info;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
        if (lstat(name, &info) == 0 && S_ISDIR(info.st_mode))
            bundle_remove_directory(name);
        else
            unlink(name);
    }
    closedir(directory);
    rmdir(path);
}

/* A growing text; cut off at its room, which callers choose amply. */
struct text {
    char *bytes;
    size_t size, room;
};

static void add(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add(struct text *text, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    int n = vsnprintf(text->bytes + text->size, text->room - text->size, format, arguments);
    va_end(arguments);
    need(n >= 0 && (size_t)n < text->room - text->size, "text");
    text->size += (size_t)n;
}

unsigned char *bundle_make_safetensors(const struct bundle_tensor *tensors, size_t n, size_t align,
                                       size_t *size)
{
    struct text header = {get(1, 64 + n * 256), 0, 64 + n * 256};
    size_t data_size = 0;

    add(&header, "{");
    for (size_t i = 0; i < n; i++) {
        const struct bundle_tensor *t = &tensors[i];
        add(&header, "%s\"%s\":{\"dtype\":\"%s\",\"shape\":[", i == 0 ? "" : ",", t->name,
            t->dtype);
        for (size_t k = 0; k < t->n_dims; k++)
            add(&header, "%s%" PRIu64, k == 0 ? "" : ",", t->shape[k]);
        add(&header, "],\"data_offsets\":[%zu,%zu]}", data_size, data_size + t->n_bytes);
        data_size += t->n_bytes;
    }
    add(&header, "}");
    while ((8 + header.size) % align != 0)
        add(&header, " ");
    *size = 8 + header.size + data_size;
    unsigned char *bytes = get(*size, 1);
    uint64_t header_size = header.size;
    memcpy(bytes, &header_size, 8);
    memcpy(bytes + 8, header.bytes, header.size);
    free(header.bytes);
    for (size_t i = 0, at = 8 + header_size; i < n; at += tensors[i++].n_bytes)
        if (tensors[i].n_bytes > 0)
            memcpy(bytes + at, tensors[i].data, tensors[i].n_bytes);
    return bytes;
}

static void describe_file(struct text *json, const char *path, const char *name, int *n)
{
    char full[4096];
    unsigned char sum[EVP_MAX_MD_SIZE];

    snprintf(full, sizeof full, "%s/%s", path, name);
    if (access(full, R_OK) != 0)
        return;
    size_t size;
    unsigned char *bytes = bundle_read_file(path, name, &size);
    need(EVP_Digest(bytes, size, sum, NULL, EVP_sha256(), NULL) == 1, "EVP_Digest");
    add(json, "%s\n    {\"name\": \"%s\", \"size\": %zu, \"sha256\": \"", (*n)++ == 0 ? "" : ",",
        name, size);
    for (size_t i = 0; i < 32; i++)
        add(json, "%02x", sum[i]);
    add(json, "\"}");
    free(bytes);
}

void bundle_write_manifest(const char *path, const char *members)
{
    struct text json = {get(1, 4096 + strlen(members)), 0, 4096 + strlen(members)};
    int n = 0;

    add(&json, "{%s\"files\": [", members);
    describe_file(&json, path, "model.safetensors", &n);
    describe_file(&json, path, "seen.safetensors", &n);
    describe_file(&json, path, "catalog.jsonl", &n);
    describe_file(&json, path, "catalog.safetensors", &n);
    describe_file(&json, path, "codes.safetensors", &n);
    add(&json, "]}\n");
    bundle_write_file(path, "recsys.json", json.bytes, json.size);
    free(json.bytes);
}

char *bundle_manifest_members(const struct bundle *bundle)
{
    struct text json = {get(1, 2048), 0, 2048};

    add(&json, "\"format\": \"recsys-bundle\", \"format_version\": %d, \"name\": \"demo\", ",
        bundle->flags & BUNDLE_FORMAT_2 ? 2 : 1);
    add(&json, "\"version\": \"3\", \"algorithm\": \"als\", \"dtype\": \"F32\", ");
    add(&json, "\"dimensions\": %zu, \"n_users\": %zu, \"n_items\": %zu, ", bundle->d,
        bundle->n_users, bundle->n_items);
    if (bundle->flags & BUNDLE_COSINE)
        add(&json, "\"metric\": \"cosine\", ");
    if (bundle->flags & BUNDLE_LINEAR)
        add(&json, "\"link\": {\"kind\": \"linear\", \"min\": -3, \"max\": 3.0}, ");
    add(&json,
        "\"metrics\": {\"recall@10\": 0.25}, \"hyperparameters\": {\"regularization\": 0.05}, "
        "\"training_date\": \"2026-11-21T03:00:00Z\", ");
    return json.bytes;
}

static void add_text_ids(struct bundle_tensor *tensors, size_t *n_tensors, const char *name,
                         const char *offsets_name, char prefix, const int64_t *numbers, size_t n)
{
    struct text texts = {get(n + 1, 32), 0, (n + 1) * 32};
    uint64_t *offsets = get(n + 1, sizeof *offsets);

    for (size_t i = 0; i < n; i++) {
        add(&texts, "%c-%" PRId64, prefix, numbers[i]);
        texts.size++; /* the NUL stays */
        offsets[i + 1] = texts.size;
    }
    tensors[(*n_tensors)++] =
        (struct bundle_tensor){name, "U8", 1, {texts.size, 0}, texts.bytes, texts.size};
    tensors[(*n_tensors)++] =
        (struct bundle_tensor){offsets_name, "U64", 1, {n + 1, 0}, offsets, (n + 1) * 8};
}

static void add_reals(struct bundle_tensor *tensors, size_t *n_tensors, const char *name,
                      const float *data, size_t n, size_t d)
{
    if (data != NULL)
        tensors[(*n_tensors)++] = (struct bundle_tensor){name,   "F32", d == 0 ? 1 : 2,
                                                         {n, d}, data,  n * (d == 0 ? 1 : d) * 4};
}

static void write_model(const struct bundle *bundle, const char *path)
{
    static const char names[] = "pref_genre_drama\0pref_genre_comedy\0min_rating";
    static const uint64_t name_offsets[] = {0, 17, 35, 46};
    struct bundle_tensor tensors[16];
    size_t n = 0, size, owned = 0;

    add_reals(tensors, &n, "item_factors", bundle->items, bundle->n_items, bundle->d);
    add_reals(tensors, &n, "user_factors", bundle->users, bundle->n_users, bundle->d);
    add_reals(tensors, &n, "feature_factors", bundle->features, 3, bundle->d);
    add_reals(tensors, &n, "item_bias", bundle->item_bias, bundle->n_items, 0);
    add_reals(tensors, &n, "user_bias", bundle->user_bias, bundle->n_users, 0);
    add_reals(tensors, &n, "item_popularity", bundle->popularity, bundle->n_items, 0);
    if (bundle->flags & BUNDLE_NUMBER_IDS) {
        tensors[n++] = (struct bundle_tensor){
            "item_ids", "I64", 1, {bundle->n_items, 0}, bundle->item_numbers, bundle->n_items * 8};
        tensors[n++] = (struct bundle_tensor){
            "user_ids", "I64", 1, {bundle->n_users, 0}, bundle->user_numbers, bundle->n_users * 8};
    }
    if (bundle->features != NULL) {
        tensors[n++] = (struct bundle_tensor){
            "feature_names_offsets", "U64", 1, {4, 0}, name_offsets, sizeof name_offsets};
        tensors[n++] = (struct bundle_tensor){"feature_names",   "U8",  1,
                                              {sizeof names, 0}, names, sizeof names};
    }
    owned = n;
    if (bundle->flags & BUNDLE_TEXT_IDS) {
        add_text_ids(tensors, &n, "item_ids", "item_ids_offsets", 'i', bundle->item_numbers,
                     bundle->n_items);
        add_text_ids(tensors, &n, "user_ids", "user_ids_offsets", 'u', bundle->user_numbers,
                     bundle->n_users);
    }
    unsigned char *bytes = bundle_make_safetensors(tensors, n, 64, &size);
    bundle_write_file(path, "model.safetensors", bytes, size);
    free(bytes);
    for (; owned < n; owned++)
        free((void *)(uintptr_t)tensors[owned].data);
}

static void write_seen(const struct bundle *bundle, const char *path)
{
    size_t nnz = (size_t)bundle->seen_offsets[bundle->n_users], n = bundle->n_users + 1, size;
    const struct bundle_tensor tensors[] = {
        {"seen_offsets", "U64", 1, {n, 0}, bundle->seen_offsets, n * 8},
        {"seen_items", "U32", 1, {nnz, 0}, bundle->seen_items, nnz * 4},
        {"seen_weights", "F32", 1, {nnz, 0}, bundle->seen_weights, nnz * 4},
    };
    unsigned char *bytes = bundle_make_safetensors(tensors, 3, 64, &size);

    bundle_write_file(path, "seen.safetensors", bytes, size);
    free(bytes);
}

static const char *const genre_names[] = {"Drama",  "Comedy", "Crime",
                                          "Sci-Fi", "Horror", "Romance"};
static const char *const language_names[] = {"en", "ko", "fr"};

void bundle_catalog_line(const struct bundle *bundle, size_t row, char *out)
{
    int64_t number = bundle->item_numbers[row],
            k = number / 3 + number % 3; /* ids may go in threes */
    struct text line = {out, 0, 256};

    *out = '\0';
    if (row % 7 == 6)
        return;
    if (bundle->flags & BUNDLE_TEXT_IDS)
        add(&line, "{\"id\": \"i-%" PRId64 "\", ", number);
    else
        add(&line, "{\"id\": %" PRId64 ", ", number);
    add(&line, "\"title\": \"Film %" PRId64 "\", \"genres\": [\"%s\", \"%s\"], ", number,
        genre_names[k % 6], genre_names[(k + 1) % 6]);
    add(&line, "\"release_year\": %" PRId64 ", \"rating\": %.1f, ", 1950 + k % 70,
        (double)(k * 37 % 101) / 10);
    add(&line, "\"language\": \"%s\", \"adult\": %s}", language_names[k % 3],
        k % 5 == 0 ? "true" : "false");
}

static void write_lines(const struct bundle *bundle, const char *path)
{
    struct text lines = {get(bundle->n_items + 1, 256), 0, (bundle->n_items + 1) * 256};

    for (size_t row = 0; row < bundle->n_items; row++) {
        char line[256];
        bundle_catalog_line(bundle, row, line);
        if (*line != '\0')
            add(&lines, "%s\n", line);
    }
    bundle_write_file(path, "catalog.jsonl", lines.bytes, lines.size);
    free(lines.bytes);
}

/* A column of texts and its offsets. */
struct texts {
    struct text bytes;
    uint64_t *offsets;
    size_t n;
};

static void add_text(struct texts *texts, const char *text)
{
    add(&texts->bytes, "%s", text);
    texts->bytes.size++; /* the NUL stays */
    texts->offsets[++texts->n] = texts->bytes.size;
}

static struct texts make_texts(size_t n)
{
    struct texts texts = {{get(n + 1, 64), 0, (n + 1) * 64}, get(n + 1, sizeof(uint64_t)), 0};

    return texts;
}

static size_t put_texts(struct bundle_tensor *tensors, const char *name, const char *offsets_name,
                        const struct texts *texts)
{
    tensors[0] = (struct bundle_tensor){offsets_name,      "U64",          1,
                                        {texts->n + 1, 0}, texts->offsets, (texts->n + 1) * 8};
    tensors[1] = (struct bundle_tensor){
        name, "U8", 1, {texts->bytes.size, 0}, texts->bytes.bytes, texts->bytes.size};
    return 2;
}

/* The entries of bundle_catalog_line() as columns. Lists of genres: none, and k with k + 1. */
static void write_columns(const struct bundle *bundle, const char *path)
{
    size_t n = bundle->n_items, at = 0, size;
    struct texts titles = make_texts(n), posters = make_texts(n), genres = make_texts(6),
                 languages = make_texts(3);
    uint8_t *known = get(n, 1), *adult = get(n, 1);
    float *ratings = get(n, 4);
    int32_t *years = get(n, 4);
    uint32_t *language = get(n, 4), *lists = get(n, 4), list_genres[12];
    uint64_t list_offsets[8] = {0};
    struct bundle_tensor tensors[16];

    for (uint32_t i = 0; i < 6; i++) {
        add_text(&genres, genre_names[i]);
        list_genres[2 * i] = i;
        list_genres[2 * i + 1] = (i + 1) % 6;
        list_offsets[i + 2] = 2 * i + 2;
    }
    for (size_t i = 0; i < 3; i++)
        add_text(&languages, language_names[i]);
    for (size_t row = 0; row < n; row++) {
        int64_t number = bundle->item_numbers[row], k = number / 3 + number % 3;
        char title[64] = "";
        known[row] = row % 7 != 6;
        ratings[row] = -1;
        if (known[row]) {
            snprintf(title, sizeof title, "Film %" PRId64, number);
            adult[row] = k % 5 == 0;
            ratings[row] = (float)((double)(k * 37 % 101) / 10);
            years[row] = (int32_t)(1950 + k % 70);
            language[row] = (uint32_t)(k % 3 + 1);
            lists[row] = (uint32_t)(k % 6 + 1);
        }
        add_text(&titles, title);
        add_text(&posters, "");
    }
    at += put_texts(tensors + at, "title", "title_offsets", &titles);
    at += put_texts(tensors + at, "poster_url", "poster_url_offsets", &posters);
    at += put_texts(tensors + at, "genre_names", "genre_names_offsets", &genres);
    at += put_texts(tensors + at, "language_names", "language_names_offsets", &languages);
    const struct bundle_tensor numbers[] = {
        {"genre_lists_offsets", "U64", 1, {8, 0}, list_offsets, sizeof list_offsets},
        {"genre_lists", "U32", 1, {12, 0}, list_genres, sizeof list_genres},
        {"rating", "F32", 1, {n, 0}, ratings, n * 4},
        {"release_year", "I32", 1, {n, 0}, years, n * 4},
        {"language", "U32", 1, {n, 0}, language, n * 4},
        {"genres", "U32", 1, {n, 0}, lists, n * 4},
        {"known", "U8", 1, {n, 0}, known, n},
        {"adult", "U8", 1, {n, 0}, adult, n},
    };
    memcpy(tensors + at, numbers, sizeof numbers);
    unsigned char *bytes = bundle_make_safetensors(tensors, 16, 64, &size);
    bundle_write_file(path, "catalog.safetensors", bytes, size);
    free(bytes);
    for (size_t i = 0; i < 8; i++)
        free((void *)(uintptr_t)tensors[i].data);
    for (size_t i = 2; i < 8; i++)
        free((void *)(uintptr_t)numbers[i].data);
}

/* Four bits a number, one step for each item. */
static void write_short_codes(const struct bundle *bundle, uint8_t *codes, float *steps)
{
    size_t d = bundle->d, pairs = (d + 7) / 8;

    for (size_t row = 0; row < bundle->n_items; row++) {
        const float *item = bundle->items + row * d;
        for (size_t j = 0; j < d; j++)
            steps[row] = fmaxf(steps[row], fabsf(item[j]) / 120.0f);
        for (size_t j = 0; j < d; j++) {
            long code = lrintf((item[j] / steps[row] + 120.0f) / 16.0f);
            size_t at = ((row / 16 * pairs + j / 8) * 16 + row % 16) * 4 + j % 4;
            codes[at] |= (uint8_t)((code > 15 ? 15 : code) << (j % 8 < 4 ? 0 : 4));
        }
    }
}

/* One scale for each block of 1024 items. */
static void write_codes(const struct bundle *bundle, const char *path)
{
    size_t d = bundle->d, cells = (d + 3) / 4, groups = (bundle->n_items + 31) / 32 * 2, size;
    size_t n_blocks = (bundle->n_items + 1023) / 1024;
    uint8_t *codes = get(groups * cells, 64);
    float *scales = get(n_blocks, sizeof *scales);

    memset(codes, 128, groups * cells * 64);
    for (size_t i = 0; i < bundle->n_items * d; i++)
        scales[i / d / 1024] = fmaxf(scales[i / d / 1024], fabsf(bundle->items[i]));
    for (size_t b = 0; b < n_blocks; b++)
        scales[b] = 126.0f / scales[b];
    for (size_t row = 0; row < bundle->n_items; row++)
        for (size_t j = 0; j < d; j++)
            codes[((row / 16 * cells + j / 4) * 16 + row % 16) * 4 + j % 4] =
                (uint8_t)(128 + lrintf(bundle->items[row * d + j] * scales[row / 1024]));
    size_t pairs = (d + 7) / 8, short_groups = (bundle->n_items + 15) / 16;
    uint8_t *short_codes = get(short_groups * pairs, 64);
    float *steps = get(short_groups * 16, sizeof *steps);
    write_short_codes(bundle, short_codes, steps);
    const struct bundle_tensor tensors[] = {
        {"item_code_scales", "F32", 1, {n_blocks}, scales, n_blocks * 4},
        {"item_codes", "U8", 4, {groups, cells, 16, 4}, codes, groups * cells * 64},
        {"item_short_code_steps", "F32", 1, {short_groups * 16}, steps, short_groups * 64},
        {"item_short_codes",
         "U8",
         4,
         {short_groups, pairs, 16, 4},
         short_codes,
         short_groups * pairs * 64},
    };
    unsigned char *bytes = bundle_make_safetensors(tensors, 4, 64, &size);
    bundle_write_file(path, "codes.safetensors", bytes, size);
    free(bytes);
    free(steps);
    free(short_codes);
    free(scales);
    free(codes);
}

void bundle_write(struct bundle *bundle, const char *path, size_t n_users, size_t n_items, size_t d,
                  uint64_t seed, uint32_t flags)
{
    uint64_t state = seed;

    *bundle = (struct bundle){.flags = flags, .n_users = n_users, .n_items = n_items, .d = d};
    need(mkdir(path, 0777) == 0, path);
    double *lengths = make_lengths(&state, n_items, flags);
    bundle->items = random_rows(&state, n_items, d, lengths);
    free(lengths);
    lengths = make_lengths(&state, n_users, (flags & BUNDLE_UNIT) | BUNDLE_UNSORTED);
    bundle->users = random_rows(&state, n_users, d, lengths);
    free(lengths);
    bundle->item_numbers = make_ids(&state, n_items, flags);
    bundle->user_numbers = make_ids(&state, n_users, flags);
    if (flags & BUNDLE_BIAS) {
        bundle->item_bias = random_numbers(&state, n_items);
        bundle->user_bias = random_numbers(&state, n_users);
    }
    if (flags & BUNDLE_FEATURES)
        bundle->features = random_numbers(&state, 3 * d);
    if (flags & BUNDLE_POPULARITY) {
        bundle->popularity = random_numbers(&state, n_items);
        for (size_t i = 0; i < n_items; i++)
            bundle->popularity[i] = fabsf(bundle->popularity[i]);
    }
    write_model(bundle, path);
    if (flags & BUNDLE_SEEN) {
        make_seen(bundle, &state);
        write_seen(bundle, path);
    }
    if ((flags & BUNDLE_CATALOG) && (flags & BUNDLE_FORMAT_2))
        write_columns(bundle, path);
    else if (flags & BUNDLE_CATALOG)
        write_lines(bundle, path);
    if (flags & BUNDLE_CODES)
        write_codes(bundle, path);
    char *members = bundle_manifest_members(bundle);
    bundle_write_manifest(path, members);
    free(members);
}

void bundle_free(struct bundle *bundle)
{
    free(bundle->users);
    free(bundle->items);
    free(bundle->user_bias);
    free(bundle->item_bias);
    free(bundle->user_numbers);
    free(bundle->item_numbers);
    free(bundle->popularity);
    free(bundle->features);
    free(bundle->seen_offsets);
    free(bundle->seen_items);
    free(bundle->seen_weights);
}
