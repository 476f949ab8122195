/* lib/base/log.h - say something through the host's log hook. */
#ifndef RS_BASE_LOG_H
#define RS_BASE_LOG_H

#include "recsys/log.h"

/* One line, no newline, cut at 512 bytes. Nothing happens without a hook. */
void rs_log(int32_t level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
