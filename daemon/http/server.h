/* daemon/http/server.h - the HTTP server, started and stopped. */
#ifndef RECSYSD_SERVER_H
#define RECSYSD_SERVER_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/http/settings.h"

/* Workers and connections of health_listen, which are beside those of the settings. */
#define RD_HEALTH_THREADS 4u
#define RD_HEALTH_CONNECTIONS 64u

/* One server a process. False: logged. */
bool rd_server_start(struct rd_http *http);
/* From now on the daemon is not ready, and every reply closes its connection. */
void rd_server_announce_stop(struct rd_http *http);
/* Refuse new connections and let requests under way finish, until `deadline_ns` at the latest. */
void rd_server_drain(struct rd_http *http, uint64_t deadline_ns);
/* End its threads. */
void rd_server_stop(void);

/* Requests that wait for a worker, and connections that wait to be accepted. */
uint32_t rd_server_count_waiting(void);

#endif
