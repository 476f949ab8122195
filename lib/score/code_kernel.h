/* lib/score/code_kernel.h - products of integer codes: one file an instruction set.
 *
 * Sums are exact, so all kernels give the same floats, bit for bit, and a portable twin
 * checks the others. Codes of items stand as lib/bundle/codes.h says; a query's are signed
 * bytes, padded with zeros to whole cells.
 */
#ifndef RS_SCORE_CODE_KERNEL_H
#define RS_SCORE_CODE_KERNEL_H

#include <stdint.h>

#include "lib/bundle/coded.h"

/* A tile is this many items (whole groups) against a panel of queries: so many of them, unless the
 * kernel says otherwise. */
#define RS_CODE_ITEMS 32u
#define RS_CODE_LANES 8u
#define RS_CODE_MAX_LANES 32u

/* So many codes are multiplied with all panels before the next ones are read: these, the next
 * ones and the panels fit in a first-level cache. */
#define RS_CODE_BYTES_IN_CACHE 8192u

/* A panel: the first bytes of all queries, then the next ones ... The rest is one a lane. */
struct rs_code_panel {
    const int8_t *codes; /* [cells * 4 / lane_bytes, rounded up, lanes, lane_bytes] */
    const int32_t *shifts;
    const int32_t *least;         /* products below cannot reach the limit; within +-2^30 */
    const float *scales, *limits; /* of this block: for items with biases */
};

/* Groups of short codes, as lib/bundle/short_codes.h has them. */
struct rs_short_groups {
    const uint8_t *codes;
    const float *steps, *residuals;
    uint32_t n, pairs;
};

struct rs_code_kernel {
    const char *name;
    int32_t largest;            /* absolute value of a query's code with which no sum saturates */
    uint32_t lanes, lane_bytes; /* of a panel; at most RS_CODE_MAX_LANES; a multiple of 4 */

    /* scores[i] = scale * (float)(product of item i's codes and the query's) for the
     * items of `n_groups` groups. */
    void (*one)(const uint8_t *groups, uint32_t n_groups, uint32_t cells,
                const struct rs_coded *query, float scale, float *scores);

    /* scores[i] = scale * steps[i] * (float)(product of item i's short codes, 16 * h - 120, and the
     * query's) + reach * residuals[i], from left to right. */
    void (*one_short)(const struct rs_short_groups *groups, const struct rs_coded *query,
                      float scale, float reach, float *scores);

    /* Goes through `n_tiles` tiles until one has a hit: bit i of hits[l] says that item i's
     * product with lane l's query is not below the lane's least; or, if there are biases
     * (RS_CODE_ITEMS a tile), that its score plus its bias is not below the limit. Returns
     * that tile, or n_tiles, and then `hits` may be as it was. NULL: query by query is as fast. */
    uint32_t (*tiles)(const uint8_t *groups, uint32_t n_tiles, uint32_t cells,
                      const struct rs_code_panel *panel, const float *bias, uint32_t *hits);

    /* A thread calls these before its first tile of a scan and behind its last one, if not NULL. */
    void (*begin)(void);
    void (*end)(void);
};

/* From this many queries on a scan is one of many. With fewer, most lanes of a large panel would be
 * empty. */
#define RS_CODE_MANY 32u

/* The sum of 120 times the query's codes. */
static inline int32_t rs_code_short_shift(const struct rs_coded *query)
{
    return query->shift / 16 * 15;
}

/* The fastest that this processor runs, for scans of many queries or of few; NULL: no kernel is
 * faster than floats. */
const struct rs_code_kernel *rs_code_kernel_choose(int many);

/* Number `index` of all kernels that this processor runs; NULL behind the last: for tests. */
const struct rs_code_kernel *rs_code_kernel_get(uint32_t index);

/* Ask the system for AMX's registers, for this process and as long as it lives. 0, or why not:
 * ENOTSUP if processor or compiler do not know them, else what the system says. */
int rs_code_kernel_allow_amx(void);
int rs_code_kernel_has_amx(void);

/* Whether this compiler knows the instructions: gcc from 11, clang from 12. */
#if defined(__x86_64__) && defined(__has_include)
#if __has_include(<avxvnniintrin.h>)
#define RS_CODE_KERNEL_AVXVNNI 1
#endif
#if defined(__linux__) && (__has_include(<amxint8intrin.h>) || __has_include(<amxintrin.h>))
#define RS_CODE_KERNEL_AMX 1
#endif
#endif
#ifndef RS_CODE_KERNEL_AVXVNNI
#define RS_CODE_KERNEL_AVXVNNI 0
#endif
#ifndef RS_CODE_KERNEL_AMX
#define RS_CODE_KERNEL_AMX 0
#endif

extern const struct rs_code_kernel rs_code_kernel_portable;
#if defined(__x86_64__)
extern const struct rs_code_kernel rs_code_kernel_avx2, rs_code_kernel_avx512vnni;
/* Kernels of processors that have these instructions, too, share them. */
void rs_code_one_short_avx2(const struct rs_short_groups *groups, const struct rs_coded *query,
                            float scale, float reach, float *scores);
void rs_code_one_short_avx512vnni(const struct rs_short_groups *groups,
                                  const struct rs_coded *query, float scale, float reach,
                                  float *scores);
#if RS_CODE_KERNEL_AVXVNNI
extern const struct rs_code_kernel rs_code_kernel_avxvnni;
#endif
#if RS_CODE_KERNEL_AMX
extern const struct rs_code_kernel rs_code_kernel_amx;
#endif
#elif defined(__aarch64__)
extern const struct rs_code_kernel rs_code_kernel_dotprod;
#endif

#endif
