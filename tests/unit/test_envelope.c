/* Covers lib/aside/envelope.c: what is written is read back, and nothing else is taken for it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "lib/aside/envelope.h"

static const struct rs_identity identity = {"db3", 4, "user:1", 6};

static size_t write_one(unsigned char bytes[256], const char *value, uint32_t flags)
{
    struct rs_envelope envelope = {.flags = flags,
                                   .delta_ms = 0x01020304,
                                   .version = 5,
                                   .entry = 0x1122334455667788,
                                   .epoch = 6,
                                   .created_ms = 7,
                                   .fresh_until_ms = 8,
                                   .value_size = strlen(value)};

    memcpy(bytes + rs_envelope_offset(&identity), value, strlen(value));
    rs_envelope_write(bytes, &identity, &envelope);
    return rs_envelope_size(&identity, strlen(value));
}

/* An allocation of its own, so that a sanitizer sees every byte beyond. */
static enum rs_content read_copy(const unsigned char *bytes, size_t size,
                                 const struct rs_identity *of, struct rs_envelope *out)
{
    unsigned char *copy = malloc(size == 0 ? 1 : size);

    assert_non_null(copy);
    memcpy(copy, bytes, size);
    enum rs_content content = rs_envelope_read(copy, size, of, 0, out);
    free(copy);
    return content;
}

static void what_is_written_is_read_back(void **state)
{
    unsigned char bytes[256];
    struct rs_envelope out;

    (void)state;
    size_t size = write_one(bytes, "value", RS_ENVELOPE_JSON);
    assert_int_equal(size, 64 + 10 + 5);
    assert_int_equal(rs_envelope_read(bytes, size, &identity, 0, &out), RS_CONTENT_VALUE);
    assert_int_equal(out.flags, RS_ENVELOPE_JSON);
    assert_int_equal(out.delta_ms, 0x01020304);
    assert_int_equal(out.version, 5);
    assert_int_equal(out.entry, 0x1122334455667788);
    assert_int_equal(out.epoch, 6);
    assert_int_equal(out.created_ms, 7);
    assert_int_equal(out.fresh_until_ms, 8);
    assert_int_equal(out.value_size, 5);
    assert_memory_equal(out.value, "value", 5);
    size = write_one(bytes, "", 0);
    assert_int_equal(rs_envelope_read(bytes, size, &identity, 0, &out), RS_CONTENT_VALUE);
    assert_int_equal(out.value_size, 0);
    assert_non_null(out.value);
}

/* Other programs and other versions read this: it must not change with the machine or by accident.
 */
static void the_bytes_are_these(void **state)
{
    static const unsigned char head[56] = {
        'V',  1,    2,    0,    0,    0, 0, 10, 0, 0, 0, 0, 0, 0, 0, 5, 0x11, 0x22, 0x33,
        0x44, 0x55, 0x66, 0x77, 0x88, 0, 0, 0,  0, 0, 0, 0, 6, 0, 0, 0, 0,    0,    0,
        0,    7,    0,    0,    0,    0, 0, 0,  0, 8, 1, 2, 3, 4, 0, 0, 0,    5};
    static const unsigned char checksum[8] = {0x88, 0xe0, 0xb8, 0x30, 0x00, 0x44, 0xaf, 0x2a};
    unsigned char bytes[256], lease[RS_ENVELOPE_PREFIX];

    (void)state;
    write_one(bytes, "value", RS_ENVELOPE_JSON);
    assert_memory_equal(bytes, head, sizeof head);
    assert_memory_equal(bytes + 56, checksum, sizeof checksum);
    assert_memory_equal(bytes + 64, "db3\0user:1value", 15);
    rs_lease_write(lease, 0x0102030405060708, 0x090a0b0c0d0e0f10);
    assert_memory_equal(lease, "L\1\0\0\0\0\0\0\1\2\3\4\5\6\7\10\11\12\13\14\15\16\17\20", 24);
}

static void any_changed_byte_is_noticed(void **state)
{
    unsigned char bytes[256];
    struct rs_envelope out;

    (void)state;
    size_t size = write_one(bytes, "value", 0);
    for (size_t i = 0; i < size; i++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            bytes[i] ^= (unsigned char)(1u << bit);
            assert_int_equal(read_copy(bytes, size, &identity, &out), RS_CONTENT_DAMAGED);
            bytes[i] ^= (unsigned char)(1u << bit);
        }
    }
    for (size_t cut = 0; cut < size; cut++)
        assert_int_equal(read_copy(bytes, cut, &identity, &out), RS_CONTENT_DAMAGED);
    bytes[size] = 'x';
    assert_int_equal(read_copy(bytes, size + 1, &identity, &out), RS_CONTENT_DAMAGED);
}

