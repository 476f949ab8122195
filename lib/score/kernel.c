/* lib/score/kernel.c - choose the kernel for this processor. */
#include "lib/score/kernel.h"

#include <stddef.h>

const struct rs_kernel *rs_kernel_choose(void)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f"))
        return &rs_kernel_avx512;
#endif
    return NULL;
}
