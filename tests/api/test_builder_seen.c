/* recsys/builder.h: rows are found by ids, parts are removed, and seen lists come from pairs and
 * from sparse matrices that scipy wrote (tests/support/make_npz_fixtures.py). */
#include <math.h>

#include "tests/api/built_model.h"

static recsys_status find(recsys_builder *builder, const char *name, recsys_id id, uint64_t *row)
{
    return recsys_builder_find(builder, name, id, row, &err);
}

static void rows_are_found_by_integer_ids(void **state)
{
    recsys_builder *builder = create_full();
    uint64_t row, count;
    uint32_t kind;

    (void)state;
    for (uint32_t i = 0; i < N_USERS; i++) {
        check_ok(find(builder, "user_ids", number(user_ids[i]), &row));
        assert_int_equal(row, i);
    }
    for (uint32_t i = 0; i < N_ITEMS; i++) {
        check_ok(find(builder, "item_ids", number(item_ids[i]), &row));
        assert_int_equal(row, i);
    }
    assert_int_equal(find(builder, "item_ids", number(999), &row), RECSYS_E_NOT_FOUND);
    assert_int_equal(row, 0);
    assert_int_equal(find(builder, "item_ids", text("101"), &row), RECSYS_E_INVALID);
    check_ok(recsys_builder_get_ids(builder, "user_ids", &count, &kind, &err));
    assert_int_equal(count, N_USERS);
    assert_int_equal(kind, RECSYS_ID_KIND_INTEGER);
    recsys_builder_destroy(builder);
}

static void rows_without_ids_are_found_by_their_numbers_until_ids_are_set(void **state)
{
    recsys_builder *builder = create_small();
    uint64_t row, count;
    uint32_t kind;

    (void)state;
    check_ok(find(builder, "item_ids", number(6), &row));
    assert_int_equal(row, 6);
    assert_int_equal(find(builder, "item_ids", number(7), &row), RECSYS_E_NOT_FOUND);
    check_ok(recsys_builder_set_texts(builder, "item_ids", item_texts, N_ITEMS, &err));
    check_ok(find(builder, "item_ids", text("d"), &row));
    assert_int_equal(row, 6);
    assert_int_equal(find(builder, "item_ids", number(6), &row), RECSYS_E_INVALID);
    check_ok(recsys_builder_get_ids(builder, "item_ids", &count, &kind, &err));
    assert_int_equal(kind, RECSYS_ID_KIND_TEXT);
    /* Fewer rows: the ids do not fit any more, and without them they are numbers again. */
    check_ok(put(builder, "item_factors", item_factors, RECSYS_DTYPE_F32, 4, D));
    assert_int_equal(find(builder, "item_ids", text("d"), &row), RECSYS_E_INVALID);
    check_ok(recsys_builder_remove(builder, "item_ids", &err));
    check_ok(find(builder, "item_ids", number(3), &row));
    assert_int_equal(find(builder, "item_ids", number(6), &row), RECSYS_E_NOT_FOUND);
    recsys_builder_destroy(builder);
}

static void nothing_is_found_before_there_are_factors(void **state)
{
    recsys_builder *builder = NULL;
    uint64_t row, count;
    uint32_t kind;

    (void)state;
    check_ok(recsys_builder_create(&builder, &err));
    assert_int_equal(find(builder, "user_ids", number(1), &row), RECSYS_E_STATE);
    assert_int_equal(recsys_builder_get_ids(builder, "item_ids", &count, &kind, &err),
                     RECSYS_E_STATE);
    assert_string_equal(err.message, "item_factors is not set yet, so no row has an id");
    assert_int_equal(find(builder, "seen_items", number(1), &row), RECSYS_E_INVALID);
    assert_int_equal(recsys_builder_import_seen(builder, "nothing.npz", &err), RECSYS_E_IO);
    recsys_builder_destroy(builder);
}

static void ids_that_are_no_ids_are_refused_when_a_row_is_looked_for(void **state)
{
    static const int64_t twice[N_ITEMS] = {1, 2, 3, 4, 5, 6, 1};
    recsys_builder *builder = create_small();
    uint64_t row;

    (void)state;
    check_ok(put(builder, "item_ids", twice, RECSYS_DTYPE_I64, N_ITEMS, 0));
    assert_int_equal(find(builder, "item_ids", number(1), &row), RECSYS_E_FORMAT);
    check_ok(put(builder, "item_ids", item_ids, RECSYS_DTYPE_I64, N_ITEMS, 0));
    check_ok(find(builder, "item_ids", number(107), &row));
    recsys_builder_destroy(builder);
}

/* Write, load, and compare the list of one user with the ids and weights given. */
static void check_list(const recsys_model *model, recsys_id user, const int64_t *items,
                       const float *weights, size_t n)
{
    recsys_id found[N_ITEMS];
    float found_weights[N_ITEMS];
    size_t count;

    check_ok(recsys_model_get_seen(model, user, 0, found, found_weights, N_ITEMS, &count, &err));
    assert_int_equal(count, n);
    for (size_t i = 0; i < n; i++) {
        size_t at = 0;
        while (at < n && found[at].number != (uint64_t)items[i])
            at++;
        assert_true(at < n);
        assert_true(found_weights[at] == weights[i]);
    }
}

