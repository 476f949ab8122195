/* daemon/http/serve.h - what a worker does with a connection that can go on. */
#ifndef RECSYSD_SERVE_H
#define RECSYSD_SERVE_H

#include "daemon/http/connection.h"
#include "daemon/http/worker.h"

/* The worker owns the connection; at the end it waits for something, or is closed. */
void rd_serve(struct rd_worker *worker, struct rd_connection *connection);

#endif
