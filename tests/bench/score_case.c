/* score_case.c - maps the files of a case and makes a model and filters of them.
 *
 * The model goes the way every model goes: builder, bundle, load. A bundle
 * that is there already is used again, without computing its hashes again,
 * because the driver runs many cases on the same items.
 */
#include "score_case.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

void score_fail(const char *format, ...)
{
    va_list list;

    fputs("bench_score: ", stderr);
    va_start(list, format);
    vfprintf(stderr, format, list);
    va_end(list);
    fputc('\n', stderr);
    exit(1);
}

static void check(recsys_status status, const recsys_error *error)
{
    if (status != RECSYS_OK)
        score_fail("%s: %s", recsys_status_name(status), error->message);
}

static void *allocate(size_t n, size_t size)
{
    void *memory = calloc(n > 0 ? n : 1, size);

    if (memory == NULL)
        score_fail("out of memory");
    return memory;
}

const void *score_map_file(const char *path, size_t *size)
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    struct stat status;
    void *memory;

    if (file < 0 || fstat(file, &status) != 0 || status.st_size == 0)
        score_fail("cannot open %s, or it is empty: %s", path, strerror(errno));
    *size = (size_t)status.st_size;
    memory = mmap(NULL, *size, PROT_READ, MAP_SHARED, file, 0);
    if (memory == MAP_FAILED)
        score_fail("cannot map %s: %s", path, strerror(errno));
    close(file);
    return memory;
}

/* Map a file of rows of `row_size` bytes and say how many there are. */
static const void *map_rows(const char *path, size_t row_size, size_t *rows)
{
    size_t size;
    const void *memory = score_map_file(path, &size);

    if (size % row_size != 0)
        score_fail("%s: %zu bytes are not whole rows of %zu bytes", path, size, row_size);
    *rows = size / row_size;
    return memory;
}

static void map_files(struct score_case *c, const struct score_options *options)
{
    size_t rows;

    c->items = map_rows(options->items_path, options->d * sizeof(float), &rows);
    if (rows != options->n)
        score_fail("%s: %zu rows, --n says %zu", options->items_path, rows, options->n);
    c->queries = map_rows(options->queries_path, options->d * sizeof(float), &c->n_queries);
    if (c->n_queries < options->batch)
        score_fail("%s: fewer queries than --batch", options->queries_path);
    if (options->bits_path != NULL) {
        c->bits_size = (options->n + 7) / 8;
        c->bits = map_rows(options->bits_path, c->bits_size, &c->n_bitmaps);
        if (c->n_bitmaps != 1 && c->n_bitmaps != options->batch)
            score_fail("%s: %zu bitmaps; 1 or %zu expected", options->bits_path, c->n_bitmaps,
                       options->batch);
    }
    if (options->seen_path != NULL) {
        c->seen = map_rows(options->seen_path, options->batch * sizeof(int32_t), &c->n_seen);
        for (size_t i = 0; i < options->batch * c->n_seen; i++)
            if (c->seen[i] >= 0 && (size_t)c->seen[i] >= options->n)
                score_fail("%s: an item is not below --n", options->seen_path);
    }
}

int score_case_allows(const struct score_case *c, size_t place, size_t item)
{
    if (c->bits != NULL) {
        const uint8_t *row = c->bits + (c->n_bitmaps == 1 ? 0 : place) * c->bits_size;

        if ((row[item / 8] >> (item % 8) & 1) == 0)
            return 0;
    }
    for (size_t i = 0; i < c->n_seen; i++)
        if (c->seen[place * c->n_seen + i] == (int32_t)item)
            return 0;
    return 1;
}

static void set_array(recsys_builder *builder, const char *name, const void *data, uint32_t dtype,
                      size_t rows, size_t columns)
{
    recsys_array array = RECSYS_ARRAY_2D(data, dtype, rows, columns);
    recsys_error error;

    array.n_dims = columns > 0 ? 2 : 1;
    check(recsys_builder_set_array(builder, name, &array, &error), &error);
}

/* The seen lists as a model carries them: one list for each user, back to back. */
struct seen_lists {
    uint64_t *offsets;
    uint32_t *items;
};

static void add_seen(struct seen_lists *lists, const struct score_case *c, size_t batch)
{
    size_t count = 0;

    lists->offsets = allocate(c->n_queries + 1, sizeof *lists->offsets);
    lists->items = allocate(c->n_queries * c->n_seen, sizeof *lists->items);
    for (size_t user = 0; user < c->n_queries; user++) {
        const int32_t *row = c->seen + user % batch * c->n_seen;

        for (size_t i = 0; i < c->n_seen; i++)
            if (row[i] >= 0)
                lists->items[count++] = (uint32_t)row[i];
        lists->offsets[user + 1] = count;
    }
}

