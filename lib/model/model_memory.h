/* lib/model/model_memory.h - the maps and copies behind a model's pointers. Private to lib/model.
 */
#ifndef RS_MODEL_MODEL_MEMORY_H
#define RS_MODEL_MODEL_MEMORY_H

#include <stddef.h>
#include <stdint.h>

#include "lib/formats/tensors.h"
#include "recsys/status.h"

#define RS_MEMORY_FILES 4u
#define RS_MEMORY_HUGE (1u << 0) /* 2 MB pages, if the system has them */

struct rs_memory_block;

/* Zeroed means empty. Everything taken is given back by rs_memory_destroy(). */
struct rs_model_memory {
    struct rs_memory_block *blocks;
    struct rs_tensors files[RS_MEMORY_FILES]; /* closed by rs_memory_destroy() */
    uint64_t private_bytes;
};

/* n * size zeroed bytes, 64-byte aligned. Large ones are pages of their own, which go back to
 * the system when the model is destroyed. NULL if there is no memory. */
void *rs_memory_take(struct rs_model_memory *memory, size_t n, size_t size, uint32_t flags);

/* How many bytes rs_memory_take() takes for so many. */
uint64_t rs_memory_size(uint64_t bytes, uint32_t flags);

/* The flags for codes of so many bytes: large ones are worth pages of 2 MB, of which the last one
 * is not full. */
uint32_t rs_memory_of_codes(uint64_t bytes);

/* Account for memory that the model frees itself. */
void rs_memory_count(struct rs_model_memory *memory, size_t n, size_t size);

/* Read one byte of every page, but for files whose pages were let go on purpose; returns how many
 * bytes these pages have. */
uint64_t rs_memory_touch(const struct rs_model_memory *memory);

/* Unmap and free everything. */
void rs_memory_destroy(struct rs_model_memory *memory);

#endif
