/* tests/scenarios/c/call_guards.c - calls about who may pass, and what is counted: limiters,
 * denylists, stats. */
#include <string.h>

#include "tests/scenarios/c/scenario.h"

static void close_limiter(void *limiter)
{
    recsys_limiter_destroy(limiter);
}

static void close_denylist(void *denylist)
{
    recsys_denylist_destroy(denylist);
}

static void close_stats(void *stats)
{
    recsys_stats_unref(stats);
}

static recsys_status call_limiter(struct scenario *s, const json_t *step, json_t *result,
                                  recsys_error *err)
{
    const json_t *wanted = json_object_get(step, "options");
    recsys_limiter_options options = RECSYS_LIMITER_OPTIONS_INIT;
    recsys_limiter *limiter;

    (void)result;
    options.flags = member_true(wanted, "strict") ? RECSYS_LIMITER_STRICT : 0;
    options.rate = (uint32_t)member_number(wanted, "rate");
    options.period_ms = (uint32_t)member_number(wanted, "period_ms");
    options.burst = (uint32_t)member_number(wanted, "burst");
    options.share = (uint32_t)member_number(wanted, "share");
    options.prefix = member_text(wanted, "prefix");
    recsys_status status = recsys_limiter_create(scenario_object(s, step, "store", close_store),
                                                 &options, &limiter, err);
    scenario_keep(s, step, limiter, close_limiter);
    return status;
}

static recsys_status call_allow(struct scenario *s, const json_t *step, json_t *result,
                                recsys_error *err)
{
    recsys_limit limit = RECSYS_LIMIT_INIT;
    recsys_status status = recsys_limiter_allow(scenario_object(s, step, "limiter", close_limiter),
                                                member_bytes(step, "key"),
                                                (uint32_t)member_number(step, "cost"), &limit, err);

    json_object_set_new(result, "allowed", json_boolean(limit.allowed));
    json_object_set_new(result, "limit", json_integer(limit.limit));
    json_object_set_new(result, "remaining", json_integer(limit.remaining));
    json_object_set_new(result, "local", json_boolean(limit.local));
    json_object_set_new(result, "must_wait", json_boolean(limit.retry_ms > 0));
    return status;
}

static recsys_status call_denylist(struct scenario *s, const json_t *step, json_t *result,
                                   recsys_error *err)
{
    recsys_denylist *denylist;
    recsys_status status = recsys_denylist_create(scenario_object(s, step, "store", close_store),
                                                  NULL, NULL, &denylist, err);

    (void)result;
    scenario_keep(s, step, denylist, close_denylist);
    return status;
}

static recsys_status call_revoke(struct scenario *s, const json_t *step, json_t *result,
                                 recsys_error *err)
{
    (void)result;
    return recsys_denylist_revoke(scenario_object(s, step, "denylist", close_denylist),
                                  member_bytes(step, "jti"), member_text(step, "user_id"),
                                  member_text(step, "reason"), member_number(step, "expires_s"),
                                  err);
}

static recsys_status call_check(struct scenario *s, const json_t *step, json_t *result,
                                recsys_error *err)
{
    static const char *const names[] = {"", "clear", "revoked", "unknown", "unconfirmed"};
    recsys_denylist_verdict verdict = RECSYS_DENYLIST_VERDICT_INIT;
    recsys_status status =
        recsys_denylist_check(scenario_object(s, step, "denylist", close_denylist),
                              member_bytes(step, "jti"), &verdict, err);

    json_object_set_new(result, "verdict", json_string(names[verdict.verdict]));
    return status;
}

static recsys_status call_denylist_get(struct scenario *s, const json_t *step, json_t *result,
                                       recsys_error *err)
{
    recsys_value value = {NULL, 0, NULL, NULL};
    recsys_status status = recsys_denylist_get(scenario_object(s, step, "denylist", close_denylist),
                                               member_bytes(step, "jti"), &value, err);
    json_t *entry = json_loadb(value.data == NULL ? "" : value.data, value.size, 0, NULL);

    json_object_del(entry, "blacklisted_at"); /* the present time */
    json_object_set_new(result, "entry", entry == NULL ? json_null() : entry);
    recsys_value_release(&value);
    return status;
}

/* -- stats -- */

static recsys_status call_stats(struct scenario *s, const json_t *step, json_t *result,
                                recsys_error *err)
{
    recsys_stats *stats;
    recsys_status status = recsys_stats_create(&stats, err);

    (void)result;
    scenario_keep(s, step, stats, close_stats);
    return status;
}

/* Adds the metric, if it is new, and counts or records "value". */
static recsys_status call_metric(struct scenario *s, const json_t *step, json_t *result,
                                 recsys_error *err)
{
    recsys_stats *stats = scenario_object(s, step, "stats", close_stats);
    const char *kind = member_need(step, "kind"), *name = member_text(step, "name");
    const char *help = member_text(step, "help"), *labels = member_text(step, "labels");
    double value = member_real(step, "value"), bounds[] = {0.5, 1.0, 2.0};
    recsys_metric *metric;
    recsys_status status;

    if (strcmp(kind, "counter") == 0) {
        status = recsys_stats_add_counter(stats, name, help, labels, &metric, err);
        recsys_metric_add(metric, (uint64_t)value);
    } else if (strcmp(kind, "gauge") == 0) {
        status = recsys_stats_add_gauge(stats, name, help, labels, &metric, err);
        recsys_metric_set(metric, value);
    } else {
        status = recsys_stats_add_histogram(stats, name, help, labels, bounds, 3, &metric, err);
        recsys_metric_record(metric, value);
    }
    json_object_set_new(result, "now", json_of_float((float)recsys_metric_get(metric)));
    return status;
}

static int32_t add_lines(const char *text, size_t size, void *lines)
{
    json_array_append_new(lines, json_stringn(text, size));
    return 0;
}

static recsys_status call_format(struct scenario *s, const json_t *step, json_t *result,
                                 recsys_error *err)
{
    json_t *pieces = json_array(), *piece, *text = json_string("");
    size_t i;
    recsys_status status =
        recsys_stats_format(scenario_object(s, step, "stats", close_stats), add_lines, pieces, err);

    json_array_foreach(pieces, i, piece)
    {
        json_t *longer = json_sprintf("%s%s", json_string_value(text), json_string_value(piece));
        json_decref(text);
        text = longer;
    }
    json_decref(pieces);
    json_object_set_new(result, "text", text);
    return status;
}

const struct named_call guard_calls[] = {
    {"limiter", call_limiter},   {"allow", call_allow},
    {"denylist", call_denylist}, {"revoke", call_revoke},
    {"check", call_check},       {"denylist_get", call_denylist_get},
    {"stats", call_stats},       {"metric", call_metric},
    {"format", call_format},     {NULL, NULL}};
