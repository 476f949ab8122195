/* daemon/auth/jwt.c - checks a token: form, signature, then claims.
 *
 * There is one kind of key and so one algorithm, and a token must name exactly this algorithm. So
 * the attacks with "none" and with a public key as HMAC secret are impossible (RFC 8725 3.1). The
 * signature is checked before any claim is read. Only the canonical form of base64url is accepted,
 * so that a token cannot be written in two ways. A token without jti or exp is refused, because it
 * could never be revoked.
 *
 * This file has no state, reads no clock and knows no HTTP.
 */
#include "daemon/auth/jwt.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>

#include "daemon/auth/revoked_until.h"
#include "daemon/config/wrong.h"
#include "daemon/http/json_read.h"
#include "lib/base/utf8.h"

#define MIN_SECRET 32u /* as many bytes as the hash has (RFC 7518 3.2) */
#define MAX_SECRET 4096u
#define MIN_RSA_BITS 2048
#define MAX_PEM 16384u /* a key of 16384 bits has 3 KB */
#define MAX_TIME ((double)RD_MAX_TIME_S)

struct part {
    const char *text;
    size_t size;
};

/* The parts of one token. */
struct token {
    struct part signed_part; /* header.payload, as they came */
    struct part header, payload, signature;
};

/* Text without its byte order mark and the end of its line; other bytes may begin with EF BB BF. */
static size_t trim_secret(unsigned char *secret, size_t size)
{
    const char *text = (const char *)secret;
    size_t mark = rs_utf8_is_valid(text, size) ? rs_utf8_mark_size(text, size) : 0;

    size -= mark;
    memmove(secret, secret + mark, size);
    if (size > 0 && secret[size - 1] == '\n')
        size--;
    if (size > 0 && secret[size - 1] == '\r')
        size--;
    return size;
}

static bool load_secret(struct rd_jwt_key *key, const char *path, recsys_error *err)
{
    FILE *file = fopen(path, "re");
    size_t size;

    if (file == NULL)
        return rd_wrong(err, "cannot open jwt_secret_file %s: %s", path, strerror(errno));
    key->secret = malloc(MAX_SECRET + 1);
    size = key->secret != NULL ? fread(key->secret, 1, MAX_SECRET + 1, file) : 0;
    (void)fclose(file);
    size = size > 0 ? trim_secret(key->secret, size) : 0;
    if (size < MIN_SECRET || size > MAX_SECRET)
        return rd_wrong(err,
                        "jwt_secret_file %s must hold %u to %u bytes; try openssl rand -hex 32",
                        path, MIN_SECRET, MAX_SECRET);
    key->secret_size = size;
    return true;
}

static EVP_PKEY *read_public_key(FILE *file)
{
    char text[MAX_PEM];
    size_t size = fread(text, 1, sizeof text, file), mark = rs_utf8_mark_size(text, size);
    BIO *bio = BIO_new_mem_buf(text + mark, (int)(size - mark));
    EVP_PKEY *key = bio != NULL ? PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL) : NULL;

    (void)BIO_free(bio);
    ERR_clear_error();
    return key;
}

static bool load_public_key(struct rd_jwt_key *key, const char *path, recsys_error *err)
{
    FILE *file = fopen(path, "re");

    if (file == NULL)
        return rd_wrong(err, "cannot open jwt_public_key_file %s: %s", path, strerror(errno));
    key->public_key = read_public_key(file);
    (void)fclose(file);
    if (key->public_key == NULL)
        return rd_wrong(
            err, "jwt_public_key_file %s is no public key in PEM (-----BEGIN PUBLIC KEY-----)",
            path);
    if (EVP_PKEY_base_id(key->public_key) == EVP_PKEY_RSA &&
        EVP_PKEY_bits(key->public_key) >= MIN_RSA_BITS)
        return true;
    EVP_PKEY_free(key->public_key);
    key->public_key = NULL;
    return rd_wrong(err, "jwt_public_key_file %s must be an RSA key of at least %d bits", path,
                    MIN_RSA_BITS);
}

