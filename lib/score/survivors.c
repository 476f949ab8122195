/* lib/score/survivors.c - choose the function for this processor. See survivors.h. */
#include "lib/score/survivors.h"

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
