/* Covers lib/base/structs.c and callback.c: how older and newer callers meet, and what
 * callers' functions may return. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/callback.h"
#include "lib/base/structs.h"

/* Version 1 ended with `b`; `c` came later. */
struct options {
    uint32_t struct_size, a;
    uint64_t b, c;
};
#define SIZE_V1 RECSYS_SIZE_TO(struct options, b)

/* The struct of a newer header, and memory behind it that belongs to no struct. */
struct newer {
    struct options known;
    uint64_t d;
    unsigned char behind[16];
};
#define SIZE_NEWER (offsetof(struct newer, d) + sizeof(uint64_t))

static recsys_error err;

static recsys_status read(struct options *own, const void *given)
{
    memset(own, 0xa5, sizeof *own);
    return rs_struct_read(own, sizeof *own, given, SIZE_V1, "f: options", &err);
}

static void no_options_are_all_defaults(void **state)
{
    struct options own;

    (void)state;
    assert_int_equal(read(&own, NULL), RECSYS_OK);
    assert_int_equal(own.struct_size, sizeof own);
    assert_true(own.a == 0 && own.b == 0 && own.c == 0);
}

static void an_older_caller_gets_zero_in_fields_it_has_never_heard_of(void **state)
{
    struct options given = {SIZE_V1, 1, 2, 3}, own;

    (void)state;
    assert_int_equal(read(&own, &given), RECSYS_OK);
    assert_true(own.a == 1 && own.b == 2 && own.c == 0);
    assert_int_equal(own.struct_size, sizeof own);
}

static void a_newer_caller_is_refused_only_if_it_uses_a_newer_field(void **state)
{
    struct newer given = {{(uint32_t)SIZE_NEWER, 1, 2, 3}, 0, {0}};
    struct options own;

    (void)state;
    memset(given.behind, 0xff, sizeof given.behind);
    assert_int_equal(read(&own, &given), RECSYS_OK);
    assert_true(own.a == 1 && own.b == 2 && own.c == 3);
    given.d = (uint64_t)1 << 63;
    assert_int_equal(read(&own, &given), RECSYS_E_UNSUPPORTED);
    assert_non_null(strstr(err.message, "f: options"));
    assert_true(own.a == 0 && own.b == 0 && own.c == 0);
}

static void a_size_that_was_never_set_is_refused(void **state)
{
    static const uint32_t sizes[] = {0, 4, SIZE_V1 - 1, RS_STRUCT_MAX_SIZE + 1, UINT32_MAX};
    struct options own;
    struct options given = {0, 1, 2, 3};

    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        given.struct_size = sizes[i];
        assert_int_equal(read(&own, &given), RECSYS_E_INVALID);
        assert_int_equal(rs_struct_begin(&given, SIZE_V1, "f: out", &err), RECSYS_E_INVALID);
        assert_true(given.a == 1 && given.b == 2 && given.c == 3);
    }
    assert_int_equal(rs_struct_begin(NULL, SIZE_V1, "f: out", &err), RECSYS_E_INVALID);
}

static void a_result_is_filled_as_far_as_the_caller_has_room(void **state)
{
    const struct options result = {sizeof result, 1, 2, 3};
    struct options older = {SIZE_V1, 9, 9, 9};

    (void)state;
    assert_int_equal(rs_struct_begin(&older, SIZE_V1, "f: out", &err), RECSYS_OK);
    rs_struct_write(&older, &result, sizeof result);
    assert_true(older.a == 1 && older.b == 2);
    assert_int_equal(older.c, 9); /* beyond its size: not ours */
    assert_int_equal(older.struct_size, SIZE_V1);
}

