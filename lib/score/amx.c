/* lib/score/amx.c - the process asks for AMX's registers: see recsys_amx_use().
 *
 * The registers belong to the process and not to a scorer, and asking changes what the process may
 * do with signal stacks. So the library never asks by itself (docs/decisions).
 */
#include <errno.h>

#include "lib/base/error.h"
#include "lib/score/code_kernel.h"
#include "recsys/scorer.h"

recsys_status recsys_amx_use(recsys_error *err)
{
    int result = rs_code_kernel_allow_amx();

    if (result == 0)
        return RECSYS_OK;
    if (result == ENOSPC)
        return rs_error(err, RECSYS_E_STATE,
                        "recsys_amx_use: the signal stack of a thread is smaller than "
                        "sysconf(_SC_MINSIGSTKSZ); call recsys_amx_use() before it is set up, or "
                        "make it larger");
    return rs_error(err, RECSYS_E_UNSUPPORTED,
                    "recsys_amx_use: there is no AMX for bytes: the processor, the system (Linux "
                    "from 5.16) or the compiler of this library does not know it; scans go on "
                    "with other kernels");
}
