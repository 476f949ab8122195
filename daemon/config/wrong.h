/* daemon/config/wrong.h - how a function of type bool says what is wrong with a setting. */
#ifndef RECSYSD_WRONG_H
#define RECSYSD_WRONG_H

#include "lib/base/error.h"

/* rd_wrong(err, format, ...) writes the message and is false. */
#define rd_wrong(err, ...) (rs_error((err), RECSYS_E_INVALID, __VA_ARGS__) == RECSYS_OK)

#endif