static void a_newer_caller_finds_zero_where_nothing_was_filled(void **state)
{
    const struct options result = {sizeof result, 1, 2, 3};
    struct newer newer;

    (void)state;
    memset(&newer, 0xa5, sizeof newer);
    newer.known.struct_size = (uint32_t)SIZE_NEWER;
    assert_int_equal(rs_struct_begin(&newer, SIZE_V1, "f: out", &err), RECSYS_OK);
    assert_true(newer.known.a == 0 && newer.d == 0);
    assert_int_equal(newer.known.struct_size, SIZE_NEWER);
    rs_struct_write(&newer, &result, sizeof result);
    assert_true(newer.known.a == 1 && newer.known.b == 2 && newer.known.c == 3);
    assert_int_equal(newer.d, 0);
    assert_int_equal(newer.known.struct_size, sizeof result); /* says how far */
    for (size_t i = 0; i < sizeof newer.behind; i++)
        assert_int_equal(newer.behind[i], 0xa5);
}

static void a_reserved_field_must_be_zero(void **state)
{
    (void)state;
    assert_int_equal(rs_reserved(0, "f: x.reserved", &err), RECSYS_OK);
    assert_int_equal(rs_reserved((uint64_t)1 << 40, "f: x.reserved", &err), RECSYS_E_UNSUPPORTED);
    assert_non_null(strstr(err.message, "f: x.reserved is 0x10000000000"));
}

static void a_callback_may_return_statuses_and_nothing_else(void **state)
{
    recsys_error said = {0};

    (void)state;
    memset(&err, 0, sizeof err);
    assert_int_equal(rs_callback_result(RECSYS_OK, &said, &err, "f: the loader"), RECSYS_OK);
    assert_int_equal(err.status, 0);
    assert_int_equal(rs_callback_result(7, &said, &err, "f: the loader"), RECSYS_E_CALLBACK);
    assert_non_null(strstr(err.message, "f: the loader returned 7"));
    assert_int_equal(rs_callback_result(-4711, &said, &err, "f"), RECSYS_E_CALLBACK);
    /* A message without an end is not read beyond the record. */
    memset(said.message, 'x', sizeof said.message);
    assert_int_equal(rs_callback_result(RECSYS_E_IO, &said, &err, "f: the loader"), RECSYS_E_IO);
    assert_non_null(strstr(err.message, "f: the loader failed with E_IO"));
}

static void what_a_failing_callback_left_empty_is_filled_in(void **state)
{
    recsys_error said = {0};

    (void)state;
    assert_int_equal(rs_callback_result(RECSYS_E_IO, &said, &err, "f: the loader"), RECSYS_E_IO);
    assert_int_equal(err.status, RECSYS_E_IO);
    assert_non_null(strstr(err.message, "f: the loader failed with E_IO"));
    recsys_error_set(&said, RECSYS_E_TIMEOUT, "the database is slow"); /* another status */
    said.sys_errno = 110;
    assert_int_equal(rs_callback_result(RECSYS_E_IO, &said, &err, "f"), RECSYS_E_IO);
    assert_int_equal(err.status, RECSYS_E_IO);
    assert_int_equal(err.sys_errno, 110);
    assert_string_equal(err.message, "the database is slow");
    assert_int_equal(rs_callback_result(RECSYS_E_IO, &said, NULL, "f"), RECSYS_E_IO);
}

static void stop_means_the_same_in_every_walk(void **state)
{
    (void)state;
    assert_int_equal(rs_walk_result(0, &err, "f"), RECSYS_OK);
    assert_int_equal(rs_walk_result(1, &err, "f"), RECSYS_E_STOPPED);
    assert_int_equal(rs_walk_result(-6, &err, "f"), RECSYS_E_STOPPED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_options_are_all_defaults),
        cmocka_unit_test(an_older_caller_gets_zero_in_fields_it_has_never_heard_of),
        cmocka_unit_test(a_newer_caller_is_refused_only_if_it_uses_a_newer_field),
        cmocka_unit_test(a_size_that_was_never_set_is_refused),
        cmocka_unit_test(a_result_is_filled_as_far_as_the_caller_has_room),
        cmocka_unit_test(a_newer_caller_finds_zero_where_nothing_was_filled),
        cmocka_unit_test(a_reserved_field_must_be_zero),
        cmocka_unit_test(a_callback_may_return_statuses_and_nothing_else),
        cmocka_unit_test(what_a_failing_callback_left_empty_is_filled_in),
        cmocka_unit_test(stop_means_the_same_in_every_walk),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
