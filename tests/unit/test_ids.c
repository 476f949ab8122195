/* Covers lib/base/ids.c and lib/base/radix.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/ids/ids.h"
#include "lib/base/radix.h"
#include "tests/support/bundle.h"

static recsys_id number(uint64_t value)
{
    recsys_id id = RECSYS_ID_NUMBER(value);
    return id;
}

static recsys_id text(const char *value)
{
    recsys_id id = {value, strlen(value)};
    return id;
}

static uint32_t *shuffled(size_t n, uint64_t seed)
{
    uint32_t *order = malloc((n + 1) * sizeof *order);

    assert_non_null(order);
    for (size_t i = 0; i < n; i++)
        order[i] = (uint32_t)i;
    for (size_t i = n; i > 1; i--) {
        size_t j = (size_t)bundle_random(&seed, i);
        uint32_t swap = order[i - 1];
        order[i - 1] = order[j];
        order[j] = swap;
    }
    return order;
}

/* Every row is found by its id, and `sorted` and `rank` agree with the ids. */
static void check_all(const struct rs_ids *ids)
{
    for (uint32_t row = 0; row < ids->n; row++) {
        uint32_t found = UINT32_MAX;
        recsys_id id = rs_ids_get(ids, row);
        assert_true(rs_ids_find(ids, id, &found));
        assert_int_equal(found, row);
        uint32_t rank = rs_ids_rank(ids, row);
        assert_int_equal(ids->sorted == NULL ? rank : ids->sorted[rank], row);
        if (rank == 0)
            continue;
        recsys_id before = rs_ids_get(ids, ids->sorted == NULL ? rank - 1 : ids->sorted[rank - 1]);
        if (id.text == NULL)
            assert_true(before.number < id.number);
        else
            assert_true(strcmp(before.text, id.text) < 0);
    }
}

static void rows_are_numbered_without_any_memory(void **state)
{
    struct rs_ids ids;
    uint32_t row = 9;

    (void)state;
    assert_int_equal(rs_ids_from_rows(&ids, 5, 1, NULL, NULL), RECSYS_OK);
    assert_null(ids.slots);
    assert_null(ids.numbers);
    assert_int_equal(rs_ids_get(&ids, 4).number, 5);
    assert_true(rs_ids_find(&ids, number(1), &row));
    assert_int_equal(row, 0);
    assert_false(rs_ids_find(&ids, number(0), &row));
    assert_false(rs_ids_find(&ids, number(6), &row));
    assert_false(rs_ids_find(&ids, number(UINT64_MAX), &row));
    assert_false(rs_ids_find(&ids, text("1"), &row));
    check_all(&ids);
    rs_ids_destroy(&ids);
    assert_int_equal(rs_ids_from_rows(&ids, 5, 0, NULL, NULL), RECSYS_OK);
    assert_true(rs_ids_find(&ids, number(0), &row));
    assert_int_equal(row, 0);
    assert_false(rs_ids_find(&ids, number(5), &row));
    check_all(&ids);
    rs_ids_destroy(&ids);
}

static void rows_in_another_order_keep_their_ids(void **state)
{
    uint32_t *order = shuffled(1000, 3);
    struct rs_ids ids;

    (void)state;
    assert_int_equal(rs_ids_from_rows(&ids, 1000, 1, order, NULL), RECSYS_OK);
    for (uint32_t row = 0; row < 1000; row++)
        assert_int_equal(rs_ids_get(&ids, row).number, order[row] + 1);
    assert_null(ids.slots);
    check_all(&ids);
    rs_ids_destroy(&ids);
    free(order);
}

