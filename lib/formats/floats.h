/* lib/formats/floats.h - numbers of a file's type as floats. */
#ifndef RS_FORMATS_FLOATS_H
#define RS_FORMATS_FLOATS_H

#include <stddef.h>
#include <stdint.h>

/* n numbers of RECSYS_DTYPE_F32, F64, F16 or BF16 as floats. A number beyond
 * float's range becomes infinite, which the checks of the rows find. */
void rs_floats_read(const void *from, uint32_t dtype, size_t n, float *to);

#endif