static recsys_model *write_and_load(recsys_builder *builder, const char *name)
{
    check_ok(recsys_builder_write(builder, in_scratch(name), &err));
    recsys_builder_destroy(builder);
    return load(name);
}

static const uint32_t pair_users[6] = {4, 0, 2, 0, 2, 0};
static const uint32_t pair_items[6] = {1, 6, 3, 2, 3, 6};
static const float pair_weights[6] = {0.5f, 1, 2, 3, 4, 5};

static void pairs_in_any_order_become_lists_and_a_later_weight_replaces(void **state)
{
    static const int64_t first[] = {6, 2}, third[] = {3}, fifth[] = {1};
    static const float first_weights[] = {5, 3}, third_weight[] = {4}, fifth_weight[] = {0.5f};
    recsys_builder *builder = create_small();

    (void)state;
    check_ok(recsys_builder_add_seen(builder, pair_users, pair_items, pair_weights, 4, 0, &err));
    check_ok(recsys_builder_add_seen(builder, NULL, NULL, NULL, 0, 0, &err));
    check_ok(recsys_builder_add_seen(builder, pair_users + 4, pair_items + 4, pair_weights + 4, 2,
                                     0, &err));
    recsys_model *model = write_and_load(builder, "replaced");
    assert_int_equal(info_of(model).n_seen, 4);
    check_list(model, number(0), first, first_weights, 2);
    check_list(model, number(1), NULL, NULL, 0);
    check_list(model, number(2), third, third_weight, 1);
    check_list(model, number(4), fifth, fifth_weight, 1);
    recsys_model_unref(model);
}

static void pairs_without_weights_count_how_often_they_come(void **state)
{
    static const int64_t first[] = {6, 2};
    static const float twice[] = {2, 1}, once[] = {1, 1};

    (void)state;
    for (uint32_t flags = 0; flags <= RECSYS_SEEN_SUM; flags += RECSYS_SEEN_SUM) {
        recsys_builder *builder = create_small();
        recsys_array array;

        check_ok(recsys_builder_add_seen(builder, pair_users, pair_items, NULL, 6, flags, &err));
        recsys_model *model = write_and_load(builder, flags == 0 ? "once" : "counted");
        check_list(model, number(0), first, flags == 0 ? once : twice, 2);
        assert_int_equal(recsys_model_get_array(model, "seen_weights", &array, &err),
                         flags == 0 ? RECSYS_E_NOT_FOUND : RECSYS_OK);
        recsys_model_unref(model);
    }
}

static void pairs_that_cannot_be_are_refused(void **state)
{
    static const uint32_t beyond[1] = {N_ITEMS};
    static const float infinite[1] = {INFINITY}, large[2] = {3e38f, 3e38f};
    static const uint32_t zeros[2] = {0, 0};
    recsys_builder *builder = create_small();

    (void)state;
    assert_int_equal(recsys_builder_add_seen(builder, zeros, zeros, infinite, 1, 0, &err),
                     RECSYS_E_INVALID);
    assert_int_equal(recsys_builder_add_seen(builder, zeros, zeros, NULL, 1, 2, &err),
                     RECSYS_E_UNSUPPORTED);
    assert_int_equal(recsys_builder_add_seen(builder, zeros, NULL, NULL, 1, 0, &err),
                     RECSYS_E_INVALID);
    check_ok(recsys_builder_add_seen(builder, zeros, beyond, NULL, 1, 0, &err));
    assert_int_equal(recsys_builder_add_seen(builder, zeros, zeros, NULL, 1, RECSYS_SEEN_SUM, &err),
                     RECSYS_E_INVALID);
    assert_int_equal(recsys_builder_write(builder, in_scratch("refused"), &err), RECSYS_E_INVALID);
    assert_string_equal(err.message,
                        "seen lists: pair 0 has row 7 of item_factors, which has 7 rows");
    check_ok(recsys_builder_remove(builder, "seen", &err));
    check_ok(recsys_builder_add_seen(builder, zeros, zeros, large, 2, RECSYS_SEEN_SUM, &err));
    assert_int_equal(recsys_builder_write(builder, in_scratch("refused"), &err), RECSYS_E_INVALID);
    check_ok(recsys_builder_remove(builder, "seen", &err));
    check_ok(recsys_builder_write(builder, in_scratch("none"), &err));
    recsys_builder_destroy(builder);
}

