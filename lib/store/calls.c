/* lib/store/calls.c - the operations: check the arguments, ask the breaker, call the driver.
 *
 * Drivers may rely on these checks: a pointer is NULL only if the contract allows it, keys are not
 * empty, an empty value or literal has an address, a time to live is not 0. Outputs are empty
 * before the driver is called and after a failure, even if the driver wrote to them.
 */
#include <string.h>

#include "lib/base/callback.h"
#include "lib/base/clock.h"
#include "lib/base/error.h"
#include "lib/base/log.h"
#include "lib/store/store.h"

#define REFUSAL_SILENCE_NS (UINT64_C(60) * 1000000000u)

static int are_keys(const recsys_bytes *keys, size_t n)
{
    if (keys == NULL || n == 0)
        return 0;
    for (size_t i = 0; i < n; i++)
        if (keys[i].data == NULL || keys[i].size == 0)
            return 0;
    return 1;
}

static int are_literals(const recsys_bytes *parts, size_t n)
{
    if (parts == NULL || n == 0)
        return 0;
    for (size_t i = 0; i < n; i++)
        if (parts[i].data == NULL && parts[i].size > 0)
            return 0;
    return 1;
}

/* With an address, also if it is empty; 0 if it has a size and no address. */
static int settle(recsys_bytes *bytes)
{
    if (bytes->data == NULL && bytes->size > 0)
        return 0;
    if (bytes->data == NULL)
        bytes->data = "";
    return 1;
}

static uint64_t ttl_of(const recsys_store *store, uint64_t ttl_ms)
{
    return ttl_ms == 0 ? store->ttl_ms : ttl_ms;
}

static recsys_status refuse_arguments(const char *function, const char *what, recsys_error *err)
{
    return rs_error(err, RECSYS_E_INVALID, "%s: %s", function, what);
}

/* The breaker is open. The first call after the pause probes, unless the host does
 * (RECSYS_STORE_PROBED). */
static recsys_status enter_open(recsys_store *store, int is_removal, uint64_t *ticket,
                                recsys_error *err)
{
    if (rs_breaker_passes(&store->breaker, is_removal))
        return RECSYS_OK;
    if ((store->flags & RECSYS_STORE_PROBED) == 0 && recsys_store_probe(store, NULL) == RECSYS_OK &&
        rs_breaker_enter(&store->breaker, ticket))
        return RECSYS_OK;
    return rs_breaker_refuse(&store->breaker, store->name, err);
}

/* Check whether the driver may be called. If so, `said` is empty, for its error. */
static inline recsys_status enter(recsys_store *store, int is_removal, uint64_t *ticket,
                                  recsys_error *said, recsys_error *err)
{
    recsys_status status = rs_store_check_fork(store, err);

    if (store->is_in_process) { /* the in-process driver needs only these; clearing 512 bytes takes
                                   20 ns of a hit */
        said->status = RECSYS_OK;
        said->sys_errno = 0;
        said->message[0] = '\0';
    } else {
        memset(said, 0, sizeof *said);
    }
    if (status != RECSYS_OK || rs_breaker_enter(&store->breaker, ticket))
        return status;
    return enter_open(store, is_removal, ticket, err);
}

/* A server that answers reads and refuses writes never opens the breaker: without this line the
 * cache would be off and nobody know why. Once a minute. */
static void warn_of_refusal(recsys_store *store, const recsys_error *err)
{
    uint64_t now_ns = rs_clock_ns(), until_ns = atomic_load(&store->silent_until_ns);

    if (now_ns >= until_ns && atomic_compare_exchange_strong(&store->silent_until_ns, &until_ns,
                                                             now_ns + REFUSAL_SILENCE_NS))
        rs_log(RECSYS_LOG_WARN, "store %s: a call was refused: %s", store->name, err->message);
}

/* Turn the driver's result into a status, and report it to the breaker. */
static recsys_status judge(recsys_store *store, uint64_t ticket, recsys_status returned,
                           const recsys_error *said, const char *driver, recsys_error *err)
{
    recsys_error words;

    if (err == NULL)
        err = &words;
    recsys_status status = rs_callback_result(returned, said, err, driver);
    /* The call that is no echo tells the breaker of the cause; what is no failure for the breaker
     * is none as an echo. */
    if (!store->is_in_process && rs_error_is_echo(said) && rs_breaker_is_failure(status))
        rs_breaker_hear_echo(&store->breaker);
    else if (rs_breaker_leave(&store->breaker, ticket, status))
        rs_log(RECSYS_LOG_WARN,
               "store %s: circuit breaker open: several calls in a row failed; last: %s",
               store->name, err->message);
    else if (status == RECSYS_E_BACKEND)
        warn_of_refusal(store, err);
    return status;
}

