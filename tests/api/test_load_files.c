/* Covers recsys_model_load_files(): bundles and single files from memory and descriptors. */
#include "tests/api/reference.h"
#include "tests/support/check.h"
#include "tests/support/scratch.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#define N_USERS 20
#define N_ITEMS 300
#define D 32 /* a multiple of 16, so that vectors in order are used in place */
#define SEED 20261129u
#define MAX_FILES 6

static recsys_error err;
static const char *const names[] = {"recsys.json", "model.safetensors", "seen.safetensors",
                                    "catalog.jsonl"};
#define N_NAMES (sizeof names / sizeof *names)

/* Files in memory that count how often they are released. */
struct files {
    recsys_model_file list[MAX_FILES];
    unsigned char *bytes[MAX_FILES];
    int released[MAX_FILES];
    size_t n;
};

static int set_up(void **state)
{
    printf("seed %u\n", SEED);
    return scratch_set_up(state);
}

/* Spoils what it is given, as memory that is used again would be. */
static void release(void *user_data, const void *data, uint64_t size)
{
    ++*(int *)user_data;
    memset((void *)(uintptr_t)data, 0xee, (size_t)size);
}

/* A file of a directory in memory at a multiple of 64 bytes, plus `shift`. */
static void add_file(struct files *files, const char *directory, const char *name, size_t shift)
{
    const recsys_model_file init = RECSYS_MODEL_FILE_INIT;
    size_t size, n = files->n++;
    unsigned char *bytes = bundle_read_file(directory, name, &size);

    CHECK(posix_memalign((void **)&files->bytes[n], 64, size + shift + 1) == 0);
    memcpy(files->bytes[n] + shift, bytes, size);
    free(bytes);
    files->list[n] = init;
    files->list[n].name = name;
    files->list[n].data = files->bytes[n] + shift;
    files->list[n].size = size;
    files->list[n].release = release;
    files->list[n].user_data = &files->released[n];
}

static void add_bundle(struct files *files, const char *directory, size_t shift)
{
    memset(files, 0, sizeof *files);
    for (size_t i = 0; i < N_NAMES; i++)
        add_file(files, directory, names[i], shift);
}

/* Every file was released as often as it should be. */
static void end_files(struct files *files, int want)
{
    for (size_t i = 0; i < files->n; i++) {
        if (files->released[i] != want)
            fail_msg("%s was released %d times, not %d", files->list[i].name, files->released[i],
                     want);
        free(files->bytes[i]);
    }
    memset(files, 0, sizeof *files);
}

static recsys_model *write_bundle(const char *name, uint32_t flags, char path[1024])
{
    struct bundle bundle;
    recsys_model *model =
        make_model(scratch, name, &bundle, N_USERS, N_ITEMS, D, SEED, flags | BUNDLE_NUMBER_IDS);

    snprintf(path, 1024, "%s/%s", scratch, name);
    bundle_free(&bundle);
    return model;
}

/* Two models that answer alike, down to their fingerprints and seen lists. */
static void check_same(const recsys_model *a, const recsys_model *b)
{
    static const char *const arrays[] = {"item_factors", "user_factors", "item_ids", "user_ids",
                                         "item_popularity"};
    recsys_model_info x = RECSYS_MODEL_INFO_INIT, y = RECSYS_MODEL_INFO_INIT;
    recsys_id ids[N_ITEMS];
    size_t n;

    must(recsys_model_get_info(a, &x, &err), &err, "info");
    must(recsys_model_get_info(b, &y, &err), &err, "info");
    assert_string_equal(x.fingerprint, y.fingerprint);
    assert_true(x.n_items == y.n_items && x.n_seen == y.n_seen && x.n_catalog == y.n_catalog);
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) {
        recsys_array p, q;
        must(recsys_model_get_array(a, arrays[i], &p, &err), &err, arrays[i]);
        must(recsys_model_get_array(b, arrays[i], &q, &err), &err, arrays[i]);
        assert_int_equal(p.shape[0], q.shape[0]);
        assert_memory_equal(p.data, q.data, (size_t)p.shape[0] * (size_t)p.strides[0]);
    }
    must(recsys_model_get_item_ids(a, 0, ids, N_ITEMS, &n, &err), &err, "ids");
    for (size_t i = 0; i < n; i++) {
        recsys_item s = RECSYS_ITEM_INIT, t = RECSYS_ITEM_INIT;
        must(recsys_catalog_get(a, ids[i], &s, &err), &err, "entry");
        must(recsys_catalog_get(b, ids[i], &t, &err), &err, "entry");
        assert_string_equal(s.title, t.title);
    }
}

