/* tests/support/fail_alloc.c - see fail_alloc.h. */
#include "tests/support/fail_alloc.h"

#include <errno.h>
#include <jansson.h>
#include <openssl/err.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "recsys/alloc.h"
#include "tests/support/check.h"

struct counter {
    atomic_int armed;
    atomic_long calls, failed, live, fail_at, fail_end;
};

static struct counter memory, mappings;
static atomic_long n_spared;
static int everything;

/* Where jansson's lexer asks for a larger buffer; its sizes are powers of two. */
static const void *lexer;
static atomic_int looking_for_lexer;
#define LEXER_SIZE 65536u

/* 1 if this call is one of those that shall fail. */
static int must_fail(struct counter *counter)
{
    if (!atomic_load_explicit(&counter->armed, memory_order_acquire))
        return 0;
    long number = atomic_fetch_add_explicit(&counter->calls, 1, memory_order_relaxed);
    if (number < atomic_load_explicit(&counter->fail_at, memory_order_relaxed) ||
        number >= atomic_load_explicit(&counter->fail_end, memory_order_relaxed))
        return 0;
    atomic_fetch_add_explicit(&counter->failed, 1, memory_order_relaxed);
    errno = ENOMEM;
    return 1;
}

static void *born(struct counter *counter, void *block)
{
    if (block != NULL)
        atomic_fetch_add_explicit(&counter->live, 1, memory_order_relaxed);
    return block;
}

static void dead(struct counter *counter, const void *block)
{
    if (block != NULL)
        atomic_fetch_sub_explicit(&counter->live, 1, memory_order_relaxed);
}

static void start(struct counter *counter, long fail_at, long n_fail)
{
    atomic_store(&counter->calls, 0);
    atomic_store(&counter->failed, 0);
    atomic_store(&n_spared, 0);
    atomic_store(&counter->fail_at, fail_at < 0 ? 0 : fail_at);
    atomic_store(&counter->fail_end, fail_at < 0 ? 0 : fail_at + n_fail);
    atomic_store_explicit(&counter->armed, 1, memory_order_release);
}

static long stop(struct counter *counter)
{
    atomic_store(&counter->armed, 0);
    return atomic_load(&counter->calls);
}

void fail_alloc_start(long fail_at, long n_fail)
{
    start(&memory, fail_at, n_fail);
}

long fail_alloc_stop(void)
{
    return stop(&memory);
}

long fail_alloc_failed(void)
{
    return atomic_load(&memory.failed);
}

long fail_alloc_spared(void)
{
    return atomic_load(&n_spared);
}

long fail_alloc_live(void)
{
    return atomic_load(&memory.live);
}

void fail_alloc_settle(void)
{
    ERR_clear_error();
}

void fail_mmap_start(long fail_at)
{
    start(&mappings, fail_at, 1);
}

long fail_mmap_stop(void)
{
    return stop(&mappings);
}

long fail_mmap_live(void)
{
    return atomic_load(&mappings.live);
}

int fail_alloc_sees_everything(void)
{
    return everything;
}

/* The library's allocations alone, where malloc cannot be replaced. */
static void *hook_allocate(size_t size, void *user_data)
{
    (void)user_data;
    return must_fail(&memory) ? NULL : born(&memory, malloc(size));
}

static void *hook_resize(void *block, size_t size, void *user_data)
{
    (void)user_data;
    if (must_fail(&memory))
        return NULL;
    void *moved = realloc(block, size);
    return block == NULL ? born(&memory, moved) : moved;
}

static void hook_release(void *block, void *user_data)
{
    (void)user_data;
    dead(&memory, block);
    free(block);
}

#if defined(__GLIBC__)
/* glibc's own, under the names that it keeps for programs that replace malloc. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *block, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);
extern void __libc_free(void *block);

static int is_lexer_growing(size_t size, const void *caller)
{
    if (size == LEXER_SIZE && atomic_load(&looking_for_lexer))
        lexer = caller;
    return caller == lexer && (size & (size - 1)) == 0;
}

/* 1 if this allocation shall fail and may. */
static int must_fail_unless_spared(size_t size, const void *caller)
{
    int spared = is_lexer_growing(size, caller);

    if (!must_fail(&memory))
        return 0;
    if (!spared)
        return 1;
    atomic_fetch_add(&n_spared, 1);
    atomic_fetch_sub(&memory.failed, 1);
    return 0;
}

void *fail_alloc_malloc(size_t size, const void *caller)
{
    return must_fail_unless_spared(size, caller) ? NULL : born(&memory, __libc_malloc(size));
}

void *fail_alloc_calloc(size_t n, size_t size)
{
    return must_fail(&memory) ? NULL : born(&memory, __libc_calloc(n, size));
}

void *fail_alloc_realloc(void *block, size_t size, const void *caller)
{
    if (block != NULL && size == 0) {
        dead(&memory, block);
        return __libc_realloc(block, 0); /* frees it */
    }
    if (must_fail_unless_spared(size, caller))
        return NULL;
    void *moved = __libc_realloc(block, size);
    return block == NULL ? born(&memory, moved) : moved;
}

void *fail_alloc_aligned(size_t alignment, size_t size)
{
    return must_fail(&memory) ? NULL : born(&memory, __libc_memalign(alignment, size));
}

void fail_alloc_free(void *block)
{
    dead(&memory, block);
    __libc_free(block);
}

void *fail_alloc_mmap(void *address, size_t size, int protection, int flags, int descriptor,
                      off_t offset)
{
    if (must_fail(&mappings))
        return MAP_FAILED;
    long result = syscall(SYS_mmap, address, size, protection, flags, descriptor, offset);
    if (result == -1)
        return MAP_FAILED;
    return born(&mappings, (void *)(uintptr_t)result);
}

int fail_alloc_munmap(void *address, size_t size)
{
    dead(&mappings, address);
    return (int)syscall(SYS_munmap, address, size);
}
#endif

/* A string as long as only a buffer of LEXER_SIZE holds shows where it grows. */
static void find_lexer(void)
{
    static char text[LEXER_SIZE / 2 + 1000];

    memset(text, 'a', sizeof text - 1);
    text[0] = '[';
    text[1] = text[sizeof text - 3] = '"';
    text[sizeof text - 2] = ']';
    atomic_store(&looking_for_lexer, 1);
    json_t *value = json_loads(text, 0, NULL);
    atomic_store(&looking_for_lexer, 0);
    CHECK(value != NULL && lexer != NULL);
    json_decref(value);
}

void fail_alloc_init(int interposed)
{
    const recsys_allocator hooks = {(uint32_t)sizeof hooks, 0,   hook_allocate, hook_resize,
                                    hook_release,           NULL};

    everything = interposed;
    if (interposed)
        find_lexer();
    else
        CHECK_EQ(recsys_alloc_set(&hooks, NULL), RECSYS_OK);
}
