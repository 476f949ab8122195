/* lib/base/real.h - doubles as text and back, whatever the host's locale. */
#ifndef RS_BASE_REAL_H
#define RS_BASE_REAL_H

#include <stddef.h>

/* Enough for any double and its NUL. */
#define RS_REAL_SIZE 40

/* As few digits as read back the same: 1, 0.1, 1e+300. `value` is finite. */
void rs_real_write_shortest(double value, char out[RS_REAL_SIZE]);

/* The same with a point or an exponent, so that it
 * stays recognisable as a real: 1.0, -0.0, 0.1, 1e+300. `value` is finite. */
void rs_real_write(double value, char out[RS_REAL_SIZE]);

/* The nearest double of a decimal number as rs_real_write() or JSON writes it.
 * 0 if `text` is something else; what is too large becomes an infinity. */
int rs_real_read(const char *text, size_t size, double *out);

#endif
