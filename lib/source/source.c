/* lib/source/source.c - a database behind one interface.
 *
 * Calls go to a driver. Arguments, parameters and the driver's results are checked here, once for
 * all drivers. Rows are made here and given to the caller only if the statement succeeded. A
 * transaction is a driver's session with a time-out for each statement.
 */
#include "recsys/source.h"
#include "lib/base/refs.h"

#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <time.h>

#include "lib/base/alloc.h"
#include "lib/base/callback.h"
#include "lib/base/clock.h"
#include "lib/base/error.h"
#include "lib/base/structs.h"
#include "lib/source/rows.h"

#define DEFAULT_TIMEOUT_MS 2000u
#define MAX_PARAMETERS 65535u
#define FIRST_PAUSE_MS 2u /* before a statement is tried again; then doubled */
#define LAST_PAUSE_MS 64u

struct recsys_source {
    recsys_source_driver driver;
    void *self;
    char *name;
    _Atomic uint32_t refs;
    _Atomic uint32_t away;
};

struct recsys_transaction {
    recsys_source *source;
    void *session;
    uint32_t timeout_ms;
};

recsys_status recsys_source_create(const char *name, const recsys_source_driver *driver, void *self,
                                   recsys_source **out, recsys_error *err)
{
    recsys_source_driver seen;
    recsys_source *source = NULL;
    recsys_status status;

    if (out != NULL)
        *out = NULL;
    if (driver == NULL)
        status = rs_error(err, RECSYS_E_INVALID, "recsys_source_create: driver is NULL");
    else
        status = rs_struct_read(&seen, sizeof seen, driver, RECSYS_SOURCE_DRIVER_SIZE_V1,
                                "recsys_source_create: driver", err);
    if (status == RECSYS_OK)
        status = rs_reserved(seen.reserved, "recsys_source_create: driver.reserved", err);
    if (status != RECSYS_OK)
        goto fail;
    if (name == NULL || out == NULL || seen.query == NULL || seen.begin == NULL ||
        seen.end == NULL || seen.destroy == NULL) {
        status = rs_error(err, RECSYS_E_INVALID,
                          "recsys_source_create: an argument or one of the driver's functions "
                          "query, begin, end and destroy is missing");
        goto fail;
    }
    source = rs_alloc_array(1, sizeof *source);
    if (source == NULL || (source->name = rs_copy_text(name)) == NULL) {
        status = rs_error_nomem(err, "source");
        goto fail;
    }
    source->driver = seen;
    source->self = self;
    atomic_init(&source->refs, 1u);
    *out = source;
    return RECSYS_OK;

fail:
    rs_free(source);
    /* For every struct_size: the first version of the struct had this field. */
    if (driver != NULL && driver->destroy != NULL)
        driver->destroy(self);
    return status;
}

recsys_source *recsys_source_ref(recsys_source *source)
{
    if (source != NULL)
        rs_refs_take(&source->refs);
    return source;
}

void recsys_source_unref(recsys_source *source)
{
    if (source == NULL || !rs_refs_drop(&source->refs))
        return;
    source->driver.destroy(source->self);
    rs_free(source->name);
    rs_free(source);
}

void *recsys_source_get_self(const recsys_source *source, void (*destroy)(void *self))
{
    if (source == NULL || destroy == NULL || source->driver.destroy != destroy)
        return NULL;
    return source->self;
}

void recsys_source_set_away(recsys_source *source, uint32_t away)
{
    if (source != NULL)
        atomic_store_explicit(&source->away, away, memory_order_relaxed);
}

/* The result of a driver's function; `what` in messages is "PostgreSQL: the driver's query". */
static recsys_status judge(const recsys_source *source, const char *function,
                           recsys_status returned, const recsys_error *said, recsys_error *err)
{
    char what[96];

    if (returned == RECSYS_OK)
        return RECSYS_OK;
    snprintf(what, sizeof what, "%.60s: the driver's %s", source->name, function);
    return rs_callback_result(returned, said, err, what);
}

