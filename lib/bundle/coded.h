/* lib/bundle/coded.h - a query as codes: the other factor of a product with an item's codes. */
#ifndef RS_BUNDLE_CODED_H
#define RS_BUNDLE_CODED_H

#include <stdint.h>

/* Codes of a query to a pair of cells of short codes (lib/bundle/short_codes.h). */
#define RS_CODED_PAIR 8u

/* q = step * k + f, with k the codes. */
struct rs_coded {
    const int8_t *codes; /* [pairs, RS_CODED_PAIR], zeros from dimensions on */
    int32_t shift;       /* 128 * sum of the codes: what the items' + 128 adds to each product */
    double step;         /* 0: this query has no codes */
    double norm;         /* |step * k|, rounded up */
    double residual;     /* |f|, rounded up */
};

/* Codes from -largest to largest for a query of finite numbers, and their residual. `codes` has
 * room for dimensions rounded up to a multiple of RS_CODED_PAIR. */
void rs_coded_make(const float *query, uint32_t dimensions, int32_t largest, int8_t *codes,
                   struct rs_coded *out);

#endif
