/* daemon/auth/keys.c - who may call.
 *
 * A presented key is hashed and its digest compared with every stored digest
 * to the end, with OpenSSL's constant-time compare: the time taken says
 * nothing about which key, or how much of it, was right.
 *
 * Loaded once before the server starts; then only read.
 */
#include "daemon/auth/keys.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/sha.h>

#define MAX_KEYS 1024u
#define MAX_LINE 512u
#define MIN_KEY 8u
#define MAX_KEY 255u

static struct rd_digest digest(const char *text)
{
    struct rd_digest out;

    (void)SHA256((const unsigned char *)text, strlen(text), out.bytes);
    return out;
}

/* The next key of the file in `line`; false at its end. */
static bool next_key(FILE *file, char line[MAX_LINE])
{
    while (fgets(line, MAX_LINE, file) != NULL) {
        size_t size = strcspn(line, "\r\n");

        while (size > 0 && (line[size - 1] == ' ' || line[size - 1] == '\t'))
            size--;
        line[size] = '\0';
        if (size > 0 && line[0] != '#')
            return true;
    }
    return false;
}

static bool add_key(struct rd_auth *auth, const char *key, const char *path, char *message,
                    size_t message_size)
{
    if (strlen(key) < MIN_KEY || strlen(key) > MAX_KEY || strpbrk(key, " \t") != NULL) {
        (void)snprintf(message, message_size,
                       "%s: a key must have %u to %u characters and no spaces", path, MIN_KEY,
                       MAX_KEY);
        return false;
    }
    if (auth->n_keys == MAX_KEYS) {
        (void)snprintf(message, message_size, "%s: more than %u keys", path, MAX_KEYS);
        return false;
    }
    auth->keys[auth->n_keys++] = digest(key);
    return true;
}

static bool load_keys(struct rd_auth *auth, const char *path, char *message, size_t message_size)
{
    char line[MAX_LINE];
    FILE *file = fopen(path, "re");
    bool ok = true;

    if (file == NULL) {
        (void)snprintf(message, message_size, "cannot open api_keys_file %s: %s", path,
                       strerror(errno));
        return false;
    }
    auth->keys = calloc(MAX_KEYS, sizeof *auth->keys);
    if (auth->keys == NULL) {
        (void)snprintf(message, message_size, "out of memory");
        ok = false;
    }
    while (ok && next_key(file, line))
        ok = add_key(auth, line, path, message, message_size);
    if (ok && auth->n_keys == 0) {
        (void)snprintf(message, message_size, "api_keys_file %s has no key in it", path);
        ok = false;
    }
    OPENSSL_cleanse(line, sizeof line);
    (void)fclose(file);
    return ok;
}

static bool load_admin(struct rd_auth *auth, const char *path, char *message, size_t message_size)
{
    char line[MAX_LINE];
    FILE *file = fopen(path, "re");
    bool ok;

    if (file == NULL) {
        (void)snprintf(message, message_size, "cannot open admin_token_file %s: %s", path,
                       strerror(errno));
        return false;
    }
    ok = next_key(file, line) && strlen(line) >= MIN_KEY;
    if (ok)
        auth->admin = digest(line);
    else
        (void)snprintf(
            message, message_size,
            "admin_token_file %s: its first line must be a token of at least %u characters", path,
            MIN_KEY);
    auth->has_admin = ok;
    OPENSSL_cleanse(line, sizeof line);
    (void)fclose(file);
    return ok;
}

static bool load_jwt(struct rd_auth *auth, const struct rd_config *config, char *message,
                     size_t message_size)
{
    if (!rd_jwt_load(&auth->jwt, config->jwt_secret_file, config->jwt_public_key_file, message,
                     message_size))
        return false;
    auth->jwt.issuer = config->jwt_issuer[0] != '\0' ? config->jwt_issuer : NULL;
    auth->jwt.audience = config->jwt_audience[0] != '\0' ? config->jwt_audience : NULL;
    auth->jwt.leeway_s = config->jwt_leeway_s;
    return true;
}

bool rd_auth_load(struct rd_auth *auth, const struct rd_config *config, char *message,
                  size_t message_size)
{
    memset(auth, 0, sizeof *auth);
    if (config->admin_token[0] != '\0') {
        if (strlen(config->admin_token) < MIN_KEY) {
            (void)snprintf(message, message_size, "admin_token must have at least %u characters",
                           MIN_KEY);
            return false;
        }
        auth->admin = digest(config->admin_token);
        auth->has_admin = true;
    } else if (config->admin_token_file[0] != '\0' &&
               !load_admin(auth, config->admin_token_file, message, message_size)) {
        return false;
    }
    return (config->api_keys_file[0] == '\0' ||
            load_keys(auth, config->api_keys_file, message, message_size)) &&
           load_jwt(auth, config, message, message_size);
}

void rd_auth_free(struct rd_auth *auth)
{
    free(auth->keys);
    rd_jwt_free(&auth->jwt);
    memset(auth, 0, sizeof *auth);
}

bool rd_auth_is_on(const struct rd_auth *auth)
{
    return auth->n_keys > 0 || rd_jwt_is_on(&auth->jwt);
}

bool rd_auth_is_key(const struct rd_auth *auth, const char *key, struct rd_digest *presented)
{
    int found = 0;

    if (key == NULL)
        return false;
    *presented = digest(key);
    for (size_t i = 0; i < auth->n_keys; i++)
        found |= CRYPTO_memcmp(&auth->keys[i], presented, sizeof *presented) == 0;
    return found != 0;
}

bool rd_auth_is_admin(const struct rd_auth *auth, const char *token)
{
    struct rd_digest presented;

    if (token == NULL || !auth->has_admin)
        return false;
    presented = digest(token);
    return CRYPTO_memcmp(&auth->admin, &presented, sizeof presented) == 0;
}
