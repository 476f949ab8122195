/* tests/fuzz/fuzz_glob.c - any bytes as the literals of a pattern.
 *
 * The pattern that Redis is sent must match exactly the keys that are made of
 * the literals. Redis' matching of such patterns (no classes, no '?') is a few
 * lines, which are written down here; a wrong escape shows as a difference.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "lib/adapters/redis/redis_glob.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* As Redis matches: a backslash means the next byte, '*' anything, and nothing else may occur. */
static int matches(const char *glob, size_t glob_size, const uint8_t *key, size_t key_size)
{
    while (glob_size > 0) {
        if (*glob == '*') {
            for (size_t skip = 0; skip <= key_size; skip++)
                if (matches(glob + 1, glob_size - 1, key + skip, key_size - skip))
                    return 1;
            return 0;
        }
        if (*glob == '?' || *glob == '[')
            __builtin_trap();
        if (*glob == '\\') {
            if (glob_size == 1)
                __builtin_trap();
            glob++;
            glob_size--;
        }
        if (key_size == 0 || (uint8_t)*glob != *key)
            return 0;
        glob++;
        glob_size--;
        key++;
        key_size--;
    }
    return key_size == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t key[256];
    size_t cut, n;
    struct rs_buffer glob;

    if (size < 4 || size > 60)
        return 0;
    cut = 1 + data[0] % (size - 2);
    recsys_bytes prefix = {"d3:", 3};
    recsys_bytes parts[2] = {{data + 1, cut}, {data + 1 + cut, size - 1 - cut}};
    rs_buffer_init(&glob, 4096);
    rs_redis_glob_write(&glob, prefix, parts, 2);
    if (glob.status == RECSYS_E_NOMEM) {
        rs_buffer_destroy(&glob);
        return 0;
    }
    if (glob.status != RECSYS_OK)
        __builtin_trap();
    memcpy(key, "d3:", 3);
    memcpy(key + 3, parts[0].data, parts[0].size);
    n = 3 + parts[0].size;
    memcpy(key + n, "*x", 2);
    memcpy(key + n + 2, parts[1].data, parts[1].size);
    if (!matches(glob.bytes, glob.size, key, n + 2 + parts[1].size))
        __builtin_trap();
    /* One byte changed in the first literal is another key. */
    for (size_t i = 0; i < n; i++) {
        key[i] ^= 0x55;
        if (matches(glob.bytes, glob.size, key, n + 2 + parts[1].size))
            __builtin_trap();
        key[i] ^= 0x55;
    }
    rs_buffer_destroy(&glob);
    return 0;
}
