/* lib/score/survivors.h - find the scores of a block that reach a threshold.
 *
 * There is one file for each instruction set; all return the same indices. rs_survivors_choose()
 * picks one for the processor.
 */
#ifndef RS_SCORE_SURVIVORS_H
#define RS_SCORE_SURVIVORS_H

#include <stdint.h>

/* Write every i < n, ascending, for which scores[i] + bias[i] is not less than
 * `threshold` (so a NaN survives) to `out`, which has room for n rounded up to
 * 16. bias NULL = none. n <= 65536. Returns how many. */
typedef uint32_t (*rs_survivors)(const float *scores, const float *bias, uint32_t n,
                                 float threshold, uint16_t *out);

uint32_t rs_survivors_portable(const float *scores, const float *bias, uint32_t n, float threshold,
                               uint16_t *out);
#if defined(__x86_64__)
uint32_t rs_survivors_avx2(const float *scores, const float *bias, uint32_t n, float threshold,
                           uint16_t *out);
uint32_t rs_survivors_avx512(const float *scores, const float *bias, uint32_t n, float threshold,
                             uint16_t *out);
#endif

rs_survivors rs_survivors_choose(void);

#endif
