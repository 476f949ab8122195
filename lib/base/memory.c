/* lib/base/memory.c - arrays, copies and aligned blocks, over rs_alloc, rs_resize and rs_free. */
#include <stdint.h>
#include <string.h>

#include "lib/base/alloc.h"

int rs_multiply(size_t a, size_t b, size_t *out)
{
    return !__builtin_mul_overflow(a, b, out);
}

void *rs_alloc_array(size_t n, size_t size)
{
    size_t bytes;

    if (!rs_multiply(n, size, &bytes))
        return NULL;
    void *memory = rs_alloc(bytes);
    if (memory != NULL)
        memset(memory, 0, bytes);
    return memory;
}

void *rs_resize_array(void *memory, size_t n, size_t size)
{
    size_t bytes;

    if (!rs_multiply(n, size, &bytes))
        return NULL;
    return rs_resize(memory, bytes);
}

char *rs_copy_bytes(const char *bytes, size_t size)
{
    if (size == SIZE_MAX)
        return NULL;
    char *copy = rs_alloc(size + 1);
    if (copy != NULL) {
        if (size > 0)
            memcpy(copy, bytes, size);
        copy[size] = '\0';
    }
    return copy;
}

char *rs_copy_text(const char *text)
{
    return rs_copy_bytes(text, strlen(text));
}

/* The block's own address is kept in the word before the aligned one. */
void *rs_alloc_aligned(size_t n, size_t size)
{
    size_t bytes;

    if (!rs_multiply(n, size, &bytes) || bytes > SIZE_MAX - 128)
        return NULL;
    unsigned char *block = rs_alloc(bytes + 64 + sizeof(void *));
    if (block == NULL)
        return NULL;
    uintptr_t first = (uintptr_t)block + sizeof(void *);
    unsigned char *aligned = block + ((first + 63u) / 64u * 64u - (uintptr_t)block);
    memcpy(aligned - sizeof(void *), &block, sizeof(void *));
    return aligned;
}

void rs_free_aligned(void *memory)
{
    if (memory != NULL) {
        void *block;
        memcpy(&block, (unsigned char *)memory - sizeof(void *), sizeof(void *));
        rs_free(block);
    }
}
