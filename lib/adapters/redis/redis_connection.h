/* lib/adapters/redis/redis_connection.h - one connection, ready for commands.
 *
 * ONE THREAD AT A TIME. One command is sent, or several in one write.
 * After any failure except a well-formed error reply the connection is broken and can
 * only be closed, so that a late answer cannot reach another caller.
 */
#ifndef RS_REDIS_CONNECTION_H
#define RS_REDIS_CONNECTION_H

#include <stdint.h>

#include "lib/adapters/redis/redis_command.h"
#include "lib/adapters/redis/redis_node.h"
#include "lib/adapters/redis/redis_reply.h"
#include "lib/adapters/redis/redis_settings.h"
#include "lib/adapters/redis/redis_socket.h"

#define RS_REDIS_MAX_PASSWORD 512u /* bytes of the first line of a password file */

struct rs_redis_connection {
    const struct rs_redis_settings *settings;
    struct rs_redis_socket socket;
    struct rs_redis_parser *parser;
    struct rs_redis_command command; /* room for a long one */
    int broken;           /* not to be used again */
    int timed_out;        /* ... because the server was silent */
    int has_heard;        /* bytes have come since the last command was sent */
    int retired;          /* good, but the server is no longer the primary, or has not the keys */
    int is_of_cluster;    /* by INFO */
    char host[RS_REDIS_MAX_HOST]; /* where it goes to, which changes in a cluster */
    uint32_t port;
    char secret[RS_REDIS_MAX_PASSWORD]; /* of the log-in; "" if there was none */
    uint32_t n_companions; /* of the pool: callers who use it beside the one that acquired it */
    unsigned moves; /* of the settings' node, when it was opened */
    uint64_t opened_ns;
    uint64_t incarnation; /* as store.h has it */
    char version[32], policy[32];
};

/* Connect, log in, choose the database and learn the server's incarnation, all within
 * the connect time-out. E_TIMEOUT, E_IO, E_BACKEND, E_NOMEM. */
recsys_status rs_redis_connection_open(const struct rs_redis_settings *settings,
                                       struct rs_redis_connection **out, recsys_error *err);
/* The same, to this node, whatever keys it has. */
recsys_status rs_redis_connection_open_at(const struct rs_redis_settings *settings,
                                          const char *host, uint32_t port,
                                          struct rs_redis_connection **out, recsys_error *err);
void rs_redis_connection_close(struct rs_redis_connection *connection);

/* A command's name and the answers that it may have. */
struct rs_redis_question {
    const char *command; /* for messages; a literal */
    uint32_t types;      /* RS_REDIS_* that it may have; RS_REDIS_NOSCRIPT: that error, too */
    size_t max_items;    /* of an array */
    int (*fits)(const struct rs_redis_reply *reply, size_t n); /* NULL: all of these types do */
    size_t n;                                                  /* for `fits` */
};

/* Send what was written and get the one answer, within the command time-out. An error becomes
 * a status, but for ASK of a cluster, which is handed out.
 *
 * E_TIMEOUT, E_IO, E_BACKEND, E_FORMAT (see redis_refusal.h), E_LIMIT, E_NOMEM. */
recsys_status rs_redis_ask(struct rs_redis_connection *connection, struct rs_buffer *command,
                           const struct rs_redis_question *question, struct rs_redis_reply *reply,
                           recsys_error *err);

/* The two halves of it, for n commands in one write. Exchange them for n answers, all of which
 * fit; or for none: then the failure is that of every one of them, `problem` says what happened
 * and not where, and rs_redis_word() puts the server and the command in front of it. */
recsys_status rs_redis_exchange(struct rs_redis_connection *connection, struct rs_buffer *commands,
                                const struct rs_redis_question *questions, size_t n,
                                uint64_t deadline, struct rs_redis_reply *replies,
                                recsys_error *problem);
recsys_status rs_redis_word(const struct rs_redis_settings *settings, const char *command,
                            const recsys_error *problem, recsys_error *err);
/* If one of these answers is an error: put it into a status and a message, and clear it. ASK, and
 * NOSCRIPT where the question allows it, stay. */
recsys_status rs_redis_settle(struct rs_redis_connection *connection,
                              const struct rs_redis_question *question,
                              struct rs_redis_reply *reply, recsys_error *err);

/* As rs_redis_ask(), of a node that was named by ASK. */
recsys_status rs_redis_ask_there(struct rs_redis_connection *connection,
                                 const struct rs_buffer *command,
                                 const struct rs_redis_question *question,
                                 struct rs_redis_reply *reply, recsys_error *err);
/* 1: a reply that was handed out is ASK, and names a node to send the command to. */
int rs_redis_is_elsewhere(const struct rs_redis_settings *settings,
                          const struct rs_redis_reply *reply);

/* In a cluster: has this node the store's slot? If not, the connection is retired, and the
 * next one goes to the node that has. Else nothing is asked. `all`: it must have all of the slot's
 * keys; while the slot is on its way to another node, that fails. */
recsys_status rs_redis_check_node(struct rs_redis_connection *connection, int all,
                                  recsys_error *err);

#endif
