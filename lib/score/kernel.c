/* lib/score/kernel.c - which kernels this processor runs. */
#include "lib/score/kernel.h"

#include <stddef.h>

const struct rs_kernel *rs_kernel_get(uint32_t index)
{
    const struct rs_kernel *kernels[3];
    uint32_t n = 0;

#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f"))
        kernels[n++] = &rs_kernel_avx512;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        kernels[n++] = &rs_kernel_avx2;
#elif defined(__aarch64__)
    kernels[n++] = &rs_kernel_neon;
#endif
    kernels[n] = NULL;
    return index < n ? kernels[index] : NULL;
}
