/* lib/base/log.h - send a line to the host's log hook. */
#ifndef RS_BASE_LOG_H
#define RS_BASE_LOG_H

#include "recsys/log.h"

/* One line, no newline, cut at 512 bytes. Nothing happens without a hook. */
void rs_log(int32_t level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A finished line to the hook, if there is one that wants this level; RECSYS_LOG_TRACE always. */
void rs_log_hand_over(int32_t level, const char *line);

#endif
