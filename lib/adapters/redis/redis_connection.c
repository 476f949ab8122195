/* lib/adapters/redis/redis_connection.c - see redis_connection.h.
 *
 * A write costs one send() and, if the answers fit into one read, one recv(), whether
 * it is of one command or of several.
 *
 * Bytes after the last answer, or an answer of another type or shape than its command
 * has, mean that answers and commands no longer match: then the other answers, too, may
 * belong to other commands, and all of them are dropped with the connection.
 */
#include "lib/adapters/redis/redis_connection.h"

#include <stdio.h>
#include <string.h>

#include "lib/adapters/redis/redis_refusal.h"
#include "lib/base/alloc.h"
#include "lib/base/clock.h"
#include "lib/base/error.h"
#include "lib/base/hash.h"

#define READ_BYTES 16384
#define UNKNOWN_INCARNATION 1u
#define MAX_HOPS 5 /* from node to node */

/* Put the server and the action in front of the message of the part below. */
static recsys_status word(const struct rs_redis_settings *settings, const char *command,
                          recsys_status status, const recsys_error *problem, uint64_t timeout_ns,
                          recsys_error *err)
{
    const char *where = settings->where;

    if (status == RECSYS_E_TIMEOUT)
        return rs_error(err, status,
                        "%s: %s: no answer within %u ms; the server is overloaded, frozen or "
                        "cannot be reached",
                        where, command, (uint32_t)(timeout_ns / 1000000u));
    rs_error(err, status, "%s: %s: %.300s", where, command, problem->message);
    if (err != NULL)
        err->sys_errno = problem->sys_errno;
    return status;
}

recsys_status rs_redis_word(const struct rs_redis_settings *settings, const char *command,
                            const recsys_error *problem, recsys_error *err)
{
    return word(settings, command, problem->status, problem, settings->command_timeout_ns, err);
}

static recsys_status fail(struct rs_redis_connection *connection, const char *command,
                          recsys_status status, const recsys_error *problem, recsys_error *err)
{
    connection->broken = 1;
    return word(connection->settings, command, status, problem,
                connection->settings->connect_timeout_ns, err);
}

static recsys_status send_all(struct rs_redis_connection *connection, struct rs_buffer *out,
                              uint64_t deadline, recsys_error *err)
{
    recsys_status status = out->status;

    if (status == RECSYS_OK)
        status = rs_redis_socket_send(&connection->socket, out->bytes, out->size, deadline, err);
    else if (status == RECSYS_E_LIMIT)
        rs_error(err, status, "a command has at most %zu bytes", RS_REDIS_MAX_COMMAND);
    else
        rs_error_nomem(err, "command");
    return status;
}

/* One reply of any type. */
static recsys_status receive_one(struct rs_redis_connection *connection, size_t max_items,
                                 uint64_t deadline, struct rs_redis_reply *reply, recsys_error *err)
{
    char bytes[READ_BYTES];
    recsys_error problem;
    size_t size = 0;
    recsys_status status = RECSYS_OK;

    memset(reply, 0, sizeof *reply);
    if (!rs_redis_parser_is_empty(connection->parser)) /* of several at once */
        status = rs_redis_parser_read(connection->parser, NULL, 0, max_items, reply, &problem);
    for (int is_first = 1; status == RECSYS_OK && reply->type == 0; is_first = 0) {
        /* The deadline also holds if bytes never stop arriving. */
        if (!is_first && rs_clock_ns() >= deadline)
            return rs_error(err, RECSYS_E_TIMEOUT, "no whole answer in time");
        status =
            rs_redis_socket_receive(&connection->socket, bytes, sizeof bytes, &size, deadline, err);
        if (status != RECSYS_OK)
            return status;
        connection->has_heard = 1;
        status = rs_redis_parser_read(connection->parser, bytes, size, max_items, reply, &problem);
    }
    if (status == RECSYS_E_BACKEND)
        return rs_error(err, status,
                        "the answer is not in the protocol of Redis (%s); is this Redis?",
                        problem.message);
    if (status != RECSYS_OK)
        return rs_error_nomem(err, "answer");
    return RECSYS_OK;
}