static void sizes_that_lie_are_not_believed(void **state)
{
    static const uint32_t lies[] = {0, 1, 9, 11, 15, 16, 0x7fffffff, 0x80000000, UINT32_MAX};
    unsigned char bytes[256];
    struct rs_envelope out;

    (void)state;
    size_t size = write_one(bytes, "value", 0);
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        for (size_t j = 0; j < sizeof lies / sizeof lies[0]; j++) {
            for (int b = 0; b < 4; b++) {
                bytes[4 + b] = (unsigned char)(lies[i] >> (24 - 8 * b));
                bytes[52 + b] = (unsigned char)(lies[j] >> (24 - 8 * b));
            }
            assert_int_equal(read_copy(bytes, size, &identity, &out), RS_CONTENT_DAMAGED);
        }
    }
}

static void another_identity_is_a_mismatch(void **state)
{
    const struct rs_identity others[] = {{"db3", 4, "user:2", 6},
                                         {"db4", 4, "user:1", 6},
                                         {"db3", 4, "user:", 5},
                                         {"db3u", 5, "ser:1", 5}};
    unsigned char bytes[256];
    struct rs_envelope out;

    (void)state;
    size_t size = write_one(bytes, "value", 0);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(rs_envelope_read(bytes, size, &others[i], 0, &out), RS_CONTENT_MISMATCH);
}

static void a_lease_is_a_lease_and_nothing_longer_or_shorter_is(void **state)
{
    unsigned char lease[RS_ENVELOPE_PREFIX + 1] = {0};
    struct rs_envelope out;

    (void)state;
    rs_lease_write(lease, 1, 2);
    assert_int_equal(rs_envelope_read(lease, 24, &identity, 0, &out), RS_CONTENT_LEASE);
    assert_int_equal(read_copy(lease, 23, &identity, &out), RS_CONTENT_DAMAGED);
    assert_int_equal(read_copy(lease, 25, &identity, &out), RS_CONTENT_DAMAGED);
    lease[1] = 2;
    assert_int_equal(read_copy(lease, 24, &identity, &out), RS_CONTENT_DAMAGED);
}

static void a_negative_entry_has_no_value(void **state)
{
    unsigned char bytes[256];
    struct rs_envelope out;

    (void)state;
    size_t size = write_one(bytes, "", RS_ENVELOPE_NEGATIVE);
    assert_int_equal(rs_envelope_read(bytes, size, &identity, 0, &out), RS_CONTENT_VALUE);
    size = write_one(bytes, "v", RS_ENVELOPE_NEGATIVE);
    assert_int_equal(rs_envelope_read(bytes, size, &identity, 0, &out), RS_CONTENT_DAMAGED);
    size = write_one(bytes, "v", 1u << 5);
    assert_int_equal(rs_envelope_read(bytes, size, &identity, 0, &out), RS_CONTENT_DAMAGED);
}

static void bytes_that_never_left_the_process_are_checked_but_not_summed(void **state)
{
    const struct rs_identity another = {"db4", 4, "user:1", 6};
    unsigned char bytes[256];
    struct rs_envelope out;

    (void)state;
    size_t size = write_one(bytes, "value", 0);
    bytes[size - 1] = 'E';
    assert_int_equal(rs_envelope_read(bytes, size, &identity, 0, &out), RS_CONTENT_DAMAGED);
    assert_int_equal(rs_envelope_read(bytes, size, &identity, 1, &out), RS_CONTENT_VALUE);
    assert_memory_equal(out.value, "valuE", 5);
    assert_int_equal(rs_envelope_read(bytes, size, &another, 1, &out), RS_CONTENT_MISMATCH);
    assert_int_equal(rs_envelope_read(bytes, size - 1, &identity, 1, &out), RS_CONTENT_DAMAGED);
}

static void a_value_that_cannot_be_described_has_no_size(void **state)
{
    (void)state;
    assert_int_equal(rs_envelope_size(&identity, (size_t)UINT32_MAX + 1), 0);
    assert_int_equal(rs_envelope_size(&identity, SIZE_MAX), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read_back),
        cmocka_unit_test(the_bytes_are_these),
        cmocka_unit_test(any_changed_byte_is_noticed),
        cmocka_unit_test(sizes_that_lie_are_not_believed),
        cmocka_unit_test(another_identity_is_a_mismatch),
        cmocka_unit_test(a_lease_is_a_lease_and_nothing_longer_or_shorter_is),
        cmocka_unit_test(a_negative_entry_has_no_value),
        cmocka_unit_test(bytes_that_never_left_the_process_are_checked_but_not_summed),
        cmocka_unit_test(a_value_that_cannot_be_described_has_no_size),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
