/* daemon/http/listener.h - ends the acceptance of connections. */
#ifndef RECSYSD_LISTENER_H
#define RECSYSD_LISTENER_H

#include <stdint.h>

/*
 * Let civetweb accept the connections that the kernel has made, refuse all others and close the
 * listening socket of `port`. civetweb keeps a descriptor that never has a connection. Returns
 * that one's far end: a byte to it wakes civetweb up, then close() it. -1: nothing was done.
 */
int rd_listener_stop(int port, uint64_t deadline_ns);

#endif