static recsys_status distrust(recsys_error *err)
{
    return rs_error(err, RECSYS_E_BACKEND,
                    "the answer does not match the command; the connection is closed");
}

/* Put an error reply into a status and a message, and clear it. */
static recsys_status refuse(struct rs_redis_connection *connection, const char *command,
                            struct rs_redis_reply *reply, recsys_error *err)
{
    recsys_status status = rs_redis_refusal(reply, connection->settings->where, command,
                                            connection->secret[0] != '\0'
                                                ? connection->secret
                                                : connection->settings->password,
                                            err);

    if (rs_redis_refusal_has(reply, "MOVED") && connection->settings->has_hash_tag &&
        rs_redis_node_follow(connection->settings->node, reply->bytes, connection->host,
                             connection->moves)) {
        connection->retired = 1;
        status = rs_error(err, RECSYS_E_IO,
                          "%s: %s: another node of the Redis Cluster has the keys now; the next "
                          "call goes there",
                          connection->settings->where, command);
    }
    /* After a failover the name has another address: the next connection looks it up. */
    if (rs_redis_refusal_has(reply, "READONLY") || rs_redis_refusal_has(reply, "MASTERDOWN"))
        connection->retired = 1;
    rs_redis_reply_clear(reply);
    return status;
}

/* An error answers any command. */
static int fits(const struct rs_redis_question *question, const struct rs_redis_reply *reply)
{
    if (reply->type == RS_REDIS_ERROR)
        return 1;
    return (reply->type & question->types) != 0 &&
           (question->fits == NULL || question->fits(reply, question->n));
}

recsys_status rs_redis_exchange(struct rs_redis_connection *connection, struct rs_buffer *commands,
                                const struct rs_redis_question *questions, size_t n,
                                uint64_t deadline, struct rs_redis_reply *replies,
                                recsys_error *problem)
{
    int unsent = commands->status != RECSYS_OK;
    recsys_status status = send_all(connection, commands, deadline, problem);

    connection->has_heard = 0;
    memset(replies, 0, n * sizeof *replies);
    for (size_t i = 0; i < n && status == RECSYS_OK; i++)
        status = receive_one(connection, questions[i].max_items, deadline, &replies[i], problem);
    if (status == RECSYS_OK && !rs_redis_parser_is_empty(connection->parser))
        status = distrust(problem);
    for (size_t i = 0; i < n && status == RECSYS_OK; i++)
        if (!fits(&questions[i], &replies[i]))
            status = distrust(problem);
    if (status != RECSYS_OK) {
        for (size_t i = 0; i < n; i++)
            rs_redis_reply_clear(&replies[i]);
        problem->status = status;
        connection->broken = !unsent; /* nothing was sent */
        connection->timed_out = status == RECSYS_E_TIMEOUT;
    } else if (!rs_redis_parser_shrink(connection->parser))
        connection->broken = 1; /* for the next; these answers are good */
    return status;
}

recsys_status rs_redis_settle(struct rs_redis_connection *connection,
                              const struct rs_redis_question *question,
                              struct rs_redis_reply *reply, recsys_error *err)
{
    if (reply->type != RS_REDIS_ERROR || rs_redis_is_elsewhere(connection->settings, reply) ||
        ((question->types & RS_REDIS_NOSCRIPT) != 0 && rs_redis_refusal_is(reply, "NOSCRIPT")))
        return RECSYS_OK;
    return refuse(connection, question->command, reply, err);
}

