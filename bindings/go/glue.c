/* bindings/go/glue.c - see glue.h. The functions named go... are Go's, exported by cgo. */
#include "glue.h"

/* -- Go's functions -- */
recsys_status goLoad(recsys_aside_load *load, uintptr_t handle, recsys_error *err);
recsys_status goReply(recsys_reply *reply, recsys_batch *batch, uintptr_t handle,
                      recsys_error *err);
int32_t goIsCancelled(uintptr_t handle);
recsys_status goChange(recsys_aside_changes *changes, uintptr_t handle, recsys_error *err);
int32_t goTakeText(char *text, size_t size, uintptr_t handle);
int32_t goTakeEntry(recsys_registry_entry *entry, uintptr_t handle);
int32_t goTakeEvent(recsys_deployment_event *event, uintptr_t handle);
void goLog(int32_t level, char *message, uintptr_t handle);
recsys_status goSourceQuery(uintptr_t self, uintptr_t session, char *statement,
                            recsys_datum *parameters, size_t n, uint32_t timeout_ms,
                            recsys_rows *rows, recsys_error *err);
recsys_status goSourceBegin(uintptr_t self, uint32_t timeout_ms, uintptr_t *session,
                            recsys_error *err);
recsys_status goSourceEnd(uintptr_t self, uintptr_t session, uint32_t commit, uint32_t timeout_ms,
                          recsys_error *err);
recsys_status goSourceRun(uintptr_t self, char *script, uint32_t timeout_ms, recsys_error *err);
void goSourceDestroy(uintptr_t self);

recsys_status rg_recommend(rg_workspace *workspace)
{
    workspace->reply.struct_size = (uint32_t)sizeof workspace->reply;
    return recsys_recommend(workspace->recommender, workspace->model, &workspace->request, 1,
                            &workspace->reply, &workspace->err);
}

static recsys_bytes bytes(const char *data, size_t size)
{
    return (recsys_bytes){data, size};
}

recsys_status rg_cache_get(recsys_cache *cache, const char *key, size_t key_size,
                           recsys_cache_entry **out, recsys_error *err)
{
    return recsys_cache_get(cache, bytes(key, key_size), out, err);
}

recsys_status rg_cache_set(recsys_cache *cache, const char *key, size_t key_size, const char *value,
                           size_t value_size, uint64_t ttl_ms, recsys_error *err)
{
    return recsys_cache_set(cache, bytes(key, key_size), bytes(value, value_size), ttl_ms, err);
}

recsys_status rg_cache_remove(recsys_cache *cache, const char *key, size_t key_size,
                              recsys_error *err)
{
    return recsys_cache_remove(cache, bytes(key, key_size), err);
}

recsys_status rg_store_set(recsys_store *store, const char *key, size_t key_size, const char *value,
                           size_t value_size, uint64_t ttl_ms, uint32_t when, recsys_error *err)
{
    return recsys_store_set(store, bytes(key, key_size), bytes(value, value_size), ttl_ms, when,
                            err);
}

recsys_status rg_store_get_or_set(recsys_store *store, const char *key, size_t key_size,
                                  const char *value, size_t value_size, uint64_t ttl_ms,
                                  recsys_value *present, uint64_t *incarnation, recsys_error *err)
{
    return recsys_store_get_or_set(store, bytes(key, key_size), bytes(value, value_size), ttl_ms,
                                   present, incarnation, err);
}

recsys_status rg_store_replace(recsys_store *store, const char *key, size_t key_size,
                               const char *prefix, size_t prefix_size, const char *value,
                               size_t value_size, uint64_t ttl_ms, recsys_error *err)
{
    return recsys_store_replace(store, bytes(key, key_size), bytes(prefix, prefix_size),
                                bytes(value, value_size), ttl_ms, err);
}

recsys_status rg_store_rate_limit(recsys_store *store, const char *key, size_t key_size,
                                  uint64_t emission_us, uint32_t burst, uint32_t cost,
                                  recsys_rate_decision *out, recsys_error *err)
{
    return recsys_store_rate_limit(store, bytes(key, key_size), emission_us, burst, cost, out, err);
}