static bool load_key(struct rd_jwt_key *key, const struct rd_jwt_files *files, recsys_error *err)
{
    bool has_secret = files->secret[0] != '\0', has_key = files->public_key[0] != '\0';

    if (has_secret && has_key)
        return rd_wrong(
            err, "set jwt_secret_file or jwt_public_key_file, not both: one key, one algorithm");
    if (has_secret)
        return load_secret(key, files->secret, err);
    return !has_key || load_public_key(key, files->public_key, err);
}

static bool is_set(const struct rd_jwt_key *key)
{
    return key->secret_size > 0 || key->public_key != NULL;
}

/* Before and after a rotation there is none, but the setting may stay. */
static bool is_empty(const char *path)
{
    struct stat about;

    return path[0] != '\0' && (stat(path, &about) != 0 ? errno == ENOENT : about.st_size == 0);
}

static bool load_old_key(struct rd_jwt_key *key, const struct rd_jwt_files *files,
                         recsys_error *err)
{
    const struct rd_jwt_files there = {is_empty(files->secret) ? "" : files->secret,
                                       is_empty(files->public_key) ? "" : files->public_key};

    return load_key(key, &there, err);
}

bool rd_jwt_load(struct rd_jwt_keys *keys, const struct rd_jwt_files *now,
                 const struct rd_jwt_files *old, recsys_error *err)
{
    memset(keys, 0, sizeof *keys);
    if (!load_key(&keys->now, now, err) || !load_old_key(&keys->old, old, err))
        return false;
    return !is_set(&keys->old) ||
           (is_set(&keys->now) &&
            (keys->now.public_key != NULL) == (keys->old.public_key != NULL)) ||
           rd_wrong(err, "the old key of a rotation must be of the same kind as the new one: set "
                         "jwt_old_secret_file with jwt_secret_file, and jwt_old_public_key_file "
                         "with jwt_public_key_file");
}

static void free_key(struct rd_jwt_key *key)
{
    if (key->secret != NULL)
        OPENSSL_cleanse(key->secret, key->secret_size);
    free(key->secret);
    EVP_PKEY_free(key->public_key);
}

void rd_jwt_free(struct rd_jwt_keys *keys)
{
    free_key(&keys->now);
    free_key(&keys->old);
    memset(keys, 0, sizeof *keys);
}

bool rd_jwt_is_on(const struct rd_jwt_keys *keys)
{
    return is_set(&keys->now);
}

static bool split(const char *text, size_t size, struct token *token)
{
    const char *first = memchr(text, '.', size), *second = NULL, *end = text + size;

    if (first != NULL)
        second = memchr(first + 1, '.', (size_t)(end - first) - 1);
    if (second == NULL || memchr(second + 1, '.', (size_t)(end - second) - 1) != NULL)
        return false;
    token->signed_part = (struct part){text, (size_t)(second - text)};
    token->header = (struct part){text, (size_t)(first - text)};
    token->payload = (struct part){first + 1, (size_t)(second - first) - 1};
    token->signature = (struct part){second + 1, (size_t)(end - second) - 1};
    return token->header.size > 0 && token->payload.size > 0;
}

bool rd_jwt_looks_like(const char *text, size_t size)
{
    struct token token;

    return split(text, size, &token);
}

static int value_of(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '-' ? 62 : c == '_' ? 63 : -1;
}

/* base64url without padding; bits that are left over must be zero. `out` has 3/4 of the room. */
static bool decode(struct part part, unsigned char *out, size_t *out_size)
{
    unsigned bits = 0, n_bits = 0;
    size_t n = 0;

    for (size_t i = 0; i < part.size; i++) {
        int value = value_of(part.text[i]);

        if (value < 0)
            return false;
        bits = (bits << 6 | (unsigned)value) & 0xffffu;
        n_bits += 6;
        if (n_bits >= 8) {
            n_bits -= 8;
            out[n++] = (unsigned char)(bits >> n_bits);
        }
    }
    *out_size = n;
    return n_bits < 6 && (bits & ((1u << n_bits) - 1u)) == 0;
}