recsys_status rs_redis_ask(struct rs_redis_connection *connection, struct rs_buffer *command,
                           const struct rs_redis_question *question, struct rs_redis_reply *reply,
                           recsys_error *err)
{
    uint64_t deadline = rs_clock_ns() + connection->settings->command_timeout_ns;
    recsys_error problem = {0};
    recsys_status status =
        rs_redis_exchange(connection, command, question, 1, deadline, reply, &problem);

    if (status != RECSYS_OK)
        return rs_redis_word(connection->settings, question->command, &problem, err);
    return rs_redis_settle(connection, question, reply, err);
}

int rs_redis_is_elsewhere(const struct rs_redis_settings *settings,
                          const struct rs_redis_reply *reply)
{
    char host[RS_REDIS_MAX_HOST];
    uint32_t port;

    return settings->has_hash_tag && rs_redis_refusal_is(reply, "ASK") &&
           rs_redis_node_read(reply->bytes, settings->host, host, &port);
}

recsys_status rs_redis_ask_there(struct rs_redis_connection *connection,
                                 const struct rs_buffer *command,
                                 const struct rs_redis_question *question,
                                 struct rs_redis_reply *reply, recsys_error *err)
{
    const struct rs_redis_question both[2] = {{.command = "ASKING", .types = RS_REDIS_OK},
                                              *question};
    struct rs_redis_command *out = &connection->command;
    uint64_t deadline = rs_clock_ns() + connection->settings->command_timeout_ns;
    struct rs_redis_reply replies[2];
    recsys_error problem = {0};

    rs_redis_begin(out, 1);
    rs_redis_add_text(out, both[0].command);
    rs_buffer_add(&out->bytes, command->bytes, command->size);
    recsys_status status =
        rs_redis_exchange(connection, &out->bytes, both, 2, deadline, replies, &problem);
    *reply = replies[1];
    if (status != RECSYS_OK)
        return rs_redis_word(connection->settings, question->command, &problem, err);
    if (replies[0].type == RS_REDIS_ERROR) {
        rs_redis_reply_clear(reply);
        return refuse(connection, both[0].command, &replies[0], err);
    }
    rs_redis_reply_clear(&replies[0]);
    if (rs_redis_is_elsewhere(connection->settings, reply)) /* once is enough */
        return refuse(connection, question->command, reply, err);
    return rs_redis_settle(connection, question, reply, err);
}

/* The value of "name:value\r\n" in INFO's text. */
static size_t find_field(const struct rs_redis_reply *info, const char *name, const char **value)
{
    size_t size = strlen(name);

    for (const char *line = info->bytes; line != NULL; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, name, size) == 0 && line[size] == ':') {
            *value = line + size + 1;
            return strcspn(*value, "\r\n");
        }
    }
    return 0;
}

static void copy_field(const struct rs_redis_reply *info, const char *name, char *out, size_t room)
{
    const char *value;
    size_t size = find_field(info, name, &value);

    size = size < room ? size : room - 1;
    if (size > 0)
        memcpy(out, value, size);
    out[size] = '\0';
}

/* No permission to ask, or no answer: this counts as known, too. */
static int is_silent(const struct rs_redis_reply *reply)
{
    return rs_redis_refusal_is(reply, "NOPERM") ||
           rs_redis_refusal_is(reply, "ERR unknown command");
}

static void learn(struct rs_redis_connection *connection, const struct rs_redis_reply *info)
{
    const char *run_id;
    size_t size = find_field(info, "run_id", &run_id);

    if (size > 0) {
        uint64_t incarnation = rs_hash_bytes(run_id, size, 0);
        connection->incarnation =
            incarnation > UNKNOWN_INCARNATION ? incarnation : UNKNOWN_INCARNATION + 1;
        copy_field(info, "redis_version", connection->version, sizeof connection->version);
        size = find_field(info, "redis_mode", &run_id);
        connection->is_of_cluster = size == 7 && memcmp(run_id, "cluster", 7) == 0;
    }
    if (find_field(info, "maxmemory_policy", &run_id) > 0)
        copy_field(info, "maxmemory_policy", connection->policy, sizeof connection->policy);
}

