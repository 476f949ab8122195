/* tests/support/fail_alloc.h - count a program's allocations, and let any of them fail.
 *
 * A test program that says FAIL_ALLOC_INTERPOSE once, at file level, takes the
 * place of malloc & co. for its whole process: what jansson, zlib, OpenSSL,
 * BLAS and the C library ask for is counted and fails as ours does. Under
 * sanitizers, which need malloc for themselves, and without glibc, only the
 * library's own allocations are seen, through recsys_alloc_set(); tests ask
 * fail_alloc_sees_everything() where that makes a difference.
 *
 * Also for mmap() as the library calls it (a program's own, not the C
 * library's), wherever the test is linked with the static library.
 */
#ifndef TESTS_SUPPORT_FAIL_ALLOC_H
#define TESTS_SUPPORT_FAIL_ALLOC_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/types.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define FAIL_ALLOC_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define FAIL_ALLOC_SANITIZED 1
#endif
#endif

/* Call first of all: before anything of the library has allocated. */
void fail_alloc_init(int interposed);
int fail_alloc_sees_everything(void);

/* From now on count allocations, of every thread; number `fail_at` (from 0)
 * and the `n_fail` - 1 after it fail. Negative: none. */
void fail_alloc_start(long fail_at, long n_fail);
/* Stop failing and counting; returns how many allocations there were. */
long fail_alloc_stop(void);
long fail_alloc_failed(void); /* how many of them have failed */
/* ... and how many were spared: jansson does not look whether its lexer's
 * buffer could grow (lex_save() in its load.c, as of 2.14) and then reads past
 * the end of what it has, which nobody who calls it can prevent. */
long fail_alloc_spared(void);
long fail_alloc_live(void); /* blocks that are not freed; counted all the time */

/* Let go of what OpenSSL remembers of its own failures on this thread. */
void fail_alloc_settle(void);

/* The same for mmap(). */
void fail_mmap_start(long fail_at);
long fail_mmap_stop(void);
long fail_mmap_live(void);

/* The work of the interposed functions. */
void *fail_alloc_malloc(size_t size, const void *caller);
void *fail_alloc_calloc(size_t n, size_t size);
void *fail_alloc_realloc(void *memory, size_t size, const void *caller);
void *fail_alloc_aligned(size_t alignment, size_t size);
void fail_alloc_free(void *memory);
void *fail_alloc_mmap(void *address, size_t size, int protection, int flags, int descriptor,
                      off_t offset);
int fail_alloc_munmap(void *address, size_t size);

#if defined(__GLIBC__) && !defined(FAIL_ALLOC_SANITIZED)
#define FAIL_ALLOC_VISIBLE __attribute__((visibility("default")))
#define FAIL_ALLOC_INTERPOSED 1
/* The prototypes of malloc and its family come from stdlib.h; memalign and
 * valloc are declared here, because their header is not a standard one. */
#define FAIL_ALLOC_INTERPOSE                                                                       \
    void *memalign(size_t alignment, size_t size);                                                 \
    FAIL_ALLOC_VISIBLE void *malloc(size_t size)                                                   \
    {                                                                                              \
        return fail_alloc_malloc(size, __builtin_return_address(0));                               \
    }                                                                                              \
    FAIL_ALLOC_VISIBLE void *calloc(size_t n, size_t size)                                         \
    {                                                                                              \
        return fail_alloc_calloc(n, size);                                                         \
    }                                                                                              \
    FAIL_ALLOC_VISIBLE void *realloc(void *memory, size_t size)                                    \
    {                                                                                              \
        return fail_alloc_realloc(memory, size, __builtin_return_address(0));                      \
    }                                                                                              \
    FAIL_ALLOC_VISIBLE void free(void *memory)                                                     \
    {                                                                                              \
        fail_alloc_free(memory);                                                                   \
    }                                                                                              \
    FAIL_ALLOC_VISIBLE void *aligned_alloc(size_t alignment, size_t size)                          \
    {                                                                                              \
        return fail_alloc_aligned(alignment, size);                                                \
    }                                                                                              \
    FAIL_ALLOC_VISIBLE void *memalign(size_t alignment, size_t size)                               \
    {                                                                                              \
        return fail_alloc_aligned(alignment, size);                                                \
    }                                                                                              \
    FAIL_ALLOC_VISIBLE int posix_memalign(void **out, size_t alignment, size_t size)               \
    {                                                                                              \
        void *memory = fail_alloc_aligned(alignment, size);                                        \
        if (memory == NULL)                                                                        \
            return ENOMEM;                                                                         \
        *out = memory;                                                                             \
        return 0;                                                                                  \
    }                                                                                              \
    FAIL_ALLOC_VISIBLE void *mmap(void *address, size_t size, int protection, int flags,           \
                                  int descriptor, off_t offset)                                    \
    {                                                                                              \
        return fail_alloc_mmap(address, size, protection, flags, descriptor, offset);              \
    }                                                                                              \
    FAIL_ALLOC_VISIBLE int munmap(void *address, size_t size)                                      \
    {                                                                                              \
        return fail_alloc_munmap(address, size);                                                   \
    }                                                                                              \
    FAIL_ALLOC_VISIBLE extern const int fail_alloc_is_interposed
#else
#define FAIL_ALLOC_INTERPOSED 0
#define FAIL_ALLOC_INTERPOSE extern const int fail_alloc_is_interposed
#endif

#endif
