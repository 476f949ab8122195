/* lib/base/alloc.c - the allocator hook and the few forms of allocation in use. */
#include "lib/base/alloc.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/error.h"
#include "lib/base/options.h"

static void *default_allocate(size_t size, void *user_data)
{
    (void)user_data;
    return malloc(size);
}

static void *default_resize(void *memory, size_t size, void *user_data)
{
    (void)user_data;
    return realloc(memory, size);
}

static void default_release(void *memory, void *user_data)
{
    (void)user_data;
    free(memory);
}

static const recsys_allocator default_allocator = {
    (uint32_t)sizeof(recsys_allocator), 0, default_allocate, default_resize, default_release, NULL};

static recsys_allocator current = {
    (uint32_t)sizeof(recsys_allocator), 0, default_allocate, default_resize, default_release, NULL};

recsys_status recsys_alloc_set(const recsys_allocator *allocator, recsys_error *err)
{
    recsys_allocator seen;

    if (allocator == NULL) {
        current = default_allocator;
        return RECSYS_OK;
    }
    recsys_status status = rs_options_copy(&seen, sizeof seen, allocator, sizeof seen);
    if (status != RECSYS_OK)
        return rs_options_error(err, status, "recsys_alloc_set");
    if (seen.allocate == NULL || seen.resize == NULL || seen.release == NULL)
        return rs_error(err, RECSYS_E_INVALID,
                        "recsys_alloc_set: allocate, resize and release must all be given");
    current = seen;
    return RECSYS_OK;
}

int rs_multiply(size_t a, size_t b, size_t *out)
{
    return !__builtin_mul_overflow(a, b, out);
}

void *rs_alloc(size_t size)
{
    return current.allocate(size == 0 ? 1 : size, current.user_data);
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
    return current.resize(memory, bytes == 0 ? 1 : bytes, current.user_data);
}

void rs_free(void *memory)
{
    current.release(memory, current.user_data);
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
