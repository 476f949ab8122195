/* lib/base/cores.h - how many processor cores this process may use. */
#ifndef RS_BASE_CORES_H
#define RS_BASE_CORES_H

#include <stdint.h>

/* At least 1; at most 256, the most threads of a scorer. */
uint32_t rs_cores(void);

#endif
