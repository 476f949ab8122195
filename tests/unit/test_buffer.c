/* Buffers: what they hold after a limit was met, and where their memory is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/buffer.h"
#include "lib/base/json_write.h"

static void a_buffer_in_an_array_keeps_what_fits(void **state)
{
    char bytes[8];
    struct rs_buffer buffer = RS_BUFFER_FIXED(bytes);

    (void)state;
    rs_buffer_add_text(&buffer, "1234567");
    assert_string_equal(bytes, "1234567");
    assert_int_equal(buffer.status, RECSYS_OK);
    rs_buffer_add_text(&buffer, "8");
    assert_int_equal(buffer.status, RECSYS_E_LIMIT);
    assert_ptr_equal(buffer.bytes, bytes);
    assert_string_equal(bytes, "1234567");
}

static void reserved_room_is_behind_what_was_added(void **state)
{
    struct rs_buffer buffer = RS_BUFFER_INIT(5000);
    char *room;

    (void)state;
    rs_buffer_add_text(&buffer, "abc");
    room = rs_buffer_reserve(&buffer, 4000);
    assert_non_null(room);
    memset(room, 'd', 4000);
    buffer.size += 4000;
    rs_buffer_add_text(&buffer, "e");
    assert_int_equal(buffer.size, 4004);
    assert_memory_equal(buffer.bytes, "abcd", 4);
    assert_string_equal(buffer.bytes + 4000, "ddde");
    assert_null(rs_buffer_reserve(&buffer, 997));
    assert_int_equal(buffer.status, RECSYS_E_LIMIT);
    assert_null(rs_buffer_reserve(&buffer, 1)); /* the failure stays */
    rs_buffer_destroy(&buffer);
}

static void a_reset_gives_back_large_memory_only(void **state)
{
    struct rs_buffer buffer = RS_BUFFER_INIT(1u << 20);
    const char *bytes;

    (void)state;
    rs_buffer_add_text(&buffer, "small");
    bytes = buffer.bytes;
    rs_buffer_reset(&buffer, 4096);
    assert_ptr_equal(buffer.bytes, bytes);
    assert_int_equal(buffer.size, 0);
    assert_non_null(rs_buffer_reserve(&buffer, 10000));
    rs_buffer_reset(&buffer, 4096);
    assert_null(buffer.bytes);
    assert_int_equal(buffer.room, 0);
    rs_buffer_add_text(&buffer, "again");
    assert_string_equal(buffer.bytes, "again");
    rs_buffer_destroy(&buffer);
}

static void integers_are_written_to_their_last_digit(void **state)
{
    char bytes[128];
    struct rs_buffer out = RS_BUFFER_FIXED(bytes);

    (void)state;
    rs_json_put_integer(&out, INT64_MIN);
    rs_buffer_add_text(&out, " ");
    rs_json_put_integer(&out, INT64_MAX);
    rs_buffer_add_text(&out, " ");
    rs_json_put_unsigned(&out, UINT64_MAX);
    rs_buffer_add_text(&out, " ");
    rs_json_put_unsigned(&out, 0);
    assert_string_equal(bytes, "-9223372036854775808 9223372036854775807 18446744073709551615 0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_buffer_in_an_array_keeps_what_fits),
        cmocka_unit_test(reserved_room_is_behind_what_was_added),
        cmocka_unit_test(a_reset_gives_back_large_memory_only),
        cmocka_unit_test(integers_are_written_to_their_last_digit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
