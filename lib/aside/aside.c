/* lib/aside/aside.c - create and destroy a cache, and hand out its counts.
 *
 * The parts: lookup.c reads a value, get_or_load.c decides which caller loads,
 * fill.c stores loaded values, refresh.c loads again before the end, changes.c and
 * set.c change values, invalidate_keys.c and invalidate.c remove them, flush.c waits until
 * all removals have reached the store. All of them use aside_arguments.c, epoch.c and stamp.c.
 */
#include "lib/aside/aside.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/clock.h"
#include "lib/base/error.h"
#include "lib/base/hash.h"
#include "lib/base/structs.h"
#include "lib/store/store.h"

#define FLAGS                                                                                      \
    (RECSYS_ASIDE_JSON | RECSYS_ASIDE_NO_STALE | RECSYS_ASIDE_NO_NEGATIVE |                        \
     RECSYS_ASIDE_NO_JITTER | RECSYS_ASIDE_NO_REFRESH | RECSYS_ASIDE_TRUST_OTHERS)

/* It is written between quotation marks in metrics, and before a NUL in values. */
static int is_label(const char *label)
{
    size_t size = strnlen(label, RS_LABEL_MAX + 1);

    if (size == 0 || size > RS_LABEL_MAX)
        return 0;
    for (size_t i = 0; i < size; i++)
        if (label[i] < 0x21 || label[i] > 0x7e || label[i] == '"' || label[i] == '\\')
            return 0;
    return 1;
}

