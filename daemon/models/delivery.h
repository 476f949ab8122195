/* daemon/models/delivery.h - is a delivery of a webhook signed, new, and not here yet? */
#ifndef RECSYSD_DELIVERY_H
#define RECSYSD_DELIVERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <recsys/status.h>

#include "lib/base/lock.h"

#define RD_WEBHOOK_MAX_SECRET 4096u
#define RD_WEBHOOK_REMEMBERED 256u
#define RD_WEBHOOK_WINDOW_S 300u

/* The texts that are signed, and the signature. The sender has chosen them. */
struct rd_delivery {
    const char *id, *timestamp, *signature; /* NULL: there is no such header */
    const char *body;
    size_t body_size;
};

struct rd_webhook {
    unsigned char secret[RD_WEBHOOK_MAX_SECRET + 1];
    size_t secret_size; /* 0: the route is off */
    struct rs_lock lock;
    uint64_t seen[RD_WEBHOOK_REMEMBERED]; /* hashes of the last deliveries; protected by lock */
    size_t n_seen;                        /* so far; protected by lock */
};

/* Read the secret, which is 16 to 4096 bytes in a file; "" = off. False: `err` says what to do. */
bool rd_webhook_load(struct rd_webhook *webhook, const char *path, recsys_error *err);

/* NULL, or why this delivery is refused already before its body is there: something is missing, or
 * it is too old or too new. `now_s` is Unix time. */
const char *rd_webhook_refuse_head(const struct rd_delivery *delivery, int64_t now_s);
/* NULL, or why this delivery is refused: not signed with the secret, too old or too new, or there
 * already. `now_s` is Unix time. */
const char *rd_webhook_refuse(struct rd_webhook *webhook, const struct rd_delivery *delivery,
                              int64_t now_s);

#endif