static void a_bundle_in_memory_is_the_bundle_at_its_path(void **state)
{
    static const uint32_t flags[] = {BUNDLE_CATALOG | BUNDLE_SEEN,
                                     BUNDLE_CATALOG | BUNDLE_SEEN | BUNDLE_UNSORTED};
    static const size_t shifts[] = {0, 1, 4, 8};

    (void)state;
    for (size_t f = 0; f < 2; f++) {
        char name[16], path[1024];
        snprintf(name, sizeof name, "same%zu", f);
        recsys_model *by_path = write_bundle(name, flags[f], path);
        for (size_t s = 0; s < sizeof shifts / sizeof *shifts; s++) {
            struct files files;
            recsys_model *model = NULL;
            add_bundle(&files, path, shifts[s]);
            must(recsys_model_load_files(files.list, files.n, NULL, &model, &err), &err, path);
            check_same(by_path, model);
            recsys_model_unref(model);
            end_files(&files, 1);
        }
        recsys_model_unref(by_path);
    }
}

static void memory_is_used_in_place_and_kept_as_long_as_it_is_used(void **state)
{
    char path[1024];
    struct files files;
    recsys_model *model = NULL,
                 *by_path = write_bundle("place", BUNDLE_CATALOG | BUNDLE_SEEN, path);
    recsys_array items;

    (void)state;
    add_bundle(&files, path, 0);
    must(recsys_model_load_files(files.list, files.n, NULL, &model, &err), &err, "memory");
    must(recsys_model_get_array(model, "item_factors", &items, &err), &err, "items");
    assert_true((const unsigned char *)items.data > files.bytes[1] &&
                (const unsigned char *)items.data < files.bytes[1] + files.list[1].size);
    assert_true(files.released[0] == 1 && files.released[3] == 1); /* read, not kept */
    assert_true(files.released[1] == 0 && files.released[2] == 0);
    check_same(by_path, recsys_model_ref(model));
    recsys_model_unref(model);
    assert_int_equal(files.released[1], 0);
    recsys_model_unref(model);
    end_files(&files, 1);
    recsys_model_unref(by_path);
}

static void memory_without_release_may_be_used_again_at_once(void **state)
{
    char path[1024];
    struct files files;
    recsys_model *model = NULL,
                 *by_path = write_bundle("copied", BUNDLE_CATALOG | BUNDLE_SEEN, path);

    (void)state;
    add_bundle(&files, path, 0);
    for (size_t i = 0; i < files.n; i++) {
        files.list[i].release = NULL;
        files.list[i].user_data = NULL;
    }
    must(recsys_model_load_files(files.list, files.n, NULL, &model, &err), &err, "copies");
    for (size_t i = 0; i < files.n; i++)
        memset(files.bytes[i], 0xee, (size_t)files.list[i].size);
    end_files(&files, 0);
    check_same(by_path, model);
    recsys_model_unref(model);
    recsys_model_unref(by_path);
}

static void descriptors_may_be_closed_after_the_call(void **state)
{
    char path[1024];
    recsys_model_file list[N_NAMES];
    recsys_model *model = NULL, *by_path = write_bundle("fds", BUNDLE_CATALOG | BUNDLE_SEEN, path);

    (void)state;
    for (size_t i = 0; i < N_NAMES; i++) {
        const recsys_model_file init = RECSYS_MODEL_FILE_INIT;
        char file[1100];
        snprintf(file, sizeof file, "%s/%s", path, names[i]);
        list[i] = init;
        list[i].name = names[i];
        list[i].flags = RECSYS_MODEL_FILE_DESCRIPTOR;
        list[i].fd = open(file, O_RDONLY);
        assert_true(list[i].fd >= 0);
        assert_int_equal(lseek(list[i].fd, 3, SEEK_SET), 3); /* where it stands does not count */
    }
    must(recsys_model_load_files(list, N_NAMES, NULL, &model, &err), &err, "descriptors");
    for (size_t i = 0; i < N_NAMES; i++) {
        assert_int_equal(lseek(list[i].fd, 0, SEEK_CUR), 3);
        assert_int_equal(close(list[i].fd), 0);
    }
    check_same(by_path, model);
    recsys_model_unref(model);
    recsys_model_unref(by_path);
}