static void numbers_without_a_gap_in_any_order_need_no_table(void **state)
{
    static const int64_t firsts[] = {0, 1, 1000, INT64_MAX - 3};
    uint32_t order[] = {2, 0, 3, 1};

    (void)state;
    for (size_t i = 0; i < sizeof firsts / sizeof *firsts; i++) {
        int64_t numbers[] = {firsts[i] + 2, firsts[i], firsts[i] + 3, firsts[i] + 1};
        struct rs_ids ids;
        uint32_t row_of;
        assert_int_equal(rs_ids_from_numbers(&ids, numbers, 4, NULL, "x", NULL), RECSYS_OK);
        assert_null(ids.slots);
        for (uint32_t row = 0; row < 4; row++)
            assert_int_equal(rs_ids_get(&ids, row).number, numbers[row]);
        assert_false(rs_ids_find(&ids, number((uint64_t)firsts[i] + 4), &row_of));
        assert_false(rs_ids_find(&ids, number((uint64_t)firsts[i] - 1), &row_of));
        check_all(&ids);
        rs_ids_destroy(&ids);
        assert_int_equal(rs_ids_from_numbers(&ids, numbers, 4, order, "x", NULL), RECSYS_OK);
        for (uint32_t row = 0; row < 4; row++)
            assert_int_equal(rs_ids_get(&ids, row).number, numbers[order[row]]);
        check_all(&ids);
        rs_ids_destroy(&ids);
    }
}

