/* Out of memory while bundles are built, imported and published: see oom.h. */
#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/check.h"
#include "tests/support/oom.h"

FAIL_ALLOC_INTERPOSE;

static int exists(const char *path)
{
    DIR *directory = opendir(path);

    if (directory != NULL)
        closedir(directory);
    return directory != NULL;
}

/* How many entries a directory has. */
static size_t count_entries(const char *path)
{
    DIR *directory = opendir(path);
    size_t n = 0;

    CHECK(directory != NULL);
    while (readdir(directory) != NULL)
        n++;
    closedir(directory);
    return n;
}

/* has_item: the item has got its line already, in an attempt that failed later. */
static recsys_status fill_builder(recsys_builder *builder, int *has_item)
{
    const struct bundle *bundle = &oom_bundles[0];
    const recsys_array users = RECSYS_ARRAY_2D(bundle->users, RECSYS_DTYPE_F32, OOM_N_USERS, OOM_D),
                       items = RECSYS_ARRAY_2D(bundle->items, RECSYS_DTYPE_F32, OOM_N_ITEMS, OOM_D),
                       offsets =
                           RECSYS_ARRAY_1D(bundle->seen_offsets, RECSYS_DTYPE_U64, OOM_N_USERS + 1),
                       seen = RECSYS_ARRAY_1D(bundle->seen_items, RECSYS_DTYPE_U32,
                                              bundle->seen_offsets[OOM_N_USERS]);
    static const char line[] = "{\"id\": \"i-7\", \"title\": \"Seven\", \"genres\": [\"Crime\"]}";
    char names[OOM_N_ITEMS][16];
    const char *texts[OOM_N_ITEMS];

    for (size_t i = 0; i < OOM_N_ITEMS; i++) {
        snprintf(names[i], sizeof names[i], "i-%zu", i);
        texts[i] = names[i];
    }
    TRY(recsys_builder_set_array(builder, "user_factors", &users, &oom_err));
    TRY(recsys_builder_set_array(builder, "item_factors", &items, &oom_err));
    TRY(recsys_builder_set_array(builder, "seen_offsets", &offsets, &oom_err));
    TRY(recsys_builder_set_array(builder, "seen_items", &seen, &oom_err));
    TRY(recsys_builder_set_texts(builder, "item_ids", texts, OOM_N_ITEMS, &oom_err));
    TRY(recsys_builder_set_field(builder, "name", "built", &oom_err));
    TRY(recsys_builder_set_field(builder, "metrics.recall@10", "0.25", &oom_err));
    TRY(recsys_builder_set_field(builder, "hyperparameters.factors", "8", &oom_err));
    if (!*has_item)
        TRY(recsys_builder_add_item(builder, line, sizeof line - 1, &oom_err));
    *has_item = 1;
    return recsys_builder_write(builder, oom_path("built"), &oom_err);
}

/* After a failure nothing may be left beside `path`, neither half a bundle nor a temporary one. */
static void check_built(recsys_status status, size_t n_entries)
{
    if (status == RECSYS_OK) {
        recsys_model_unref(oom_load_model("built"));
        bundle_remove_directory(oom_path("built"));
    }
    CHECK(!exists(oom_path("built")));
    CHECK_EQ(count_entries(oom_scratch), n_entries);
}

static recsys_status create_a_builder(void)
{
    recsys_builder *builder = (recsys_builder *)&oom_err;
    recsys_status status;

    FAILING(status, recsys_builder_create(&builder, &oom_err));
    CHECK(status == RECSYS_OK || builder == NULL);
    if (status == RECSYS_OK)
        recsys_builder_destroy(builder);
    return status;
}

static recsys_status build_a_bundle(void)
{
    size_t n_entries = count_entries(oom_scratch);
    recsys_builder *builder = NULL;
    int has_item = 0;
    recsys_status status;

    CHECK_OK(recsys_builder_create(&builder, &oom_err), &oom_err);
    FAILING(status, fill_builder(builder, &has_item));
    check_built(status, n_entries);
    if (status != RECSYS_OK) { /* the same builder can still be used */
        CHECK_OK(fill_builder(builder, &has_item), &oom_err);
        check_built(RECSYS_OK, n_entries);
    }
    recsys_builder_destroy(builder);
    return status;
}

static recsys_status import_with(recsys_builder *builder, const char *model, const char *catalog)
{
    TRY(recsys_builder_import_model(builder, model, &oom_err));
    if (catalog != NULL)
        TRY(recsys_builder_import_catalog(builder, catalog, &oom_err));
    return recsys_builder_write(builder, oom_path("built"), &oom_err);
}

