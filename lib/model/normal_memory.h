/* lib/model/normal_memory.h - the memory of normal equations, which the model owns. Private to
 * lib/model; others go through normal_equations.h. */
#ifndef RS_MODEL_NORMAL_MEMORY_H
#define RS_MODEL_NORMAL_MEMORY_H

#include <stddef.h>

/* Both are row-major [dimensions, dimensions], upper triangles. */
struct rs_normal {
    double *shared; /* the sum over all items, with the regularization */
    double *factor; /* its Cholesky factor; NULL: it has none, and nothing can be solved */
};

/* Zeros; NULL if there is no memory. */
struct rs_normal *rs_normal_create(size_t dimensions);
/* NULL is allowed. */
void rs_normal_destroy(struct rs_normal *normal);

#endif
