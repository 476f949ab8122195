/* lib/score/code_kernel.c - which kernel for codes this processor gets, and the portable twin. */
#include "lib/score/code_kernel.h"

#include <stddef.h>
#if defined(__x86_64__)
#include <cpuid.h>
#elif defined(__aarch64__)
#include <sys/auxv.h>
#ifndef HWCAP_ASIMDDP
#define HWCAP_ASIMDDP (1ul << 20)
#endif
#endif

#include "lib/bundle/codes.h"

static int32_t dot(const uint8_t *group, uint32_t item, uint32_t cells, const int8_t *query,
                   size_t query_stride)
{
    int32_t sum = 0;

    for (uint32_t j = 0; j < cells; j++) {
        const uint8_t *x = group + (size_t)j * RS_CODES_CELL + item * 4u;
        const int8_t *k = query + j * query_stride;
        for (int l = 0; l < 4; l++)
            sum += (int32_t)x[l] * (int32_t)k[l];
    }
    return sum;
}

static void one(const uint8_t *groups, uint32_t n_groups, uint32_t cells,
                const struct rs_coded *query, float scale, float *scores)
{
    for (uint32_t i = 0; i < n_groups * RS_CODES_GROUP; i++) {
        const uint8_t *group = groups + (size_t)(i / RS_CODES_GROUP) * cells * RS_CODES_CELL;
        int32_t product = dot(group, i % RS_CODES_GROUP, cells, query->codes, 4) - query->shift;
        scores[i] = scale * (float)product;
    }
}

static void one_short(const struct rs_short_groups *groups, const struct rs_coded *query,
                      float scale, float reach, float *scores)
{
    for (uint32_t i = 0; i < groups->n * RS_CODES_GROUP; i++) {
        const uint8_t *x = groups->codes +
                           (size_t)(i / RS_CODES_GROUP) * groups->pairs * RS_CODES_CELL +
                           (size_t)(i % RS_CODES_GROUP) * 4;
        const int8_t *k = query->codes;
        int32_t sum = 0;
        for (uint32_t p = 0; p < groups->pairs; p++, x += RS_CODES_CELL, k += RS_CODED_PAIR)
            for (int l = 0; l < 4; l++)
                sum += (x[l] & 0x0f) * k[l] + (x[l] >> 4) * k[l + 4];
        float product = (float)(16 * sum - rs_code_short_shift(query));
        scores[i] = scale * groups->steps[i] * product + reach * groups->residuals[i];
    }
}

static uint32_t tile(const uint8_t *groups, uint32_t cells, const struct rs_code_panel *panel,
                     const float *bias, uint32_t *hits)
{
    uint32_t any = 0;

    for (uint32_t l = 0; l < RS_CODE_LANES; l++) {
        hits[l] = 0;
        for (uint32_t i = 0; i < RS_CODE_ITEMS; i++) {
            const uint8_t *group = groups + (size_t)(i / RS_CODES_GROUP) * cells * RS_CODES_CELL;
            int32_t product = dot(group, i % RS_CODES_GROUP, cells, panel->codes + l * 4u,
                                  (size_t)RS_CODE_LANES * 4) -
                              panel->shifts[l];
            int hit = bias == NULL
                          ? product >= panel->least[l]
                          : !(panel->scales[l] * (float)product + bias[i] < panel->limits[l]);
            hits[l] |= (uint32_t)hit << i;
        }
        any |= hits[l];
    }
    return any;
}

static uint32_t tiles(const uint8_t *groups, uint32_t n_tiles, uint32_t cells,
                      const struct rs_code_panel *panel, const float *bias, uint32_t *hits)
{
    for (uint32_t t = 0; t < n_tiles; t++, groups += (size_t)cells * RS_CODES_CELL * 2)
        if (tile(groups, cells, panel, bias == NULL ? NULL : bias + t * RS_CODE_ITEMS, hits) != 0)
            return t;
    return n_tiles;
}

const struct rs_code_kernel rs_code_kernel_portable = {
    .name = "portable",
    .largest = 127,
    .lanes = RS_CODE_LANES,
    .lane_bytes = 4,
    .one = one,
    .one_short = one_short,
    .tiles = tiles,
};

#if RS_CODE_KERNEL_AVXVNNI
/* Asked of the processor itself: clang knows no name for it before 18. That the system keeps the
 * registers is AVX2's question. */
static int has_avxvnni(void)
{
    unsigned a, b, c, d;

    return __builtin_cpu_supports("avx2") && __get_cpuid_count(7, 1, &a, &b, &c, &d) &&
           (a & 1u << 4) != 0;
}
#endif

const struct rs_code_kernel *rs_code_kernel_get(uint32_t index)
{
    const struct rs_code_kernel *kernels[6];
    uint32_t n = 0;

#if RS_CODE_KERNEL_AMX
    if (rs_code_kernel_has_amx())
        kernels[n++] = &rs_code_kernel_amx;
#endif
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512dq"))
        kernels[n++] = &rs_code_kernel_avx512vnni;
#if RS_CODE_KERNEL_AVXVNNI
    if (has_avxvnni())
        kernels[n++] = &rs_code_kernel_avxvnni;
#endif
    if (__builtin_cpu_supports("avx2"))
        kernels[n++] = &rs_code_kernel_avx2;
#elif defined(__aarch64__)
    if ((getauxval(AT_HWCAP) & HWCAP_ASIMDDP) != 0)
        kernels[n++] = &rs_code_kernel_dotprod;
#endif
    kernels[n++] = &rs_code_kernel_portable;
    return index < n ? kernels[index] : NULL;
}

const struct rs_code_kernel *rs_code_kernel_choose(int many)
{
    uint32_t index = 0;

    while (!many && rs_code_kernel_get(index)->lanes > RS_CODE_LANES)
        index++;
    const struct rs_code_kernel *best = rs_code_kernel_get(index);
    return best == &rs_code_kernel_portable ? NULL : best;
}
