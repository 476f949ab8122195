/* lib/base/alloc.h - all memory of the library comes from here. */
#ifndef RS_BASE_ALLOC_H
#define RS_BASE_ALLOC_H

#include <stddef.h>

#include "recsys/alloc.h"

/* NULL when out of memory; never a size of 0 (1 is asked for instead).
 * rs_alloc_array checks n * size for overflow and returns zeroed memory. */
void *rs_alloc(size_t size);
void *rs_resize(void *memory, size_t size);
void *rs_alloc_array(size_t n, size_t size);
void *rs_resize_array(void *memory, size_t n, size_t size);
void rs_free(void *memory);

char *rs_copy_text(const char *text);
char *rs_copy_bytes(const char *bytes, size_t size); /* NUL-terminated */

/* For vectors: 64-byte aligned, not zeroed. Give back with rs_free_aligned. */
void *rs_alloc_aligned(size_t n, size_t size);
void rs_free_aligned(void *memory);

/* a * b into *out; 0 if it does not fit. */
int rs_multiply(size_t a, size_t b, size_t *out);

#endif
