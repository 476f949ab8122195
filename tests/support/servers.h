/* tests/support/servers.h - a Redis of the test's own that can be frozen, killed and restarted.
 *
 * It listens on a free port of the loopback and on a Unix socket, keeps nothing
 * on disk, and ends with the test, however that ends. Failures end the program:
 * a test that has no server has nothing to say.
 */
#ifndef TESTS_SUPPORT_SERVERS_H
#define TESTS_SUPPORT_SERVERS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct redis_server {
    uint32_t port;
    char directory[64];   /* a new one; removed by redis_server_end() */
    char socket_path[96]; /* of the Unix socket, in it */
    pid_t pid;            /* 0 = not running */
    int log;              /* where its output can be read, until it is ready */
};

/* Returns when it accepts connections. config: further lines for redis.conf, or NULL. */
void redis_server_start(struct redis_server *server, const char *config);
void redis_server_end(struct redis_server *server);

void redis_server_kill(struct redis_server *server);    /* and wait until it is gone */
void redis_server_restart(struct redis_server *server); /* same port, same configuration */
void redis_server_freeze(struct redis_server *server);  /* returns when it has stopped */
void redis_server_thaw(struct redis_server *server);

/* Ask as an operator would, on a connection of its own: up to the first NULL.
 * Returns the raw answer ("+OK\r\n", ":1\r\n", "$3\r\nabc\r\n"), for free(). */
char *redis_server_ask(const struct redis_server *server, const char *command, ...)
    __attribute__((sentinel));

/* A port of the loopback that was free a moment ago. */
uint32_t servers_find_port(void);

#endif
