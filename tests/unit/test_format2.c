/* Covers lib/catalog/catalog_columns.c, catalog_tensors.c, lib/model/load_catalog.c and
 * load_codes.c: the files that bundle format 2 has in addition. test_broken_bundles.c has those
 * that are refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/bundle/codes.h"
#include "lib/model/model.h"
#include "lib/model/model_memory.h"
#include "recsys/recsys.h"
#include "tests/support/model_setup.h"

static recsys_error err;

static recsys_item item_of(const recsys_model *model, recsys_id id)
{
    recsys_item item = RECSYS_ITEM_INIT;

    assert_int_equal(recsys_catalog_get(model, id, &item, &err), RECSYS_OK);
    return item;
}

static void check_same_text(const char *a, const char *b)
{
    if (a == NULL || b == NULL)
        assert_ptr_equal(a, b);
    else
        assert_string_equal(a, b);
}

static void check_same_item(const recsys_item *a, const recsys_item *b)
{
    assert_int_equal(a->known, b->known);
    assert_int_equal(a->n_genres, b->n_genres);
    for (uint32_t i = 0; i < a->n_genres; i++)
        assert_string_equal(a->genres[i], b->genres[i]);
    check_same_text(a->title, b->title);
    check_same_text(a->poster_url, b->poster_url);
    check_same_text(a->language, b->language);
    assert_int_equal(a->release_year, b->release_year);
    assert_true(a->rating == b->rating);
    assert_int_equal(a->adult, b->adult);
}

static void columns_say_what_lines_say(void **state)
{
    static const uint32_t kinds[] = {
        BUNDLE_CATALOG,
        BUNDLE_CATALOG | BUNDLE_NUMBER_IDS | BUNDLE_UNSORTED,
        BUNDLE_CATALOG | BUNDLE_TEXT_IDS | BUNDLE_UNSORTED | BUNDLE_COSINE,
    };

    (void)state;
    for (size_t kind = 0; kind < sizeof kinds / sizeof *kinds; kind++) {
        struct model_setup old, new;
        recsys_id ids[150];
        size_t n;
        model_setup_bundle(&old, 5, 150, 16, kinds[kind]);
        model_setup_bundle(&new, 5, 150, 16, kinds[kind] | BUNDLE_FORMAT_2);
        recsys_model *lines = model_setup_load(old.path, NULL);
        recsys_model *columns = model_setup_load(new.path, NULL);
        assert_int_equal(lines->catalog->n_known, 150 - 21);
        assert_int_equal(columns->catalog->n_known, lines->catalog->n_known);
        assert_int_equal(columns->catalog->n_adult, lines->catalog->n_adult);
        assert_int_equal(recsys_model_get_item_ids(lines, 0, ids, 150, &n, &err), RECSYS_OK);
        assert_int_equal(n, 150);
        for (size_t i = 0; i < n; i++) {
            recsys_item a = item_of(lines, ids[i]), b = item_of(columns, ids[i]);
            check_same_item(&a, &b);
        }
        assert_int_equal(rs_catalog_find_genre(columns->catalog, "sci-FI"), 3);
        assert_int_equal(rs_catalog_find_language(columns->catalog, "KO"), 1);
        recsys_model_unref(columns);
        recsys_model_unref(lines);
        model_setup_end(&new);
        model_setup_end(&old);
    }
}

static int is_in(const struct rs_tensors *file, const void *pointer)
{
    return (uintptr_t)pointer - (uintptr_t)file->map.bytes < file->map.size;
}

static void columns_and_codes_are_used_where_they_are_mapped(void **state)
{
    struct model_setup setup;

    (void)state;
    model_setup_bundle(&setup, 5, 2100, 16, BUNDLE_CATALOG | BUNDLE_FORMAT_2 | BUNDLE_CODES);
    recsys_model *model = model_setup_load(setup.path, NULL);
    const struct rs_catalog *catalog = model->catalog;
    const struct rs_tensors *columns = &model->memory->files[2], *codes = &model->memory->files[3];
    assert_true(is_in(columns, catalog->titles.bytes) && is_in(columns, catalog->titles.starts));
    assert_true(is_in(columns, catalog->ratings) && is_in(columns, catalog->years));
    assert_true(is_in(columns, catalog->known) && is_in(columns, catalog->adult));
    assert_true(is_in(columns, catalog->languages) && is_in(columns, catalog->genre_lists));
    assert_true(is_in(columns, catalog->list_genres) && is_in(columns, catalog->genre_names[0]));
    assert_true(is_in(codes, model->codes) && is_in(codes, model->short_codes.codes));
    assert_true(is_in(codes, model->short_codes.steps));
    recsys_model_unref(model);
    model_setup_end(&setup);
}

/* The best 20 of every user, as ids and bits of scores. */
static void ask(const recsys_model *model, recsys_scored *out)
{
    recsys_scorer *scorer = NULL;

    assert_int_equal(recsys_scorer_create(NULL, &scorer, &err), RECSYS_OK);
    memset(out, 0, (size_t)model->n_users * 20 * sizeof *out);
    for (uint32_t user = 0; user < model->n_users; user++) {
        recsys_query query = {.vector = model->users + (size_t)user * model->dimensions, .k = 20};
        uint32_t count = 0;
        assert_int_equal(
            recsys_scorer_top_k(scorer, model, &query, 1, out + user * 20, 20, &count, &err),
            RECSYS_OK);
        assert_int_equal(count, 20);
    }
    recsys_scorer_destroy(scorer);
}