static inline recsys_status leave(recsys_store *store, uint64_t ticket, recsys_status returned,
                                  const recsys_error *said, const char *driver, recsys_error *err)
{
    if (returned != RECSYS_OK)
        return judge(store, ticket, returned, said, driver, err);
    (void)rs_breaker_leave(&store->breaker, ticket, RECSYS_OK);
    return RECSYS_OK;
}

/* A driver that succeeds must set the incarnation in which it has read. */
static inline recsys_status check_incarnation(const recsys_store *store, uint64_t incarnation,
                                              recsys_error *err)
{
    if (incarnation != 0)
        return RECSYS_OK;
    return rs_error(err, RECSYS_E_INVALID,
                    "store %s: its driver returned success with incarnation 0; that is a bug of "
                    "the driver",
                    store->name);
}

recsys_status recsys_store_get(recsys_store *store, const recsys_bytes *keys, size_t n,
                               recsys_value *values, uint64_t *incarnation, recsys_error *err)
{
    uint64_t ticket, its_incarnation = 0;
    recsys_error said;

    if (incarnation != NULL)
        *incarnation = 0;
    for (size_t i = 0; values != NULL && i < n; i++)
        values[i] = (recsys_value){NULL, 0, NULL, NULL};
    if (store == NULL || values == NULL || !are_keys(keys, n))
        return refuse_arguments("recsys_store_get", "an argument is missing, or a key is empty",
                                err);
    recsys_status status = enter(store, 0, &ticket, &said, err);
    if (status != RECSYS_OK)
        return status;
    status = store->driver.get(store->self, keys, n, values, &its_incarnation, &said);
    status = leave(store, ticket, status, &said, "recsys_store_get: the driver", err);
    if (status == RECSYS_OK)
        status = check_incarnation(store, its_incarnation, err);
    if (status == RECSYS_OK && incarnation != NULL)
        *incarnation = its_incarnation;
    for (size_t i = 0; status != RECSYS_OK && i < n; i++)
        recsys_value_release(&values[i]);
    return status;
}

recsys_status recsys_store_set(recsys_store *store, recsys_bytes key, recsys_bytes value,
                               uint64_t ttl_ms, uint32_t when, recsys_error *err)
{
    uint64_t ticket;
    recsys_error said;

    if (store == NULL || !are_keys(&key, 1) || !settle(&value))
        return refuse_arguments("recsys_store_set", "an argument is missing, or the key is empty",
                                err);
    if (when != RECSYS_STORE_ALWAYS && when != RECSYS_STORE_IF_ABSENT)
        return refuse_arguments("recsys_store_set",
                                "when is neither RECSYS_STORE_ALWAYS nor _IF_ABSENT", err);
    recsys_status status = enter(store, 0, &ticket, &said, err);
    if (status != RECSYS_OK)
        return status;
    status = store->driver.set(store->self, key, value, ttl_of(store, ttl_ms), when, &said);
    return leave(store, ticket, status, &said, "recsys_store_set: the driver", err);
}

recsys_status recsys_store_remove(recsys_store *store, const recsys_bytes *keys, size_t n,
                                  uint64_t *n_removed, recsys_error *err)
{
    uint64_t ticket, n_gone = 0;
    recsys_error said;

    if (n_removed != NULL)
        *n_removed = 0;
    if (store == NULL || !are_keys(keys, n))
        return refuse_arguments("recsys_store_remove", "an argument is missing, or a key is empty",
                                err);
    recsys_status status = enter(store, 1, &ticket, &said, err);
    if (status != RECSYS_OK)
        return status;
    status = store->driver.remove(store->self, keys, n, &n_gone, &said);
    status = leave(store, ticket, status, &said, "recsys_store_remove: the driver", err);
    if (status == RECSYS_OK && n_removed != NULL)
        *n_removed = n_gone;
    return status;
}

recsys_status recsys_store_get_or_set(recsys_store *store, recsys_bytes key, recsys_bytes value,
                                      uint64_t ttl_ms, recsys_value *present, uint64_t *incarnation,
                                      recsys_error *err)
{
    uint64_t ticket, its_incarnation = 0;
    recsys_error said;

    if (incarnation != NULL)
        *incarnation = 0;
    if (present != NULL)
        *present = (recsys_value){NULL, 0, NULL, NULL};
    if (store == NULL || present == NULL || !are_keys(&key, 1) || !settle(&value))
        return refuse_arguments("recsys_store_get_or_set",
                                "an argument is missing, or the key is empty", err);
    recsys_status status = enter(store, 0, &ticket, &said, err);
    if (status != RECSYS_OK)
        return status;
    status = store->driver.get_or_set(store->self, key, value, ttl_of(store, ttl_ms), present,
                                      &its_incarnation, &said);
    status = leave(store, ticket, status, &said, "recsys_store_get_or_set: the driver", err);
    if (status == RECSYS_OK)
        status = check_incarnation(store, its_incarnation, err);
    if (status != RECSYS_OK)
        recsys_value_release(present);
    else if (incarnation != NULL)
        *incarnation = its_incarnation;
    return status;
}