static void what_no_model_could_have_is_refused(void **state)
{
    int64_t numbers[] = {0, 7, INT64_MAX};
    const uint64_t offsets[] = {0, 2};
    char text256[256];
    struct rs_ids integers, texts;
    recsys_error err;
    uint32_t row;

    (void)state;
    memset(text256, 'x', sizeof text256);
    assert_int_equal(rs_ids_from_numbers(&integers, numbers, 3, NULL, "x", NULL), RECSYS_OK);
    assert_int_equal(rs_ids_from_texts(&texts, "a", 2, offsets, 1, NULL, "x", NULL), RECSYS_OK);
    const struct {
        const struct rs_ids *ids;
        recsys_id id;
        recsys_status status;
        const char *message;
    } cases[] = {
        {&integers, {NULL, 0}, RECSYS_OK, NULL},
        {&integers, {NULL, INT64_MAX}, RECSYS_OK, NULL},
        {&integers, {NULL, 8}, RECSYS_E_NOT_FOUND, "no user 8"},
        {&integers,
         {NULL, (uint64_t)INT64_MAX + 1},
         RECSYS_E_INVALID,
         "user id 9223372036854775808 is larger than 9223372036854775807"},
        {&integers,
         {"7", 1},
         RECSYS_E_INVALID,
         "user id is a string, but this model's are integers"},
        {&texts, {"ab", 1}, RECSYS_OK, NULL}, /* the length counts, not a NUL */
        {&texts, {"ab", 2}, RECSYS_E_NOT_FOUND, "no user \"ab\""},
        {&texts, {"\xff", 1}, RECSYS_E_NOT_FOUND, "no user of this id, which is not UTF-8"},
        {&texts,
         {"a", 0},
         RECSYS_E_INVALID,
         "user id is a string without a length; recsys_id.number says how many bytes it has"},
        {&texts, {text256, 255}, RECSYS_E_NOT_FOUND, NULL},
        {&texts, {text256, 256}, RECSYS_E_INVALID, "user id is a string longer than 255 bytes"},
        {&texts,
         {NULL, 0},
         RECSYS_E_INVALID,
         "user id 0 is an integer, but this model's are strings"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(rs_ids_lookup(cases[i].ids, cases[i].id, "user", &row, &err),
                         cases[i].status);
        assert_int_equal(rs_ids_refuse(cases[i].ids, cases[i].id) != NULL,
                         cases[i].status == RECSYS_E_INVALID);
        if (cases[i].message != NULL)
            assert_string_equal(err.message, cases[i].message);
    }
    rs_ids_destroy(&integers);
    rs_ids_destroy(&texts);
}

static void numbers_with_gaps_are_found_in_every_order(void **state)
{
    enum { N = 20000 };
    int64_t *numbers = malloc(N * sizeof *numbers);
    uint64_t seed = 11;

    (void)state;
    for (size_t i = 0; i < N; i++) /* distinct: the row is in the low bits */
        numbers[i] = (int64_t)(bundle_random(&seed, UINT64_C(1) << 47) << 15 | i) + 1;
    uint32_t *order = shuffled(N, 5);
    const uint32_t *const orders[] = {NULL, order};
    for (size_t k = 0; k < 2; k++) {
        struct rs_ids ids;
        uint32_t row;
        assert_int_equal(rs_ids_from_numbers(&ids, numbers, N, orders[k], "x", NULL), RECSYS_OK);
        for (uint32_t i = 0; i < N; i++)
            assert_int_equal(rs_ids_get(&ids, i).number, numbers[k == 0 ? i : order[i]]);
        check_all(&ids);
        assert_false(rs_ids_find(&ids, number(INT64_MAX), &row));
        assert_false(rs_ids_find(&ids, number(UINT64_MAX), &row));
        rs_ids_destroy(&ids);
    }
    free(order);
    free(numbers);
}

static void ascending_ids_are_not_sorted(void **state)
{
    int64_t numbers[] = {5, 70, INT64_MAX};
    uint64_t offsets[] = {0, 2, 5, 7};
    struct rs_ids ids;

    (void)state;
    assert_int_equal(rs_ids_from_numbers(&ids, numbers, 3, NULL, "x", NULL), RECSYS_OK);
    assert_null(ids.sorted);
    assert_null(ids.rank);
    check_all(&ids);
    rs_ids_destroy(&ids);
    assert_int_equal(rs_ids_from_texts(&ids, "a\0ab\0b", 7, offsets, 3, NULL, "x", NULL),
                     RECSYS_OK);
    assert_null(ids.sorted);
    check_all(&ids);
    rs_ids_destroy(&ids);
}

static void texts_are_found_and_sorted_by_their_bytes(void **state)
{
    static const char bytes[] = "user-b\0user-\xC3\xA4\0user-a\0user-\0user-aa\0user-Z";
    static const uint64_t offsets[] = {0, 7, 15, 22, 28, 36, 43};
    static const uint32_t sorted[] = {3, 5, 2, 4, 0, 1};
    uint32_t order[] = {5, 4, 3, 2, 1, 0}, row;
    struct rs_ids ids;

    (void)state;
    assert_int_equal(rs_ids_from_texts(&ids, bytes, 43, offsets, 6, NULL, "x", NULL), RECSYS_OK);
    assert_memory_equal(ids.sorted, sorted, sizeof sorted);
    check_all(&ids);
    assert_false(rs_ids_find(&ids, text("user"), &row));
    assert_false(rs_ids_find(&ids, text("user-ab"), &row));
    assert_false(rs_ids_find(&ids, text(""), &row));
    assert_false(rs_ids_find(&ids, number(1), &row));
    rs_ids_destroy(&ids);
    assert_int_equal(rs_ids_from_texts(&ids, bytes, 43, offsets, 6, order, "x", NULL), RECSYS_OK);
    assert_string_equal(rs_ids_get(&ids, 0).text, "user-Z");
    assert_string_equal(rs_ids_get(&ids, 5).text, "user-b");
    check_all(&ids);
    rs_ids_destroy(&ids);
}

static void many_texts_with_long_common_beginnings_are_sorted(void **state)
{
    enum { N = 5000 };
    char *bytes = malloc(N * 32);
    uint64_t *offsets = calloc(N + 1, sizeof *offsets);
    uint32_t *order = shuffled(N, 8);
    struct rs_ids ids;

    (void)state;
    for (size_t i = 0; i < N; i++)
        offsets[i + 1] = offsets[i] + 1 +
                         (uint64_t)sprintf(bytes + offsets[i], "https://x/%s/%u",
                                           i % 2 ? "long-long-long" : "l", order[i]);
    assert_int_equal(
        rs_ids_from_texts(&ids, bytes, (size_t)offsets[N], offsets, N, order, "x", NULL),
        RECSYS_OK);
    check_all(&ids);
    rs_ids_destroy(&ids);
    free(order);
    free(offsets);
    free(bytes);
}

static void no_ids_at_all_are_fine(void **state)
{
    uint64_t zero = 0;
    struct rs_ids ids;
    uint32_t row;

    (void)state;
    assert_int_equal(rs_ids_from_rows(&ids, 0, 0, NULL, NULL), RECSYS_OK);
    assert_false(rs_ids_find(&ids, number(1), &row));
    rs_ids_destroy(&ids);
    assert_int_equal(rs_ids_from_numbers(&ids, NULL, 0, NULL, "x", NULL), RECSYS_OK);
    assert_false(rs_ids_find(&ids, number(1), &row));
    rs_ids_destroy(&ids);
    assert_int_equal(rs_ids_from_texts(&ids, "", 0, &zero, 0, NULL, "x", NULL), RECSYS_OK);
    assert_false(rs_ids_find(&ids, text("a"), &row));
    rs_ids_destroy(&ids);
}

static void bad_numbers_are_named(void **state)
{
    struct {
        int64_t numbers[4];
        const char *message;
    } cases[] = {
        {{1, 2, -1, 4}, "f: item_ids[2] is -1, ids go from 0 to 9223372036854775807"},
        {{1, INT64_MIN, 3, 4},
         "f: item_ids[1] is -9223372036854775808, ids go from 0 to 9223372036854775807"},
        {{4, 2, 2, 1}, "f: item_ids: id 2 is there twice, in rows 1 and 2"},
        {{70, 80, 90, 70}, "f: item_ids: id 70 is there twice, in rows 0 and 3"},
        {{0, 3, 1, 0}, "f: item_ids: id 0 is there twice, in rows 0 and 3"},
        {{INT64_MAX, INT64_MAX - 1, INT64_MAX - 2, INT64_MAX},
         "f: item_ids: id 9223372036854775807 is there twice, in rows 0 and 3"},
    };
    uint32_t order[] = {3, 2, 1, 0};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (size_t k = 0; k < 2; k++) {
            struct rs_ids ids;
            recsys_error err;
            assert_int_equal(rs_ids_from_numbers(&ids, cases[i].numbers, 4, k ? order : NULL,
                                                 "f: item_ids", &err),
                             RECSYS_E_FORMAT);
            assert_string_equal(err.message, cases[i].message);
        }
}

static void bad_texts_are_named(void **state)
{
    static const struct {
        const char *bytes;
        size_t n_bytes;
        uint64_t offsets[3];
        const char *message;
    } cases[] = {
        {"a\0b", 4, {0, 2, 4}, NULL},
        {"a\0a", 4, {0, 2, 4}, "f: id \"a\" is there twice, in rows 0 and 1"},
        {"a\0b", 4, {1, 2, 4}, "f: offsets go from 1 to 4, want 0 to 4"},
        {"a\0b", 4, {0, 2, 3}, "f: offsets go from 0 to 3, want 0 to 4"},
        {"a\0b", 4, {0, 5, 4}, "f: offset 1 is out of order"},
        {"ab\0c", 5, {0, 1, 5}, "f[0] takes 1 bytes with its NUL, want 2 to 256"},
        {"abc\0", 4, {0, 2, 4}, "f[0] does not end in a NUL"},
        {"a\0b\0\0", 5, {0, 2, 5}, "f[1] is not UTF-8 text"},
        {"\xC0\x80\0b", 5, {0, 3, 5}, "f[0] is not UTF-8 text"},
        {"a\0\xED\xA0\x80", 6, {0, 2, 6}, "f[1] is not UTF-8 text"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rs_ids ids;
        recsys_error err = {0};
        recsys_status status = rs_ids_from_texts(&ids, cases[i].bytes, cases[i].n_bytes,
                                                 cases[i].offsets, 2, NULL, "f", &err);
        assert_int_equal(status, cases[i].message == NULL ? RECSYS_OK : RECSYS_E_FORMAT);
        if (cases[i].message != NULL)
            assert_string_equal(err.message, cases[i].message);
        rs_ids_destroy(&ids);
    }
}

static void a_text_of_256_bytes_is_too_long_and_one_of_255_is_not(void **state)
{
    char bytes[257];
    uint64_t offsets[2] = {0, 257};
    struct rs_ids ids;

    (void)state;
    memset(bytes, 'x', 256);
    bytes[256] = '\0';
    assert_int_equal(rs_ids_from_texts(&ids, bytes, 257, offsets, 1, NULL, "f", NULL),
                     RECSYS_E_FORMAT);
    bytes[255] = '\0';
    offsets[1] = 256;
    assert_int_equal(rs_ids_from_texts(&ids, bytes, 256, offsets, 1, NULL, "f", NULL), RECSYS_OK);
    check_all(&ids);
    rs_ids_destroy(&ids);
}

static void a_failed_lookup_says_what_was_wrong(void **state)
{
    int64_t numbers[] = {5, 70};
    uint64_t offsets[] = {0, 2};
    struct rs_ids integers, texts;
    recsys_error err;
    uint32_t row;

    (void)state;
    assert_int_equal(rs_ids_from_numbers(&integers, numbers, 2, NULL, "x", NULL), RECSYS_OK);
    assert_int_equal(rs_ids_from_texts(&texts, "a", 2, offsets, 1, NULL, "x", NULL), RECSYS_OK);
    assert_int_equal(rs_ids_lookup(&integers, number(70), "item", &row, &err), RECSYS_OK);
    assert_int_equal(row, 1);
    assert_int_equal(rs_ids_lookup(&integers, number(6), "item", &row, &err), RECSYS_E_NOT_FOUND);
    assert_string_equal(err.message, "no item 6");
    assert_int_equal(rs_ids_lookup(&integers, text("6"), "item", &row, &err), RECSYS_E_INVALID);
    assert_string_equal(err.message, "item id is a string, but this model's are integers");
    assert_int_equal(rs_ids_lookup(&texts, number(6), "user", &row, &err), RECSYS_E_INVALID);
    assert_string_equal(err.message, "user id 6 is an integer, but this model's are strings");
    assert_int_equal(rs_ids_lookup(&texts, text("6"), "user", &row, &err), RECSYS_E_NOT_FOUND);
    assert_string_equal(err.message, "no user \"6\"");
    rs_ids_destroy(&integers);
    rs_ids_destroy(&texts);
}

static void sorting_by_radix_is_stable(void **state)
{
    enum { N = 3000 };
    uint64_t keys[N], seed = 2;
    uint32_t *rows = shuffled(N, 4), *spare = malloc(N * sizeof *spare), place[N];

    (void)state;
    for (size_t i = 0; i < N; i++) {
        keys[i] = bundle_random(&seed, 200) << (bundle_random(&seed, 2) * 50);
        place[rows[i]] = (uint32_t)i;
    }
    rs_radix_sort(keys, rows, spare, N);
    for (size_t i = 1; i < N; i++) {
        assert_true(keys[rows[i - 1]] <= keys[rows[i]]);
        if (keys[rows[i - 1]] == keys[rows[i]])
            assert_true(place[rows[i - 1]] < place[rows[i]]);
    }
    rs_radix_sort(keys, rows, spare, 0);
    rs_radix_sort(keys, rows, spare, 1);
    free(spare);
    free(rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_numbered_without_any_memory),
        cmocka_unit_test(rows_in_another_order_keep_their_ids),
        cmocka_unit_test(numbers_without_a_gap_in_any_order_need_no_table),
        cmocka_unit_test(what_no_model_could_have_is_refused),
        cmocka_unit_test(numbers_with_gaps_are_found_in_every_order),
        cmocka_unit_test(ascending_ids_are_not_sorted),
        cmocka_unit_test(texts_are_found_and_sorted_by_their_bytes),
        cmocka_unit_test(many_texts_with_long_common_beginnings_are_sorted),
        cmocka_unit_test(no_ids_at_all_are_fine),
        cmocka_unit_test(bad_numbers_are_named),
        cmocka_unit_test(bad_texts_are_named),
        cmocka_unit_test(a_text_of_256_bytes_is_too_long_and_one_of_255_is_not),
        cmocka_unit_test(a_failed_lookup_says_what_was_wrong),
        cmocka_unit_test(sorting_by_radix_is_stable),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
