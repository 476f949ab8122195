/* tests/fuzz/fuzz_key.c - any bytes as the parameters of a key.
 *
 * Whatever a value is made of, it stays within its part of the key: of two
 * different lists of values no two keys are the same, and no value brings in a
 * colon, a tilde or a character that means something to Redis' patterns.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "recsys/aside.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char pattern[] = "a:{x}:b:{y}";

static recsys_status write_key(const recsys_bytes values[2], char key[RECSYS_KEY_MAX + 1],
                               size_t *size)
{
    recsys_error err;

    *size = RECSYS_KEY_MAX + 1;
    return recsys_key_format(pattern, values, 2, key, size, &err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char key[RECSYS_KEY_MAX + 1], other[RECSYS_KEY_MAX + 1];
    size_t key_size, other_size, cut, colons = 0;

    if (size < 3)
        return 0;
    cut = 1 + data[0] % (size - 2);
    recsys_bytes values[2] = {{data + 1, cut}, {data + 1 + cut, size - 1 - cut}};
    recsys_status status = write_key(values, key, &key_size);
    if (values[0].size == 0 || values[1].size == 0) {
        if (status != RECSYS_E_INVALID)
            __builtin_trap();
        return 0;
    }
    if (status != RECSYS_OK) {
        if (status != RECSYS_E_LIMIT || size <= RECSYS_KEY_MAX / 3 - 6)
            __builtin_trap();
        return 0;
    }
    if (key_size > RECSYS_KEY_MAX || strlen(key) != key_size)
        __builtin_trap();
    for (size_t i = 0; i < key_size; i++) {
        colons += key[i] == ':';
        if (key[i] == '\0' || strchr("*?[]\\^~ \r\n", key[i]) != NULL ||
            (unsigned char)key[i] > 126)
            __builtin_trap();
    }
    if (colons != 3)
        __builtin_trap();
    /* The same bytes, divided elsewhere, are other values. */
    for (size_t at = 1; at < size - 1; at++) {
        recsys_bytes moved[2] = {{data + 1, at}, {data + 1 + at, size - 1 - at}};

        if (at != cut && write_key(moved, other, &other_size) == RECSYS_OK &&
            other_size == key_size && memcmp(key, other, key_size) == 0)
            __builtin_trap();
    }
    return 0;
}
