/* Covers model.h: loading what is right, refusing what is not, and what a model says of itself. */
#include "tests/api/reference.h"
#include "tests/support/scratch.h"

#include <unistd.h>

static recsys_error err;

static void info_of(const recsys_model *model, recsys_model_info *info)
{
    memset(info, 0xa5, sizeof *info);
    info->struct_size = (uint32_t)sizeof *info;
    must(recsys_model_get_info(model, info, &err), &err, "info");
}

/* Loading must fail with this status and leave no model behind. */
static void refuse(const char *path, const recsys_model_options *options, recsys_status want,
                   const char *what)
{
    recsys_model *model = (recsys_model *)&err;

    memset(&err, 0, sizeof err);
    expect(recsys_model_load(path, options, &model, &err), want, &err, what);
    assert_null(model);
    model = (recsys_model *)&err;
    assert_int_equal(recsys_model_load(path, options, &model, NULL), want);
    assert_null(model);
}

static void a_model_says_what_it_is(void **state)
{
    struct bundle bundle;
    recsys_model_info info;
    recsys_model *model = make_model(scratch, "whole", &bundle, 7, 40, 12, 1,
                                     BUNDLE_BIAS | BUNDLE_NUMBER_IDS | BUNDLE_SEEN |
                                         BUNDLE_CATALOG | BUNDLE_FEATURES | BUNDLE_LINEAR);
    size_t n_catalog = 0;

    (void)state;
    for (size_t i = 0; i < 40; i++) {
        char line[256];
        bundle_catalog_line(&bundle, i, line);
        n_catalog += line[0] != '\0';
    }
    info_of(model, &info);
    assert_int_equal(info.dimensions, 12);
    assert_int_equal(info.n_users, 7);
    assert_int_equal(info.n_items, 40);
    assert_int_equal(info.n_features, 3);
    assert_int_equal(info.n_seen, bundle.seen_offsets[7]);
    assert_int_equal(info.n_catalog, n_catalog);
    assert_true(info.mapped_bytes > 0);
    assert_true(info.private_bytes > 0);
    assert_int_equal(info.user_id_kind, RECSYS_ID_KIND_INTEGER);
    assert_int_equal(info.item_id_kind, RECSYS_ID_KIND_INTEGER);
    assert_int_equal(info.metric, RECSYS_METRIC_INNER_PRODUCT);
    assert_int_equal(info.link, RECSYS_LINK_LINEAR);
    assert_true(info.link_min == -3.0f && info.link_max == 3.0f);
    assert_string_equal(info.name, "demo");
    assert_string_equal(info.version, "3");
    assert_string_equal(info.algorithm, "als");
    assert_string_equal(info.training_date, "2026-11-21T03:00:00Z");
    assert_string_equal(info.item_name, "movie"); /* the manifest does not say */
    assert_int_equal(strlen(info.fingerprint), 64);
    assert_int_equal(strspn(info.fingerprint, "0123456789abcdef"), 64);
    assert_int_equal(info.metadata[0], '{');
    assert_non_null(strstr(info.metadata, "recall@10"));
    assert_non_null(strstr(info.metadata, "regularization"));
    recsys_model_unref(model);
    bundle_free(&bundle);
}

static void a_plain_model_says_so(void **state)
{
    struct bundle bundle;
    recsys_model_info info;
    recsys_model *model = make_model(scratch, "plain", &bundle, 2, 3, 4, 2, 0);

    (void)state;
    info_of(model, &info);
    assert_int_equal(info.n_features, 0);
    assert_int_equal(info.n_seen, 0);
    assert_int_equal(info.n_catalog, 0);
    assert_int_equal(info.link, RECSYS_LINK_SIGMOID);
    recsys_model_unref(model);
    bundle_free(&bundle);
}

