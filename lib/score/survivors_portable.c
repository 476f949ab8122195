/* lib/score/survivors_portable.c - for every processor, one score a compare. See survivors.h. */
#include "lib/score/survivors.h"

#include <stddef.h>

uint32_t rs_survivors_portable(const float *scores, const float *bias, uint32_t n, float threshold,
                               uint16_t *out)
{
    uint32_t found = 0;

    for (uint32_t i = 0; i < n; i += 16) {
        uint32_t end = n - i < 16 ? n - i : 16;
        int any = 0;
        /* Survivors are rare: first check whether there is one at all. */
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