enum harm { NOTHING, NOISE, ALL_ZERO, ALL_MOST, FAR_SCALE, NEAR_SCALE, NO_SCALE, SHIFTED, N_HARMS };

static void harm_bytes(unsigned char *codes, size_t n, enum harm harm, int is_short)
{
    uint64_t state = 5;

    for (size_t i = 0; i < n; i++)
        switch (harm) {
        case NOISE:
            codes[i] = (unsigned char)bundle_random(&state, 256);
            break;
        case ALL_ZERO:
        case ALL_MOST:
            codes[i] = harm == ALL_ZERO ? 0 : 255;
            break;
        case SHIFTED: /* every code is a little wrong: the hardest to notice */
            if (is_short)
                codes[i] ^= 0x11;
            else
                codes[i] = (unsigned char)(codes[i] + (codes[i] < 250 ? 5 : 0));
            break;
        default:
            break;
        }
}

static void harm_scales(unsigned char *bytes, size_t n, enum harm harm)
{
    for (size_t i = 0; i < n; i += 4) {
        float scale;
        memcpy(&scale, bytes + i, 4);
        scale *= harm == FAR_SCALE    ? 1000.0f
                 : harm == NEAR_SCALE ? 0.001f
                 : harm == NO_SCALE   ? 0
                                      : 1;
        memcpy(bytes + i, &scale, 4);
    }
}

/* Where a tensor stands in the bytes of a file. */
static unsigned char *find(unsigned char *bytes, size_t size, const char *name, size_t *n)
{
    struct rs_tensors tensors;

    assert_int_equal(rs_safetensors_parse(bytes, size, "codes", &tensors, &err), RECSYS_OK);
    const struct rs_tensor *tensor = rs_tensors_find(&tensors, name);
    assert_non_null(tensor);
    unsigned char *at = bytes + ((const unsigned char *)tensor->data - bytes);
    *n = tensor->n_bytes;
    rs_tensors_close(&tensors);
    return at;
}

/* Change the file of codes and make the manifest agree. */
static void harm_codes(const struct model_setup *setup, enum harm harm, int is_short)
{
    size_t size, n;
    unsigned char *bytes = bundle_read_file(setup->path, "codes.safetensors", &size);
    unsigned char *codes = find(bytes, size, is_short ? "item_short_codes" : "item_codes", &n);

    harm_bytes(codes, n, harm, is_short);
    unsigned char *scales =
        find(bytes, size, is_short ? "item_short_code_steps" : "item_code_scales", &n);
    harm_scales(scales, n, harm);
    bundle_write_file(setup->path, "codes.safetensors", bytes, size);
    free(bytes);
    char *members = bundle_manifest_members(&setup->bundle);
    bundle_write_manifest(setup->path, members);
    free(members);
}

static void no_file_of_codes_changes_an_answer(void **state)
{
    static recsys_scored want[40 * 20], got[40 * 20];

    (void)state;
    for (uint32_t bias = 0; bias < 2; bias++) {
        struct model_setup plain;
        uint32_t flags = bias ? BUNDLE_BIAS : 0;
        model_setup_bundle(&plain, 40, 2100, 16, flags);
        recsys_model *model = model_setup_load(plain.path, NULL);
        ask(model, want);
        recsys_model_unref(model);
        model_setup_end(&plain);
        for (uint32_t i = 0; i < 2 * N_HARMS; i++) {
            struct model_setup setup;
            enum harm harm = (enum harm)(i / 2);
            int is_short = (int)(i % 2);
            model_setup_bundle(&setup, 40, 2100, 16, flags | BUNDLE_FORMAT_2 | BUNDLE_CODES);
            harm_codes(&setup, harm, is_short);
            model = model_setup_load(setup.path, NULL);
            assert_non_null(model->codes);
            assert_non_null(model->short_codes.codes);
            ask(model, got);
            assert_memory_equal(got, want, sizeof want);
            /* A block whose codes are worse than none has none. */
            assert_true((model->code_bounds[0].step > 0) ==
                        (is_short || harm == NOTHING || harm == FAR_SCALE || harm == SHIFTED));
            /* Nor has such an item. Steps of zero say nothing of it, and zeros say as much. */
            assert_true(isfinite(model->short_codes.residuals[0]) ==
                        (!is_short || harm == NOTHING || harm == NEAR_SCALE || harm == SHIFTED));
            recsys_model_unref(model);
            model_setup_end(&setup);
        }
    }
}

