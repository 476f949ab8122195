/* lib/adapters/redis/redis_socket.h - one stream to a server; every wait has a deadline. */
#ifndef RS_REDIS_SOCKET_H
#define RS_REDIS_SOCKET_H

#include <stddef.h>
#include <stdint.h>

#include "lib/adapters/redis/redis_settings.h"
#include "recsys/status.h"

struct rs_redis_socket {
    int descriptor;  /* -1 = closed */
    void *session;   /* of TLS; NULL = plain text */
    int may_block;   /* recv() may wait by itself: nothing of the time is used up */
    int has_timeout; /* ... and ends by itself */
};

/* Deadlines are rs_clock_ns(). All fail with E_TIMEOUT, E_IO, E_NOMEM; the
 * message says what happened, not where. After a failure it can only be closed. */

/* To this host, which may be another node's than the settings name, within the connect time-out, which begins when the name has been looked up;
 * *deadline is when it ends, for the log-in that follows. */
recsys_status rs_redis_socket_open(struct rs_redis_socket *connection,
                                   const struct rs_redis_settings *settings, const char *host,
                                   uint32_t port_number, uint64_t *deadline, recsys_error *err);
/* From now on every deadline lies `timeout_ns` ahead when something is sent. */
recsys_status rs_redis_socket_set_timeout(struct rs_redis_socket *connection, uint64_t timeout_ns,
                                          recsys_error *err);
recsys_status rs_redis_socket_send(struct rs_redis_socket *connection, const char *bytes,
                                   size_t size, uint64_t deadline, recsys_error *err);
/* At least one byte. */
recsys_status rs_redis_socket_receive(struct rs_redis_socket *connection, char *bytes, size_t room,
                                      size_t *size, uint64_t deadline, recsys_error *err);
/* 1 if it is open and the server has sent nothing that was not read. */
int rs_redis_socket_is_quiet(const struct rs_redis_socket *connection);
/* May be called again, and after a failed open. */
void rs_redis_socket_close(struct rs_redis_socket *connection);

#endif