/* Its first line, without a byte order mark. */
static recsys_status read_password(struct rs_redis_connection *connection, recsys_error *err)
{
    const struct rs_redis_settings *settings = connection->settings;
    FILE *file = fopen(settings->password_file, "re");
    char *text = NULL;

    if (file != NULL) {
        text = fgets(connection->secret, (int)sizeof connection->secret, file);
        (void)fclose(file);
    }
    if (text != NULL) {
        text[strcspn(text, "\r\n")] = '\0';
        size_t mark = strncmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
        memmove(text, text + mark, strlen(text + mark) + 1);
    }
    if (text == NULL || text[0] == '\0')
        return rs_error(err, RECSYS_E_IO,
                        "%s: cannot read a password in the first line of %.200s", settings->where,
                        settings->password_file);
    return RECSYS_OK;
}

/* AUTH, SELECT and INFO are sent together; the first that is refused decides. */
static recsys_status say_hello(struct rs_redis_connection *connection, uint64_t deadline,
                               recsys_error *err)
{
    const struct rs_redis_settings *settings = connection->settings;
    struct rs_redis_command *command = &connection->command;
    struct rs_redis_question asked[4];
    recsys_error problem = {0};
    uint32_t n = 0;

    const char *password = settings->password;
    if (settings->password_file != NULL) {
        recsys_status status = read_password(connection, err);
        if (status != RECSYS_OK)
            return status;
        password = connection->secret;
    }
    if (password != NULL) {
        asked[n++] = (struct rs_redis_question){.command = "AUTH", .types = RS_REDIS_OK};
        rs_redis_begin(command, settings->user != NULL ? 3 : 2);
        rs_redis_add_text(command, "AUTH");
        if (settings->user != NULL)
            rs_redis_add_text(command, settings->user);
        rs_redis_add_text(command, password);
    }
    if (settings->db != 0) {
        asked[n++] = (struct rs_redis_question){.command = "SELECT", .types = RS_REDIS_OK};
        rs_redis_begin(command, 2);
        rs_redis_add_text(command, "SELECT");
        rs_redis_add_number(command, settings->db);
    }
    for (int i = 0; i < 2; i++) { /* Redis 6 knows one section at a time */
        asked[n++] = (struct rs_redis_question){.command = "INFO", .types = RS_REDIS_BYTES};
        rs_redis_begin(command, 2);
        rs_redis_add_text(command, "INFO");
        rs_redis_add_text(command, i == 0 ? "server" : "memory");
    }
    recsys_status status = send_all(connection, &command->bytes, deadline, &problem);
    rs_buffer_clear(&command->bytes);
    for (uint32_t i = 0; i < n && status == RECSYS_OK; i++) {
        struct rs_redis_reply reply;
        int is_info = asked[i].types == RS_REDIS_BYTES;
        status = receive_one(connection, 0, deadline, &reply, &problem);
        if (status == RECSYS_OK && !fits(&asked[i], &reply)) {
            rs_redis_reply_clear(&reply);
            status = distrust(&problem);
        }
        if (status != RECSYS_OK)
            return fail(connection, asked[i].command, status, &problem, err);
        if (!is_info || !is_silent(&reply)) {
            status = rs_redis_settle(connection, &asked[i], &reply, err);
            if (status != RECSYS_OK)
                return status;
            if (is_info)
                learn(connection, &reply);
        }
        rs_redis_reply_clear(&reply);
    }
    if (status == RECSYS_OK && !rs_redis_parser_is_empty(connection->parser))
        return fail(connection, "INFO", distrust(&problem), &problem, err);
    if (status != RECSYS_OK)
        return fail(connection, asked[0].command, status, &problem, err);
    return RECSYS_OK;
}