static void single_files_say_what_they_are_by_their_name(void **state)
{
    const char *source = getenv("RECSYS_SOURCE_DIR");
    char directory[1024], path[1100];
    struct files files;
    recsys_model *model = NULL, *by_path = NULL, *bundle;
    recsys_model_info info = RECSYS_MODEL_INFO_INIT;

    (void)state;
    snprintf(directory, sizeof directory, "%s/tests/fixtures/npz", source == NULL ? "." : source);
    snprintf(path, sizeof path, "%s/bpr.npz", directory);
    must(recsys_model_load(path, NULL, &by_path, &err), &err, path);
    memset(&files, 0, sizeof files);
    add_file(&files, directory, "bpr.npz", 3);
    must(recsys_model_load_files(files.list, 1, NULL, &model, &err), &err, "npz");
    check_same(by_path, model);
    must(recsys_model_get_info(model, &info, &err), &err, "info");
    assert_string_equal(info.name, "bpr");
    recsys_model_unref(model);
    recsys_model_unref(by_path);
    end_files(&files, 1);

    bundle = write_bundle("single", BUNDLE_BIAS, directory);
    snprintf(path, sizeof path, "%s/model.safetensors", directory);
    must(recsys_model_load(path, NULL, &by_path, &err), &err, path);
    add_file(&files, directory, "model.safetensors", 0);
    must(recsys_model_load_files(files.list, 1, NULL, &model, &err), &err, "safetensors");
    check_same(by_path, model);
    recsys_model_unref(model);
    recsys_model_unref(by_path);
    recsys_model_unref(bundle);
    end_files(&files, 1);
}

