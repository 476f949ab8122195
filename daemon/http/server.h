/* daemon/http/server.h - civetweb, started and stopped. */
#ifndef RECSYSD_SERVER_H
#define RECSYSD_SERVER_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/http/settings.h"

/* Is `listen` an IPv4 address and a port, and if so, one that only this machine reaches? */
bool rd_server_check(const char *listen, bool *is_loopback);

/* One server a process. False: logged. */
bool rd_server_start(struct rd_http *http);
/* From now on the daemon is not ready, and every reply closes its connection. */
void rd_server_announce_stop(struct rd_http *http);
/* Refuse new connections and let requests under way finish, until `deadline_ns` at the latest. */
void rd_server_drain(struct rd_http *http, uint64_t deadline_ns);
/* End civetweb and its threads. */
void rd_server_stop(void);

#endif
