/* daemon/auth/jwt.h - JSON Web Tokens (RFC 7519), checked and not made. */
#ifndef RECSYSD_JWT_H
#define RECSYSD_JWT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <recsys/status.h>

#define RD_JWT_MAX 8192u /* bytes of a token; larger ones are refused unread */
#define RD_JWT_TEXT 256u /* of sub and jti, the NUL included */

struct evp_pkey_st;

/* One of the two is set, or neither; it decides the algorithm. */
struct rd_jwt_key {
    unsigned char *secret; /* of HS256 */
    size_t secret_size;
    struct evp_pkey_st *public_key; /* of RS256 */
};

/* The keys and claims that a token must match. While keys are rotated there is an old one, too. */
struct rd_jwt_keys {
    struct rd_jwt_key now, old;
    const char *issuer, *audience; /* NULL: not checked. BORROWED */
    uint64_t leeway_s;
};

struct rd_jwt_claims {
    char subject[RD_JWT_TEXT], jti[RD_JWT_TEXT];
    uint64_t expires_s; /* since 1970; without the leeway */
    uint64_t issued_s;  /* its iat, a fraction cut off; 0: it has none */
    bool is_admin;      /* role, roles or scope say admin, or "admin" is true */
};

/* Paths; "": none. Not both may be given. */
struct rd_jwt_files {
    const char *secret, *public_key;
};

/* Read the keys from their files. On failure `err` says what to do. Free in any case. */
bool rd_jwt_load(struct rd_jwt_keys *keys, const struct rd_jwt_files *now,
                 const struct rd_jwt_files *old, recsys_error *err);
void rd_jwt_free(struct rd_jwt_keys *keys);
bool rd_jwt_is_on(const struct rd_jwt_keys *keys);

/* Does the text have the form of a token: three parts with dots between? */
bool rd_jwt_looks_like(const char *text, size_t size);

/*
 * Check signature and claims of the `size` bytes at `token`; `now_s` is since 1970. On failure
 * `err` says why, in words that the client may see. The result depends on the arguments only.
 */
bool rd_jwt_check(const struct rd_jwt_keys *keys, const char *token, size_t size, uint64_t now_s,
                  struct rd_jwt_claims *claims, recsys_error *err);

#endif