recsys_status rg_aside_get(recsys_aside *aside, const char *key, size_t key_size, recsys_value *out,
                           uint32_t *outcome, recsys_error *err)
{
    return recsys_aside_get(aside, bytes(key, key_size), out, outcome, err);
}

recsys_status rg_aside_set(recsys_aside *aside, const char *key, size_t key_size, const char *value,
                           size_t value_size, uint64_t version, uint64_t ttl_ms, recsys_error *err)
{
    return recsys_aside_set(aside, bytes(key, key_size), bytes(value, value_size), version, ttl_ms,
                            err);
}

recsys_status rg_aside_load_set(recsys_aside_load *load, const char *value, size_t value_size,
                                uint64_t version, uint64_t ttl_ms, uint32_t flags,
                                recsys_error *err)
{
    return recsys_aside_load_set(load, bytes(value, value_size), version, ttl_ms, flags, err);
}

recsys_status rg_aside_changes_set(recsys_aside_changes *changes, size_t index, const char *value,
                                   size_t value_size, uint64_t version, recsys_error *err)
{
    return recsys_aside_changes_set(changes, index, bytes(value, value_size), version, err);
}

recsys_status rg_limiter_allow(recsys_limiter *limiter, const char *key, size_t key_size,
                               uint32_t cost, recsys_limit *out, recsys_error *err)
{
    return recsys_limiter_allow(limiter, bytes(key, key_size), cost, out, err);
}

recsys_status rg_denylist_revoke(recsys_denylist *denylist, const char *jti, size_t jti_size,
                                 const char *user_id, const char *reason, uint64_t expires_s,
                                 recsys_error *err)
{
    return recsys_denylist_revoke(denylist, bytes(jti, jti_size), user_id, reason, expires_s, err);
}

recsys_status rg_denylist_check(recsys_denylist *denylist, const char *jti, size_t jti_size,
                                recsys_denylist_verdict *out, recsys_error *err)
{
    return recsys_denylist_check(denylist, bytes(jti, jti_size), out, err);
}

recsys_status rg_denylist_check_user(recsys_denylist *denylist, const char *jti, size_t jti_size,
                                     const char *user_id, uint64_t issued_s,
                                     recsys_denylist_verdict *out, recsys_error *err)
{
    return recsys_denylist_check_user(denylist, bytes(jti, jti_size), user_id, issued_s,
                                      out, err);
}

recsys_status rg_denylist_get(recsys_denylist *denylist, const char *jti, size_t jti_size,
                              recsys_value *json, recsys_error *err)
{
    return recsys_denylist_get(denylist, bytes(jti, jti_size), json, err);
}

recsys_status rg_recycling_update_user(recsys_domains *domains, const char *user_id,
                                       const char *members, size_t members_size, recsys_value *json,
                                       recsys_error *err)
{
    return recsys_recycling_update_user(domains, user_id, bytes(members, members_size), json, err);
}

/* -- callbacks -- */

static recsys_status load(recsys_aside_load *load, void *user_data, recsys_error *err)
{
    return goLoad(load, (uintptr_t)user_data, err);
}

recsys_status rg_aside_get_or_load(recsys_aside *aside, const char *key, size_t key_size,
                                   uintptr_t handle, uint32_t timeout_ms, recsys_value *out,
                                   uint32_t *outcome, recsys_error *err)
{
    return recsys_aside_get_or_load(aside, bytes(key, key_size), load, (void *)handle, timeout_ms,
                                    out, outcome, err);
}

static recsys_status take_reply(const recsys_reply *reply, const recsys_batch *batch,
                                void *user_data, recsys_error *err)
{
    return goReply((recsys_reply *)reply, (recsys_batch *)batch, (uintptr_t)user_data, err);
}

static int32_t is_cancelled(void *user_data)
{
    return goIsCancelled((uintptr_t)user_data);
}

recsys_status rg_batcher_recommend(recsys_batcher *batcher, const recsys_model *model,
                                   const recsys_request *request, uint32_t timeout_ms,
                                   uintptr_t handle, recsys_error *err)
{
    recsys_batcher_call call = RECSYS_BATCHER_CALL_INIT;

    call.timeout_ms = timeout_ms;
    call.reply = take_reply;
    call.cancelled = is_cancelled;
    call.user_data = (void *)handle;
    return recsys_batcher_recommend(batcher, model, request, &call, err);
}