static void info_needs_a_model_and_a_size(void **state)
{
    struct bundle bundle;
    recsys_model_info info = {.struct_size = (uint32_t)sizeof info};
    recsys_model *model = make_model(scratch, "info", &bundle, 2, 3, 4, 3, 0);

    (void)state;
    expect(recsys_model_get_info(NULL, &info, &err), RECSYS_E_INVALID, &err, "no model");
    expect(recsys_model_get_info(model, NULL, &err), RECSYS_E_INVALID, &err, "no info");
    info.struct_size = 0;
    expect(recsys_model_get_info(model, &info, &err), RECSYS_E_INVALID, &err, "no size");
    assert_int_equal(recsys_model_get_info(model, &info, NULL), RECSYS_E_INVALID);
    recsys_model_unref(model);
    bundle_free(&bundle);
}

static void equal_content_has_an_equal_fingerprint(void **state)
{
    struct bundle a, b, c;
    recsys_model_info of_a, of_b, of_c;
    recsys_model *first = make_model(scratch, "same_a", &a, 4, 9, 5, 77, BUNDLE_CATALOG),
                 *second = make_model(scratch, "same_b", &b, 4, 9, 5, 77, BUNDLE_CATALOG),
                 *other = make_model(scratch, "same_c", &c, 4, 9, 5, 78, BUNDLE_CATALOG);

    (void)state;
    info_of(first, &of_a);
    info_of(second, &of_b);
    info_of(other, &of_c);
    assert_string_equal(of_a.fingerprint, of_b.fingerprint);
    assert_string_not_equal(of_a.fingerprint, of_c.fingerprint);
    recsys_model_unref(first);
    recsys_model_unref(second);
    recsys_model_unref(other);
    bundle_free(&a);
    bundle_free(&b);
    bundle_free(&c);
}

static void vectors_and_biases_are_those_of_the_files(void **state)
{
    struct bundle bundle;
    float vector[9], bias;
    recsys_model *model = make_model(scratch, "vectors", &bundle, 6, 30, 9, 4,
                                     BUNDLE_BIAS | BUNDLE_NUMBER_IDS | BUNDLE_UNSORTED);

    (void)state;
    for (size_t u = 0; u < 6; u++) {
        recsys_id id = RECSYS_ID_NUMBER((uint64_t)bundle.user_numbers[u]);
        must(recsys_model_get_user(model, id, vector, &bias, &err), &err, "user");
        assert_memory_equal(vector, bundle.users + u * 9, sizeof vector);
        assert_true(bias == bundle.user_bias[u]);
    }
    for (size_t i = 0; i < 30; i++) {
        recsys_id id = RECSYS_ID_NUMBER((uint64_t)bundle.item_numbers[i]);
        must(recsys_model_get_item(model, id, vector, &bias, &err), &err, "item");
        assert_memory_equal(vector, bundle.items + i * 9, sizeof vector);
        assert_true(bias == bundle.item_bias[i]);
        must(recsys_model_get_item(model, id, NULL, NULL, &err), &err, "item, nothing wanted");
    }
    recsys_model_unref(model);
    bundle_free(&bundle);
}

static void vectors_of_a_cosine_model_have_length_one(void **state)
{
    struct bundle bundle;
    float vector[8], bias;
    recsys_model *model = make_model(scratch, "cosine", &bundle, 3, 10, 8, 5, BUNDLE_COSINE);

    (void)state;
    for (uint64_t id = 1; id <= 10; id++) {
        recsys_id item = RECSYS_ID_NUMBER(id);
        must(recsys_model_get_item(model, item, vector, &bias, &err), &err, "item");
        assert_true(fabs(dot(vector, vector, 8) - 1) < 1e-6);
        assert_true(bias == 0.0f);
        for (size_t j = 0; j < 8; j++) {
            const float *row = bundle.items + (id - 1) * 8;
            assert_true(fabs((double)vector[j] - (double)row[j] / sqrt(dot(row, row, 8))) < 1e-6);
        }
    }
    recsys_id user = RECSYS_ID_NUMBER(2);
    must(recsys_model_get_user(model, user, vector, &bias, &err), &err, "user");
    assert_true(fabs(dot(vector, vector, 8) - 1) < 1e-6);
    recsys_model_unref(model);
    bundle_free(&bundle);
}

