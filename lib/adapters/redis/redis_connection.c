/* lib/adapters/redis/redis_connection.c - see redis_connection.h.
 *
 * A command costs one send() and, if the answer fits into one read, one recv().
 * Arguments carry their lengths, so any bytes may be in them and nothing is
 * ever formatted into a command.
 *
 * Bytes after the answer mean that answers and commands no longer match: then this
 * answer, too, may belong to another command, and it is dropped with the connection.
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
#define KEEP_BYTES ((size_t)64 << 10) /* of what was sent, for the next command */
#define MAX_COMMAND RS_REDIS_MAX_REPLY
#define UNKNOWN_INCARNATION 1u
#define MAX_HOPS 5 /* from node to node */

/* A '*' or '$', a number, the end of a line. */
static void add_head(struct rs_buffer *out, char kind, size_t number)
{
    char text[24];
    size_t at = sizeof text;

    text[--at] = '\n';
    text[--at] = '\r';
    do
        text[--at] = (char)('0' + number % 10);
    while ((number /= 10) > 0);
    text[--at] = kind;
    rs_buffer_add(out, text + at, sizeof text - at);
}

void rs_redis_begin(struct rs_redis_connection *connection, size_t n)
{
    add_head(&connection->out, '*', n);
}

void rs_redis_add(struct rs_redis_connection *connection, const void *bytes, size_t size)
{
    add_head(&connection->out, '$', size);
    if (size > 0)
        rs_buffer_add(&connection->out, bytes, size);
    rs_buffer_add(&connection->out, "\r\n", 2);
}

void rs_redis_add_text(struct rs_redis_connection *connection, const char *text)
{
    rs_redis_add(connection, text, strlen(text));
}

void rs_redis_add_number(struct rs_redis_connection *connection, uint64_t number)
{
    char text[20];
    size_t at = sizeof text;

    do
        text[--at] = (char)('0' + number % 10);
    while ((number /= 10) > 0);
    rs_redis_add(connection, text + at, sizeof text - at);
}

void rs_redis_add_key(struct rs_redis_connection *connection, recsys_bytes key)
{
    const struct rs_redis_settings *settings = connection->settings;

    if (key.size > MAX_COMMAND) /* so that the sum cannot overflow */
        connection->out.status = RECSYS_E_LIMIT;
    add_head(&connection->out, '$', settings->prefix_size + key.size);
    if (settings->prefix_size > 0)
        rs_buffer_add(&connection->out, settings->prefix, settings->prefix_size);
    if (key.size > 0)
        rs_buffer_add(&connection->out, key.data, key.size);
    rs_buffer_add(&connection->out, "\r\n", 2);
}