recsys_status recsys_store_replace(recsys_store *store, recsys_bytes key, recsys_bytes prefix,
                                   recsys_bytes value, uint64_t ttl_ms, recsys_error *err)
{
    uint64_t ticket;
    recsys_error said;

    if (store == NULL || !are_keys(&key, 1) || !settle(&prefix) ||
        (value.data == NULL && value.size > 0))
        return refuse_arguments("recsys_store_replace",
                                "an argument is missing, or the key is empty", err);
    recsys_status status = enter(store, value.data == NULL, &ticket, &said, err);
    if (status != RECSYS_OK)
        return status;
    status = store->driver.replace(store->self, key, prefix, value, ttl_of(store, ttl_ms), &said);
    return leave(store, ticket, status, &said, "recsys_store_replace: the driver", err);
}

recsys_status rs_store_exchange(recsys_store *store, const recsys_exchange *wanted,
                                recsys_error *err)
{
    uint64_t ticket;
    recsys_error said;
    recsys_exchange exchange = *wanted;

    exchange.ttl_ms = ttl_of(store, exchange.ttl_ms);
    if (store->driver.exchange == NULL)
        return rs_error(err, RECSYS_E_UNSUPPORTED,
                        "store %s: its driver cannot change two keys in one step", store->name);
    recsys_status status =
        enter(store, exchange.value.data == NULL && exchange.companion.data == NULL, &ticket, &said,
              err);
    if (status != RECSYS_OK)
        return status;
    status = store->driver.exchange(store->self, &exchange, &said);
    return leave(store, ticket, status, &said, "recsys_store: the driver's exchange", err);
}

/* The caller's callback. Once it has stopped the walk, the driver may not call it again. */
struct walk {
    recsys_key_callback callback;
    void *user_data;
    int32_t stopped; /* what the callback returned */
};

static int32_t show(recsys_bytes key, void *arg)
{
    struct walk *walk = arg;

    if (walk->stopped == 0)
        walk->stopped = walk->callback(key, walk->user_data);
    return walk->stopped;
}

recsys_status recsys_store_scan(recsys_store *store, const recsys_bytes *parts, size_t n,
                                uint64_t *cursor, recsys_key_callback callback, void *user_data,
                                recsys_error *err)
{
    uint64_t ticket;
    recsys_error said;
    struct walk walk = {callback, user_data, 0};

    if (store == NULL || cursor == NULL || callback == NULL || !are_literals(parts, n))
        return refuse_arguments("recsys_store_scan", "an argument is missing", err);
    recsys_status status = enter(store, 0, &ticket, &said, err);
    if (status != RECSYS_OK)
        return status;
    status = store->driver.scan(store->self, parts, n, cursor, show, &walk, &said);
    if (walk.stopped != 0 && status == RECSYS_E_STOPPED)
        status = RECSYS_OK; /* as well */
    status = leave(store, ticket, status, &said, "recsys_store_scan: the driver", err);
    return status == RECSYS_OK
               ? rs_walk_result(walk.stopped, err, "recsys_store_scan: the callback")
               : status;
}

recsys_status recsys_store_rate_limit(recsys_store *store, recsys_bytes key, uint64_t emission_us,
                                      uint32_t burst, uint32_t cost, recsys_rate_decision *out,
                                      recsys_error *err)
{
    uint64_t ticket;
    recsys_error said;

    if (out != NULL)
        *out = (recsys_rate_decision){0, 0, 0, 0};
    if (store == NULL || out == NULL || !are_keys(&key, 1) || emission_us == 0 || burst == 0)
        return refuse_arguments("recsys_store_rate_limit",
                                "an argument is missing, or the key, the emission or the burst "
                                "is empty",
                                err);
    if (store->driver.rate_limit == NULL)
        return rs_error(err, RECSYS_E_UNSUPPORTED, "store %s: its driver has no rate limit",
                        store->name);
    recsys_status status = enter(store, 0, &ticket, &said, err);
    if (status != RECSYS_OK)
        return status;
    status = store->driver.rate_limit(store->self, key, emission_us, burst, cost, out, &said);
    status = leave(store, ticket, status, &said, "recsys_store_rate_limit: the driver", err);
    if (status != RECSYS_OK)
        *out = (recsys_rate_decision){0, 0, 0, 0};
    return status;
}