/* 0 with `flag`. */
static uint64_t time_of(const recsys_aside_options *given, uint32_t time_ms, uint64_t standard_ms,
                        uint32_t flag)
{
    if ((given->flags & flag) != 0)
        return 0;
    return time_ms == 0 ? standard_ms : time_ms == RECSYS_NEVER_32 ? RECSYS_NEVER : time_ms;
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static recsys_status check_format(const recsys_aside_options *given, const recsys_store *store,
                                  recsys_error *err)
{
    if (given->format > RECSYS_ASIDE_FORMAT_PLAIN)
        return rs_error(err, RECSYS_E_UNSUPPORTED,
                        "recsys_aside_create: format %u is not known to this library",
                        given->format);
    if (given->format == RECSYS_ASIDE_FORMAT_PLAIN && !rs_store_can_exchange(store))
        return rs_error(err, RECSYS_E_UNSUPPORTED,
                        "recsys_aside_create: store %s cannot change two keys in one step, which "
                        "RECSYS_ASIDE_FORMAT_PLAIN needs; its driver has no `exchange`",
                        recsys_store_get_name(store));
    if (given->format != RECSYS_ASIDE_FORMAT_PLAIN &&
        (given->flags & RECSYS_ASIDE_TRUST_OTHERS) != 0)
        return rs_error(err, RECSYS_E_INVALID,
                        "recsys_aside_create: other programs' values can be trusted with "
                        "RECSYS_ASIDE_FORMAT_PLAIN only");
    return rs_reserved(given->reserved, "recsys_aside_create: options.reserved", err);
}

static recsys_status check_options(const recsys_aside_options *given, const char *label,
                                   recsys_error *err)
{
    recsys_status status =
        rs_reserved(given->flags & ~(uint32_t)FLAGS, "recsys_aside_create: options.flags", err);

    if (status != RECSYS_OK)
        return status;
    if (given->jitter_percent > 50)
        return rs_error(err, RECSYS_E_INVALID,
                        "recsys_aside_create: jitter_percent is %u, at most 50 are possible",
                        given->jitter_percent);
    if (given->max_value_bytes > INT32_MAX)
        return rs_error(err, RECSYS_E_INVALID,
                        "recsys_aside_create: max_value_bytes is %" PRIu64
                        ", at most 2 GiB are possible",
                        given->max_value_bytes);
    if (!isfinite(given->beta) || given->beta < 0.0)
        return rs_error(err, RECSYS_E_INVALID,
                        "recsys_aside_create: beta is not a number from 0; RECSYS_ASIDE_NO_REFRESH "
                        "switches early refresh off");
    if (given->lease_ms == RECSYS_NEVER_32)
        return rs_error(err, RECSYS_E_INVALID,
                        "recsys_aside_create: a lease of a process that has died must end: "
                        "lease_ms cannot be RECSYS_NEVER_32");
    if (given->sleep_ms != NULL && given->now_ms == NULL)
        return rs_error(err, RECSYS_E_INVALID,
                        "recsys_aside_create: a sleep_ms of your own needs the now_ms that it "
                        "moves");
    if (!is_label(label))
        return rs_error(err, RECSYS_E_INVALID,
                        "recsys_aside_create: the label must be 1 to %u printable characters "
                        "without space, \" and \\; set options.label if the store's name is not "
                        "such",
                        RS_LABEL_MAX);
    return RECSYS_OK;
}

static void take_options(recsys_aside *aside, const recsys_aside_options *given)
{
    aside->flags = given->flags;
    aside->is_plain = given->format == RECSYS_ASIDE_FORMAT_PLAIN;
    aside->ttl_ms = time_of(given, given->ttl_ms, 300000, 0);
    aside->stale_ms =
        time_of(given, given->stale_ms, smaller(aside->ttl_ms, 600000), RECSYS_ASIDE_NO_STALE);
    aside->negative_ttl_ms = smaller(
        time_of(given, given->negative_ttl_ms, 30000, RECSYS_ASIDE_NO_NEGATIVE), aside->ttl_ms);
    aside->jitter_percent = (given->flags & RECSYS_ASIDE_NO_JITTER) != 0 ? 0
                            : given->jitter_percent == 0                 ? 10
                                                                         : given->jitter_percent;
    aside->lease_ms = given->lease_ms == 0 ? 2000 : given->lease_ms;
    aside->wait_ms = given->wait_ms != 0                ? given->wait_ms
                     : aside->lease_ms < UINT32_MAX / 2 ? aside->lease_ms * 2
                                                        : UINT32_MAX;
    aside->max_value_bytes =
        given->max_value_bytes == 0 ? (uint64_t)1 << 20 : given->max_value_bytes;
    aside->beta = (given->flags & RECSYS_ASIDE_NO_REFRESH) != 0 ? 0.0
                  : given->beta == 0.0                          ? 1.0
                                                                : given->beta;
    aside->now_ms = given->now_ms;
    aside->random = given->random;
    aside->user_data = given->user_data;
    if (given->sleep_ms != NULL)
        aside->waiting = (struct rs_waiting){given->now_ms, given->sleep_ms, given->user_data};
    aside->seed = rs_hash_seed() ^ rs_clock_ns();
}

recsys_status recsys_aside_create(recsys_store *store, const recsys_aside_options *options,
                                  recsys_aside **out, recsys_error *err)
{
    recsys_aside_options given;
    recsys_aside *aside = NULL;
    int result;

    if (out != NULL)
        *out = NULL;
    if (store == NULL || out == NULL)
        return rs_error(err, RECSYS_E_INVALID, "recsys_aside_create: an argument is missing");
    recsys_status status =
        rs_struct_read(&given, sizeof given, options, RECSYS_ASIDE_OPTIONS_SIZE_V1,
                       "recsys_aside_create: options", err);
    if (status != RECSYS_OK)
        return status;
    const char *label = given.label == NULL ? recsys_store_get_name(store) : given.label;
    status = check_options(&given, label, err);
    if (status == RECSYS_OK)
        status = check_format(&given, store, err);
    if (status != RECSYS_OK)
        return status;
    aside = rs_alloc_array(1, sizeof *aside);
    if (aside == NULL)
        return rs_error_nomem(err, "cache");
    aside->store = recsys_store_ref(store);
    take_options(aside, &given);
    aside->label_size = strlen(label) + 1;
    aside->label = rs_copy_text(label);
    if (aside->label == NULL) {
        status = rs_error_nomem(err, "cache");
        goto fail_label;
    }
    status = rs_counts_init(&aside->counts, given.stats, label, err);
    if (status == RECSYS_OK)
        status = rs_journal_init(&aside->journal,
                                 given.journal_keys == 0 ? 4096 : given.journal_keys, err);
    if (status != RECSYS_OK)
        goto fail_journal;
    result = rs_flights_init(&aside->flights, given.max_loads == 0 ? 32 : given.max_loads,
                             &aside->waiting);
    if (result != 0) {
        status = rs_error_sys(err, result, "cannot make a cache");
        goto fail_flights;
    }
    status = rs_store_on_return(store, rs_aside_tell, aside, err);
    if (status != RECSYS_OK)
        goto fail_return;
    *out = aside;
    return RECSYS_OK;

fail_return:
    rs_flights_destroy(&aside->flights);
fail_flights:
    rs_journal_destroy(&aside->journal);
fail_journal:
    rs_counts_destroy(&aside->counts);
    rs_free(aside->label);
fail_label:
    recsys_store_unref(store);
    rs_free(aside);
    return status;
}

void recsys_aside_destroy(recsys_aside *aside)
{
    if (aside == NULL)
        return;
    int is_own = rs_store_check_fork(aside->store, NULL) == RECSYS_OK;
    if (is_own)
        rs_aside_flush_at_end(aside);
    rs_store_cancel_return(aside->store, aside);
    if (is_own) /* in a child the parent's waiting threads are missing */
        rs_flights_destroy(&aside->flights);
    rs_journal_destroy(&aside->journal);
    rs_counts_destroy(&aside->counts);
    rs_free(aside->label);
    recsys_store_unref(aside->store);
    rs_free(aside);
}

recsys_status recsys_aside_get_stats(recsys_aside *aside, recsys_aside_stats *out,
                                     recsys_error *err)
{
    recsys_aside_stats stats = RECSYS_ASIDE_STATS_INIT;
    recsys_status status =
        rs_struct_begin(out, RECSYS_ASIDE_STATS_SIZE_V1, "recsys_aside_get_stats: out", err);

    if (status != RECSYS_OK)
        return status;
    if (aside == NULL)
        return rs_error(err, RECSYS_E_INVALID, "recsys_aside_get_stats: aside is NULL");
    stats.journal = rs_journal_count(&aside->journal);
    _Static_assert(offsetof(recsys_aside_stats, foreign) - offsetof(recsys_aside_stats, hits) ==
                       RS_COUNT_FOREIGN * sizeof(uint64_t),
                   "enum rs_count is in the order of recsys_aside_stats");
    uint64_t *numbers = &stats.hits;
    for (size_t i = 0; i < RS_N_COUNTS; i++)
        numbers[i] = atomic_load_explicit(&aside->counts.n[i], memory_order_relaxed);
    rs_struct_write(out, &stats, sizeof stats);
    return RECSYS_OK;
}
