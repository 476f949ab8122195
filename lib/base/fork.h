/* lib/base/fork.h - has this process been forked since? */
#ifndef RS_BASE_FORK_H
#define RS_BASE_FORK_H

#include <stdint.h>

#include "recsys/status.h"

/* How many forks lie between the process that loaded the library and this one.
 * An object that owns threads or sockets remembers the number at its creation:
 * another number means that they are the parent's. Any thread; a load. */
uint32_t rs_fork_count(void);

/* E_STATE if `remembered` is not the present number. `what`: "recsys_scorer_top_k:
 * a scorer with helper threads". */
recsys_status rs_fork_check(uint32_t remembered, const char *what, recsys_error *err);

#endif
