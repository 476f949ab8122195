/* lib/model/model_memory.c - see model_memory.h.
 *
 * Large arrays bypass the allocator on purpose: an allocator keeps freed memory for later, so a
 * service that swaps models would keep the memory of two. An anonymous mapping goes back to the
 * system at once.
 */
#include "lib/model/model_memory.h"

#include <string.h>
#include <sys/mman.h>

#include "lib/base/alloc.h"

#define OWN_PAGES_FROM (256u * 1024u)
#define HUGE_PAGE (2u * 1024u * 1024u)
#define HUGE_CODES_FROM (8u * HUGE_PAGE)
#define PAGE 4096u /* the smallest there is: where pages are larger, some are read more than once  \
                    */

struct rs_memory_block {
    struct rs_memory_block *next;
    void *address;
    size_t size;
    int mapped;
};

static void *map_pages(size_t size)
{
    void *pages = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    return pages == MAP_FAILED ? NULL : pages;
}

/* Map more than is needed and unmap the parts before and behind the aligned one. Asking for huge
 * pages must precede the first touch. */
static void *map_huge_pages(size_t size)
{
    unsigned char *pages = map_pages(size + HUGE_PAGE);

    if (pages == NULL)
        return NULL;
    size_t before = (HUGE_PAGE - (uintptr_t)pages % HUGE_PAGE) % HUGE_PAGE;
    if (before > 0)
        munmap(pages, before);
    if (before < HUGE_PAGE)
        munmap(pages + before + size, HUGE_PAGE - before);
#ifdef MADV_HUGEPAGE
    (void)madvise(pages + before, size, MADV_HUGEPAGE);
#endif
    return pages + before;
}

uint64_t rs_memory_size(uint64_t bytes, uint32_t flags)
{
    uint64_t unit = bytes < OWN_PAGES_FROM ? 1 : flags & RS_MEMORY_HUGE ? HUGE_PAGE : PAGE;

    return (bytes + unit - 1) / unit * unit;
}

uint32_t rs_memory_of_codes(uint64_t bytes)
{
    return bytes >= HUGE_CODES_FROM ? RS_MEMORY_HUGE : 0;
}

void *rs_memory_take(struct rs_model_memory *memory, size_t n, size_t size, uint32_t flags)
{
    size_t bytes;

    if (!rs_multiply(n, size, &bytes) || bytes > SIZE_MAX / 4)
        return NULL;
    struct rs_memory_block *block = rs_alloc_array(1, sizeof *block);
    if (block == NULL)
        return NULL;
    block->mapped = bytes >= OWN_PAGES_FROM;
    block->size = (size_t)rs_memory_size(bytes, flags);
    if (!block->mapped) {
        block->address = rs_alloc_aligned(bytes, 1);
        if (block->address != NULL)
            memset(block->address, 0, bytes);
    } else if (flags & RS_MEMORY_HUGE) {
        block->address = map_huge_pages(block->size);
    } else {
        block->address = map_pages(block->size);
    }
    if (block->address == NULL) {
        rs_free(block);
        return NULL;
    }
    block->next = memory->blocks;
    memory->blocks = block;
    memory->private_bytes += block->size;
    return block->address;
}

void rs_memory_count(struct rs_model_memory *memory, size_t n, size_t size)
{
    memory->private_bytes += (uint64_t)n * size;
}

static uint64_t touch(const void *bytes, size_t size)
{
    const volatile unsigned char *at = bytes;

    for (size_t i = 0; i < size; i += PAGE)
        (void)at[i];
    return size;
}

uint64_t rs_memory_touch(const struct rs_model_memory *memory)
{
    uint64_t n_bytes = 0;

    for (const struct rs_memory_block *block = memory->blocks; block != NULL; block = block->next)
        n_bytes += touch(block->address, block->size);
    for (size_t i = 0; i < RS_MEMORY_FILES; i++)
        if (!memory->files[i].map.is_let_go)
            n_bytes += touch(memory->files[i].map.bytes, memory->files[i].map.size);
    return n_bytes;
}

void rs_memory_destroy(struct rs_model_memory *memory)
{
    struct rs_memory_block *block;

    while ((block = memory->blocks) != NULL) {
        memory->blocks = block->next;
        if (block->mapped)
            rs_map_unmap(block->address, block->size);
        else
            rs_free_aligned(block->address);
        rs_free(block);
    }
    for (size_t i = 0; i < RS_MEMORY_FILES; i++)
        rs_tensors_close(&memory->files[i]);
    memory->private_bytes = 0;
}
