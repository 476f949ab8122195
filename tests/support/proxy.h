/* tests/support/proxy.h - a TCP proxy that mistreats replies, in a thread of this process.
 *
 * Requests of clients go on as they are. Of the replies some are held back for
 * longer than a client waits, some end in the middle with the connection, and
 * some come a second time right in front of the next one, as a library does
 * that gives a connection back with bytes still under way. Which ones follows
 * from the seed and from the order of events.
 */
#ifndef TESTS_SUPPORT_PROXY_H
#define TESTS_SUPPORT_PROXY_H

#include <stdint.h>

struct proxy_faults {
    unsigned delay, cut, repeat; /* one reply in so many; 0 = none */
    unsigned delay_ms;
    uint64_t seed;
};

struct proxy_counts {
    uint64_t connections, replies, delayed, cut, repeated;
};

struct proxy;

/* In front of 127.0.0.1:port. Every failure ends the program. */
struct proxy *proxy_start(uint32_t port, const struct proxy_faults *faults);
uint32_t proxy_port(const struct proxy *proxy);
/* Ends the thread and all connections. */
struct proxy_counts proxy_stop(struct proxy *proxy);

#endif
