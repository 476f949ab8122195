/* daemon/auth/keyring.c - exchanges the keys for those that the files have now.
 *
 * A request uses the keys that it has taken until it gives them back, so the old ones are freed by
 * the last request that has them.
 */
#include "daemon/auth/keyring.h"

#include <stdlib.h>

#include "daemon/config/wrong.h"

static void drop(struct rd_keys *keys)
{
    if (keys == NULL)
        return;
    rd_keys_free(keys);
    free(keys);
}

/* With the lock held. Returns what the caller must drop() after it. */
static struct rd_keys *give(struct rd_keys *keys)
{
    return keys != NULL && --keys->n_users == 0 ? keys : NULL;
}

bool rd_keyring_load(struct rd_keyring *ring, const struct rd_config *config, recsys_error *err)
{
    struct rd_keys *keys = calloc(1, sizeof *keys), *unused;

    if (keys == NULL)
        return rd_wrong(err, "out of memory");
    if (!rd_keys_load(keys, config, err)) {
        drop(keys);
        return false;
    }
    keys->n_users = 1; /* the ring */
    rs_lock_take(&ring->lock);
    unused = give(ring->now);
    ring->now = keys;
    rs_lock_give(&ring->lock);
    drop(unused);
    return true;
}

struct rd_keys *rd_keyring_take(struct rd_keyring *ring)
{
    struct rd_keys *keys;

    rs_lock_take(&ring->lock);
    keys = ring->now;
    keys->n_users++;
    rs_lock_give(&ring->lock);
    return keys;
}

void rd_keyring_give(struct rd_keyring *ring, struct rd_keys *keys)
{
    struct rd_keys *unused;

    rs_lock_take(&ring->lock);
    unused = give(keys);
    rs_lock_give(&ring->lock);
    drop(unused);
}

void rd_keyring_free(struct rd_keyring *ring)
{
    drop(ring->now);
    ring->now = NULL;
}