recsys_status rs_redis_check_node(struct rs_redis_connection *connection, int all,
                                  recsys_error *err)
{
    static const recsys_bytes any = {"~", 1};
    static const struct rs_redis_question exists = {.command = "EXISTS", .types = RS_REDIS_INTEGER};
    struct rs_redis_command *command = &connection->command;
    struct rs_redis_reply reply;

    if (!connection->is_of_cluster || !connection->settings->has_hash_tag)
        return RECSYS_OK;
    rs_redis_begin(command, 2);
    rs_redis_add_text(command, "EXISTS");
    rs_redis_add_key(command, any);
    recsys_status status = rs_redis_ask(connection, &command->bytes, &exists, &reply, err);
    rs_buffer_clear(&command->bytes);
    if (status == RECSYS_OK && all && reply.type == RS_REDIS_ERROR)
        return refuse(connection, exists.command, &reply, err);
    rs_redis_reply_clear(&reply); /* ASK is an answer, too: the slot is still here */
    return status;
}

/* host NULL: where the node of the settings is. */
static recsys_status open_node(const struct rs_redis_settings *settings, const char *host,
                               uint32_t port, struct rs_redis_connection **out, recsys_error *err)
{
    uint64_t deadline;
    struct rs_redis_connection *connection = rs_alloc_array(1, sizeof *connection);
    recsys_error problem = {0};
    recsys_status status;

    *out = NULL;
    if (connection == NULL)
        return rs_error_nomem(err, "connection");
    connection->settings = settings;
    connection->opened_ns = rs_clock_ns();
    connection->incarnation = UNKNOWN_INCARNATION;
    connection->socket.descriptor = -1;
    connection->moves = rs_redis_node_get(settings->node, settings->host, settings->port,
                                          connection->host, &connection->port);
    connection->command.settings = settings;
    if (host != NULL) {
        snprintf(connection->host, sizeof connection->host, "%s", host);
        connection->port = port;
    }
    rs_buffer_init(&connection->command.bytes, RS_REDIS_MAX_COMMAND);
    connection->parser = rs_redis_parser_create();
    if (connection->parser == NULL) {
        status = rs_error_nomem(err, "connection");
        goto fail;
    }
    status = rs_redis_socket_open(&connection->socket, settings, connection->host,
                                  connection->port, &deadline, &problem);
    if (status != RECSYS_OK) {
        fail(connection, "connecting", status, &problem, err);
        if (host == NULL)
            rs_redis_node_forget(settings->node, connection->moves);
        goto fail;
    }
    status = say_hello(connection, deadline, err);
    if (status != RECSYS_OK)
        goto fail;
    status = rs_redis_socket_set_timeout(&connection->socket, settings->command_timeout_ns, err);
    if (status != RECSYS_OK)
        goto fail;
    *out = connection;
    return RECSYS_OK;

fail:
    rs_redis_connection_close(connection);
    return status;
}

recsys_status rs_redis_connection_open(const struct rs_redis_settings *settings,
                                       struct rs_redis_connection **out, recsys_error *err)
{
    recsys_error problem = {0};

    for (int hop = 0;; hop++) {
        recsys_status status = open_node(settings, NULL, 0, out, &problem);
        int is_elsewhere = 0;
        if (status == RECSYS_OK) {
            status = rs_redis_check_node(*out, 0, &problem);
            is_elsewhere = status != RECSYS_OK && (*out)->retired;
        }
        if (status == RECSYS_OK)
            return RECSYS_OK;
        rs_redis_connection_close(*out);
        *out = NULL;
        if (!is_elsewhere || hop == MAX_HOPS)
            return rs_error_copy(err, &problem);
    }
}

recsys_status rs_redis_connection_open_at(const struct rs_redis_settings *settings,
                                          const char *host, uint32_t port,
                                          struct rs_redis_connection **out, recsys_error *err)
{
    return open_node(settings, host, port, out, err);
}

void rs_redis_connection_close(struct rs_redis_connection *connection)
{
    if (connection == NULL)
        return;
    rs_redis_socket_close(&connection->socket);
    rs_redis_parser_destroy(connection->parser);
    rs_buffer_destroy(&connection->command.bytes);
    rs_free(connection);
}
