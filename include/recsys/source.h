/* recsys/source.h - a database: statements with parameters, typed rows, JSON. Group: domains. */
#ifndef RECSYS_SOURCE_H
#define RECSYS_SOURCE_H

#include <stddef.h>
#include <stdint.h>

#include "export.h"
#include "status.h"
#include "store.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A database, as far as this library needs one: it runs a statement with
 * parameters within a deadline. librecsys-postgres makes a source over PostgreSQL
 * (postgres.h); recsys_source_create() makes one from functions of your own.
 *
 * Thread-safety: SYNCHRONIZED; starts no thread.
 * Ownership: SHARED, counted. recsys_source_create() gives the caller one
 *   reference; recsys_source_unref() gives one back. Objects that use a source
 *   (domains, a denylist, a transaction) hold a reference, so references may be
 *   given back in any order.
 */
typedef struct recsys_source recsys_source;

/* A parameter's or a column's type. */
enum {
    RECSYS_TYPE_NULL = 0,
    RECSYS_TYPE_BOOL = 1,    /* number is 0 or 1 */
    RECSYS_TYPE_INTEGER = 2, /* number */
    RECSYS_TYPE_REAL = 3,    /* real */
    RECSYS_TYPE_TEXT = 4,    /* text, size: UTF-8 without NUL */
    RECSYS_TYPE_NUMBER = 5,  /* text: a decimal number of any precision, as JSON writes it */
    RECSYS_TYPE_JSON = 6,    /* text: finished JSON */
    RECSYS_TYPE_TIME = 7     /* text: RFC 3339, in UTC: 2026-02-03T04:05:06.123456Z */
};

/* One value. Text is BORROWED. Frozen. */
typedef struct recsys_datum {
    uint32_t type;     /* RECSYS_TYPE_* */
    uint32_t reserved; /* must be 0 */
    int64_t number;
    double real;
    const char *text;
    size_t size;
} recsys_datum;

/* Make parameters. The text of recsys_datum_text() is NUL-terminated and BORROWED.
 * Since: 0.1 */
RECSYS_API recsys_datum recsys_datum_integer(int64_t number);
RECSYS_API recsys_datum recsys_datum_real(double real);
RECSYS_API recsys_datum recsys_datum_text(const char *text);

/*
 * The result of a statement: columns with names, rows of values.
 *
 * Thread-safety: ONE THREAD AT A TIME while it is filled, then IMMUTABLE.
 * Ownership: recsys_rows_destroy().
 */
typedef struct recsys_rows recsys_rows;

RECSYS_API RECSYS_NODISCARD recsys_status recsys_rows_create(recsys_rows **out, recsys_error *err);
/* NULL is allowed. */
RECSYS_API void recsys_rows_destroy(recsys_rows *rows);

/* For drivers: add all columns first, then values row by row, left to right. Text
 * is COPIED and then ends in a NUL. Text that is not UTF-8, and JSON or NUMBER that
 * is not well-formed, is refused with E_FORMAT.
 * Fails with: E_INVALID, E_UNSUPPORTED (value.reserved is not 0), E_FORMAT,
 * E_LIMIT (64 MiB together), E_STATE (a column after a value), E_NOMEM. Since: 0.1 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_rows_add_column(recsys_rows *rows,
                                                                 const char *name,
                                                                 recsys_error *err);
RECSYS_API RECSYS_NODISCARD recsys_status recsys_rows_add(recsys_rows *rows, recsys_datum value,
                                                          recsys_error *err);

RECSYS_API size_t recsys_rows_count(const recsys_rows *rows);
RECSYS_API size_t recsys_rows_count_columns(const recsys_rows *rows);
/* NULL if there is no such column. BORROWED from rows. */
RECSYS_API const char *recsys_rows_get_column(const recsys_rows *rows, size_t column);
/* RECSYS_TYPE_NULL beyond the end. BORROWED from rows. */
RECSYS_API recsys_datum recsys_rows_get(const recsys_rows *rows, size_t row, size_t column);
/* By the column's name; RECSYS_TYPE_NULL if there is none. */
RECSYS_API recsys_datum recsys_rows_find(const recsys_rows *rows, size_t row, const char *column);

enum {
    RECSYS_SHAPE_OBJECT = 1, /* the first row as an object; E_NOT_FOUND without one */
    RECSYS_SHAPE_LIST = 2,   /* an array of objects */
    RECSYS_SHAPE_COLUMN = 3  /* an array of the first column's values */
};

/*
 * The rows as JSON: NULL is null; a BOOL is true or false; INTEGER and NUMBER are
 * numbers; a REAL has the fewest digits that read back as the same value, and is
 * null if it is not finite; TEXT and TIME are strings; JSON is not changed.
 *
 * out  receives NUL-terminated text (size without the NUL)
 *
 * Fails with: E_NOT_FOUND, E_INVALID (an object of columns that share a name),
 *   E_LIMIT (64 MiB), E_NOMEM. Since: 0.1
 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_rows_format(const recsys_rows *rows,
                                                             uint32_t shape, recsys_value *out,
                                                             recsys_error *err);

/*
 * The functions of a driver. A statement has its parameters as $1, $2 …; the
 * library never writes a value into a statement's text. `session` is NULL outside
 * a transaction. `timeout_ms` bounds the whole call, waiting for a connection
 * included; RECSYS_NEVER_32 = no bound.
 *
 * Each function runs on the thread that called the source, several at once on
 * different threads (for one session: one at a time). It may call any function of
 * the library, but none of this source; no exception and no longjmp may leave it.
 * Its error record is zeroed and never NULL; if the driver does not fill it in, the
 * library does. A number that is no status becomes E_CALLBACK. Arguments are
 * BORROWED for the call.
 *
 * Statuses: E_TIMEOUT (the time is over), E_EXHAUSTED (no connection became free),
 * E_IO (not reachable, connection lost), E_BACKEND (the database's own error),
 * E_EXISTS (a unique constraint), E_INVALID (the database refuses the values),
 * E_CONFLICT (serialisation, deadlock, a lock that is held: the caller may try the
 * whole transaction again), E_LIMIT, E_NOMEM.
 */
