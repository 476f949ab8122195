/* daemon/auth/keys.c - API keys and the admin token, read from files and compared.
 *
 * A presented key is hashed and its digest compared with every stored digest to the end, with
 * OpenSSL's constant-time compare: the time that this takes does not depend on which key, or how
 * much of it, was right.
 *
 * Once loaded they are only read; keyring.c exchanges them for others.
 */
#include "daemon/auth/keys.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/sha.h>

#include "daemon/config/wrong.h"
#include "lib/base/utf8.h"

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

/* The next key of the file in `line`; false at its end. *n_lines, at first 0, are read. */
static bool next_key(FILE *file, char line[MAX_LINE], size_t *n_lines)
{
    while (fgets(line, MAX_LINE, file) != NULL) {
        size_t mark = ++*n_lines == 1 ? rs_utf8_mark_size(line, strlen(line)) : 0;
        size_t size = strcspn(line + mark, "\r\n");

        memmove(line, line + mark, strlen(line + mark) + 1);
        while (size > 0 && (line[size - 1] == ' ' || line[size - 1] == '\t'))
            size--;
        line[size] = '\0';
        if (size > 0 && line[0] != '#')
            return true;
    }
    return false;
}

static bool add_key(struct rd_keys *keys, const char *key, const char *path, recsys_error *err)
{
    if (strlen(key) < MIN_KEY || strlen(key) > MAX_KEY || strpbrk(key, " \t") != NULL)
        return rd_wrong(err, "%s: a key must have %u to %u characters and no spaces", path, MIN_KEY,
                        MAX_KEY);
    if (keys->n_keys == MAX_KEYS)
        return rd_wrong(err, "%s: more than %u keys", path, MAX_KEYS);
    keys->digests[keys->n_keys++] = digest(key);
    return true;
}

static bool load_keys(struct rd_keys *keys, const char *path, recsys_error *err)
{
    char line[MAX_LINE];
    FILE *file = fopen(path, "re");
    size_t n_lines = 0;
    bool ok;

    if (file == NULL)
        return rd_wrong(err, "cannot open api_keys_file %s: %s", path, strerror(errno));
    keys->digests = calloc(MAX_KEYS, sizeof *keys->digests);
    ok = keys->digests != NULL || rd_wrong(err, "out of memory");
    while (ok && next_key(file, line, &n_lines))
        ok = add_key(keys, line, path, err);
    if (ok && keys->n_keys == 0)
        ok = rd_wrong(err, "api_keys_file %s has no key in it", path);
    OPENSSL_cleanse(line, sizeof line);
    (void)fclose(file);
    return ok;
}

static bool load_admin(struct rd_keys *keys, const char *path, recsys_error *err)
{
    char line[MAX_LINE];
    FILE *file = fopen(path, "re");
    size_t n_lines = 0;
    bool ok;

    if (file == NULL)
        return rd_wrong(err, "cannot open admin_token_file %s: %s", path, strerror(errno));
    ok = next_key(file, line, &n_lines) && strlen(line) >= MIN_KEY;
    if (ok)
        keys->admin = digest(line);
    else
        (void)rd_wrong(
            err, "admin_token_file %s: its first line must be a token of at least %u characters",
            path, MIN_KEY);
    keys->has_admin = ok;
    OPENSSL_cleanse(line, sizeof line);
    (void)fclose(file);
    return ok;
}

static bool load_jwt(struct rd_keys *keys, const struct rd_config *config, recsys_error *err)
{
    const struct rd_jwt_files now = {config->jwt_secret_file, config->jwt_public_key_file};
    const struct rd_jwt_files old = {config->jwt_old_secret_file, config->jwt_old_public_key_file};

    if (!rd_jwt_load(&keys->jwt, &now, &old, err))
        return false;
    keys->jwt.issuer = config->jwt_issuer[0] != '\0' ? config->jwt_issuer : NULL;
    keys->jwt.audience = config->jwt_audience[0] != '\0' ? config->jwt_audience : NULL;
    keys->jwt.leeway_s = config->jwt_leeway_s;
    return true;
}

bool rd_keys_load(struct rd_keys *keys, const struct rd_config *config, recsys_error *err)
{
    memset(keys, 0, sizeof *keys);
    if (config->admin_token[0] != '\0') {
        if (strlen(config->admin_token) < MIN_KEY)
            return rd_wrong(err, "admin_token must have at least %u characters", MIN_KEY);
        keys->admin = digest(config->admin_token);
        keys->has_admin = true;
    } else if (config->admin_token_file[0] != '\0' &&
               !load_admin(keys, config->admin_token_file, err)) {
        return false;
    }
    return (config->api_keys_file[0] == '\0' || load_keys(keys, config->api_keys_file, err)) &&
           load_jwt(keys, config, err);
}

void rd_keys_free(struct rd_keys *keys)
{
    free(keys->digests);
    rd_jwt_free(&keys->jwt);
    memset(keys, 0, sizeof *keys);
}

bool rd_keys_is_on(const struct rd_keys *keys)
{
    return keys->n_keys > 0 || rd_jwt_is_on(&keys->jwt);
}

bool rd_keys_has(const struct rd_keys *keys, const char *key, struct rd_digest *presented)
{
    int found = 0;

    if (key == NULL)
        return false;
    *presented = digest(key);
    for (size_t i = 0; i < keys->n_keys; i++)
        found |= CRYPTO_memcmp(&keys->digests[i], presented, sizeof *presented) == 0;
    return found != 0;
}

bool rd_keys_is_admin(const struct rd_keys *keys, const char *token)
{
    struct rd_digest presented;

    if (token == NULL || !keys->has_admin)
        return false;
    presented = digest(token);
    return CRYPTO_memcmp(&keys->admin, &presented, sizeof presented) == 0;
}
