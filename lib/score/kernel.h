/* lib/score/kernel.h - float scores by code of the library, where it is faster than BLAS.
 *
 * BLAS packs its operands on every call, stores every score, and does not prefetch. A kernel
 * computes a small tile of items x queries in registers, compares it with the queries' limits
 * there, and stores it only if something reaches one, which is rare. Like BLAS it only finds
 * candidates: every order of summation is within the bound (bound.h), so answers do not depend on
 * the kernel.
 */
#ifndef RS_SCORE_KERNEL_H
#define RS_SCORE_KERNEL_H

#include <stdint.h>

/* One shape of tile: `rows` items against a panel of `lanes` queries. */
struct rs_tile {
    uint32_t rows, lanes; /* at most RS_TILE_MAX_ROWS, RS_TILE_MAX_LANES */

    /* panel: [dimensions, lanes], i.e. the queries' first numbers, then their
     * second ones ... bias: `rows` of them, or NULL. Bit r of the result says
     * that item r's score, bias included, is not below the limit of some lane;
     * if there is any bit, all scores are in out [rows, lanes]. */
    uint32_t (*run)(const float *items, uint32_t stride, uint32_t dimensions, const float *panel,
                    const float *bias, const float *limits, float *out);
};

#define RS_TILE_MAX_ROWS 24u
#define RS_TILE_MAX_LANES 32u

struct rs_kernel {
    const char *name;

    /* out[i] = row i . query for i < n; out has room for n rounded up to 16.
     * `query` is padded with zeros to `stride`, a multiple of 16. */
    void (*one)(const float *items, uint32_t n, uint32_t stride, const float *query, float *out);
    struct rs_tile narrow, wide; /* for few and for many queries */
};

/* Number `index` of all kernels that this processor runs, the fastest first; NULL behind the last,
 * where only BLAS is left. */
const struct rs_kernel *rs_kernel_get(uint32_t index);

#if defined(__x86_64__)
extern const struct rs_kernel rs_kernel_avx2, rs_kernel_avx512;
#elif defined(__aarch64__)
extern const struct rs_kernel rs_kernel_neon;
#endif

#endif
