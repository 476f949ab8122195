/* daemon/auth/keys.h - API keys, the admin token and what JWTs are checked with. */
#ifndef RECSYSD_KEYS_H
#define RECSYSD_KEYS_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/auth/jwt.h"
#include "daemon/config/config.h"

struct rd_digest {
    unsigned char bytes[32];
};

/* Only digests are kept, so that neither a core file nor a timing reveals a key. */
struct rd_keys {
    struct rd_digest *digests;
    size_t n_keys;
    struct rd_digest admin;
    bool has_admin;
    struct rd_jwt_keys jwt;
    size_t n_users; /* the keyring's */
};

/* Reads the files the settings name. On failure `err` says what to do. */
bool rd_keys_load(struct rd_keys *keys, const struct rd_config *config, recsys_error *err);
void rd_keys_free(struct rd_keys *keys);

/* Do the /api routes need a key or a token? */
bool rd_keys_is_on(const struct rd_keys *keys);

/* Both take constant time for a given number of keys. NULL is no key. `presented` receives its
 * digest. */
bool rd_keys_has(const struct rd_keys *keys, const char *key, struct rd_digest *presented);
bool rd_keys_is_admin(const struct rd_keys *keys, const char *token);

#endif
