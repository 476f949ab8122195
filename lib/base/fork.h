/* lib/base/fork.h - has this process been forked since? */
#ifndef RS_BASE_FORK_H
#define RS_BASE_FORK_H

#include <stdatomic.h>
#include <stdint.h>

#include "lib/base/lock.h"
#include "recsys/status.h"

/* How many forks lie between the process that loaded the library and this one.
 * An object that owns threads or sockets remembers the number at its creation:
 * another number means that they are the parent's. Any thread; a load. */
uint32_t rs_fork_count(void);

/* E_STATE if `remembered` is not the present number. `what`: "recsys_scorer_top_k:
 * a scorer with helper threads". */
recsys_status rs_fork_check(uint32_t remembered, const char *what, recsys_error *err);

/*
 * For what lives as long as the process, when the library is loaded: whoever
 * forks takes `lock` before and waits until `*n_inside` is 0, so a child finds
 * nobody in the middle of something, whose thread it does not have. Not for a
 * lock under which a callback runs.
 */
void rs_fork_protect(struct rs_lock *lock, atomic_uint *n_inside);

#endif
