/* lib/adapters/redis/redis_connection.h - one connection, ready for commands.
 *
 * ONE THREAD AT A TIME. A command is written argument by argument and then sent.
 * After any failure except a well-formed error reply the connection is broken and can
 * only be closed, so that a late answer cannot reach another caller.
 */
#ifndef RS_REDIS_CONNECTION_H
#define RS_REDIS_CONNECTION_H

#include <stdint.h>

#include "lib/adapters/redis/redis_node.h"
#include "lib/adapters/redis/redis_reply.h"
#include "lib/adapters/redis/redis_settings.h"
#include "lib/adapters/redis/redis_socket.h"
#include "lib/base/buffer.h"

#define RS_REDIS_MAX_PASSWORD 512u /* bytes of the first line of a password file */

struct rs_redis_connection {
    const struct rs_redis_settings *settings;
    struct rs_redis_socket socket;
    struct rs_redis_parser *parser;
    struct rs_buffer out; /* what is to be sent */
    int broken;           /* not to be used again */
    int timed_out;        /* ... because the server was silent */
    int retired;          /* good, but the server is no longer the primary, or has not the keys */
    int is_of_cluster;    /* by INFO */
    char host[RS_REDIS_MAX_HOST]; /* where it goes to, which changes in a cluster */
    uint32_t port;
    char secret[RS_REDIS_MAX_PASSWORD]; /* of the log-in; "" if there was none */
    unsigned moves; /* of the settings' node, when it was opened */
    uint64_t opened_ns;
    uint64_t incarnation; /* as store.h has it */
    char version[32], policy[32];
};

/* Connect, log in, choose the database and learn the server's incarnation, all within
 * the connect time-out. E_TIMEOUT, E_IO, E_BACKEND, E_NOMEM. */
recsys_status rs_redis_connection_open(const struct rs_redis_settings *settings,
                                       struct rs_redis_connection **out, recsys_error *err);
void rs_redis_connection_close(struct rs_redis_connection *connection);

/* Write a command of n arguments, itself included. Lack of memory shows in ask. */
void rs_redis_begin(struct rs_redis_connection *connection, size_t n);
void rs_redis_add(struct rs_redis_connection *connection, const void *bytes, size_t size);
void rs_redis_add_text(struct rs_redis_connection *connection, const char *text);
void rs_redis_add_number(struct rs_redis_connection *connection, uint64_t number);
void rs_redis_add_key(struct rs_redis_connection *connection, recsys_bytes key); /* prefixed */

/* Send what was written and get the one answer, within the command time-out.
 *
 * types      RS_REDIS_* that the answer may have; others are E_BACKEND. With
 *            RS_REDIS_ERROR an error is handed out, else it becomes a status.
 * max_items  of arrays
 *
 * E_TIMEOUT, E_IO, E_BACKEND, E_FORMAT (see redis_refusal.h), E_LIMIT, E_NOMEM. */
recsys_status rs_redis_ask(struct rs_redis_connection *connection, const char *command,
                           uint32_t types, size_t max_items, struct rs_redis_reply *reply,
                           recsys_error *err);

/* In a cluster: has this node the store's keys? If not, the connection is retired, and the
 * next one goes to the node that has. Else nothing is asked. */
recsys_status rs_redis_check_node(struct rs_redis_connection *connection, recsys_error *err);

/* Put an error reply into a status and a message, and clear it. */
recsys_status rs_redis_refuse(struct rs_redis_connection *connection, const char *command,
                              struct rs_redis_reply *reply, recsys_error *err);

/* The answer is of the right type but not what it must be: E_BACKEND, and the
 * connection is broken. */
recsys_status rs_redis_distrust(struct rs_redis_connection *connection, const char *command,
                                recsys_error *err);

#endif