static void an_id_that_is_not_there_is_not_found_and_one_of_the_other_kind_is_invalid(void **state)
{
    struct bundle bundle;
    float bias = 7;
    const recsys_id unknown = RECSYS_ID_NUMBER(999), text = {"i-5", 3}, zero = RECSYS_ID_NUMBER(0),
                    huge = RECSYS_ID_NUMBER(UINT64_MAX);
    recsys_model *model = make_model(scratch, "ids", &bundle, 3, 4, 2, 6, 0);

    (void)state;
    expect(recsys_model_get_user(model, unknown, NULL, &bias, &err), RECSYS_E_NOT_FOUND, &err, "");
    expect(recsys_model_get_item(model, unknown, NULL, &bias, &err), RECSYS_E_NOT_FOUND, &err, "");
    expect(recsys_model_get_user(model, text, NULL, NULL, &err), RECSYS_E_INVALID, &err, "");
    expect(recsys_model_get_item(model, text, NULL, NULL, &err), RECSYS_E_INVALID, &err, "");
    expect(recsys_model_get_item(model, zero, NULL, NULL, &err), RECSYS_E_NOT_FOUND, &err, "");
    expect(recsys_model_get_item(model, huge, NULL, NULL, &err), RECSYS_E_INVALID, &err, "");
    expect(recsys_model_get_user(model, huge, NULL, NULL, &err), RECSYS_E_INVALID, &err, "");
    expect(recsys_model_get_user(NULL, unknown, NULL, NULL, &err), RECSYS_E_INVALID, &err, "");
    expect(recsys_model_get_item(NULL, unknown, NULL, NULL, &err), RECSYS_E_INVALID, &err, "");
    assert_int_equal(recsys_model_get_item(model, unknown, NULL, NULL, NULL), RECSYS_E_NOT_FOUND);
    recsys_model_unref(model);
    bundle_free(&bundle);
}

static void text_ids_are_found_by_their_text(void **state)
{
    struct bundle bundle;
    float vector[3];
    recsys_model_info info;
    recsys_model *model = make_model(scratch, "texts", &bundle, 5, 20, 3, 7, BUNDLE_TEXT_IDS);

    (void)state;
    info_of(model, &info);
    assert_int_equal(info.item_id_kind, RECSYS_ID_KIND_TEXT);
    assert_int_equal(info.user_id_kind, RECSYS_ID_KIND_TEXT);
    for (size_t i = 0; i < 20; i++) {
        char text[32];
        int size = snprintf(text, sizeof text, "i-%lld", (long long)bundle.item_numbers[i]);
        recsys_id id = {text, (uint64_t)size};
        must(recsys_model_get_item(model, id, vector, NULL, &err), &err, text);
        assert_memory_equal(vector, bundle.items + i * 3, sizeof vector);
        id.number--; /* a prefix is another id */
        assert_true(recsys_model_get_item(model, id, NULL, NULL, &err) != RECSYS_OK ||
                    bundle.item_numbers[i] >= 50);
    }
    const recsys_id number = RECSYS_ID_NUMBER(5);
    expect(recsys_model_get_item(model, number, NULL, NULL, &err), RECSYS_E_INVALID, &err, "");
    recsys_model_unref(model);
    bundle_free(&bundle);
}

typedef recsys_status (*get_ids)(const recsys_model *, uint64_t, recsys_id *, size_t, size_t *,
                                 recsys_error *);

static void check_pages(const recsys_model *model, get_ids get, size_t n, const char *what)
{
    recsys_id all[64], page[7];
    size_t count = 99, got;

    must(get(model, 0, all, 64, &count, &err), &err, what);
    assert_int_equal(count, n);
    for (size_t i = 1; i < n; i++)
        assert_true(all[i].text == NULL ? all[i - 1].number < all[i].number
                                        : strcmp(all[i - 1].text, all[i].text) < 0);
    for (size_t offset = 0; offset <= n + 3; offset++) {
        must(get(model, offset, page, 7, &got, &err), &err, what);
        assert_int_equal(got, offset >= n ? 0 : n - offset < 7 ? n - offset : 7);
        for (size_t i = 0; i < got; i++)
            assert_true(same_id(page[i], all[offset + i]));
    }
    must(get(model, UINT64_MAX, page, 7, &got, &err), &err, what);
    assert_int_equal(got, 0);
    must(get(model, 3, NULL, 0, &got, &err), &err, what);
    assert_int_equal(got, n - 3); /* how many there are */
    expect(get(NULL, 0, page, 7, &got, &err), RECSYS_E_INVALID, &err, what);
    expect(get(model, 0, NULL, 7, &got, &err), RECSYS_E_INVALID, &err, what);
    expect(get(model, 0, page, 7, NULL, &err), RECSYS_E_INVALID, &err, what);
}