static recsys_status change(recsys_aside_changes *changes, void *user_data, recsys_error *err)
{
    return goChange(changes, (uintptr_t)user_data, err);
}

recsys_status rg_aside_write(recsys_aside *aside, const recsys_bytes *keys, size_t n,
                             uintptr_t handle, recsys_error *err)
{
    return recsys_aside_write(aside, keys, n, change, (void *)handle, err);
}

static int32_t take_key(recsys_bytes key, void *user_data)
{
    return goTakeText((char *)key.data, key.size, (uintptr_t)user_data);
}

recsys_status rg_store_scan(recsys_store *store, const recsys_bytes *parts, size_t n,
                            uint64_t *cursor, uintptr_t handle, recsys_error *err)
{
    return recsys_store_scan(store, parts, n, cursor, take_key, (void *)handle, err);
}

static int32_t take_entry(const recsys_registry_entry *entry, void *user_data)
{
    return goTakeEntry((recsys_registry_entry *)entry, (uintptr_t)user_data);
}

recsys_status rg_registry_list(recsys_registry *registry, const char *name, uintptr_t handle,
                               recsys_error *err)
{
    return recsys_registry_list(registry, name, take_entry, (void *)handle, err);
}

static int32_t take_event(const recsys_deployment_event *event, void *user_data)
{
    return goTakeEvent((recsys_deployment_event *)event, (uintptr_t)user_data);
}

recsys_status rg_deployment_list(recsys_deployment *deployment, uintptr_t handle, recsys_error *err)
{
    return recsys_deployment_list(deployment, take_event, (void *)handle, err);
}

static int32_t take_text(const char *text, size_t size, void *user_data)
{
    return goTakeText((char *)text, size, (uintptr_t)user_data);
}

recsys_status rg_stats_format(recsys_stats *stats, uintptr_t handle, recsys_error *err)
{
    return recsys_stats_format(stats, take_text, (void *)handle, err);
}

static void log_line(int32_t level, const char *message, void *user_data)
{
    goLog(level, (char *)message, (uintptr_t)user_data);
}

recsys_status rg_log_set(int32_t level, uintptr_t handle, recsys_error *err)
{
    return recsys_log_set(level, handle == 0 ? NULL : log_line, (void *)handle, err);
}

/* -- a source whose driver is in Go; self and session are such numbers -- */

static recsys_status source_query(void *self, void *session, const char *statement,
                                  const recsys_datum *parameters, size_t n, uint32_t timeout_ms,
                                  recsys_rows *rows, recsys_error *err)
{
    return goSourceQuery((uintptr_t)self, (uintptr_t)session, (char *)statement,
                         (recsys_datum *)parameters, n, timeout_ms, rows, err);
}

static recsys_status source_begin(void *self, uint32_t timeout_ms, void **session,
                                  recsys_error *err)
{
    uintptr_t handle = 0;
    recsys_status status = goSourceBegin((uintptr_t)self, timeout_ms, &handle, err);

    *session = (void *)handle;
    return status;
}

static recsys_status source_end(void *self, void *session, uint32_t commit, uint32_t timeout_ms,
                                recsys_error *err)
{
    return goSourceEnd((uintptr_t)self, (uintptr_t)session, commit, timeout_ms, err);
}

static recsys_status source_run(void *self, const char *script, uint32_t timeout_ms,
                                recsys_error *err)
{
    return goSourceRun((uintptr_t)self, (char *)script, timeout_ms, err);
}

static void source_destroy(void *self)
{
    goSourceDestroy((uintptr_t)self);
}

recsys_status rg_source_create(const char *name, uintptr_t handle, uint32_t runs_scripts,
                               recsys_source **out, recsys_error *err)
{
    recsys_source_driver driver = RECSYS_SOURCE_DRIVER_INIT;

    driver.query = source_query;
    driver.begin = source_begin;
    driver.end = source_end;
    driver.run = runs_scripts != 0 ? source_run : NULL;
    driver.destroy = source_destroy;
    return recsys_source_create(name, &driver, (void *)handle, out, err);
}
