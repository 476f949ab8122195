/* daemon/http/proxies.h - the address of the client behind proxies. */
#ifndef RECSYSD_PROXIES_H
#define RECSYSD_PROXIES_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/http/head.h"

#define RD_ADDRESS_SIZE 46u /* as INET6_ADDRSTRLEN */
#define RD_MAX_PROXIES 64u

/* Addresses of IPv4 are kept as IPv6 has them, ::ffff:10.0.0.1. */
struct rd_network {
    unsigned char address[16];
    unsigned n_bits;
};

struct rd_proxies {
    struct rd_network networks[RD_MAX_PROXIES];
    size_t n;
    bool unix_sockets;  /* their senders are proxies, too */
    bool use_forwarded; /* and not X-Forwarded-For */
};

/* Instead of an address, for a sender that has connected by a Unix socket. */
#define RD_UNIX_ADDRESS "unix:"

/* Reads addresses and networks, as 10.0.0.0/8, and "unix:", separated by commas. NULL: done; else
 * the entry that is none, in `text`. */
const char *rd_proxies_parse(struct rd_proxies *out, const char *text);

/*
 * `out` is the sender's address. If that is a proxy's, it becomes the last address in
 * X-Forwarded-For, or in Forwarded (RFC 7239), that is not another proxy's. A proxy writes the
 * address that it sees behind what it was sent, so a client cannot choose what is found here, if
 * every proxy adds to this header. The other header is never looked at: most proxies pass on what a
 * client has sent as it.
 */
void rd_proxies_find_client(const struct rd_proxies *proxies, const struct rd_head *head,
                            char out[RD_ADDRESS_SIZE]);

#endif
