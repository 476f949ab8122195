/* tests/abi/layout.c - sizes, offsets and numbers that callers have compiled into themselves.
 *
 * Compares what this compiler makes of the headers with layout.expected, which
 * bindings read too; with --print it writes that file. Lines are only added to
 * it, and sizes change for structs alone that begin with struct_size.
 * check_complete.py sees to it that nothing is left out here. */
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "recsys/postgres.h"
#include "recsys/recsys.h"
#include "recsys/redis.h"

enum kind { KIND_STRUCT, KIND_FIELD, KIND_CONST };

struct entry {
    enum kind kind;
    const char *name, *field;
    size_t offset, size;
    int64_t value;
};

#define STRUCT(type)                                                                               \
    {                                                                                              \
        KIND_STRUCT, #type, "", 0, sizeof(type), 0                                                 \
    }
#define FIELD(type, member)                                                                        \
    {                                                                                              \
        KIND_FIELD, #type, #member, offsetof(type, member), sizeof(((type *)0)->member), 0         \
    }
#define CONST(name)                                                                                \
    {                                                                                              \
        KIND_CONST, #name, "", 0, 0, (int64_t)(name)                                               \
    }

static const struct entry entries[] = {
    STRUCT(recsys_allocator),
    FIELD(recsys_allocator, struct_size),
    FIELD(recsys_allocator, reserved),
    FIELD(recsys_allocator, allocate),
    FIELD(recsys_allocator, resize),
    FIELD(recsys_allocator, release),
    FIELD(recsys_allocator, user_data),
    CONST(RECSYS_ALLOCATOR_SIZE_V1),
    STRUCT(recsys_array),
    FIELD(recsys_array, data),
    FIELD(recsys_array, dtype),
    FIELD(recsys_array, n_dims),
    FIELD(recsys_array, shape),
    FIELD(recsys_array, strides),
    FIELD(recsys_array, reserved),
    CONST(RECSYS_DTYPE_F32),
    CONST(RECSYS_DTYPE_F64),
    CONST(RECSYS_DTYPE_F16),
    CONST(RECSYS_DTYPE_BF16),
    CONST(RECSYS_DTYPE_I32),
    CONST(RECSYS_DTYPE_U32),
    CONST(RECSYS_DTYPE_I64),
    CONST(RECSYS_DTYPE_U64),
    CONST(RECSYS_DTYPE_U8),
    STRUCT(recsys_aside_options),
    FIELD(recsys_aside_options, struct_size),
    FIELD(recsys_aside_options, flags),
    FIELD(recsys_aside_options, ttl_ms),
    FIELD(recsys_aside_options, stale_ms),
    FIELD(recsys_aside_options, negative_ttl_ms),
    FIELD(recsys_aside_options, jitter_percent),
    FIELD(recsys_aside_options, lease_ms),
    FIELD(recsys_aside_options, wait_ms),
    FIELD(recsys_aside_options, max_loads),
    FIELD(recsys_aside_options, journal_keys),
    FIELD(recsys_aside_options, max_value_bytes),
    FIELD(recsys_aside_options, beta),
    FIELD(recsys_aside_options, stats),
    FIELD(recsys_aside_options, label),
    FIELD(recsys_aside_options, now_ms),
    FIELD(recsys_aside_options, random),
    FIELD(recsys_aside_options, sleep_ms),
    FIELD(recsys_aside_options, user_data),
    STRUCT(recsys_aside_stats),
    FIELD(recsys_aside_stats, struct_size),
    FIELD(recsys_aside_stats, journal),
    FIELD(recsys_aside_stats, hits),
    FIELD(recsys_aside_stats, stale),
    FIELD(recsys_aside_stats, negative),
    FIELD(recsys_aside_stats, misses),
    FIELD(recsys_aside_stats, unknown),
    FIELD(recsys_aside_stats, loads),
    FIELD(recsys_aside_stats, load_failures),
    FIELD(recsys_aside_stats, shared),
    FIELD(recsys_aside_stats, waited),
    FIELD(recsys_aside_stats, early),
    FIELD(recsys_aside_stats, fills),
    FIELD(recsys_aside_stats, fills_refused),
    FIELD(recsys_aside_stats, identity_mismatches),
    FIELD(recsys_aside_stats, damaged),
    FIELD(recsys_aside_stats, invalidations),
    FIELD(recsys_aside_stats, replayed),
    FIELD(recsys_aside_stats, epochs),
    FIELD(recsys_aside_stats, too_large),
    CONST(RECSYS_ASIDE_HIT),
    CONST(RECSYS_ASIDE_STALE),
    CONST(RECSYS_ASIDE_NEGATIVE),
    CONST(RECSYS_ASIDE_MISS),
    CONST(RECSYS_ASIDE_UNKNOWN),
    CONST(RECSYS_ASIDE_JSON),
    CONST(RECSYS_ASIDE_NO_STALE),
    CONST(RECSYS_ASIDE_NO_NEGATIVE),
    CONST(RECSYS_ASIDE_NO_JITTER),
    CONST(RECSYS_ASIDE_NO_REFRESH),
    CONST(RECSYS_ASIDE_UNCACHED),
    CONST(RECSYS_ASIDE_OPTIONS_SIZE_V1),
    CONST(RECSYS_ASIDE_STATS_SIZE_V1),
    CONST(RECSYS_KEY_MAX),
    STRUCT(recsys_bytes),
    FIELD(recsys_bytes, data),
    FIELD(recsys_bytes, size),
    STRUCT(recsys_value),
    FIELD(recsys_value, data),
    FIELD(recsys_value, size),
    FIELD(recsys_value, hold),
    FIELD(recsys_value, release),
    STRUCT(recsys_cache_options),
    FIELD(recsys_cache_options, struct_size),
    FIELD(recsys_cache_options, n_shards),
    FIELD(recsys_cache_options, max_bytes),
    FIELD(recsys_cache_options, max_value_bytes),
    FIELD(recsys_cache_options, ttl_ms),
    FIELD(recsys_cache_options, reserved),
    FIELD(recsys_cache_options, now_ms),
    FIELD(recsys_cache_options, user_data),
    STRUCT(recsys_cache_stats),
    FIELD(recsys_cache_stats, struct_size),
    FIELD(recsys_cache_stats, reserved),
    FIELD(recsys_cache_stats, hits),
    FIELD(recsys_cache_stats, misses),
    FIELD(recsys_cache_stats, sets),
    FIELD(recsys_cache_stats, removals),
    FIELD(recsys_cache_stats, evictions),
    FIELD(recsys_cache_stats, expirations),
    FIELD(recsys_cache_stats, entries),
    FIELD(recsys_cache_stats, bytes),
    FIELD(recsys_cache_stats, max_bytes),
    CONST(RECSYS_CACHE_OPTIONS_SIZE_V1),
    CONST(RECSYS_CACHE_STATS_SIZE_V1),
    STRUCT(recsys_item),
    FIELD(recsys_item, struct_size),
    FIELD(recsys_item, n_genres),
    FIELD(recsys_item, title),
    FIELD(recsys_item, genres),
    FIELD(recsys_item, poster_url),
    FIELD(recsys_item, language),
    FIELD(recsys_item, release_year),
    FIELD(recsys_item, rating),
    FIELD(recsys_item, adult),
    FIELD(recsys_item, known),
    STRUCT(recsys_filter_options),
    FIELD(recsys_filter_options, struct_size),
    FIELD(recsys_filter_options, flags),
    FIELD(recsys_filter_options, min_rating),
    FIELD(recsys_filter_options, min_year),
    FIELD(recsys_filter_options, max_year),
    FIELD(recsys_filter_options, n_languages),
    FIELD(recsys_filter_options, languages),
    FIELD(recsys_filter_options, allow),
    FIELD(recsys_filter_options, n_allow),
    FIELD(recsys_filter_options, exclude),
    FIELD(recsys_filter_options, n_exclude),
    FIELD(recsys_filter_options, seen_by),
    CONST(RECSYS_ITEM_SIZE_V1),
    CONST(RECSYS_FILTER_OPTIONS_SIZE_V1),
    CONST(RECSYS_FILTER_EXCLUDE_ADULT),
    CONST(RECSYS_FILTER_ALLOW),
    CONST(RECSYS_FILTER_EXCLUDE_SEEN),
    STRUCT(recsys_denylist_options),
    FIELD(recsys_denylist_options, struct_size),
    FIELD(recsys_denylist_options, timeout_ms),
    FIELD(recsys_denylist_options, max_tokens),
    FIELD(recsys_denylist_options, stats),
    FIELD(recsys_denylist_options, now_ms),
    FIELD(recsys_denylist_options, user_data),
    STRUCT(recsys_denylist_verdict),
    FIELD(recsys_denylist_verdict, struct_size),
    FIELD(recsys_denylist_verdict, verdict),
    FIELD(recsys_denylist_verdict, problem),
    STRUCT(recsys_denylist_stats),
    FIELD(recsys_denylist_stats, struct_size),
    FIELD(recsys_denylist_stats, reserved),
    FIELD(recsys_denylist_stats, tokens),
    FIELD(recsys_denylist_stats, checks),
    FIELD(recsys_denylist_stats, revoked),
    FIELD(recsys_denylist_stats, unknown),
    FIELD(recsys_denylist_stats, syncs),
    FIELD(recsys_denylist_stats, sync_failures),
    FIELD(recsys_denylist_stats, confirmed_ms),
    CONST(RECSYS_TOKEN_CLEAR),
    CONST(RECSYS_TOKEN_REVOKED),
    CONST(RECSYS_TOKEN_UNKNOWN),
    CONST(RECSYS_TOKEN_UNCONFIRMED),
    CONST(RECSYS_DENYLIST_OPTIONS_SIZE_V1),
    CONST(RECSYS_DENYLIST_VERDICT_SIZE_V1),
    CONST(RECSYS_DENYLIST_STATS_SIZE_V1),
    STRUCT(recsys_deployment_options),
    FIELD(recsys_deployment_options, struct_size),
    FIELD(recsys_deployment_options, n_canaries),
    FIELD(recsys_deployment_options, registry),
    FIELD(recsys_deployment_options, model_options),
    FIELD(recsys_deployment_options, min_items_ratio),
    FIELD(recsys_deployment_options, reserved),
    STRUCT(recsys_deployment_entry),
    FIELD(recsys_deployment_entry, name),
    FIELD(recsys_deployment_entry, version),
    FIELD(recsys_deployment_entry, fingerprint),
    FIELD(recsys_deployment_entry, since_ms),
    FIELD(recsys_deployment_entry, reserved),
    STRUCT(recsys_deployment_status),
    FIELD(recsys_deployment_status, struct_size),
    FIELD(recsys_deployment_status, loading),
    FIELD(recsys_deployment_status, n_swaps),
    FIELD(recsys_deployment_status, n_failures),
    FIELD(recsys_deployment_status, n_retired),
    FIELD(recsys_deployment_status, active),
    FIELD(recsys_deployment_status, previous),
    FIELD(recsys_deployment_status, candidate),
    FIELD(recsys_deployment_status, last_error_ms),
    FIELD(recsys_deployment_status, last_error),
    CONST(RECSYS_DEPLOYMENT_OPTIONS_SIZE_V1),
    CONST(RECSYS_DEPLOYMENT_STATUS_SIZE_V1),
    STRUCT(recsys_domains_options),
    FIELD(recsys_domains_options, struct_size),
    FIELD(recsys_domains_options, flags),
    FIELD(recsys_domains_options, stores),
    FIELD(recsys_domains_options, n_stores),
    FIELD(recsys_domains_options, timeout_ms),
    FIELD(recsys_domains_options, source),
    FIELD(recsys_domains_options, stats),
    FIELD(recsys_domains_options, memory_bytes),
    FIELD(recsys_domains_options, aside),
    STRUCT(recsys_domain_definition),
    FIELD(recsys_domain_definition, struct_size),
    FIELD(recsys_domain_definition, flags),
    FIELD(recsys_domain_definition, name),
    FIELD(recsys_domain_definition, db),
    FIELD(recsys_domain_definition, shape),
    FIELD(recsys_domain_definition, ttl_s),
    FIELD(recsys_domain_definition, negative_ttl_s),
    FIELD(recsys_domain_definition, max_rows),
    FIELD(recsys_domain_definition, max_bytes),
    FIELD(recsys_domain_definition, key),
    FIELD(recsys_domain_definition, query),
    FIELD(recsys_domain_definition, warm_query),
    FIELD(recsys_domain_definition, version_column),
    FIELD(recsys_domain_definition, settled_column),
    STRUCT(recsys_warming),
    FIELD(recsys_warming, struct_size),
    FIELD(recsys_warming, skipped),
    FIELD(recsys_warming, loaded),
    FIELD(recsys_warming, present),
    FIELD(recsys_warming, failed),
    CONST(RECSYS_DOMAIN_PER_USER),
    CONST(RECSYS_DOMAIN_WARM),
    CONST(RECSYS_DOMAIN_NO_NEGATIVE),
    CONST(RECSYS_DOMAIN_DBS),
    CONST(RECSYS_DOMAINS_OPTIONS_SIZE_V1),
    CONST(RECSYS_DOMAIN_DEFINITION_SIZE_V1),
    CONST(RECSYS_WARMING_SIZE_V1),
    STRUCT(recsys_limiter_options),
    FIELD(recsys_limiter_options, struct_size),
    FIELD(recsys_limiter_options, flags),
    FIELD(recsys_limiter_options, rate),
    FIELD(recsys_limiter_options, period_ms),
    FIELD(recsys_limiter_options, burst),
    FIELD(recsys_limiter_options, share),
    FIELD(recsys_limiter_options, max_keys),
    FIELD(recsys_limiter_options, reserved),
    FIELD(recsys_limiter_options, prefix),
    FIELD(recsys_limiter_options, now_us),
    FIELD(recsys_limiter_options, user_data),
    STRUCT(recsys_limit),
    FIELD(recsys_limit, struct_size),
    FIELD(recsys_limit, allowed),
    FIELD(recsys_limit, limit),
    FIELD(recsys_limit, remaining),
    FIELD(recsys_limit, local),
    FIELD(recsys_limit, reserved),
    FIELD(recsys_limit, retry_ms),
    FIELD(recsys_limit, reset_ms),
    CONST(RECSYS_LIMITER_STRICT),
    CONST(RECSYS_LIMITER_OPTIONS_SIZE_V1),
    CONST(RECSYS_LIMIT_SIZE_V1),
    CONST(RECSYS_LOG_ERROR),
    CONST(RECSYS_LOG_WARN),
    CONST(RECSYS_LOG_INFO),
    CONST(RECSYS_LOG_DEBUG),
    CONST(RECSYS_LOG_TRACE),
    CONST(RECSYS_TRACE_ASIDE),
    CONST(RECSYS_TRACE_STORE),
    CONST(RECSYS_TRACE_REDIS),
    CONST(RECSYS_TRACE_POSTGRES),
    CONST(RECSYS_TRACE_DENYLIST),
    CONST(RECSYS_TRACE_DEPLOYMENT),
    CONST(RECSYS_TRACE_SCAN),
    CONST(RECSYS_TRACE_NAMES_SIZE),
    STRUCT(recsys_id),
    FIELD(recsys_id, text),
    FIELD(recsys_id, number),
    STRUCT(recsys_model_options),
    FIELD(recsys_model_options, struct_size),
    FIELD(recsys_model_options, flags),
    FIELD(recsys_model_options, max_bytes),
    FIELD(recsys_model_options, metric),
    FIELD(recsys_model_options, link),
    FIELD(recsys_model_options, link_min),
    FIELD(recsys_model_options, link_max),
    STRUCT(recsys_model_file),
    FIELD(recsys_model_file, struct_size),
    FIELD(recsys_model_file, flags),
    FIELD(recsys_model_file, name),
    FIELD(recsys_model_file, data),
    FIELD(recsys_model_file, size),
    FIELD(recsys_model_file, fd),
    FIELD(recsys_model_file, reserved),
    FIELD(recsys_model_file, release),
    FIELD(recsys_model_file, user_data),
    STRUCT(recsys_model_info),
    FIELD(recsys_model_info, struct_size),
    FIELD(recsys_model_info, dimensions),
    FIELD(recsys_model_info, n_users),
    FIELD(recsys_model_info, n_items),
    FIELD(recsys_model_info, n_features),
    FIELD(recsys_model_info, n_seen),
    FIELD(recsys_model_info, n_catalog),
    FIELD(recsys_model_info, mapped_bytes),
    FIELD(recsys_model_info, private_bytes),
    FIELD(recsys_model_info, code_bytes),
    FIELD(recsys_model_info, user_id_kind),
    FIELD(recsys_model_info, item_id_kind),
    FIELD(recsys_model_info, metric),
    FIELD(recsys_model_info, link),
    FIELD(recsys_model_info, link_min),
    FIELD(recsys_model_info, link_max),
    FIELD(recsys_model_info, name),
    FIELD(recsys_model_info, version),
    FIELD(recsys_model_info, algorithm),
    FIELD(recsys_model_info, training_date),
    FIELD(recsys_model_info, fingerprint),
    FIELD(recsys_model_info, metadata),
    FIELD(recsys_model_info, item_name),
    CONST(RECSYS_ID_KIND_INTEGER),
    CONST(RECSYS_ID_KIND_TEXT),
    CONST(RECSYS_METRIC_INNER_PRODUCT),
    CONST(RECSYS_METRIC_COSINE),
    CONST(RECSYS_LINK_SIGMOID),
    CONST(RECSYS_LINK_LINEAR),
    CONST(RECSYS_LINK_CLIP),
    CONST(RECSYS_ID_MAX_TEXT),
    CONST(RECSYS_MODEL_OPTIONS_SIZE_V1),
    CONST(RECSYS_MODEL_SKIP_HASHES),
    CONST(RECSYS_MODEL_HUGE_PAGES),
    CONST(RECSYS_MODEL_FILE_SIZE_V1),
    CONST(RECSYS_MODEL_FILE_DESCRIPTOR),
    CONST(RECSYS_MODEL_INFO_SIZE_V1),
    STRUCT(recsys_postgres_options),
    FIELD(recsys_postgres_options, struct_size),
    FIELD(recsys_postgres_options, pool_size),
    FIELD(recsys_postgres_options, connect_timeout_ms),
    FIELD(recsys_postgres_options, max_age_s),
    STRUCT(recsys_postgres_stats),
    FIELD(recsys_postgres_stats, struct_size),
    FIELD(recsys_postgres_stats, open),
    FIELD(recsys_postgres_stats, idle),
    FIELD(recsys_postgres_stats, reserved),
    FIELD(recsys_postgres_stats, connected),
    FIELD(recsys_postgres_stats, closed_broken),
    FIELD(recsys_postgres_stats, waited),
    FIELD(recsys_postgres_stats, wait_timeouts),
    FIELD(recsys_postgres_stats, queries),
    FIELD(recsys_postgres_stats, failures),
    CONST(RECSYS_POSTGRES_OPTIONS_SIZE_V1),
    CONST(RECSYS_POSTGRES_STATS_SIZE_V1),
    STRUCT(recsys_request),
    FIELD(recsys_request, struct_size),
    FIELD(recsys_request, flags),
    FIELD(recsys_request, user),
    FIELD(recsys_request, k),
    FIELD(recsys_request, min_rating),
    FIELD(recsys_request, decade),
    FIELD(recsys_request, n_genres),
    FIELD(recsys_request, genres),
    FIELD(recsys_request, languages),
    FIELD(recsys_request, n_languages),
    FIELD(recsys_request, reserved),
    FIELD(recsys_request, exclude),
    FIELD(recsys_request, n_exclude),
    FIELD(recsys_request, vector),
    FIELD(recsys_request, liked),
    FIELD(recsys_request, liked_weights),
    FIELD(recsys_request, n_liked),
    FIELD(recsys_request, allow),
    FIELD(recsys_request, n_allow),
    FIELD(recsys_request, filter),
    STRUCT(recsys_recommendation),
    FIELD(recsys_recommendation, item),
    FIELD(recsys_recommendation, score),
    FIELD(recsys_recommendation, raw),
    FIELD(recsys_recommendation, reasons),
    FIELD(recsys_recommendation, n_causes),
    FIELD(recsys_recommendation, reason),
    FIELD(recsys_recommendation, causes),
    STRUCT(recsys_preference),
    FIELD(recsys_preference, kind),
    FIELD(recsys_preference, index),
    FIELD(recsys_preference, text),
    STRUCT(recsys_reply),
    FIELD(recsys_reply, struct_size),
    FIELD(recsys_reply, status),
    FIELD(recsys_reply, strategy),
    FIELD(recsys_reply, flags),
    FIELD(recsys_reply, count),
    FIELD(recsys_reply, item_size),
    FIELD(recsys_reply, items),
    FIELD(recsys_reply, message),
    FIELD(recsys_reply, ignored),
    FIELD(recsys_reply, n_ignored),
    FIELD(recsys_reply, reserved),
    FIELD(recsys_reply, model_name),
    FIELD(recsys_reply, model_version),
    FIELD(recsys_reply, model_fingerprint),
    CONST(RECSYS_STRATEGY_USER),
    CONST(RECSYS_STRATEGY_USER_PREFERENCES),
    CONST(RECSYS_STRATEGY_PREFERENCES),
    CONST(RECSYS_STRATEGY_POPULARITY),
    CONST(RECSYS_STRATEGY_SESSION),
    CONST(RECSYS_STRATEGY_VECTOR),
    CONST(RECSYS_STRATEGY_SIMILAR),
    CONST(RECSYS_REASON_GENRES),
    CONST(RECSYS_REASON_RATING),
    CONST(RECSYS_REASON_SCORE),
    CONST(RECSYS_REASON_SIMILAR),
    CONST(RECSYS_REASON_POPULAR),
    CONST(RECSYS_PREFERENCE_GENRE),
    CONST(RECSYS_PREFERENCE_LANGUAGE),
    CONST(RECSYS_PREFERENCE_DECADE),
    CONST(RECSYS_PREFERENCE_RATING),
    CONST(RECSYS_PREFERENCE_LIKED),
    CONST(RECSYS_REQUEST_SIZE_V1),
    CONST(RECSYS_REQUEST_REASONS),
    CONST(RECSYS_REQUEST_INCLUDE_SEEN),
    CONST(RECSYS_REQUEST_INCLUDE_ADULT),
    CONST(RECSYS_REQUEST_ANONYMOUS),
    CONST(RECSYS_REQUEST_ALLOW),
    CONST(RECSYS_REPLY_SIZE_V1),
    CONST(RECSYS_REPLY_KNOWN_USER),
    CONST(RECSYS_REPLY_PREFERENCES),
    STRUCT(recsys_redis_options),
    FIELD(recsys_redis_options, struct_size),
    FIELD(recsys_redis_options, flags),
    FIELD(recsys_redis_options, host),
    FIELD(recsys_redis_options, user),
    FIELD(recsys_redis_options, password),
    FIELD(recsys_redis_options, prefix),
    FIELD(recsys_redis_options, ca_file),
    FIELD(recsys_redis_options, cert_file),
    FIELD(recsys_redis_options, key_file),
    FIELD(recsys_redis_options, port),
    FIELD(recsys_redis_options, db),
    FIELD(recsys_redis_options, pool_size),
    FIELD(recsys_redis_options, connect_timeout_ms),
    FIELD(recsys_redis_options, command_timeout_ms),
    FIELD(recsys_redis_options, pool_timeout_ms),
    FIELD(recsys_redis_options, max_age_s),
    FIELD(recsys_redis_options, reserved),
    STRUCT(recsys_redis_stats),
    FIELD(recsys_redis_stats, struct_size),
    FIELD(recsys_redis_stats, open),
    FIELD(recsys_redis_stats, idle),
    FIELD(recsys_redis_stats, reserved),
    FIELD(recsys_redis_stats, connected),
    FIELD(recsys_redis_stats, closed_broken),
    FIELD(recsys_redis_stats, waited),
    FIELD(recsys_redis_stats, wait_timeouts),
    FIELD(recsys_redis_stats, maxmemory_policy),
    FIELD(recsys_redis_stats, version),
    CONST(RECSYS_REDIS_TLS),
    CONST(RECSYS_REDIS_OPTIONS_SIZE_V1),
    CONST(RECSYS_REDIS_STATS_SIZE_V1),
    STRUCT(recsys_registry_location),
    FIELD(recsys_registry_location, struct_size),
    FIELD(recsys_registry_location, reserved),
    FIELD(recsys_registry_location, name),
    FIELD(recsys_registry_location, version),
    FIELD(recsys_registry_location, path),
    STRUCT(recsys_registry_entry),
    FIELD(recsys_registry_entry, struct_size),
    FIELD(recsys_registry_entry, reserved),
    FIELD(recsys_registry_entry, name),
    FIELD(recsys_registry_entry, version),
    FIELD(recsys_registry_entry, alias),
    CONST(RECSYS_REGISTRY_LOCATION_SIZE_V1),
    CONST(RECSYS_REGISTRY_ENTRY_SIZE_V1),
    STRUCT(recsys_scorer_options),
    FIELD(recsys_scorer_options, struct_size),
    FIELD(recsys_scorer_options, n_threads),
    FIELD(recsys_scorer_options, max_k),
    FIELD(recsys_scorer_options, max_batch),
    FIELD(recsys_scorer_options, dimensions),
    FIELD(recsys_scorer_options, reserved),
    STRUCT(recsys_query),
    FIELD(recsys_query, vector),
    FIELD(recsys_query, filter),
    FIELD(recsys_query, offset),
    FIELD(recsys_query, k),
    FIELD(recsys_query, reserved),
    FIELD(recsys_query, reserved2),
    STRUCT(recsys_scored),
    FIELD(recsys_scored, item),
    FIELD(recsys_scored, score),
    FIELD(recsys_scored, reserved),
    STRUCT(recsys_blas_info),
    FIELD(recsys_blas_info, struct_size),
    FIELD(recsys_blas_info, n_threads),
    FIELD(recsys_blas_info, config),
    FIELD(recsys_blas_info, core),
    CONST(RECSYS_SCORER_OPTIONS_SIZE_V1),
    CONST(RECSYS_BLAS_INFO_SIZE_V1),
    STRUCT(recsys_datum),
    FIELD(recsys_datum, type),
    FIELD(recsys_datum, reserved),
    FIELD(recsys_datum, number),
    FIELD(recsys_datum, real),
    FIELD(recsys_datum, text),
    FIELD(recsys_datum, size),
    STRUCT(recsys_source_driver),
    FIELD(recsys_source_driver, struct_size),
    FIELD(recsys_source_driver, reserved),
    FIELD(recsys_source_driver, query),
    FIELD(recsys_source_driver, begin),
    FIELD(recsys_source_driver, end),
    FIELD(recsys_source_driver, run),
    FIELD(recsys_source_driver, destroy),
    CONST(RECSYS_TYPE_NULL),
    CONST(RECSYS_TYPE_BOOL),
    CONST(RECSYS_TYPE_INTEGER),
    CONST(RECSYS_TYPE_REAL),
    CONST(RECSYS_TYPE_TEXT),
    CONST(RECSYS_TYPE_NUMBER),
    CONST(RECSYS_TYPE_JSON),
    CONST(RECSYS_TYPE_TIME),
    CONST(RECSYS_SHAPE_OBJECT),
    CONST(RECSYS_SHAPE_LIST),
    CONST(RECSYS_SHAPE_COLUMN),
    CONST(RECSYS_SOURCE_DRIVER_SIZE_V1),
    STRUCT(recsys_error),
    FIELD(recsys_error, status),
    FIELD(recsys_error, sys_errno),
    FIELD(recsys_error, message),
    CONST(RECSYS_OK),
    CONST(RECSYS_E_INVALID),
    CONST(RECSYS_E_NOMEM),
    CONST(RECSYS_E_IO),
    CONST(RECSYS_E_FORMAT),
    CONST(RECSYS_E_UNSUPPORTED),
    CONST(RECSYS_E_NOT_FOUND),
    CONST(RECSYS_E_TIMEOUT),
    CONST(RECSYS_E_BACKEND),
    CONST(RECSYS_E_INTERNAL),
    CONST(RECSYS_E_EXISTS),
    CONST(RECSYS_E_LIMIT),
    CONST(RECSYS_E_STATE),
    CONST(RECSYS_E_UNAVAILABLE),
    CONST(RECSYS_E_CONFLICT),
    CONST(RECSYS_E_REJECTED),
    CONST(RECSYS_E_STOPPED),
    CONST(RECSYS_E_EXHAUSTED),
    CONST(RECSYS_E_UNDEFINED),
    CONST(RECSYS_E_CALLBACK),
    CONST(RECSYS_E_BUSY),
    STRUCT(recsys_rate_decision),
    FIELD(recsys_rate_decision, allowed),
    FIELD(recsys_rate_decision, remaining),
    FIELD(recsys_rate_decision, retry_us),
    FIELD(recsys_rate_decision, reset_us),
    STRUCT(recsys_store_driver),
    FIELD(recsys_store_driver, struct_size),
    FIELD(recsys_store_driver, reserved),
    FIELD(recsys_store_driver, destroy),
    FIELD(recsys_store_driver, get),
    FIELD(recsys_store_driver, set),
    FIELD(recsys_store_driver, remove),
    FIELD(recsys_store_driver, get_or_set),
    FIELD(recsys_store_driver, replace),
    FIELD(recsys_store_driver, scan),
    FIELD(recsys_store_driver, rate_limit),
    FIELD(recsys_store_driver, ping),
    STRUCT(recsys_store_options),
    FIELD(recsys_store_options, struct_size),
    FIELD(recsys_store_options, flags),
    FIELD(recsys_store_options, failures),
    FIELD(recsys_store_options, rest_ms),
    FIELD(recsys_store_options, max_rest_ms),
    FIELD(recsys_store_options, ttl_ms),
    FIELD(recsys_store_options, now_ms),
    FIELD(recsys_store_options, user_data),
    STRUCT(recsys_store_stats),
    FIELD(recsys_store_stats, struct_size),
    FIELD(recsys_store_stats, breaker),
    FIELD(recsys_store_stats, calls),
    FIELD(recsys_store_stats, failures),
    FIELD(recsys_store_stats, refused),
    FIELD(recsys_store_stats, opened),
    FIELD(recsys_store_stats, entries),
    FIELD(recsys_store_stats, bytes),
    FIELD(recsys_store_stats, max_bytes),
    FIELD(recsys_store_stats, evictions),
    CONST(RECSYS_STORE_ALWAYS),
    CONST(RECSYS_STORE_IF_ABSENT),
    CONST(RECSYS_STORE_PROBED),
    CONST(RECSYS_BREAKER_CLOSED),
    CONST(RECSYS_BREAKER_OPEN),
    CONST(RECSYS_STORE_DRIVER_SIZE_V1),
    CONST(RECSYS_STORE_OPTIONS_SIZE_V1),
    CONST(RECSYS_STORE_STATS_SIZE_V1),
};

