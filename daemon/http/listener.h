/* daemon/http/listener.h - the sockets that a server accepts connections on. */
#ifndef RECSYSD_LISTENER_H
#define RECSYSD_LISTENER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "daemon/http/address.h"

struct rd_listener {
    struct rd_listen_address address;
    int fd;    /* -1: closed */
    int port;  /* in use; 0 for a Unix socket */
    dev_t dev; /* of a Unix socket's file, to remove no other one */
    ino_t ino;
};

/* `mode` is for Unix sockets. A socket that a process has left behind is replaced, one that
 * somebody listens on is not. False: logged. */
bool rd_listener_open(struct rd_listener *listener, const struct rd_listen_address *address,
                      mode_t mode);
/* How many connections has the kernel made that have not been accepted? Unix sockets: 0 or 1. */
uint32_t rd_listener_waiting(const struct rd_listener *listener);
/* From now on the kernel makes no new connections; those that it has made can be accepted. */
void rd_listener_refuse(struct rd_listener *listener);
/* The kernel refuses new ones from now on; the descriptor stays. */
void rd_listener_end(struct rd_listener *listener);
void rd_listener_close(struct rd_listener *listener);

#endif
