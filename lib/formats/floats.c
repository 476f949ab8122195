/* lib/formats/floats.c - see floats.h.
 *
 * Converting F16 and BF16 is exact and needs no special instructions.
 */
#include "lib/formats/floats.h"

#include <string.h>

#include "recsys/builder.h"

static float from_half(uint16_t half)
{
    uint32_t sign = (uint32_t)(half & 0x8000u) << 16, exponent = (half >> 10) & 31u;
    uint32_t fraction = half & 0x3FFu, bits;
    float out;

    if (exponent == 0) { /* subnormal: fraction * 2^-24, exact */
        out = (float)fraction * 0x1p-24f;
        return sign != 0 ? -out : out;
    }
    bits = sign | (exponent == 31 ? 255u : exponent + 112u) << 23 | fraction << 13;
    memcpy(&out, &bits, sizeof out);
    return out;
}

static float from_brain(uint16_t brain)
{
    uint32_t bits = (uint32_t)brain << 16;
    float out;

    memcpy(&out, &bits, sizeof out);
    return out;
}

void rs_floats_read(const void *from, uint32_t dtype, size_t n, float *to)
{
    const unsigned char *bytes = from;
    uint16_t small;
    double large;

    switch (dtype) {
    case RECSYS_DTYPE_F64:
        for (size_t i = 0; i < n; i++) {
            memcpy(&large, bytes + i * sizeof large, sizeof large);
            to[i] = (float)large;
        }
        break;
    case RECSYS_DTYPE_F16:
    case RECSYS_DTYPE_BF16:
        for (size_t i = 0; i < n; i++) {
            memcpy(&small, bytes + i * sizeof small, sizeof small);
            to[i] = dtype == RECSYS_DTYPE_F16 ? from_half(small) : from_brain(small);
        }
        break;
    default:
        if (n > 0)
            memcpy(to, from, n * sizeof *to);
    }
}
