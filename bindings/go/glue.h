/* bindings/go/glue.h - the calls of librecsys in a form that cgo can make.
 *
 * Keys and values are passed as char pointers: behind a void pointer cgo would search the whole Go
 * object for pointers and refuse a key that lies in a larger struct. Callbacks of Go get a number,
 * a cgo.Handle, where C has user_data.
 */
#ifndef BINDINGS_GO_GLUE_H
#define BINDINGS_GO_GLUE_H

#include <stdlib.h>

#include <recsys/recsys.h>
#include <recsys/recycling.h>

/* The arguments and results of one call of a recommender, in memory of C. One pointer instead of
 * five: cgo looks at each pointer that it is given. */
typedef struct rg_workspace {
    recsys_recommender *recommender;
    const recsys_model *model; /* of this call */
    recsys_request request;
    recsys_reply reply;
    recsys_error err;
} rg_workspace;

/* Answers the workspace's request into its reply. */
recsys_status rg_recommend(rg_workspace *workspace);

/* -- bytes -- */
recsys_status rg_cache_get(recsys_cache *cache, const char *key, size_t key_size,
                           recsys_cache_entry **out, recsys_error *err);
recsys_status rg_cache_set(recsys_cache *cache, const char *key, size_t key_size, const char *value,
                           size_t value_size, uint64_t ttl_ms, recsys_error *err);
recsys_status rg_cache_remove(recsys_cache *cache, const char *key, size_t key_size,
                              recsys_error *err);
recsys_status rg_store_set(recsys_store *store, const char *key, size_t key_size, const char *value,
                           size_t value_size, uint64_t ttl_ms, uint32_t when, recsys_error *err);
recsys_status rg_store_get_or_set(recsys_store *store, const char *key, size_t key_size,
                                  const char *value, size_t value_size, uint64_t ttl_ms,
                                  recsys_value *present, uint64_t *incarnation, recsys_error *err);
recsys_status rg_store_replace(recsys_store *store, const char *key, size_t key_size,
                               const char *prefix, size_t prefix_size, const char *value,
                               size_t value_size, uint64_t ttl_ms, recsys_error *err);
recsys_status rg_store_rate_limit(recsys_store *store, const char *key, size_t key_size,
                                  uint64_t emission_us, uint32_t burst, uint32_t cost,
                                  recsys_rate_decision *out, recsys_error *err);
recsys_status rg_aside_get(recsys_aside *aside, const char *key, size_t key_size, recsys_value *out,
                           uint32_t *outcome, recsys_error *err);
recsys_status rg_aside_set(recsys_aside *aside, const char *key, size_t key_size, const char *value,
                           size_t value_size, uint64_t version, uint64_t ttl_ms, recsys_error *err);
recsys_status rg_aside_load_set(recsys_aside_load *load, const char *value, size_t value_size,
                                uint64_t version, uint64_t ttl_ms, uint32_t flags,
                                recsys_error *err);
recsys_status rg_aside_changes_set(recsys_aside_changes *changes, size_t index, const char *value,
                                   size_t value_size, uint64_t version, recsys_error *err);
recsys_status rg_limiter_allow(recsys_limiter *limiter, const char *key, size_t key_size,
                               uint32_t cost, recsys_limit *out, recsys_error *err);
recsys_status rg_denylist_revoke(recsys_denylist *denylist, const char *jti, size_t jti_size,
                                 const char *user_id, const char *reason, uint64_t expires_s,
                                 recsys_error *err);
recsys_status rg_denylist_check(recsys_denylist *denylist, const char *jti, size_t jti_size,
                                recsys_denylist_verdict *out, recsys_error *err);
recsys_status rg_denylist_check_user(recsys_denylist *denylist, const char *jti, size_t jti_size,
                                     const char *user_id, uint64_t issued_s,
                                     recsys_denylist_verdict *out, recsys_error *err);
recsys_status rg_denylist_get(recsys_denylist *denylist, const char *jti, size_t jti_size,
                              recsys_value *json, recsys_error *err);
recsys_status rg_recycling_update_user(recsys_domains *domains, const char *user_id,
                                       const char *members, size_t members_size, recsys_value *json,
                                       recsys_error *err);

/* -- callbacks; `handle` is a cgo.Handle -- */
recsys_status rg_aside_get_or_load(recsys_aside *aside, const char *key, size_t key_size,
                                   uintptr_t handle, uint32_t timeout_ms, recsys_value *out,
                                   uint32_t *outcome, recsys_error *err);
recsys_status rg_batcher_recommend(recsys_batcher *batcher, const recsys_model *model,
                                   const recsys_request *request, uint32_t timeout_ms,
                                   uintptr_t handle, recsys_error *err);
recsys_status rg_aside_write(recsys_aside *aside, const recsys_bytes *keys, size_t n,
                             uintptr_t handle, recsys_error *err);
recsys_status rg_store_scan(recsys_store *store, const recsys_bytes *parts, size_t n,
                            uint64_t *cursor, uintptr_t handle, recsys_error *err);
recsys_status rg_registry_list(recsys_registry *registry, const char *name, uintptr_t handle,
                               recsys_error *err);
recsys_status rg_deployment_list(recsys_deployment *deployment, uintptr_t handle,
                                 recsys_error *err);
recsys_status rg_stats_format(recsys_stats *stats, uintptr_t handle, recsys_error *err);
recsys_status rg_log_set(int32_t level, uintptr_t handle, recsys_error *err); /* 0 = silent */
recsys_status rg_source_create(const char *name, uintptr_t handle, uint32_t runs_scripts,
                               recsys_source **out, recsys_error *err);

#endif