static void lists_come_as_arrays_or_as_pairs(void **state)
{
    recsys_builder *builder = create_full();

    (void)state;
    check_ok(recsys_builder_add_seen(builder, pair_users, pair_items, NULL, 6, 0, &err));
    assert_int_equal(recsys_builder_write(builder, in_scratch("both"), &err), RECSYS_E_INVALID);
    assert_string_equal(err.message, "seen_offsets is set, and pairs were added to the seen lists; "
                                     "only one of both can be (recsys_builder_remove)");
    check_ok(recsys_builder_remove(builder, "seen", &err));
    check_ok(recsys_builder_add_seen(builder, pair_users, pair_items, NULL, 6, 0, &err));
    recsys_model *model = write_and_load(builder, "pairs");
    assert_int_equal(info_of(model).n_seen, 4);
    recsys_model_unref(model);
}

static void a_removed_part_is_not_written(void **state)
{
    recsys_builder *builder = create_full();
    recsys_array array;

    (void)state;
    check_ok(recsys_builder_remove(builder, "catalog", &err));
    check_ok(recsys_builder_remove(builder, "item_bias", &err));
    check_ok(recsys_builder_remove(builder, "item_bias", &err));
    add_item(builder, "{\"id\":103}");
    assert_int_equal(recsys_builder_remove(builder, "links", &err), RECSYS_E_INVALID);
    recsys_model *model = write_and_load(builder, "removed");
    assert_int_equal(info_of(model).n_catalog, 1);
    assert_int_equal(recsys_model_get_array(model, "item_bias", &array, &err), RECSYS_E_NOT_FOUND);
    recsys_model_unref(model);
}

static const char *fixture(const char *name)
{
    static char path[4200];
    const char *source = getenv("RECSYS_SOURCE_DIR");

    snprintf(path, sizeof path, "%s/tests/fixtures/npz/seen_%s.npz", source != NULL ? source : ".",
             name);
    return path;
}

static void matrices_that_scipy_wrote_become_lists(void **state)
{
    static const char *const files[] = {"coo",     "csr",      "csr_matrix", "csc",
                                        "csr_int", "csr_int8", "csr_bool"};
    static const int64_t first[] = {0, 6}, third[] = {1, 2, 5}, fifth[] = {4};
    static const float real[][3] = {{0.25f, 6.25f}, {42.5f, 22.25f, 25.25f}, {44.25f}};
    static const float whole[][3] = {{0, 6}, {42, 22, 25}, {44}},
                       flags[][3] = {{1, 1}, {1, 1, 1}, {1}};

    (void)state;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        recsys_builder *builder = create_small();
        const float(*weights)[3] = i < 4 ? real : i < 6 ? whole : flags;

        check_ok(recsys_builder_import_seen(builder, fixture(files[i]), &err));
        recsys_model *model = write_and_load(builder, files[i]);
        assert_int_equal(info_of(model).n_seen, 7);
        check_list(model, number(0), first, weights[0], 2);
        check_list(model, number(2), third, weights[1], 3);
        check_list(model, number(3), NULL, NULL, 0);
        check_list(model, number(4), fifth, weights[2], 1);
        recsys_model_unref(model);
    }
}

static void a_matrix_that_does_not_fit_is_refused(void **state)
{
    static const struct {
        const char *file;
        recsys_status status;
        const char *message;
    } cases[] = {
        {"turned", RECSYS_E_INVALID,
         "seen_turned.npz: the matrix is 7 x 5, but the model has 5 users and 7 items "
         "(save M.T.tocsr(): rows are users)"},
        {"bsr", RECSYS_E_UNSUPPORTED,
         "seen_bsr.npz: a matrix of the format \"bsr\" (save M.tocsr(); csr, csc and coo can be "
         "read)"},
        {"csr_complex", RECSYS_E_UNSUPPORTED,
         "seen_csr_complex.npz: \"data\" has complex numbers (save M.astype('float32'))"},
        {"csr_nan", RECSYS_E_FORMAT, "seen_csr_nan.npz: \"data\"[0] is not a finite number"},
    };
    recsys_builder *builder = create_small();

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(recsys_builder_import_seen(builder, fixture(cases[i].file), &err),
                         cases[i].status);
        assert_string_equal(err.message, cases[i].message);
    }
    recsys_model *model = write_and_load(builder, "none-added");
    assert_int_equal(info_of(model).n_seen, 0);
    recsys_model_unref(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_found_by_integer_ids),
        cmocka_unit_test(rows_without_ids_are_found_by_their_numbers_until_ids_are_set),
        cmocka_unit_test(nothing_is_found_before_there_are_factors),
        cmocka_unit_test(ids_that_are_no_ids_are_refused_when_a_row_is_looked_for),
        cmocka_unit_test(pairs_in_any_order_become_lists_and_a_later_weight_replaces),
        cmocka_unit_test(pairs_without_weights_count_how_often_they_come),
        cmocka_unit_test(pairs_that_cannot_be_are_refused),
        cmocka_unit_test(lists_come_as_arrays_or_as_pairs),
        cmocka_unit_test(a_removed_part_is_not_written),
        cmocka_unit_test(matrices_that_scipy_wrote_become_lists),
        cmocka_unit_test(a_matrix_that_does_not_fit_is_refused),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
