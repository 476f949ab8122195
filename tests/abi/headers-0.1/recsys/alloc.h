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
 * Not routed through it: the pages of mapped model files, thread stacks, and
 * what BLAS, jansson, zlib and OpenSSL allocate for themselves.
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

/*
 * Use `allocator` (COPIED) instead of malloc, realloc and free; NULL goes back
 * to those. Process-wide.
 *
 * Fails with: E_INVALID (struct_size, or a function missing), E_UNSUPPORTED
 *   (a newer struct).
 * Thread-safety: before anything else in the library is used, so that nothing
 *   allocated by one allocator is released by another.
 * Since: 0.1
 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_alloc_set(const recsys_allocator *allocator,
                                                           recsys_error *err);

/* The same memory for those who extend the library: drivers of stores and
 * sources. NULL when out of memory; a size of 0 gives one byte; release and
 * resize accept NULL. Thread-safety: any thread. Since: 0.1 */
RECSYS_API void *recsys_memory_allocate(size_t size);
RECSYS_API void *recsys_memory_resize(void *memory, size_t size);
RECSYS_API void recsys_memory_release(void *memory);

#ifdef __cplusplus
}
#endif

#endif