static void ids_come_ascending_and_page_by_page(void **state)
{
    static const uint32_t flags[] = {0, BUNDLE_NUMBER_IDS, BUNDLE_TEXT_IDS,
                                     BUNDLE_NUMBER_IDS | BUNDLE_UNSORTED};

    (void)state;
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
        struct bundle bundle;
        char name[32];
        snprintf(name, sizeof name, "pages%zu", i);
        recsys_model *model = make_model(scratch, name, &bundle, 11, 40, 3, 8, flags[i]);
        check_pages(model, recsys_model_get_user_ids, 11, "users");
        check_pages(model, recsys_model_get_item_ids, 40, "items");
        recsys_model_unref(model);
        bundle_free(&bundle);
    }
}

static void references_are_counted(void **state)
{
    struct bundle bundle;
    recsys_model_info info;
    recsys_model *model = make_model(scratch, "refs", &bundle, 3, 4, 2, 9, 0);

    (void)state;
    assert_null(recsys_model_ref(NULL));
    recsys_model_unref(NULL);
    assert_ptr_equal(recsys_model_ref(model), model);
    recsys_model_unref(model);
    info_of(model, &info); /* still there */
    assert_int_equal(info.n_items, 4);
    recsys_model_unref(model);
    bundle_free(&bundle);
}

static void a_model_outlives_its_files_names(void **state)
{
    struct bundle bundle;
    float vector[6];
    recsys_model *model = make_model(scratch, "unlinked", &bundle, 3, 50, 6, 10, 0);
    const recsys_id id = RECSYS_ID_NUMBER(50);

    (void)state;
    bundle_remove_directory(in_scratch("unlinked"));
    must(recsys_model_get_item(model, id, vector, NULL, &err), &err, "after unlinking");
    assert_memory_equal(vector, bundle.items + 49 * 6, sizeof vector);
    recsys_model_unref(model);
    bundle_free(&bundle);
}

static void arguments_are_checked(void **state)
{
    struct bundle bundle;
    recsys_model_options options = RECSYS_MODEL_OPTIONS_INIT;
    recsys_model *model = make_model(scratch, "arguments", &bundle, 3, 4, 2, 11, 0);
    char path[1024];

    (void)state;
    recsys_model_unref(model);
    snprintf(path, sizeof path, "%s", in_scratch("arguments"));
    expect(recsys_model_load(path, NULL, NULL, &err), RECSYS_E_INVALID, &err, "no out");
    refuse(NULL, NULL, RECSYS_E_INVALID, "no path");
    refuse("", NULL, RECSYS_E_INVALID, "an empty path");
    options.struct_size = 0;
    refuse(path, &options, RECSYS_E_INVALID, "no size");
    options.struct_size = RECSYS_MODEL_OPTIONS_SIZE_V1 - 4;
    refuse(path, &options, RECSYS_E_INVALID, "a size before version 1");
    options = (recsys_model_options)RECSYS_MODEL_OPTIONS_INIT;
    options.metric = 3;
    refuse(path, &options, RECSYS_E_INVALID, "a metric that is none");
    options = (recsys_model_options)RECSYS_MODEL_OPTIONS_INIT;
    options.link = 4;
    refuse(path, &options, RECSYS_E_INVALID, "a link that is none");
    options = (recsys_model_options)RECSYS_MODEL_OPTIONS_INIT;
    options.metric = RECSYS_METRIC_INNER_PRODUCT;
    refuse(path, &options, RECSYS_E_INVALID, "a metric for a bundle");
    options = (recsys_model_options)RECSYS_MODEL_OPTIONS_INIT;
    options.link = RECSYS_LINK_CLIP;
    refuse(path, &options, RECSYS_E_INVALID, "a link for a bundle");
    bundle_free(&bundle);
}

