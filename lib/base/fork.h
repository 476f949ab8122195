/* lib/base/fork.h - has this process been forked since? */
#ifndef RS_BASE_FORK_H
#define RS_BASE_FORK_H

#include <stdatomic.h>
#include <stdint.h>

#include "lib/base/lock.h"
#include "recsys/status.h"

/* The number of forks between the process that loaded the library and this one. An object that
 * owns threads or sockets keeps the number of its creation: if the number has changed, they
 * belong to the parent. Any thread; one load. */
uint32_t rs_fork_count(void);

/* E_STATE if `remembered` is not the present number. `what`: "recsys_scorer_top_k:
 * a scorer with helper threads". */
recsys_status rs_fork_check(uint32_t remembered, const char *what, recsys_error *err);

/*
 * Register a lock that lives as long as the process, while the library is loaded. A thread that
 * forks takes `lock` before the fork and waits until `*n_inside` is 0. So no thread is in the
 * middle of its work at the fork: the child does not have that thread. Not for a lock under which a
 * callback runs.
 */
void rs_fork_protect(struct rs_lock *lock, atomic_uint *n_inside);

#endif
