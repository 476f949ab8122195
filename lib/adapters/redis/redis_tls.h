/* lib/adapters/redis/redis_tls.h - TLS over a socket whose caller does the waiting.
 *
 * Nothing here blocks: a step that cannot go on returns what it waits for.
 */
#ifndef RS_REDIS_TLS_H
#define RS_REDIS_TLS_H

#include <stddef.h>

#include "recsys/status.h"

/* The results of a step that are no number of bytes. */
enum { RS_TLS_CLOSED = 0, RS_TLS_FAILED = -1, RS_TLS_WANTS_READ = -2, RS_TLS_WANTS_WRITE = -3 };

struct rs_redis_tls;

/* The files to read; each may be NULL. BORROWED for the call. */
struct rs_redis_tls_files {
    const char *where; /* begins messages: "redis at 127.0.0.1:6379, db 3" */
    const char *ca_file, *cert_file, *key_file;
};

/* For all connections of a store: trusted certificates, the client's own.
 * E_UNSUPPORTED (built without TLS), E_INVALID (a file), E_NOMEM. */
recsys_status rs_redis_tls_create(const struct rs_redis_tls_files *files, struct rs_redis_tls **out,
                                  recsys_error *err);
void rs_redis_tls_destroy(struct rs_redis_tls *tls);

/* A client's session that accepts only a certificate for `host`, a name or an
 * address. NULL: no memory. */
void *rs_redis_tls_open(struct rs_redis_tls *tls, int descriptor, const char *host);
void rs_redis_tls_close(void *session);

/* 1 when done. After RS_TLS_FAILED err says why. */
long rs_redis_tls_shake(void *session, recsys_error *err);
long rs_redis_tls_send(void *session, const char *bytes, size_t size, recsys_error *err);
long rs_redis_tls_receive(void *session, char *bytes, size_t room, recsys_error *err);
/* 1 if bytes have been received that nobody has read. */
int rs_redis_tls_has_pending(void *session);

#endif