static void a_newer_caller_is_refused_only_if_he_uses_the_new_field(void **state)
{
    struct {
        recsys_model_options options;
        uint64_t new_field;
    } newer;
    struct bundle bundle;
    recsys_model *model = make_model(scratch, "newer", &bundle, 3, 4, 2, 12, 0);

    (void)state;
    recsys_model_unref(model);
    memset(&newer, 0, sizeof newer);
    newer.options.struct_size = (uint32_t)sizeof newer;
    must(recsys_model_load(in_scratch("newer"), &newer.options, &model, &err), &err, "zero tail");
    recsys_model_unref(model);
    newer.new_field = 1;
    refuse(in_scratch("newer"), &newer.options, RECSYS_E_UNSUPPORTED, "a tail that is not zero");
    newer.new_field = 0;
    newer.options.flags = 1u << 31;
    refuse(in_scratch("newer"), &newer.options, RECSYS_E_UNSUPPORTED, "a flag of no version");
    bundle_free(&bundle);
}

static void a_model_that_is_too_large_is_refused(void **state)
{
    struct bundle bundle;
    recsys_model_info info;
    recsys_model_options options = RECSYS_MODEL_OPTIONS_INIT;
    recsys_model *model = make_model(scratch, "large", &bundle, 30, 300, 16, 13, BUNDLE_CATALOG);

    (void)state;
    info_of(model, &info);
    recsys_model_unref(model);
    options.max_bytes = 1000;
    refuse(in_scratch("large"), &options, RECSYS_E_LIMIT, "max_bytes");
    options.max_bytes = 1u << 20;
    must(recsys_model_load(in_scratch("large"), &options, &model, &err), &err, "large enough");
    recsys_model_unref(model);
    bundle_free(&bundle);
}

static void what_is_not_there_or_no_model_is_refused(void **state)
{
    (void)state;
    refuse(in_scratch("nothing-here"), NULL, RECSYS_E_IO, "no such path");
    bundle_write_file(scratch, "text.txt", "hello", 5);
    refuse(in_scratch("text.txt"), NULL, RECSYS_E_FORMAT, "a text file");
    bundle_write_file(scratch, "empty.safetensors", "", 0);
    refuse(in_scratch("empty.safetensors"), NULL, RECSYS_E_FORMAT, "an empty file");
    bundle_write_file(scratch, "short.safetensors", "\xff\0\0\0\0\0\0\0{}", 10);
    refuse(in_scratch("short.safetensors"), NULL, RECSYS_E_FORMAT, "a file cut short");
    bundle_write_file(scratch, "short.npz", "PK\3\4", 4);
    refuse(in_scratch("short.npz"), NULL, RECSYS_E_FORMAT, "an archive cut short");
}

/* A valid bundle, changed by `change`, must be refused with `want`. */
static void change_and_refuse(const char *name, uint32_t flags,
                              void (*change)(const char *path, const struct bundle *bundle),
                              recsys_status want)
{
    struct bundle bundle;
    char path[1024];

    snprintf(path, sizeof path, "%s", in_scratch(name));
    bundle_write(&bundle, path, 5, 20, 6, 14, flags);
    change(path, &bundle);
    refuse(path, NULL, want, name);
    bundle_free(&bundle);
}

static void cut_the_vectors(const char *path, const struct bundle *bundle)
{
    size_t size;
    unsigned char *bytes = bundle_read_file(path, "model.safetensors", &size);

    (void)bundle;
    bundle_write_file(path, "model.safetensors", bytes, size - 1);
    free(bytes);
}

static void leave_it(const char *path, const struct bundle *bundle)
{
    (void)path;
    (void)bundle;
}

static void flip_a_bit(const char *path, const struct bundle *bundle)
{
    size_t size;
    unsigned char *bytes = bundle_read_file(path, "model.safetensors", &size);

    (void)bundle;
    bytes[size - 20] ^= 1;
    bundle_write_file(path, "model.safetensors", bytes, size);
    free(bytes);
}