static json_t *read_object(struct part part)
{
    unsigned char bytes[RD_JWT_MAX];
    struct rd_json_error error;
    size_t size;
    json_t *object;

    if (!decode(part, bytes, &size))
        return NULL;
    object = rd_json_read((const char *)bytes, size,
                          JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL, &error);
    if (json_is_object(object))
        return object;
    json_decref(object);
    return NULL;
}

static bool is_text(const json_t *value, const char *text)
{
    return json_is_string(value) && strcmp(json_string_value(value), text) == 0;
}

static bool check_header(const struct rd_jwt_keys *keys, struct part part, recsys_error *err)
{
    const char *wanted = keys->now.public_key != NULL ? "RS256" : "HS256";
    json_t *header = read_object(part);
    bool ok;

    if (header == NULL)
        return rd_wrong(err, "its header is not a JSON object in base64url");
    if (!is_text(json_object_get(header, "alg"), wanted))
        ok = rd_wrong(err, "its alg must be %s", wanted);
    else if (json_object_get(header, "crit") != NULL)
        ok = rd_wrong(err, "its header demands what is not understood (crit)");
    else
        ok = true;
    json_decref(header);
    return ok;
}

static bool check_hmac(const struct rd_jwt_key *key, struct part text,
                       const unsigned char *signature, size_t size)
{
    unsigned char expected[EVP_MAX_MD_SIZE];
    unsigned expected_size = 0;

    return HMAC(EVP_sha256(), key->secret, (int)key->secret_size, (const unsigned char *)text.text,
                text.size, expected, &expected_size) != NULL &&
           size == expected_size && CRYPTO_memcmp(expected, signature, size) == 0;
}

static bool check_rsa(const struct rd_jwt_key *key, struct part text,
                      const unsigned char *signature, size_t size)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool ok = context != NULL &&
              EVP_DigestVerifyInit(context, NULL, EVP_sha256(), NULL, key->public_key) == 1 &&
              EVP_DigestVerify(context, signature, size, (const unsigned char *)text.text,
                               text.size) == 1;

    EVP_MD_CTX_free(context);
    ERR_clear_error(); /* OpenSSL has put an error into this thread's queue */
    return ok;
}

static bool is_signed_by(const struct rd_jwt_key *key, struct part text,
                         const unsigned char *signature, size_t size)
{
    if (key->public_key != NULL)
        return check_rsa(key, text, signature, size);
    return key->secret_size > 0 && check_hmac(key, text, signature, size);
}

static bool check_signature(const struct rd_jwt_keys *keys, const struct token *token,
                            recsys_error *err)
{
    unsigned char signature[RD_JWT_MAX];
    size_t size;

    if (decode(token->signature, signature, &size) &&
        (is_signed_by(&keys->now, token->signed_part, signature, size) ||
         is_signed_by(&keys->old, token->signed_part, signature, size)))
        return true;
    return rd_wrong(err, "its signature is wrong");
}

/* A NumericDate: seconds since 1970, perhaps with a fraction. */
static bool read_time(const json_t *value, double *out)
{
    if (!json_is_number(value))
        return false;
    *out = json_number_value(value);
    return isfinite(*out) && *out >= 0.0 && *out <= MAX_TIME;
}

static bool check_times(const struct rd_jwt_keys *keys, const json_t *payload, uint64_t now_s,
                        struct rd_jwt_claims *claims, recsys_error *err)
{
    const json_t *not_before = json_object_get(payload, "nbf");
    const json_t *issued = json_object_get(payload, "iat");
    double now = (double)now_s, leeway = (double)keys->leeway_s, time;

    if (!read_time(json_object_get(payload, "exp"), &time))
        return rd_wrong(err, "it needs a time exp at which it expires, before the year 10000");
    if (now >= time + leeway)
        return rd_wrong(err, "it has expired");
    claims->expires_s = (uint64_t)ceil(time);
    if (not_before != NULL && (!read_time(not_before, &time) || now + leeway < time))
        return rd_wrong(err, "it is not valid yet (nbf)");
    if (issued != NULL && (!read_time(issued, &time) || now + leeway < time))
        return rd_wrong(err, "it was issued in the future (iat)");
    claims->issued_s = issued != NULL ? (uint64_t)time : 0;
    return true;
}