typedef struct recsys_source_driver {
    uint32_t struct_size; /* sizeof(recsys_source_driver) */
    uint32_t reserved;    /* must be 0 */
    recsys_status (*query)(void *self, void *session, const char *statement,
                           const recsys_datum *parameters, size_t n, uint32_t timeout_ms,
                           recsys_rows *rows, recsys_error *err);
    recsys_status (*begin)(void *self, uint32_t timeout_ms, void **session, recsys_error *err);
    /* Ends the session, whatever it returns. If a commit fails with E_TIMEOUT, E_IO,
     * E_NOMEM or E_CALLBACK, the transaction may or may not have been committed; after
     * any other failure it was not. A commit after a failed statement fails too: with
     * E_CONFLICT if that was the statement's status, else with E_STATE. */
    recsys_status (*end)(void *self, void *session, uint32_t commit, uint32_t timeout_ms,
                         recsys_error *err);
    /* Run several statements without parameters, all or none: a migration. May be NULL. */
    recsys_status (*run)(void *self, const char *script, uint32_t timeout_ms, recsys_error *err);
    /* Called when the source's last reference is given back; perhaps in a forked child,
     * where it must not touch the parent's connections. */
    void (*destroy)(void *self);
    /* -- end of version 1 -- append below, never insert above -- */
} recsys_source_driver;

#define RECSYS_SOURCE_DRIVER_SIZE_V1 RECSYS_SIZE_TO(recsys_source_driver, destroy)
#define RECSYS_SOURCE_DRIVER_INIT \
    {(uint32_t)sizeof(recsys_source_driver), 0u, NULL, NULL, NULL, NULL, NULL}

/* The source owns `self` from now on. If this call fails, for whatever reason, it
 * has called `destroy` (unless the driver or its destroy is NULL).
 * Fails with: E_INVALID, E_UNSUPPORTED, E_NOMEM. Since: 0.1 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_source_create(const char *name,
                                                               const recsys_source_driver *driver,
                                                               void *self, recsys_source **out,
                                                               recsys_error *err);
/* Take one more reference. Returns its argument. NULL is allowed. Since: 0.2 */
RECSYS_API recsys_source *recsys_source_ref(recsys_source *source);
/* Give one reference back; for the last one the driver's `destroy` is called, on
 * this thread. NULL is allowed. Since: 0.2 */
RECSYS_API void recsys_source_unref(recsys_source *source);

/* For drivers with functions of their own: `self`, if the source's driver has
 * this destroy function; else NULL. */
RECSYS_API void *recsys_source_get_self(const recsys_source *source, void (*destroy)(void *self));

/*
 * Tell the source that the database is away (1) or back (0). While it is away, new
 * statements, scripts and transactions fail at once with E_IO, instead of blocking
 * a thread each until their deadline. For a service that watches its database from
 * a thread of its own, through a second source that it does not mark as away.
 * Since: 0.1
 */
RECSYS_API void recsys_source_set_away(recsys_source *source, uint32_t away);

/* Run one statement outside a transaction. `*out` is OWNED. In this and all calls
 * below timeout_ms 0 = 2000, RECSYS_NEVER_32 = as long as it takes. After E_CONFLICT the
 * statement is tried again within that time.
 * Fails with: the driver's statuses, E_CALLBACK (the driver broke its contract),
 * E_INVALID, E_UNSUPPORTED (a parameter's reserved is not 0). Since: 0.1 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_source_query(recsys_source *source,
                                                              const char *statement,
                                                              const recsys_datum *parameters,
                                                              size_t n, uint32_t timeout_ms,
                                                              recsys_rows **out, recsys_error *err);
/* Also: E_UNSUPPORTED (the driver has no run). */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_source_run(recsys_source *source,
                                                            const char *script, uint32_t timeout_ms,
                                                            recsys_error *err);

/*
 * Several statements that take effect together or not at all.
 *
 * Thread-safety: ONE THREAD AT A TIME. Ownership: ended by commit or rollback,
 * both of which destroy it whatever they return. It holds a reference to its source.
 */
typedef struct recsys_transaction recsys_transaction;

RECSYS_API RECSYS_NODISCARD recsys_status recsys_transaction_begin(recsys_source *source,
                                                                   uint32_t timeout_ms,
                                                                   recsys_transaction **out,
                                                                   recsys_error *err);
RECSYS_API RECSYS_NODISCARD recsys_status recsys_transaction_query(recsys_transaction *transaction,
                                                                   const char *statement,
                                                                   const recsys_datum *parameters,
                                                                   size_t n, recsys_rows **out,
                                                                   recsys_error *err);
/* Fails as the driver's `end` does: after E_TIMEOUT, E_IO, E_NOMEM or E_CALLBACK the
 * transaction may have been committed. Since: 0.1 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_transaction_commit(recsys_transaction *transaction,
                                                                    recsys_error *err);
/* NULL is allowed. Cannot fail: a connection that cannot roll back is closed. */
RECSYS_API void recsys_transaction_rollback(recsys_transaction *transaction);

#ifdef __cplusplus
}
#endif

#endif
