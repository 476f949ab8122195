/* lib/adapters/postgres/pg_connection.c - see pg_connection.h.
 *
 * libpq cannot wait with a deadline, so it never waits: this file polls the socket, and libpq only
 * reads and writes without blocking. One exception remains: libpq looks up a host's name before
 * there is a socket, which blocks (hostaddr avoids that).
 *
 * If a deadline passes, the connection is closed. No cancel request is sent: up to libpq 16 that
 * blocks, and it may cancel the next statement. The server stops by itself, by the
 * statement_timeout that came with the statement.
 */
#include "lib/adapters/postgres/pg_connection.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "lib/adapters/postgres/pg_failure.h"
#include "lib/base/clock.h"
#include "lib/base/error.h"

/* Later values win: the defaults, then the caller's conninfo, then fixed values. */
static const char *const keywords[] = {
    "fallback_application_name", "tcp_user_timeout", "keepalives_idle", "keepalives_interval",
    "keepalives_count",          "dbname",           "client_encoding", NULL};

uint64_t rs_pg_deadline(uint32_t timeout_ms)
{
    return timeout_ms == RECSYS_NEVER_32 ? RS_PG_NO_DEADLINE
                                         : rs_clock_ns() + (uint64_t)timeout_ms * 1000000u;
}

uint32_t rs_pg_remaining_ms(uint64_t deadline_ns)
{
    uint64_t now = rs_clock_ns();

    if (now >= deadline_ns)
        return 0;
    uint64_t ms = (deadline_ns - now + 999999u) / 1000000u;
    return ms > INT32_MAX ? INT32_MAX : (uint32_t)ms;
}

/* Wait until the socket is ready for one of `events`; `*seen` becomes those it is ready for. */
static recsys_status wait_for(PGconn *pg, short events, uint64_t deadline_ns, const char *what,
                              short *seen, recsys_error *err)
{
    struct pollfd socket = {PQsocket(pg), events, 0};

    for (;;) {
        uint32_t ms = rs_pg_remaining_ms(deadline_ns);
        if (ms == 0)
            return rs_pg_fail_timeout(err, pg, what);
        int n = poll(&socket, 1, (int)ms);
        if (n < 0 && errno != EINTR)
            return rs_error_sys(err, errno, "%s: cannot wait for PostgreSQL", what);
        if (n > 0) {
            *seen = socket.revents;
            return RECSYS_OK;
        }
    }
}

static void drop_notice(void *user_data, const PGresult *result)
{
    (void)user_data;
    (void)result;
}

static recsys_status finish_connecting(PGconn *pg, uint64_t deadline_ns, recsys_error *err)
{
    static const char what[] = "cannot connect to PostgreSQL";
    PostgresPollingStatusType state = PGRES_POLLING_WRITING;
    short seen;

    while (state != PGRES_POLLING_OK) {
        if (state == PGRES_POLLING_FAILED || PQstatus(pg) == CONNECTION_BAD)
            return rs_pg_fail_connection(err, pg, what);
        recsys_status status = wait_for(pg, state == PGRES_POLLING_READING ? POLLIN : POLLOUT,
                                        deadline_ns, what, &seen, err);
        if (status != RECSYS_OK)
            return status;
        state = PQconnectPoll(pg);
    }
    if (PQsetnonblocking(pg, 1) != 0)
        return rs_pg_fail_connection(err, pg, what);
    return RECSYS_OK;
}

recsys_status rs_pg_connect(const char *conninfo, uint64_t deadline_ns,
                            struct rs_pg_connection *out, recsys_error *err)
{
    const char *const values[] = {"recsys", "10000", "30", "10", "3", conninfo, "UTF8", NULL};

    memset(out, 0, sizeof *out);
    PGconn *pg = PQconnectStartParams(keywords, values, 1);
    if (pg == NULL)
        return rs_error_nomem(err, "PostgreSQL connection");
    PQsetNoticeReceiver(pg, drop_notice, NULL);
    /* libpq gives the SQLSTATE of a refused connection only with this setting. */
    PQsetErrorVerbosity(pg, PQERRORS_VERBOSE);
    recsys_status status = finish_connecting(pg, deadline_ns, err);
    if (status != RECSYS_OK) {
        PQfinish(pg);
        return status;
    }
    out->pg = pg;
    out->connected_ns = rs_clock_ns();
    return RECSYS_OK;
}

void rs_pg_close(struct rs_pg_connection *connection)
{
    PQfinish(connection->pg);
    connection->pg = NULL;
}

void rs_pg_abandon(struct rs_pg_connection *connection)
{
    PGconn *pg = connection->pg;
    int socket = PQsocket(pg), nothing = open("/dev/null", O_RDWR | O_CLOEXEC);

    connection->pg = NULL;
    /* PQfinish() sends a last message to the server, and TLS does, too. So the descriptor is
     * first replaced by one that leads nowhere. If there is none, the memory is not freed, which
     * is the smaller loss. */
    if (socket < 0 || (nothing >= 0 && dup2(nothing, socket) == socket))
        PQfinish(pg);
    if (nothing >= 0)
        close(nothing);
}

int rs_pg_is_idle(const struct rs_pg_connection *connection)
{
    if (connection->pg == NULL || PQstatus(connection->pg) != CONNECTION_OK ||
        PQtransactionStatus(connection->pg) != PQTRANS_IDLE)
        return 0;
    struct pollfd socket = {PQsocket(connection->pg), POLLIN, 0};
    return poll(&socket, 1, 0) == 0;
}

recsys_status rs_pg_flush(struct rs_pg_connection *connection, uint64_t deadline_ns,
                          const char *what, recsys_error *err)
{
    recsys_status status = RECSYS_OK;
    short seen = 0;
    int left;

    while (status == RECSYS_OK && (left = PQflush(connection->pg)) != 0) {
        if (left > 0)
            status = wait_for(connection->pg, POLLIN | POLLOUT, deadline_ns, what, &seen, err);
        /* Read, too: a server whose output is not read stops reading. */
        if (left < 0 || (seen != 0 && (seen & ~POLLOUT) != 0 && !PQconsumeInput(connection->pg)))
            status = rs_pg_fail_connection(err, connection->pg, what);
    }
    if (status != RECSYS_OK)
        rs_pg_close(connection);
    return status;
}

recsys_status rs_pg_next(struct rs_pg_connection *connection, uint64_t deadline_ns,
                         const char *what, PGresult **out, recsys_error *err)
{
    recsys_status status = RECSYS_OK;
    short seen;

    *out = NULL;
    while (status == RECSYS_OK && PQisBusy(connection->pg)) {
        status = wait_for(connection->pg, POLLIN, deadline_ns, what, &seen, err);
        if (status == RECSYS_OK && !PQconsumeInput(connection->pg))
            status = rs_pg_fail_connection(err, connection->pg, what);
    }
    if (status != RECSYS_OK) {
        rs_pg_close(connection);
        return status;
    }
    *out = PQgetResult(connection->pg);
    return RECSYS_OK;
}