static void lose_the_vectors(const char *path, const struct bundle *bundle)
{
    char name[1100];

    (void)bundle;
    snprintf(name, sizeof name, "%s/model.safetensors", path);
    assert_int_equal(unlink(name), 0);
}

static void lose_the_manifest(const char *path, const struct bundle *bundle)
{
    char name[1100];

    (void)bundle;
    snprintf(name, sizeof name, "%s/recsys.json", path);
    assert_int_equal(unlink(name), 0);
}

static void break_the_manifest(const char *path, const struct bundle *bundle)
{
    (void)bundle;
    bundle_write_file(path, "recsys.json", "{\"format\": ", 11);
}

/* Rewrite the manifest with one member changed, sums still right. */
static void change_member(const char *path, const struct bundle *bundle, const char *from,
                          const char *to)
{
    char *members = bundle_manifest_members(bundle), changed[4096];
    char *at = strstr(members, from);

    assert_non_null(at);
    snprintf(changed, sizeof changed, "%.*s%s%s", (int)(at - members), members, to,
             at + strlen(from));
    bundle_write_manifest(path, changed);
    free(members);
}

static void come_from_the_future(const char *path, const struct bundle *bundle)
{
    change_member(path, bundle, "\"format_version\": 1", "\"format_version\": 3");
}

static void be_something_else(const char *path, const struct bundle *bundle)
{
    change_member(path, bundle, "recsys-bundle", "other-bundle");
}

static void claim_more_items(const char *path, const struct bundle *bundle)
{
    change_member(path, bundle, "\"n_items\": 20", "\"n_items\": 21");
}

static void claim_other_dimensions(const char *path, const struct bundle *bundle)
{
    change_member(path, bundle, "\"dimensions\": 6", "\"dimensions\": 7");
}

static void have_a_backwards_link(const char *path, const struct bundle *bundle)
{
    change_member(path, bundle, "\"max\": 3.0", "\"max\": -4.0");
}

static void have_an_unknown_metric(const char *path, const struct bundle *bundle)
{
    change_member(path, bundle, "\"metric\": \"cosine\"", "\"metric\": \"euclid\"");
}

/* Write model.safetensors again from these, and a manifest to go with it. */
static void rewrite(const char *path, const struct bundle *bundle,
                    const struct bundle_tensor *tensors, size_t n)
{
    size_t size;
    unsigned char *bytes = bundle_make_safetensors(tensors, n, 64, &size);
    char *members = bundle_manifest_members(bundle);

    bundle_write_file(path, "model.safetensors", bytes, size);
    bundle_write_manifest(path, members);
    free(bytes);
    free(members);
}

static void hold_a_number_that_is_none(const char *path, const struct bundle *bundle)
{
    size_t n_users = bundle->n_users, n_items = bundle->n_items, d = bundle->d;
    const struct bundle_tensor tensors[] = {
        {"item_factors", "F32", 2, {n_items, d}, bundle->items, n_items * d * 4},
        {"user_factors", "F32", 2, {n_users, d}, bundle->users, n_users * d * 4}};

    bundle->items[17] = NAN;
    rewrite(path, bundle, tensors, 2);
}

static void hold_an_infinite_user(const char *path, const struct bundle *bundle)
{
    size_t n_users = bundle->n_users, n_items = bundle->n_items, d = bundle->d;
    const struct bundle_tensor tensors[] = {
        {"item_factors", "F32", 2, {n_items, d}, bundle->items, n_items * d * 4},
        {"user_factors", "F32", 2, {n_users, d}, bundle->users, n_users * d * 4}};

    bundle->users[3] = INFINITY;
    rewrite(path, bundle, tensors, 2);
}

static void lack_the_items(const char *path, const struct bundle *bundle)
{
    size_t n_users = bundle->n_users, d = bundle->d;
    const struct bundle_tensor tensors[] = {
        {"user_factors", "F32", 2, {n_users, d}, bundle->users, n_users * d * 4}};

    rewrite(path, bundle, tensors, 1);
}

