/* lib/score/survivors.c - the portable twin, and the choice between the twins. */
#include "lib/score/survivors.h"

#include <stddef.h>

uint32_t rs_survivors_portable(const float *scores, const float *bias, uint32_t n, float threshold,
                               uint16_t *out)
{
    uint32_t found = 0;

    for (uint32_t i = 0; i < n; i += 16) {
        uint32_t end = n - i < 16 ? n - i : 16;
        int any = 0;
        /* Survivors are rare: first ask whether there is one at all. */
        for (uint32_t l = 0; l < end; l++) {
            float score = bias == NULL ? scores[i + l] : scores[i + l] + bias[i + l];
            any |= !(score < threshold);
        }
        if (!any)
            continue;
        for (uint32_t l = 0; l < end; l++) {
            float score = bias == NULL ? scores[i + l] : scores[i + l] + bias[i + l];
            if (!(score < threshold))
                out[found++] = (uint16_t)(i + l);
        }
    }
    return found;
}

rs_survivors rs_survivors_choose(void)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f"))
        return rs_survivors_avx512;
    if (__builtin_cpu_supports("avx2"))
        return rs_survivors_avx2;
#endif
    return rs_survivors_portable;
}