static bool contains(const json_t *list, const char *text)
{
    for (size_t i = 0; i < json_array_size(list); i++)
        if (is_text(json_array_get(list, i), text))
            return true;
    return false;
}

static bool check_audience(const struct rd_jwt_keys *keys, const json_t *payload, recsys_error *err)
{
    const json_t *issuer = json_object_get(payload, "iss"),
                 *audience = json_object_get(payload, "aud");

    if (keys->issuer != NULL && !is_text(issuer, keys->issuer))
        return rd_wrong(err, "its iss is another one");
    if (keys->audience == NULL) /* a token with an aud is for others (RFC 7519 4.1.3) */
        return audience == NULL || rd_wrong(err, "it has an aud and none is expected here");
    return is_text(audience, keys->audience) || contains(audience, keys->audience) ||
           rd_wrong(err, "its aud is another one");
}

static bool copy_text(const json_t *value, char out[RD_JWT_TEXT])
{
    const char *text = json_string_value(value);
    size_t size = text != NULL ? json_string_length(value) : 0;

    if (size == 0 || size >= RD_JWT_TEXT)
        return false;
    memcpy(out, text, size + 1);
    return true;
}

/* OAuth's scope: words with spaces between. */
static bool has_word(const char *text, const char *word)
{
    size_t size = strlen(word);

    while (text != NULL && *text != '\0') {
        size_t n = strcspn(text, " ");

        if (n == size && strncmp(text, word, n) == 0)
            return true;
        text += n + strspn(text + n, " ");
    }
    return false;
}

static bool says_admin(const json_t *payload)
{
    return is_text(json_object_get(payload, "role"), "admin") ||
           is_text(json_object_get(payload, "roles"), "admin") ||
           contains(json_object_get(payload, "roles"), "admin") ||
           has_word(json_string_value(json_object_get(payload, "scope")), "admin") ||
           contains(json_object_get(payload, "scope"), "admin") ||
           json_is_true(json_object_get(payload, "admin"));
}

static bool check_payload(const struct rd_jwt_keys *keys, struct part part, uint64_t now_s,
                          struct rd_jwt_claims *claims, recsys_error *err)
{
    json_t *payload = read_object(part);
    bool ok;

    if (payload == NULL)
        return rd_wrong(err, "its payload is not a JSON object in base64url");
    ok = check_times(keys, payload, now_s, claims, err) && check_audience(keys, payload, err) &&
         (copy_text(json_object_get(payload, "sub"), claims->subject) ||
          rd_wrong(err, "it needs a sub of 1 to %u bytes", RD_JWT_TEXT - 1)) &&
         (copy_text(json_object_get(payload, "jti"), claims->jti) ||
          rd_wrong(err, "it needs a jti of 1 to %u bytes, else it could not be revoked",
                   RD_JWT_TEXT - 1));
    claims->is_admin = ok && says_admin(payload);
    json_decref(payload);
    return ok;
}

bool rd_jwt_check(const struct rd_jwt_keys *keys, const char *token, size_t size, uint64_t now_s,
                  struct rd_jwt_claims *claims, recsys_error *err)
{
    struct token parts;

    memset(claims, 0, sizeof *claims);
    if (!rd_jwt_is_on(keys))
        return rd_wrong(err, "no key to check it with is configured");
    if (size > RD_JWT_MAX)
        return rd_wrong(err, "it is larger than %u bytes", RD_JWT_MAX);
    if (!split(token, size, &parts))
        return rd_wrong(err, "it is not made of three parts");
    if (check_header(keys, parts.header, err) && check_signature(keys, &parts, err) &&
        check_payload(keys, parts.payload, now_s, claims, err))
        return true;
    memset(claims, 0, sizeof *claims);
    return false;
}