static void use_an_id_twice(const char *path, const struct bundle *bundle)
{
    size_t n_users = bundle->n_users, n_items = bundle->n_items, d = bundle->d;
    int64_t ids[20];
    const struct bundle_tensor tensors[] = {
        {"item_factors", "F32", 2, {n_items, d}, bundle->items, n_items * d * 4},
        {"user_factors", "F32", 2, {n_users, d}, bundle->users, n_users * d * 4},
        {"item_ids", "I64", 1, {n_items, 0}, ids, n_items * 8}};

    for (int i = 0; i < 20; i++)
        ids[i] = 100 + i;
    ids[7] = ids[3];
    rewrite(path, bundle, tensors, 3);
}

static void have_a_line_for_a_stranger(const char *path, const struct bundle *bundle)
{
    static const char line[] = "{\"id\": 777, \"title\": \"nobody's\"}\n";
    char *members = bundle_manifest_members(bundle);

    bundle_write_file(path, "catalog.jsonl", line, sizeof line - 1);
    bundle_write_manifest(path, members);
    free(members);
}

static void a_damaged_bundle_is_refused_with_the_reason(void **state)
{
    (void)state;
    change_and_refuse("cut", 0, cut_the_vectors, RECSYS_E_FORMAT);
    change_and_refuse("flipped", 0, flip_a_bit, RECSYS_E_FORMAT);
    change_and_refuse("lost", 0, lose_the_vectors, RECSYS_E_IO);
    change_and_refuse("no-manifest", 0, lose_the_manifest, RECSYS_E_IO);
    change_and_refuse("half-manifest", 0, break_the_manifest, RECSYS_E_FORMAT);
    change_and_refuse("future", 0, come_from_the_future, RECSYS_E_UNSUPPORTED);
    change_and_refuse("other", 0, be_something_else, RECSYS_E_FORMAT);
    change_and_refuse("more-items", 0, claim_more_items, RECSYS_E_FORMAT);
    change_and_refuse("dimensions", 0, claim_other_dimensions, RECSYS_E_FORMAT);
    change_and_refuse("backwards", BUNDLE_LINEAR, have_a_backwards_link, RECSYS_E_FORMAT);
    change_and_refuse("euclid", BUNDLE_COSINE, have_an_unknown_metric, RECSYS_E_UNSUPPORTED);
    change_and_refuse("nan", 0, hold_a_number_that_is_none, RECSYS_E_FORMAT);
    change_and_refuse("infinite", 0, hold_an_infinite_user, RECSYS_E_FORMAT);
    change_and_refuse("no-items", 0, lack_the_items, RECSYS_E_FORMAT);
    change_and_refuse("twice", 0, use_an_id_twice, RECSYS_E_FORMAT);
    change_and_refuse("stranger", BUNDLE_CATALOG, have_a_line_for_a_stranger, RECSYS_E_FORMAT);
    change_and_refuse("cosine-bias", BUNDLE_COSINE | BUNDLE_BIAS, leave_it, RECSYS_E_FORMAT);
}

static void hashes_are_skipped_only_if_asked(void **state)
{
    struct bundle bundle;
    recsys_model_options options = RECSYS_MODEL_OPTIONS_INIT;
    recsys_model *model = NULL;
    char path[1024];

    (void)state;
    snprintf(path, sizeof path, "%s", in_scratch("unhashed"));
    bundle_write(&bundle, path, 5, 20, 6, 15, 0);
    flip_a_bit(path, &bundle);
    refuse(path, NULL, RECSYS_E_FORMAT, "a flipped bit");
    options.flags = RECSYS_MODEL_SKIP_HASHES;
    must(recsys_model_load(path, &options, &model, &err), &err, "hashes skipped");
    recsys_model_unref(model);
    bundle_free(&bundle);
}