static void build(const struct score_case *c, const struct score_options *options, const char *path)
{
    recsys_error error;
    recsys_builder *builder;
    struct seen_lists lists = {NULL, NULL};

    check(recsys_builder_create(&builder, &error), &error);
    set_array(builder, "item_factors", c->items, RECSYS_DTYPE_F32, options->n, options->d);
    set_array(builder, "user_factors", c->queries, RECSYS_DTYPE_F32, c->n_queries, options->d);
    if (c->seen != NULL) {
        add_seen(&lists, c, options->batch);
        set_array(builder, "seen_offsets", lists.offsets, RECSYS_DTYPE_U64, c->n_queries + 1, 0);
        set_array(builder, "seen_items", lists.items, RECSYS_DTYPE_U32,
                  (size_t)lists.offsets[c->n_queries], 0);
    }
    if (options->catalog_path != NULL)
        check(recsys_builder_import_catalog(builder, options->catalog_path, &error), &error);
    check(recsys_builder_set_field(builder, "name", "bench", &error), &error);
    check(recsys_builder_set_field(builder, "version", "1", &error), &error);
    check(recsys_builder_write(builder, path, &error), &error);
    recsys_builder_destroy(builder);
    free(lists.offsets);
    free(lists.items);
}

/* A bundle is a flat directory. The model stays mapped when its files have no name any more. */
static void remove_bundle(const char *path)
{
    DIR *folder = opendir(path);
    struct dirent *entry;

    if (folder == NULL)
        return;
    while ((entry = readdir(folder)) != NULL)
        if (entry->d_name[0] != '.')
            (void)unlinkat(dirfd(folder), entry->d_name, 0);
    closedir(folder);
    (void)rmdir(path);
}

static void load(struct score_case *c, const struct score_options *options)
{
    char folder[] = "/var/tmp/bench-score-XXXXXX", inside[64];
    const char *path = options->bundle_path;
    recsys_model_options how = RECSYS_MODEL_OPTIONS_INIT;
    recsys_error error;

    if (options->huge_pages)
        how.flags |= RECSYS_MODEL_HUGE_PAGES;
    if (path != NULL && access(path, F_OK) == 0) {
        how.flags |= RECSYS_MODEL_SKIP_HASHES;
    } else if (path != NULL) {
        build(c, options, path);
    } else {
        if (mkdtemp(folder) == NULL)
            score_fail("cannot make a temporary directory: %s", strerror(errno));
        (void)snprintf(inside, sizeof inside, "%s/bundle", folder);
        path = inside;
        build(c, options, path);
    }
    check(recsys_model_load(path, &how, &c->model, &error), &error);
    if (options->bundle_path == NULL) {
        remove_bundle(path);
        (void)rmdir(folder);
    }
}

static void add_filter(struct score_case *c, size_t n, size_t place, recsys_id *ids)
{
    recsys_filter_options how = RECSYS_FILTER_OPTIONS_INIT;
    recsys_error error;
    size_t n_ids = 0;

    if (c->bits != NULL) {
        const uint8_t *row = c->bits + (c->n_bitmaps == 1 ? 0 : place) * c->bits_size;

        how.flags = RECSYS_FILTER_ALLOW;
        how.allow = ids;
        for (size_t i = 0; i < n; i++)
            if (row[i / 8] >> (i % 8) & 1)
                ids[n_ids++] = (recsys_id)RECSYS_ID_NUMBER(i);
        how.n_allow = n_ids;
    }
    how.exclude = ids + n_ids;
    for (size_t i = 0; i < c->n_seen; i++)
        if (c->seen[place * c->n_seen + i] >= 0)
            ids[n_ids + how.n_exclude++] =
                (recsys_id)RECSYS_ID_NUMBER((uint64_t)c->seen[place * c->n_seen + i]);
    check(recsys_filter_create(c->model, &how, &c->filters[place], &error), &error);
}

static void make_filters(struct score_case *c, const struct score_options *options)
{
    recsys_id *ids = allocate(options->n + c->n_seen, sizeof *ids);

    c->n_filters = c->seen != NULL || c->n_bitmaps > 1 ? options->batch : c->n_bitmaps;
    c->filters = allocate(c->n_filters, sizeof *c->filters);
    for (size_t i = 0; i < c->n_filters; i++)
        add_filter(c, options->n, i, ids);
    free(ids);
}

void score_case_open(struct score_case *c, const struct score_options *options)
{
    memset(c, 0, sizeof *c);
    map_files(c, options);
    if (options->build_only) {
        if (access(options->bundle_path, F_OK) != 0)
            build(c, options, options->bundle_path);
        return;
    }
    load(c, options);
    if (!options->recommend)
        make_filters(c, options);
}

void score_case_close(struct score_case *c)
{
    for (size_t i = 0; i < c->n_filters; i++)
        recsys_filter_unref(c->filters[i]);
    free(c->filters);
    recsys_model_unref(c->model);
}