/* Put the server and the action in front of the message of the part below. */
static recsys_status fail(struct rs_redis_connection *connection, const char *command,
                          recsys_status status, const recsys_error *problem, uint64_t timeout_ns,
                          recsys_error *err)
{
    const char *where = connection->settings->where;

    connection->broken = 1;
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

static recsys_status send_all(struct rs_redis_connection *connection, uint64_t deadline,
                              recsys_error *err)
{
    struct rs_buffer *out = &connection->out;
    recsys_status status = out->status;

    if (status == RECSYS_OK)
        status = rs_redis_socket_send(&connection->socket, out->bytes, out->size, deadline, err);
    else if (status == RECSYS_E_LIMIT)
        rs_error(err, status, "a command has at most %zu bytes", MAX_COMMAND);
    else
        rs_error_nomem(err, "command");
    rs_buffer_clear(out);
    if (out->room > KEEP_BYTES) {
        rs_buffer_destroy(out);
        rs_buffer_init(out, MAX_COMMAND);
    }
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

recsys_status rs_redis_distrust(struct rs_redis_connection *connection, const char *command,
                                recsys_error *err)
{
    connection->broken = 1;
    return rs_error(err, RECSYS_E_BACKEND,
                    "%s: %s: the answer does not match the command; the connection is closed",
                    connection->settings->where, command);
}

recsys_status rs_redis_refuse(struct rs_redis_connection *connection, const char *command,
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

/* Is the reply one that may be handed out? It is cleared if not. */
static recsys_status judge(struct rs_redis_connection *connection, const char *command,
                           uint32_t types, struct rs_redis_reply *reply, recsys_error *err)
{
    if ((reply->type & types) != 0)
        return RECSYS_OK;
    if (reply->type == RS_REDIS_ERROR)
        return rs_redis_refuse(connection, command, reply, err);
    rs_redis_reply_clear(reply);
    return rs_redis_distrust(connection, command, err);
}

recsys_status rs_redis_ask(struct rs_redis_connection *connection, const char *command,
                           uint32_t types, size_t max_items, struct rs_redis_reply *reply,
                           recsys_error *err)
{
    uint64_t timeout = connection->settings->command_timeout_ns;
    uint64_t deadline = rs_clock_ns() + timeout;
    int unsent = connection->out.status != RECSYS_OK;
    recsys_error problem = {0};
    recsys_status status = send_all(connection, deadline, &problem);

    memset(reply, 0, sizeof *reply);
    if (status == RECSYS_OK)
        status = receive_one(connection, max_items, deadline, reply, &problem);
    if (status != RECSYS_OK) {
        fail(connection, command, status, &problem, timeout, err);
        connection->broken = !unsent; /* nothing was sent */
        connection->timed_out = status == RECSYS_E_TIMEOUT;
        return status;
    }
    if (!rs_redis_parser_is_empty(connection->parser)) {
        rs_redis_reply_clear(reply);
        return rs_redis_distrust(connection, command, err);
    }
    if (!rs_redis_parser_shrink(connection->parser))
        connection->broken = 1; /* for the next; this answer is good */
    return judge(connection, command, types, reply, err);
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
    const char *commands[4];
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
        commands[n++] = "AUTH";
        rs_redis_begin(connection, settings->user != NULL ? 3 : 2);
        rs_redis_add_text(connection, "AUTH");
        if (settings->user != NULL)
            rs_redis_add_text(connection, settings->user);
        rs_redis_add_text(connection, password);
    }
    if (settings->db != 0) {
        commands[n++] = "SELECT";
        rs_redis_begin(connection, 2);
        rs_redis_add_text(connection, "SELECT");
        rs_redis_add_number(connection, settings->db);
    }
    for (int i = 0; i < 2; i++) { /* Redis 6 knows one section at a time */
        commands[n++] = "INFO";
        rs_redis_begin(connection, 2);
        rs_redis_add_text(connection, "INFO");
        rs_redis_add_text(connection, i == 0 ? "server" : "memory");
    }
    recsys_status status = send_all(connection, deadline, &problem);
    for (uint32_t i = 0; i < n && status == RECSYS_OK; i++) {
        struct rs_redis_reply reply;
        int is_info = strcmp(commands[i], "INFO") == 0;
        status = receive_one(connection, 0, deadline, &reply, &problem);
        if (status != RECSYS_OK)
            return fail(connection, commands[i], status, &problem, settings->connect_timeout_ns,
                        err);
        if (is_info && is_silent(&reply))
            rs_redis_reply_clear(&reply);
        else {
            status =
                judge(connection, commands[i], is_info ? RS_REDIS_BYTES : RS_REDIS_OK, &reply, err);
            if (status != RECSYS_OK)
                return status;
            if (is_info)
                learn(connection, &reply);
            rs_redis_reply_clear(&reply);
        }
    }
    if (status != RECSYS_OK)
        return fail(connection, commands[0], status, &problem, settings->connect_timeout_ns, err);
    return rs_redis_parser_is_empty(connection->parser)
               ? RECSYS_OK
               : rs_redis_distrust(connection, "INFO", err);
}

recsys_status rs_redis_check_node(struct rs_redis_connection *connection, recsys_error *err)
{
    static const recsys_bytes any = {"~", 1};
    struct rs_redis_reply reply;

    if (!connection->is_of_cluster || !connection->settings->has_hash_tag)
        return RECSYS_OK;
    rs_redis_begin(connection, 2);
    rs_redis_add_text(connection, "EXISTS");
    rs_redis_add_key(connection, any);
    return rs_redis_ask(connection, "EXISTS", RS_REDIS_INTEGER, 0, &reply, err);
}

static recsys_status open_node(const struct rs_redis_settings *settings,
                               struct rs_redis_connection **out, recsys_error *err)
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
    rs_buffer_init(&connection->out, MAX_COMMAND);
    connection->parser = rs_redis_parser_create();
    if (connection->parser == NULL) {
        status = rs_error_nomem(err, "connection");
        goto fail;
    }
    status = rs_redis_socket_open(&connection->socket, settings, connection->host,
                                  connection->port, &deadline, &problem);
    if (status != RECSYS_OK) {
        fail(connection, "connecting", status, &problem, settings->connect_timeout_ns, err);
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
        recsys_status status = open_node(settings, out, &problem);
        int is_elsewhere = 0;
        if (status == RECSYS_OK) {
            status = rs_redis_check_node(*out, &problem);
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

void rs_redis_connection_close(struct rs_redis_connection *connection)
{
    if (connection == NULL)
        return;
    rs_redis_socket_close(&connection->socket);
    rs_redis_parser_destroy(connection->parser);
    rs_buffer_destroy(&connection->out);
    rs_free(connection);
}
