/* lib/adapters/postgres/pg_failure.c - see pg_failure.h.
 *
 * A failure with an SQLSTATE comes from the server, and the table below gives its status. A failure
 * without one is a broken connection. The server's DETAIL is left out, since it quotes rows.
 * Neither libpq nor the server ever quotes a password.
 */
#include "lib/adapters/postgres/pg_failure.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/error.h"
#include "lib/base/text.h"
#include "lib/base/utf8.h"

/* The first entry whose `state` begins the SQLSTATE decides. */
static const struct meaning {
    const char *state;
    recsys_status status;
    const char *advice;
} meanings[] = {
    {"23505", RECSYS_E_EXISTS, NULL},
    {"22", RECSYS_E_INVALID, NULL},
    {"23", RECSYS_E_INVALID, NULL},
    {"40003", RECSYS_E_IO, NULL}, /* it is not known whether it completed */
    {"40", RECSYS_E_CONFLICT, "try the whole transaction again"},
    {"55P03", RECSYS_E_CONFLICT, "try the whole transaction again"},
    {"57014", RECSYS_E_TIMEOUT, "give it more time, or look at it with EXPLAIN"},
    {"57P", RECSYS_E_IO, NULL},
    {"25P03", RECSYS_E_IO, NULL}, /* the server ended an idle transaction or session */
    {"08", RECSYS_E_IO, NULL},
    {"53300", RECSYS_E_EXHAUSTED, "use a smaller pool_size, a pooler, or a larger max_connections"},
    {"28", RECSYS_E_BACKEND, "look at the user and password in conninfo, and at pg_hba.conf"},
    {"3D000", RECSYS_E_BACKEND, "look at dbname in conninfo"},
    {"3F000", RECSYS_E_BACKEND, "has the migration been run?"},
    {"42P01", RECSYS_E_BACKEND, "has the migration been run?"},
    {"42501", RECSYS_E_BACKEND, "grant it to conninfo's user"},
    {"25006", RECSYS_E_BACKEND, "is this a standby? target_session_attrs=read-write finds another"},
    {"", RECSYS_E_BACKEND, NULL},
};

/* The server sends it for a statement, a pooler for a connection that it ends. */
static const struct meaning misused = {"08P01", RECSYS_E_BACKEND,
                                       "does it have as many parameters as were given?"};

static const struct meaning *find_meaning(const char *state, int is_fatal)
{
    size_t i = 0;

    if (!is_fatal && strcmp(state, misused.state) == 0)
        return &misused;

    while (strncmp(state, meanings[i].state, strlen(meanings[i].state)) != 0)
        i++;
    return &meanings[i];
}

void rs_pg_put_line(const char *text, char *out, size_t room)
{
    size_t n = 0;

    for (; *text != '\0' && n + 1 < room; text++) {
        char c = (unsigned char)*text < 0x20 ? ' ' : *text;
        if (c != ' ' || (n > 0 && out[n - 1] != ' '))
            out[n++] = c;
    }
    while (n > 0 && out[n - 1] == ' ')
        n--;
    out[n] = '\0';
    rs_text_trim(out);
    /* Before client and server have agreed on an encoding, the server writes in its own. */
    if (!rs_utf8_is_valid(out, strlen(out)))
        for (char *c = out; *c != '\0'; c++)
            *c = (unsigned char)*c < 0x80 ? *c : '?';
}

static recsys_status fail(recsys_error *err, const char *what, const char *why, const char *state,
                          const char *hint, int is_fatal)
{
    const struct meaning *meaning = find_meaning(state, is_fatal);
    char line[300], advice[160] = "";

    rs_pg_put_line(why, line, sizeof line);
    if (hint != NULL || meaning->advice != NULL)
        rs_pg_put_line(meaning->advice != NULL ? meaning->advice : hint, advice, sizeof advice);
    return rs_error(err, meaning->status, "%s: %s (SQLSTATE %s)%s%s", what, line, state,
                    advice[0] == '\0' ? "" : "; ", advice);
}

int rs_pg_is_no_memory(const char *message)
{
    return message == NULL || strstr(message, "out of memory") != NULL ||
           strstr(message, "Memory allocation failure") != NULL; /* the resolver's */
}

static recsys_status fail_broken(recsys_error *err, const char *what, const char *message)
{
    char line[320];

    if (rs_pg_is_no_memory(message))
        return rs_error_nomem(err, "PostgreSQL");
    rs_pg_put_line(message, line, sizeof line);
    return rs_error(err, RECSYS_E_IO, "%s: %s", what,
                    line[0] == '\0' ? "the connection was lost" : line);
}

recsys_status rs_pg_fail_result(recsys_error *err, const PGresult *result, const char *what)
{
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    const char *severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);

    if (state == NULL)
        return fail_broken(err, what, PQresultErrorMessage(result));
    return fail(err, what, message == NULL ? "no message" : message, state,
                PQresultErrorField(result, PG_DIAG_MESSAGE_HINT),
                severity == NULL || strcmp(severity, "ERROR") != 0);
}

/* "FATAL: 28P01: password …": libpq gives the SQLSTATE of a refused connection only in the text,
 * between the severity and the message. */
static int find_state(const char *message, char state[6], const char **rest)
{
    static const char letters[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";

    for (const char *at = strstr(message, ":  "); at != NULL; at = strstr(at + 1, ":  "))
        if (strspn(at + 3, letters) == 5 && strncmp(at + 8, ": ", 2) == 0) {
            memcpy(state, at + 3, 5);
            state[5] = '\0';
            *rest = at + 10;
            return 1;
        }
    return 0;
}

recsys_status rs_pg_fail_connection(recsys_error *err, PGconn *pg, const char *what)
{
    char first[400], state[6];
    const char *rest;
    size_t length = strcspn(PQerrorMessage(pg), "\n");

    snprintf(first, sizeof first, "%.*s", (int)(length < sizeof first ? length : sizeof first - 1),
             PQerrorMessage(pg));
    if (find_state(first, state, &rest))
        return fail(err, what, rest, state, NULL, 1);
    return fail_broken(err, what, first);
}

recsys_status rs_pg_fail_timeout(recsys_error *err, PGconn *pg, const char *what)
{
    const char *host = PQhost(pg), *port = PQport(pg);

    return rs_error(err, RECSYS_E_TIMEOUT, "%s: no answer in time from %.100s, port %.20s", what,
                    host == NULL || *host == '\0' ? "the server" : host, port == NULL ? "" : port);
}
