/* daemon/http/server.h - civetweb, started and stopped. */
#ifndef RECSYSD_SERVER_H
#define RECSYSD_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/app.h"

/* Is the listen setting sound, and allowed without keys? If not, `message` says what to do. */
bool rd_server_check(const struct rd_app *app, char *message, size_t message_size);

bool rd_server_start(struct rd_app *app); /* what fails is logged */
/* Refuse new connections and let requests under way finish, until `deadline_ns` at the latest. */
void rd_server_drain(struct rd_app *app, uint64_t deadline_ns);
/* End what is left. */
void rd_server_stop(struct rd_app *app);

#endif