static recsys_status import_and_write(const char *model, const char *catalog)
{
    size_t n_entries = count_entries(oom_scratch);
    recsys_builder *builder = NULL;
    recsys_status status;

    CHECK_OK(recsys_builder_create(&builder, &oom_err), &oom_err);
    FAILING(status, import_with(builder, model, catalog));
    check_built(status, n_entries);
    recsys_builder_destroy(builder);
    return status;
}

static recsys_status import_a_bundle(void)
{
    return import_and_write(oom_path("full"), NULL);
}

static recsys_status import_a_bundle_of_columns(void)
{
    return import_and_write(oom_path("columns"), NULL);
}

static recsys_status import_a_file_and_a_catalogue(void)
{
    return import_and_write(oom_path("full/model.safetensors"), oom_path("full/catalog.jsonl"));
}

static recsys_status import_an_npz(void)
{
    return import_and_write(oom_fixture("bpr.npz"), NULL);
}

static recsys_status import_word_vectors(void)
{
    return import_and_write(oom_fixture("../words/gensim_text.vec"), NULL);
}

static recsys_status import_a_fasttext_model(void)
{
    return import_and_write(oom_fixture("../words/fasttext.bin"), NULL);
}

static recsys_status import_names(recsys_builder *builder)
{
    static const char *const names[] = {"user_emb.weight", "item_emb.weight", "item_bias.weight",
                                        "global_mean", "other"};
    static const float users[4] = {1, 2, 3, 4}, items[6] = {1, 2, 3, 4, 5, 6}, mean = 2.5f;
    const recsys_array arrays[] = {RECSYS_ARRAY_2D(users, RECSYS_DTYPE_F32, 2, 2),
                                   RECSYS_ARRAY_2D(items, RECSYS_DTYPE_F32, 3, 2),
                                   RECSYS_ARRAY_2D(items, RECSYS_DTYPE_F32, 3, 1),
                                   RECSYS_ARRAY_1D(&mean, RECSYS_DTYPE_F32, 1),
                                   RECSYS_ARRAY_2D(users, RECSYS_DTYPE_F32, 2, 2)};
    const char *choices = NULL;

    TRY(recsys_builder_set_arrays(builder, "torch", names, arrays, 5, &oom_err));
    TRY(recsys_builder_import_array(builder, "item_ids", oom_fixture("../words/three.npy"), NULL,
                                    &oom_err));
    TRY(recsys_builder_set_field(builder, "source", "pytorch", &oom_err));
    TRY(recsys_builder_get_choices(builder, &choices, &oom_err));
    return recsys_builder_write(builder, oom_path("built"), &oom_err);
}

static recsys_status import_arrays_of_other_names(void)
{
    size_t n_entries = count_entries(oom_scratch);
    recsys_builder *builder = NULL;
    recsys_status status;

    CHECK_OK(recsys_builder_create(&builder, &oom_err), &oom_err);
    FAILING(status, import_names(builder));
    recsys_builder_destroy(builder);
    check_built(status, n_entries);
    return status;
}

static recsys_status fill_seen(recsys_builder *builder)
{
    static const float factors[7 * 2] = {1};
    static const int64_t ids[5] = {9, 8, 7, 6, 4};
    static const uint32_t user = 3, item = 1;
    const recsys_array users = RECSYS_ARRAY_2D(factors, RECSYS_DTYPE_F32, 5, 2),
                       items = RECSYS_ARRAY_2D(factors, RECSYS_DTYPE_F32, 7, 2),
                       numbers = RECSYS_ARRAY_1D(ids, RECSYS_DTYPE_I64, 5);
    recsys_id id = RECSYS_ID_NUMBER(4);
    uint64_t row;

    TRY(recsys_builder_set_array(builder, "user_factors", &users, &oom_err));
    TRY(recsys_builder_set_array(builder, "item_factors", &items, &oom_err));
    TRY(recsys_builder_set_array(builder, "user_ids", &numbers, &oom_err));
    TRY(recsys_builder_remove(builder, "seen", &oom_err));
    TRY(recsys_builder_find(builder, "user_ids", id, &row, &oom_err));
    CHECK_EQ(row, 4);
    TRY(recsys_builder_import_seen(builder, oom_fixture("seen_coo.npz"), &oom_err));
    TRY(recsys_builder_add_seen(builder, &user, &item, NULL, 1, RECSYS_SEEN_SUM, &oom_err));
    return recsys_builder_write(builder, oom_path("built"), &oom_err);
}

static recsys_status build_seen_lists(void)
{
    size_t n_entries = count_entries(oom_scratch);
    recsys_builder *builder = NULL;
    recsys_status status;

    CHECK_OK(recsys_builder_create(&builder, &oom_err), &oom_err);
    FAILING(status, fill_seen(builder));
    check_built(status, n_entries);
    if (status != RECSYS_OK) {
        CHECK_OK(fill_seen(builder), &oom_err);
        check_built(RECSYS_OK, n_entries);
    }
    recsys_builder_destroy(builder);
    return status;
}

