/* daemon/http/connection.h - reads and writes bytes of a connection by a deadline. */
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
    bool begun;          /* a request, whose socket is `fd` */
    size_t n_promised;   /* bytes from `body` on that rd_connection_wait() has counted */
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
/* Instead: wait for bytes, and return how many, at most `size`, mg_read() can give at once and is
 * going to be asked for. 0 and -1 as above. */
int rd_connection_wait(struct rd_connection *connection, size_t size, uint64_t deadline_ns);
/* Has the client closed its end? From any thread, while the connection's own thread does not read
 * from it. A client that has sent more after its request is there. */
bool rd_connection_is_gone(const struct rd_connection *connection);
/* Is the socket known that the reply goes to? */
bool rd_connection_can_write(const struct rd_connection *connection);
/* Send all bytes by `deadline_ns`, else false. */
bool rd_connection_write(struct rd_connection *connection, const char *bytes, size_t size,
                         uint64_t deadline_ns);
/* This thread has begun to serve another connection. */
void rd_connection_opened(void);
/* civetweb closes this thread's connection after the reply: what it still receives from it ends at
 * `deadline_ns`. */
void rd_connection_close_by(uint64_t deadline_ns);
/* From now on reads do not wait any more. */
void rd_connection_stop(void);

#endif
