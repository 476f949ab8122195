/* daemon/http/address.h - where a server listens: addresses of IPv4 and IPv6, and Unix sockets. */
#ifndef RECSYSD_ADDRESS_H
#define RECSYSD_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#define RD_MAX_ADDRESSES 8u
#define RD_LISTEN_TEXT 128u

struct rd_listen_address {
    struct sockaddr_storage socket;
    socklen_t size;
    bool is_loopback; /* only this machine reaches it */
    bool is_unix;
    char text[RD_LISTEN_TEXT]; /* as it was given */
};

/* Reads a list as "127.0.0.1:8000,[::1]:8000,unix:/run/recsysd.sock". "localhost" is 127.0.0.1.
 * NULL: *n of them are in `out`; else the entry that is wrong, in `text`. */
const char *rd_listen_parse(const char *text, struct rd_listen_address out[RD_MAX_ADDRESSES],
                            size_t *n);

#endif