static void a_bare_file_is_a_model_with_the_callers_metric_and_link(void **state)
{
    struct bundle bundle;
    recsys_model_options options = RECSYS_MODEL_OPTIONS_INIT;
    recsys_model_info info;
    recsys_model *model = make_model(scratch, "bare", &bundle, 5, 20, 6, 16, BUNDLE_NUMBER_IDS);
    char path[1100];

    (void)state;
    recsys_model_unref(model);
    snprintf(path, sizeof path, "%s/model.safetensors", in_scratch("bare"));
    must(recsys_model_load(path, NULL, &model, &err), &err, "bare, defaults");
    info_of(model, &info);
    assert_int_equal(info.n_items, 20);
    assert_int_equal(info.metric, RECSYS_METRIC_INNER_PRODUCT);
    assert_int_equal(info.link, RECSYS_LINK_SIGMOID);
    assert_string_equal(info.version, "0");
    assert_true(info.name[0] != '\0');
    recsys_model_unref(model);

    options.metric = RECSYS_METRIC_COSINE;
    options.link = RECSYS_LINK_LINEAR;
    options.link_min = -1;
    options.link_max = 1;
    must(recsys_model_load(path, &options, &model, &err), &err, "bare, with options");
    info_of(model, &info);
    assert_int_equal(info.metric, RECSYS_METRIC_COSINE);
    assert_int_equal(info.link, RECSYS_LINK_LINEAR);
    assert_true(info.link_min == -1.0f && info.link_max == 1.0f);
    recsys_model_unref(model);
    options.link_max = -1;
    refuse(path, &options, RECSYS_E_INVALID, "an empty range");
    options.link_max = NAN;
    refuse(path, &options, RECSYS_E_INVALID, "a range to nowhere");
    bundle_free(&bundle);
}

static void huge_pages_change_no_answer(void **state)
{
    struct bundle bundle;
    recsys_model_options options = RECSYS_MODEL_OPTIONS_INIT;
    recsys_model *plain = make_model(scratch, "huge", &bundle, 5, 400, 32, 17, BUNDLE_UNSORTED),
                 *huge = NULL;
    recsys_scorer *scorer = NULL;
    recsys_scored a[20], b[20];
    uint32_t n_a, n_b;

    (void)state;
    options.flags = RECSYS_MODEL_HUGE_PAGES;
    must(recsys_model_load(in_scratch("huge"), &options, &huge, &err), &err, "huge pages");
    must(recsys_scorer_create(NULL, &scorer, &err), &err, "scorer");
    for (size_t u = 0; u < 5; u++) {
        const recsys_query query = {.vector = bundle.users + u * 32, .k = 20};
        must(recsys_scorer_top_k(scorer, plain, &query, 1, a, 20, &n_a, &err), &err, "plain");
        must(recsys_scorer_top_k(scorer, huge, &query, 1, b, 20, &n_b, &err), &err, "huge");
        assert_int_equal(n_a, n_b);
        assert_memory_equal(a, b, n_a * sizeof *a);
    }
    recsys_scorer_destroy(scorer);
    recsys_model_unref(huge);
    recsys_model_unref(plain);
    bundle_free(&bundle);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_model_says_what_it_is),
        cmocka_unit_test(a_plain_model_says_so),
        cmocka_unit_test(info_needs_a_model_and_a_size),
        cmocka_unit_test(equal_content_has_an_equal_fingerprint),
        cmocka_unit_test(vectors_and_biases_are_those_of_the_files),
        cmocka_unit_test(vectors_of_a_cosine_model_have_length_one),
        cmocka_unit_test(an_id_that_is_not_there_is_not_found_and_one_of_the_other_kind_is_invalid),
        cmocka_unit_test(text_ids_are_found_by_their_text),
        cmocka_unit_test(ids_come_ascending_and_page_by_page),
        cmocka_unit_test(references_are_counted),
        cmocka_unit_test(a_model_outlives_its_files_names),
        cmocka_unit_test(arguments_are_checked),
        cmocka_unit_test(a_newer_caller_is_refused_only_if_he_uses_the_new_field),
        cmocka_unit_test(a_model_that_is_too_large_is_refused),
        cmocka_unit_test(what_is_not_there_or_no_model_is_refused),
        cmocka_unit_test(a_damaged_bundle_is_refused_with_the_reason),
        cmocka_unit_test(hashes_are_skipped_only_if_asked),
        cmocka_unit_test(a_bare_file_is_a_model_with_the_callers_metric_and_link),
        cmocka_unit_test(huge_pages_change_no_answer),
    };
    return cmocka_run_group_tests(tests, scratch_set_up, scratch_tear_down);
}