#define N_ENTRIES (sizeof entries / sizeof *entries)
#define LINE_SIZE 256

static void write_line(const struct entry *entry, char line[LINE_SIZE])
{
    switch (entry->kind) {
    case KIND_STRUCT:
        snprintf(line, LINE_SIZE, "struct %s size %zu", entry->name, entry->size);
        break;
    case KIND_FIELD:
        snprintf(line, LINE_SIZE, "field %s.%s offset %zu size %zu", entry->name, entry->field,
                 entry->offset, entry->size);
        break;
    default:
        snprintf(line, LINE_SIZE, "const %s %" PRId64, entry->name, entry->value);
        break;
    }
}

static void print_all(void)
{
    char line[LINE_SIZE];

    puts("# Sizes, offsets and constants of the public headers on 64-bit machines.");
    puts("# Written by tests/abi/layout.c --print; bindings compare themselves with it.");
    for (size_t i = 0; i < N_ENTRIES; i++) {
        write_line(&entries[i], line);
        puts(line);
    }
}

/* 1 if `file` has exactly this line. */
static int has_line(FILE *file, const char *wanted)
{
    char line[LINE_SIZE];

    rewind(file);
    while (fgets(line, sizeof line, file) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        if (strcmp(line, wanted) == 0)
            return 1;
    }
    return 0;
}