static uint32_t bound(uint32_t timeout_ms)
{
    return timeout_ms == 0 ? DEFAULT_TIMEOUT_MS : timeout_ms;
}

/* Check before anything is begun. */
static recsys_status check_there(recsys_source *source, recsys_error *err)
{
    if (atomic_load_explicit(&source->away, memory_order_relaxed) == 0)
        return RECSYS_OK;
    return rs_error(
        err, RECSYS_E_IO,
        "%s is marked as away: no statement is sent until recsys_source_set_away() ends that",
        source->name);
}

static recsys_status check_statement(const recsys_source *source, const char *statement,
                                     const recsys_datum *parameters, size_t n, recsys_error *err)
{
    char what[32];

    if (statement == NULL || (parameters == NULL && n > 0))
        return rs_error(err, RECSYS_E_INVALID, "%s: the statement or its parameters are missing",
                        source->name);
    if (n > MAX_PARAMETERS)
        return rs_error(err, RECSYS_E_INVALID, "%s: a statement has %zu parameters, at most %u",
                        source->name, n, MAX_PARAMETERS);
    for (size_t i = 0; i < n; i++) {
        snprintf(what, sizeof what, "parameter $%zu", i + 1);
        recsys_status status = rs_datum_check(&parameters[i], RECSYS_E_INVALID, what, err);
        if (status != RECSYS_OK)
            return status;
    }
    return RECSYS_OK;
}

static recsys_status query(recsys_source *source, void *session, const char *statement,
                           const recsys_datum *parameters, size_t n, uint32_t timeout_ms,
                           recsys_rows **out, recsys_error *err)
{
    recsys_status status = check_statement(source, statement, parameters, n, err);
    recsys_error said = {0};

    if (status == RECSYS_OK)
        status = recsys_rows_create(out, err);
    if (status != RECSYS_OK)
        return status;
    status = source->driver.query(source->self, session, statement, parameters, n, timeout_ms, *out,
                                  &said);
    status = judge(source, "query", status, &said, err);
    if (status == RECSYS_OK && !rs_rows_are_whole(*out))
        status = rs_error(err, RECSYS_E_CALLBACK,
                          "%s: the driver's query returned RECSYS_OK in the middle of a row",
                          source->name);
    if (status != RECSYS_OK) {
        recsys_rows_destroy(*out);
        *out = NULL;
    }
    return status;
}

/* Between half of it and all of it, so that two statements do not meet again. */
static void pause_about(uint32_t ms)
{
    uint64_t ns = (uint64_t)ms * 500000u + rs_clock_ns() % ((uint64_t)ms * 500000u);
    struct timespec left = {0, (long)ns};

    while (nanosleep(&left, &left) != 0 && errno == EINTR)
        ;
}

/* A statement outside a transaction that the database gave up (serialisation, deadlock, a lock
 * that is held) has changed nothing, so it is tried again inside its deadline. */
recsys_status recsys_source_query(recsys_source *source, const char *statement,
                                  const recsys_datum *parameters, size_t n, uint32_t timeout_ms,
                                  recsys_rows **out, recsys_error *err)
{
    if (out != NULL)
        *out = NULL;
    if (source == NULL || out == NULL)
        return rs_error(err, RECSYS_E_INVALID, "recsys_source_query: an argument is missing");
    recsys_status status = check_there(source, err);
    if (status != RECSYS_OK)
        return status;
    uint64_t began_ns = rs_clock_ns();
    uint32_t all_ms = bound(timeout_ms), left_ms = all_ms, pause_ms = FIRST_PAUSE_MS;
    for (;;) {
        recsys_error problem = {0}; /* a later attempt may succeed */
        status = query(source, NULL, statement, parameters, n, left_ms, out, &problem);
        if (status == RECSYS_OK)
            return status;
        if (status == RECSYS_E_CONFLICT) {
            pause_about(pause_ms);
            pause_ms = pause_ms * 2 < LAST_PAUSE_MS ? pause_ms * 2 : LAST_PAUSE_MS;
        }
        uint64_t gone_ms = (rs_clock_ns() - began_ns) / 1000000u;
        if (status != RECSYS_E_CONFLICT || (all_ms != RECSYS_NEVER_32 && gone_ms >= all_ms))
            return rs_error_copy(err, &problem);
        left_ms = all_ms == RECSYS_NEVER_32 ? all_ms : all_ms - (uint32_t)gone_ms;
    }
}