/* The call fails, says why, and has given back everything that it was given. */
static void refuse(struct files *files, const recsys_model_options *options, recsys_status want,
                   const char *message)
{
    recsys_model *model = (recsys_model *)&err;

    expect(recsys_model_load_files(files->list, files->n, options, &model, &err), want, &err,
           message);
    if (strstr(err.message, message) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", err.message, message);
    assert_null(model);
    end_files(files, 1);
}

static void whatever_fails_gives_the_memory_back(void **state)
{
    recsys_model_options options = RECSYS_MODEL_OPTIONS_INIT;
    char path[1024];
    struct files files;
    recsys_model *model = NULL,
                 *by_path = write_bundle("fails", BUNDLE_CATALOG | BUNDLE_SEEN, path);

    (void)state;
    add_bundle(&files, path, 0);
    files.bytes[1][files.list[1].size - 1] ^= 1;
    refuse(&files, NULL, RECSYS_E_FORMAT, "model.safetensors: has SHA-256");
    add_bundle(&files, path, 0);
    files.list[2].size--;
    refuse(&files, NULL, RECSYS_E_FORMAT, "seen.safetensors: has");
    add_bundle(&files, path, 0);
    files.list[2].name = "other.safetensors";
    refuse(&files, NULL, RECSYS_E_NOT_FOUND, "seen.safetensors: the manifest lists it");
    add_bundle(&files, path, 0);
    files.list[0].name = "other.json";
    refuse(&files, NULL, RECSYS_E_INVALID, "of several files one must be recsys.json");
    add_bundle(&files, path, 0);
    files.list[3].name = files.list[1].name;
    refuse(&files, NULL, RECSYS_E_INVALID, "model.safetensors is given twice");
    add_bundle(&files, path, 0);
    files.list[3].name = NULL;
    refuse(&files, NULL, RECSYS_E_INVALID, "the name of file 3");
    add_bundle(&files, path, 0);
    files.list[3].name = "a/b";
    refuse(&files, NULL, RECSYS_E_INVALID, "the name of file 3");
    add_bundle(&files, path, 0);
    files.list[3].flags = 1u << 31;
    refuse(&files, NULL, RECSYS_E_UNSUPPORTED, "flags");
    add_bundle(&files, path, 0);
    files.list[3].reserved = 1;
    refuse(&files, NULL, RECSYS_E_UNSUPPORTED, "reserved");
    add_bundle(&files, path, 0);
    files.list[3].flags = RECSYS_MODEL_FILE_DESCRIPTOR;
    refuse(&files, NULL, RECSYS_E_INVALID, "either `data` and `size`");
    add_bundle(&files, path, 0);
    files.list[3].struct_size++;
    refuse(&files, NULL, RECSYS_E_INVALID, "struct_size of file 3");
    add_bundle(&files, path, 0);
    options.max_bytes = 1000;
    refuse(&files, &options, RECSYS_E_LIMIT, "the bundle: has");
    add_bundle(&files, path, 0);
    options.max_bytes = 0;
    options.metric = 7;
    refuse(&files, &options, RECSYS_E_INVALID, "metric 7 is not known");
    add_bundle(&files, path, 0);
    options.metric = RECSYS_METRIC_COSINE;
    refuse(&files, &options, RECSYS_E_INVALID, "metric and link are options for single files");
    add_bundle(&files, path, 0);
    expect(recsys_model_load_files(files.list, files.n, NULL, NULL, &err), RECSYS_E_INVALID, &err,
           "no out");
    end_files(&files, 1);
    expect(recsys_model_load_files(NULL, 1, NULL, &model, &err), RECSYS_E_INVALID, &err, "NULL");
    expect(recsys_model_load_files(files.list, 0, NULL, &model, &err), RECSYS_E_INVALID, &err,
           "none");
    recsys_model_unref(by_path);
}

static void files_that_the_manifest_does_not_list_are_given_back_unread(void **state)
{
    char path[1024];
    struct files files;
    recsys_model *model = NULL, *by_path = write_bundle("more", 0, path);

    (void)state;
    bundle_write_file(path, "notes.txt", "x", 1);
    memset(&files, 0, sizeof files);
    add_file(&files, path, "notes.txt", 0);
    add_file(&files, path, "recsys.json", 0);
    add_file(&files, path, "model.safetensors", 0);
    must(recsys_model_load_files(files.list, files.n, NULL, &model, &err), &err, "more files");
    assert_int_equal(files.released[0], 1);
    check_same(by_path, model);
    recsys_model_unref(model);
    end_files(&files, 1);
    recsys_model_unref(by_path);
}

static void a_child_uses_models_and_filters_of_its_parent(void **state)
{
    char path[1024];
    recsys_model *model = write_bundle("fork", BUNDLE_CATALOG | BUNDLE_SEEN, path);
    recsys_filter_options options = RECSYS_FILTER_OPTIONS_INIT;
    recsys_filter *filter = NULL;
    int result = -1;

    (void)state;
    options.min_rating = 5;
    must(recsys_filter_create(model, &options, &filter, &err), &err, "filter");
    size_t passing = recsys_filter_count(filter);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        recsys_filter *own = NULL;
        recsys_array ids;
        int good = recsys_model_get_array(model, "item_ids", &ids, NULL) == RECSYS_OK &&
                   recsys_filter_create(model, &options, &own, NULL) == RECSYS_OK &&
                   recsys_filter_count(own) == passing && recsys_filter_count(filter) == passing;
        recsys_filter_unref(own);
        recsys_filter_unref(filter);
        recsys_model_unref(model);
        _exit(good ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &result, 0), child);
    assert_int_equal(result, 0);
    recsys_filter_unref(filter);
    recsys_model_unref(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bundle_in_memory_is_the_bundle_at_its_path),
        cmocka_unit_test(memory_is_used_in_place_and_kept_as_long_as_it_is_used),
        cmocka_unit_test(memory_without_release_may_be_used_again_at_once),
        cmocka_unit_test(descriptors_may_be_closed_after_the_call),
        cmocka_unit_test(single_files_say_what_they_are_by_their_name),
        cmocka_unit_test(whatever_fails_gives_the_memory_back),
        cmocka_unit_test(files_that_the_manifest_does_not_list_are_given_back_unread),
        cmocka_unit_test(a_child_uses_models_and_filters_of_its_parent),
    };
    return cmocka_run_group_tests(tests, set_up, scratch_tear_down);
}
