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

/* Only digests are kept, so that neither a core file nor a timing tells a key. */
struct rd_auth {
    struct rd_digest *keys;
    size_t n_keys;
    struct rd_digest admin;
    bool has_admin;
    struct rd_jwt_keys jwt;
};

/* Reads the files the settings name. On failure `message` says what to do. */
bool rd_auth_load(struct rd_auth *auth, const struct rd_config *config, char *message,
                  size_t message_size);
void rd_auth_free(struct rd_auth *auth);

/* Are the /api routes closed to strangers? */
bool rd_auth_is_on(const struct rd_auth *auth);

/* Both take constant time for a given number of keys. NULL is no key. `presented` receives its
 * digest. */
bool rd_auth_is_key(const struct rd_auth *auth, const char *key, struct rd_digest *presented);
bool rd_auth_is_admin(const struct rd_auth *auth, const char *token);

#endif
