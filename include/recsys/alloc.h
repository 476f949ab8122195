/* recsys/alloc.h - let the library use the host's memory allocator. */
#ifndef RECSYS_ALLOC_H
#define RECSYS_ALLOC_H

#include <stddef.h>
#include <stdint.h>

#include "export.h"
#include "status.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * The three functions the library needs. Any of them may be called from any
 * thread at any time. `resize` and `release` accept NULL; the memory must be
 * aligned as malloc's is.
 *
 * The allocator does not get the requests for the pages of mapped model files,
 * for thread stacks, and for the memory that BLAS, jansson, zlib and OpenSSL
 * allocate for themselves.
 */
typedef struct recsys_allocator {
    uint32_t struct_size; /* sizeof(recsys_allocator) */
    uint32_t reserved;    /* 0 */
    void *(*allocate)(size_t size, void *user_data);
    void *(*resize)(void *memory, size_t size, void *user_data);
    void (*release)(void *memory, void *user_data);
    void *user_data;
    /* -- end of version 1 -- append below, never insert above -- */
} recsys_allocator;

#define RECSYS_ALLOCATOR_SIZE_V1 RECSYS_SIZE_TO(recsys_allocator, user_data)
#define RECSYS_ALLOCATOR_INIT {(uint32_t)sizeof(recsys_allocator), 0u, NULL, NULL, NULL, NULL}

/*
 * Use `allocator` (COPIED) instead of malloc, realloc and free, in the whole
 * process; NULL means malloc, realloc and free again.
 *
 * Fails with: E_INVALID (struct_size, or a function missing), E_UNSUPPORTED
 *   (a newer struct), E_STATE (memory that the library allocated is still in
 *   use, and another allocator must not free it).
 * Thread-safety: while no other thread is in the library.
 * Since: 0.1
 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_alloc_set(const recsys_allocator *allocator,
                                                           recsys_error *err);

/* The library's allocator for code that extends the library: drivers of stores
 * and sources. They return NULL when out of memory; a size of 0 gives one byte;
 * release and resize accept NULL. Thread-safety: any thread. Since: 0.1 */
RECSYS_API void *recsys_memory_allocate(size_t size);
RECSYS_API void *recsys_memory_resize(void *memory, size_t size);
RECSYS_API void recsys_memory_release(void *memory);

#ifdef __cplusplus
}
#endif

#endif