static int check_lines(const char *path)
{
    FILE *file = fopen(path, "r");
    int bad = 0;

    if (file == NULL) {
        fprintf(stderr, "cannot open %s\n", path);
        return 1;
    }
    for (size_t i = 0; i < N_ENTRIES; i++) {
        char line[LINE_SIZE];
        write_line(&entries[i], line);
        if (!has_line(file, line)) {
            fprintf(stderr, "layout.expected has no line: %s\n", line);
            bad = 1;
        }
    }
    fclose(file);
    return bad;
}

/* Padding the compiler chose would be bytes that _INIT and _init() may differ in. */
static int check_holes(void)
{
    int bad = 0;

    for (size_t i = 0; i < N_ENTRIES; i++) {
        size_t at = 0, next = i + 1;
        if (entries[i].kind != KIND_STRUCT)
            continue;
        for (; next < N_ENTRIES && entries[next].kind == KIND_FIELD; next++) {
            if (entries[next].offset != at) {
                fprintf(stderr, "hole before %s.%s\n", entries[next].name, entries[next].field);
                bad = 1;
            }
            at = entries[next].offset + entries[next].size;
        }
        if (at != entries[i].size) {
            fprintf(stderr, "hole at the end of %s\n", entries[i].name);
            bad = 1;
        }
    }
    return bad;
}

int main(int argc, char **argv)
{
    const char *source = getenv("RECSYS_SOURCE_DIR");
    char path[4096];

    if (sizeof(void *) != 8) {
        puts("layout.expected is of 64-bit machines: nothing to compare");
        return 0;
    }
    if (argc == 2 && strcmp(argv[1], "--print") == 0) {
        print_all();
        return 0;
    }
    snprintf(path, sizeof path, "%s/tests/abi/layout.expected", source == NULL ? "." : source);
    int bad = check_lines(path);
    bad |= check_holes();
    if (!bad)
        printf("layout: ok, %zu lines\n", N_ENTRIES);
    return bad;
}