static int32_t count_versions(const recsys_registry_entry *entry, void *user_data)
{
    *(int *)user_data += entry->alias == NULL;
    return 0;
}

static recsys_status open_a_registry(void)
{
    recsys_registry *registry = (recsys_registry *)&oom_err;
    recsys_status status;

    FAILING(status, recsys_registry_open(oom_root, &registry, &oom_err));
    CHECK(status == RECSYS_OK || registry == NULL);
    if (status == RECSYS_OK)
        recsys_registry_unref(registry);
    return status;
}

static recsys_status publish_a_bundle(void)
{
    char folder[PATH_MAX];
    recsys_registry *registry = NULL;
    recsys_registry_location made = RECSYS_REGISTRY_LOCATION_INIT, found = made;
    int n_versions = 0;
    recsys_status status;

    snprintf(folder, sizeof folder, "%s", oom_path("registry/m"));
    bundle_remove_directory(folder);
    CHECK_OK(recsys_registry_open(oom_root, &registry, &oom_err), &oom_err);
    CHECK_OK(recsys_registry_publish(registry, oom_path("cosine"), "m", &made, &oom_err), &oom_err);
    CHECK(strcmp(made.version, "1") == 0);
    FAILING(status, recsys_registry_publish(registry, oom_path("cosine"), "m", &made, &oom_err));
    CHECK(strcmp(made.version, status == RECSYS_OK ? "2" : "") == 0);
    CHECK_OK(recsys_registry_list(registry, "m", count_versions, &n_versions, &oom_err), &oom_err);
    CHECK_EQ(n_versions, status == RECSYS_OK ? 2 : 1);
    if (status != RECSYS_OK) /* and now it works, and clears up */
        CHECK_OK(recsys_registry_publish(registry, oom_path("cosine"), "m", &made, &oom_err),
                 &oom_err);
    CHECK_OK(recsys_registry_resolve(registry, "models:/m/latest", &found, &oom_err), &oom_err);
    CHECK(strcmp(found.version, made.version) == 0);
    CHECK_EQ(count_entries(folder), status == RECSYS_OK ? 4 : 2 + strtoull(made.version, NULL, 10));
    recsys_registry_unref(registry);
    return status;
}

static recsys_status use_a_registry(void)
{
    recsys_registry *registry = NULL;
    recsys_registry_location made = RECSYS_REGISTRY_LOCATION_INIT, found = made;
    int n_versions = 0;
    recsys_status status;

    CHECK_OK(recsys_registry_open(oom_root, &registry, &oom_err), &oom_err);
    CHECK_OK(recsys_registry_publish(registry, oom_path("full"), "used", &made, &oom_err),
             &oom_err);
    oom_arm();
    status = recsys_registry_set_alias(registry, "used", "live", made.version, &oom_err);
    if (status == RECSYS_OK)
        status = recsys_registry_resolve(registry, "models:/used@live", &found, &oom_err);
    if (status == RECSYS_OK)
        status = recsys_registry_resolve(registry, "models:/used/latest", &found, &oom_err);
    if (status == RECSYS_OK)
        status = recsys_registry_list(registry, NULL, count_versions, &n_versions, &oom_err);
    if (status == RECSYS_OK)
        status = recsys_registry_remove_alias(registry, "used", "live", &oom_err);
    oom_disarm();
    CHECK_OK(recsys_registry_set_alias(registry, "used", "live", made.version, &oom_err), &oom_err);
    CHECK_OK(recsys_registry_resolve(registry, "models:/used@live", &found, &oom_err), &oom_err);
    CHECK(strcmp(found.version, made.version) == 0);
    recsys_registry_unref(registry);
    bundle_remove_directory(oom_path("registry/used"));
    return status;
}

static const struct oom_scenario scenarios[] = {
    {"create a builder", create_a_builder, 0},
    {"build a bundle", build_a_bundle, 0},
    {"import a bundle", import_a_bundle, 0},
    {"import a bundle of columns", import_a_bundle_of_columns, 0},
    {"import a file and a catalogue", import_a_file_and_a_catalogue, 0},
    {"import an npz", import_an_npz, 0},
    {"import word vectors", import_word_vectors, 0},
    {"import a fastText model", import_a_fasttext_model, 0},
    {"import arrays of other names", import_arrays_of_other_names, 0},
    {"build seen lists", build_seen_lists, 0},
    {"open a registry", open_a_registry, 0},
    {"publish a bundle", publish_a_bundle, 0},
    {"use a registry", use_a_registry, 0},
};

int main(void)
{
    return oom_main(scenarios, sizeof scenarios / sizeof *scenarios, FAIL_ALLOC_INTERPOSED);
}
