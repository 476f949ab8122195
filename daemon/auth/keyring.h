/* daemon/auth/keyring.h - the keys that are valid now; they can be read again while requests run.
 */
#ifndef RECSYSD_KEYRING_H
#define RECSYSD_KEYRING_H

#include "daemon/auth/keys.h"
#include "lib/base/lock.h"

/* RS_LOCK_INIT for `lock`, then rd_keyring_load(). */
struct rd_keyring {
    struct rs_lock lock;
    struct rd_keys *now; /* protected by lock */
};

/* Read the files that the settings name. False: `err` says what to do, and the keys that there were
 * stay valid. */
bool rd_keyring_load(struct rd_keyring *ring, const struct rd_config *config, recsys_error *err);
/* The keys for one request; never NULL after a load. Any thread. */
struct rd_keys *rd_keyring_take(struct rd_keyring *ring);
void rd_keyring_give(struct rd_keyring *ring, struct rd_keys *keys);
void rd_keyring_free(struct rd_keyring *ring);

#endif
