/* daemon/models/delivery.c - is a delivery of a webhook signed, new, and not here yet?
 *
 * MLflow 3 signs a delivery with HMAC-SHA256 over "<delivery id>.<timestamp>.<body>" and sends the
 * three in headers:
 *
 *   X-MLflow-Delivery-Id   a text
 *   X-MLflow-Timestamp     Unix time in seconds
 *   X-MLflow-Signature     v1,<base64 of the 32 bytes>
 */
#include "daemon/models/delivery.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "lib/base/error.h"

#define MIN_SECRET 16u
#define HASH_BYTES 32u
#define MAX_HEADER 256u

bool rd_webhook_load(struct rd_webhook *webhook, const char *path, recsys_error *err)
{
    FILE *file;
    size_t size;

    if (rs_lock_init(&webhook->lock) != 0)
        return rs_error(err, RECSYS_E_IO, "cannot make the lock of the webhook") == RECSYS_OK;
    if (path[0] == '\0')
        return true;
    if ((file = fopen(path, "re")) == NULL)
        return rs_error_sys(err, errno, "cannot open mlflow_webhook_secret_file %s", path) ==
               RECSYS_OK;
    size = fread(webhook->secret, 1, sizeof webhook->secret, file);
    (void)fclose(file);
    while (size > 0 && (webhook->secret[size - 1] == '\n' || webhook->secret[size - 1] == '\r'))
        size--;
    if (size < MIN_SECRET || size > RD_WEBHOOK_MAX_SECRET)
        return rs_error(err, RECSYS_E_INVALID,
                        "mlflow_webhook_secret_file %s must hold %u to %u bytes, those that the "
                        "webhook was made with at the MLflow server; try openssl rand -hex 32",
                        path, MIN_SECRET, RD_WEBHOOK_MAX_SECRET) == RECSYS_OK;
    webhook->secret_size = size;
    return true;
}

/* Over "<id>.<timestamp>.<body>"; the size of the header's texts is bounded. */
static bool sign(const struct rd_webhook *webhook, const struct rd_delivery *delivery,
                 unsigned char out[HASH_BYTES])
{
    size_t id_size = strlen(delivery->id), time_size = strlen(delivery->timestamp);
    size_t head = id_size + time_size + 2;
    unsigned char *text = malloc(head + delivery->body_size);
    unsigned size = HASH_BYTES;

    if (text == NULL)
        return false;
    memcpy(text, delivery->id, id_size);
    text[id_size] = '.';
    memcpy(text + id_size + 1, delivery->timestamp, time_size);
    text[head - 1] = '.';
    if (delivery->body_size > 0)
        memcpy(text + head, delivery->body, delivery->body_size);
    bool ok = HMAC(EVP_sha256(), webhook->secret, (int)webhook->secret_size, text,
                   head + delivery->body_size, out, &size) != NULL;
    free(text);
    return ok && size == HASH_BYTES;
}

/* As MLflow writes it, so that comparing texts compares hashes. */
static bool is_signed(const struct rd_webhook *webhook, const struct rd_delivery *delivery,
                      unsigned char hash[HASH_BYTES])
{
    unsigned char text[4 * ((HASH_BYTES + 2) / 3) + 1];
    const char *given = delivery->signature + 3;

    if (strncmp(delivery->signature, "v1,", 3) != 0 || !sign(webhook, delivery, hash))
        return false;
    int size = EVP_EncodeBlock(text, hash, HASH_BYTES);
    return strlen(given) == (size_t)size && CRYPTO_memcmp(given, text, (size_t)size) == 0;
}

/* Unix time in seconds; -1 if it is none. */
static int64_t read_time(const char *text)
{
    int64_t time = 0;
    size_t i = 0;

    for (; text[i] >= '0' && text[i] <= '9' && i < 12; i++)
        time = time * 10 + (text[i] - '0');
    return i > 0 && text[i] == '\0' ? time : -1;
}

/* A delivery is known by its hash, which covers its id. */
static bool was_seen(struct rd_webhook *webhook, const unsigned char hash_bytes[HASH_BYTES])
{
    uint64_t hash;
    bool found = false;

    memcpy(&hash, hash_bytes, sizeof hash);
    rs_lock_take(&webhook->lock);
    size_t n = webhook->n_seen < RD_WEBHOOK_REMEMBERED ? webhook->n_seen : RD_WEBHOOK_REMEMBERED;
    for (size_t i = 0; i < n; i++)
        found |= webhook->seen[i] == hash;
    if (!found)
        webhook->seen[webhook->n_seen++ % RD_WEBHOOK_REMEMBERED] = hash;
    rs_lock_give(&webhook->lock);
    return found;
}

const char *rd_webhook_refuse_head(const struct rd_delivery *delivery, int64_t now_s)
{
    int64_t sent_s;

    if (delivery->id == NULL || delivery->id[0] == '\0' || delivery->timestamp == NULL ||
        delivery->signature == NULL)
        return "X-MLflow-Delivery-Id, X-MLflow-Timestamp and X-MLflow-Signature are needed";
    sent_s = read_time(delivery->timestamp);
    if (sent_s < 0 || sent_s > now_s + (int64_t)RD_WEBHOOK_WINDOW_S ||
        sent_s < now_s - (int64_t)RD_WEBHOOK_WINDOW_S)
        return "The timestamp is more than five minutes from this machine's time";
    return NULL;
}

const char *rd_webhook_refuse(struct rd_webhook *webhook, const struct rd_delivery *delivery,
                              int64_t now_s)
{
    unsigned char hash[HASH_BYTES];
    const char *refused = rd_webhook_refuse_head(delivery, now_s);

    if (refused != NULL)
        return refused;
    if (strlen(delivery->id) > MAX_HEADER || strlen(delivery->timestamp) > MAX_HEADER ||
        strlen(delivery->signature) > MAX_HEADER || !is_signed(webhook, delivery, hash))
        return "The signature is not made with this daemon's secret";
    if (was_seen(webhook, hash))
        return "This delivery was here already";
    return NULL;
}