static void measured_bounds_are_those_of_codes_that_were_just_made(void **state)
{
    static const uint32_t dimensions[] = {1, 3, 8, 64, 70};
    enum { N = 1500 };
    struct rs_block blocks[2];
    struct rs_code_bounds made[2], measured[2];
    double norms[N];

    (void)state;
    for (size_t i = 0; i < sizeof dimensions / sizeof *dimensions; i++) {
        uint32_t d = dimensions[i];
        float *rows = malloc(N * d * sizeof *rows), scales[2];
        uint8_t *codes = malloc(rs_codes_bytes(N, d));
        uint64_t seed = 3;
        for (size_t j = 0; j < N * d; j++)
            rows[j] = (float)bundle_random(&seed, 20001) / 1e4f - 1.0f;
        assert_int_equal(rs_layout_norms(rows, N, d, d, norms, "rows", &err), RECSYS_OK);
        rs_layout_blocks(norms, NULL, N, blocks);
        rs_codes_make(rows, N, d, d, blocks, codes, made);
        for (size_t b = 0; b < 2; b++) {
            scales[b] = rs_codes_scale(made[b].step);
            assert_true(rs_codes_is_scale(scales[b]));
        }
        rs_codes_measure(rows, N, d, d, blocks, scales, codes, measured);
        for (size_t b = 0; b < 2; b++) {
            assert_true(measured[b].step == made[b].step);
            /* Sums are in another order. */
            assert_true(fabs(measured[b].max_residual / made[b].max_residual - 1) < 1e-6 ||
                        (d == 1 && measured[b].max_residual <= blocks[b].max_norm));
        }
        free(codes);
        free(rows);
    }
}

static void codes_of_vectors_in_another_order_are_not_used(void **state)
{
    static const uint32_t kinds[] = {BUNDLE_UNSORTED, BUNDLE_COSINE};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct model_setup setup;
        model_setup_bundle(&setup, 5, 2100, 16, BUNDLE_FORMAT_2 | BUNDLE_CODES | kinds[i]);
        recsys_model *model = model_setup_load(setup.path, NULL);
        assert_non_null(model->codes); /* made now */
        assert_null(model->memory->files[3].map.bytes);
        recsys_model_unref(model);
        model_setup_end(&setup);
    }
}

static uint64_t code_bytes(const struct model_setup *setup, const char *members)
{
    recsys_model_info info = RECSYS_MODEL_INFO_INIT;
    char all[4096], *plain = bundle_manifest_members(&setup->bundle);

    snprintf(all, sizeof all, "%s%s", members, plain);
    bundle_write_manifest(setup->path, all);
    free(plain);
    recsys_model *model = model_setup_load(setup->path, NULL);
    assert_int_equal(recsys_model_get_info(model, &info, &err), RECSYS_OK);
    recsys_model_unref(model);
    return info.code_bytes;
}

static void the_manifests_verdict_takes_the_place_of_the_sampling(void **state)
{
    struct model_setup few, many;

    (void)state;
    model_setup_bundle(&few, 5, 50, 16, BUNDLE_FORMAT_2);
    assert_int_equal(code_bytes(&few, ""), 0);
    assert_int_equal(code_bytes(&few, "\"codes_pay\": true, "), 64 * 16);
    model_setup_end(&few);
    model_setup_bundle(&many, 5, 4000, 16, BUNDLE_FORMAT_2);
    assert_int_equal(code_bytes(&many, ""), 4000 * 16);
    assert_int_equal(code_bytes(&many, "\"codes_pay\": null, "), 4000 * 16);
    assert_int_equal(code_bytes(&many, "\"codes_pay\": false, "), 0);
    model_setup_end(&many);
}

static void the_fingerprint_covers_the_catalogue_and_not_the_codes(void **state)
{
    struct model_setup plain, coded, other;

    (void)state;
    model_setup_bundle(&plain, 5, 100, 16, BUNDLE_FORMAT_2);
    model_setup_bundle(&coded, 5, 100, 16, BUNDLE_FORMAT_2 | BUNDLE_CODES);
    model_setup_bundle(&other, 5, 100, 16, BUNDLE_FORMAT_2 | BUNDLE_CATALOG);
    recsys_model *a = model_setup_load(plain.path, NULL), *b = model_setup_load(coded.path, NULL);
    recsys_model *c = model_setup_load(other.path, NULL);
    assert_string_equal(a->fingerprint, b->fingerprint);
    assert_string_not_equal(a->fingerprint, c->fingerprint);
    recsys_model_unref(a);
    recsys_model_unref(b);
    recsys_model_unref(c);
    model_setup_end(&plain);
    model_setup_end(&coded);
    model_setup_end(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_say_what_lines_say),
        cmocka_unit_test(columns_and_codes_are_used_where_they_are_mapped),
        cmocka_unit_test(no_file_of_codes_changes_an_answer),
        cmocka_unit_test(measured_bounds_are_those_of_codes_that_were_just_made),
        cmocka_unit_test(codes_of_vectors_in_another_order_are_not_used),
        cmocka_unit_test(the_manifests_verdict_takes_the_place_of_the_sampling),
        cmocka_unit_test(the_fingerprint_covers_the_catalogue_and_not_the_codes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
