/* daemon/backends/write_wait.h - waits until a committed change is seen by every process. */
#ifndef RECSYSD_WRITE_WAIT_H
#define RECSYSD_WRITE_WAIT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <recsys/domain.h>

/* Set before the server starts. */
struct rd_write_wait {
    recsys_domains *domains;            /* BORROWED */
    uint32_t wait_ms;                   /* for the caches to learn of a change; 0 = do not wait */
    const _Atomic uint32_t *has_outbox; /* writes are in the outbox of the database, too */
};

/*
 * The change is committed. Until its invalidations have reached Redis, another process may read the
 * old value there; a client that was told of the change would see it undone. False: logged for
 * `path`; that may still happen.
 */
bool rd_write_wait_for_caches(const struct rd_write_wait *wait, const char *path);

#endif