recsys_status recsys_source_run(recsys_source *source, const char *script, uint32_t timeout_ms,
                                recsys_error *err)
{
    if (source == NULL || script == NULL)
        return rs_error(err, RECSYS_E_INVALID, "recsys_source_run: an argument is missing");
    if (source->driver.run == NULL)
        return rs_error(err, RECSYS_E_UNSUPPORTED, "%s cannot run a script of several statements",
                        source->name);
    recsys_status status = check_there(source, err);
    if (status != RECSYS_OK)
        return status;
    recsys_error said = {0};
    status = source->driver.run(source->self, script, bound(timeout_ms), &said);
    return judge(source, "run", status, &said, err);
}

recsys_status recsys_transaction_begin(recsys_source *source, uint32_t timeout_ms,
                                       recsys_transaction **out, recsys_error *err)
{
    if (out != NULL)
        *out = NULL;
    if (source == NULL || out == NULL)
        return rs_error(err, RECSYS_E_INVALID, "recsys_transaction_begin: an argument is missing");
    recsys_status status = check_there(source, err);
    if (status != RECSYS_OK)
        return status;
    recsys_transaction *transaction = rs_alloc_array(1, sizeof *transaction);
    if (transaction == NULL)
        return rs_error_nomem(err, "transaction");
    recsys_error said = {0};
    transaction->source = source;
    transaction->timeout_ms = bound(timeout_ms);
    status =
        source->driver.begin(source->self, transaction->timeout_ms, &transaction->session, &said);
    status = judge(source, "begin", status, &said, err);
    /* To query() NULL means "outside a transaction", so a missing session must be found here. */
    if (status == RECSYS_OK && transaction->session == NULL)
        status = rs_error(err, RECSYS_E_CALLBACK,
                          "%s: the driver's begin returned RECSYS_OK and no session", source->name);
    if (status != RECSYS_OK) {
        rs_free(transaction);
        return status;
    }
    recsys_source_ref(source);
    *out = transaction;
    return RECSYS_OK;
}

recsys_status recsys_transaction_query(recsys_transaction *transaction, const char *statement,
                                       const recsys_datum *parameters, size_t n, recsys_rows **out,
                                       recsys_error *err)
{
    if (out != NULL)
        *out = NULL;
    if (transaction == NULL || out == NULL)
        return rs_error(err, RECSYS_E_INVALID, "recsys_transaction_query: an argument is missing");
    return query(transaction->source, transaction->session, statement, parameters, n,
                 transaction->timeout_ms, out, err);
}

static recsys_status end(recsys_transaction *transaction, uint32_t commit, recsys_error *err)
{
    recsys_source *source = transaction->source;
    recsys_error said = {0};
    recsys_status status = source->driver.end(source->self, transaction->session, commit,
                                              transaction->timeout_ms, &said);

    status = judge(source, "end", status, &said, err);
    recsys_source_unref(source);
    rs_free(transaction);
    return status;
}

recsys_status recsys_transaction_commit(recsys_transaction *transaction, recsys_error *err)
{
    if (transaction == NULL)
        return rs_error(err, RECSYS_E_INVALID,
                        "recsys_transaction_commit: the transaction is missing");
    return end(transaction, 1, err);
}

void recsys_transaction_rollback(recsys_transaction *transaction)
{
    if (transaction != NULL)
        (void)end(transaction, 0, NULL);
}
