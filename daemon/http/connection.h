/* daemon/http/connection.h - reads bytes of a connection without civetweb. */
#ifndef RECSYSD_CONNECTION_H
#define RECSYSD_CONNECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <civetweb.h>

/* The state of a worker's connection. ONE THREAD AT A TIME, always the same thread. */
struct rd_connection {
    int fd;
    uint32_t n_received; /* calls of recv() when the last request ended */
    char *base;          /* civetweb's buffer */
    size_t left;         /* bytes in it that were behind the last request */
    const char *body;    /* of this request; NULL if it is not known where it begins */
    char *end;           /* of what has been received */
};

/* This thread is a worker, and civetweb's buffer in it has `size` bytes. Call it before civetweb
 * receives anything in the thread. */
void rd_connection_begin_thread(size_t size);
/* civetweb has read the head of a request. */
void rd_connection_begin(struct rd_connection *connection, const struct mg_request_info *info);
/* The request is over, whose body had `length` bytes. */
void rd_connection_end(struct rd_connection *connection, uint64_t length);

/* Is it known which bytes follow the head? If not, only civetweb can read them. */
bool rd_connection_is_known(const struct rd_connection *connection);
/* The next bytes, also those that civetweb has already. 0: closed by the client, or a socket
 * error; -1: `deadline_ns` has passed, or the daemon is stopping. */
int rd_connection_read(struct rd_connection *connection, char *out, size_t size,
                       uint64_t deadline_ns);
/* From now on reads do not wait any more. */
void rd_connection_stop(void);

#endif
