/* daemon/app.c - makes the parts of the daemon in the order in which they need each other, and
 * destroys them in the opposite order.
 *
 * Only this file knows all rooms: it gives each room the objects that it needs.
 */
#include "daemon/app.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/backends/registry_open.h"
#include "daemon/config/link.h"
#include "daemon/config/wrong.h"
#include "daemon/deployment_settings.h"
#include "daemon/http/address.h"
#include "daemon/http/server.h"
#include "daemon/inference/inference_model.h"
#include "daemon/observe/access_log.h"
#include "daemon/process/descriptors.h"
#include "daemon/process/logger.h"
#include "daemon/recommend/batching.h"
#include "daemon/recommend/scratch.h"
#include "lib/base/clock.h"
#include "lib/base/cores.h"

#define MAX_BATCH 256u /* requests scored together */
#define MOST_SCAN_THREADS 8u

static bool check_listen(const struct rd_app *app, recsys_error *err)
{
    const struct rd_config *config = &app->config;
    struct rd_listen_address addresses[RD_MAX_ADDRESSES];
    const char *wrong;
    size_t n;

    wrong = rd_listen_parse(config->listen, addresses, &n);
    if (wrong != NULL)
        return rd_wrong(
            err,
            "listen must be up to %u addresses and ports, as 127.0.0.1:8000, [::1]:8000 "
            "or unix:/run/recsysd.sock, not '%s'",
            RD_MAX_ADDRESSES, wrong);
    for (size_t i = 0; i < n; i++)
        if (!addresses[i].is_loopback && !rd_keys_is_on(app->keyring.now) &&
            !config->allow_unauthenticated)
            return rd_wrong(err,
                            "refusing to listen on %.*s without authentication: set api_keys_file, "
                            "jwt_secret_file or jwt_public_key_file, or allow_unauthenticated if "
                            "something else decides who may call",
                            (int)(strrchr(addresses[i].text, ':') - addresses[i].text),
                            addresses[i].text);
    return true;
}

/* It may be reached from elsewhere: probes need no key, and what changes something needs the admin
 * token. */
static bool check_health_listen(const struct rd_app *app, recsys_error *err)
{
    struct rd_listen_address addresses[RD_MAX_ADDRESSES];
    const char *wrong = NULL;
    size_t n;

    if (app->config.health_listen[0] != '\0')
        wrong = rd_listen_parse(app->config.health_listen, addresses, &n);
    return wrong == NULL ||
           rd_wrong(err, "health_listen must be addresses as those of listen, not '%s'", wrong);
}

/* Octal digits. */
static bool read_mode(const char *text, mode_t *mode)
{
    char *end;
    unsigned long value = strtoul(text, &end, 8);

    *mode = (mode_t)value;
    return text[0] >= '0' && text[0] <= '7' && *end == '\0' && value <= 0777;
}

static bool check_mode(const struct rd_app *app, recsys_error *err)
{
    mode_t mode;

    return read_mode(app->config.socket_mode, &mode) ||
           rd_wrong(err, "socket_mode must be an octal number as 0660, not '%s'",
                    app->config.socket_mode);
}

static bool check_proxies(struct rd_app *app, recsys_error *err)
{
    const char *wrong = rd_proxies_parse(&app->proxies, app->config.trusted_proxies);

    app->proxies.use_forwarded = app->config.proxy_header == RD_FORWARDED;
    return wrong == NULL || rd_wrong(err,
                                     "trusted_proxies: \"%.*s\" is no address or network, or one "
                                     "of more than %u",
                                     (int)strcspn(wrong, ", "), wrong, RD_MAX_PROXIES);
}

bool rd_app_check(struct rd_app *app, recsys_error *err)
{
    struct rd_plan plan;

    if (!rd_named_models_read(&app->named, app->config.model, app->config.model_name,
                              app->config.models, err) ||
        !rd_plan_read(&plan, &app->named, app->config.model_shares, app->config.model_shadows,
                      app->config.model_salt, err))
        return false;
    if (!rd_traffic_start(&app->traffic, &app->named, &plan))
        return rd_wrong(err, "out of memory");
    recsys_model_options model = RECSYS_MODEL_OPTIONS_INIT;
    if (!rd_link_read(app->config.link, "link", &model, err))
        return false;
    app->keyring = (struct rd_keyring){.lock = RS_LOCK_INIT};
    app->auth.keys = &app->keyring;
    return rd_keyring_load(&app->keyring, &app->config, err) && check_listen(app, err) &&
           check_health_listen(app, err) && check_mode(app, err) && check_proxies(app, err) &&
           rd_webhook_load(&app->webhook, app->config.mlflow_webhook_secret_file, err) &&
           rd_stores_check(&app->stores, &app->config, err) &&
           recsys_log_set_trace(app->config.trace, err) == RECSYS_OK;
}

static bool failed(const char *what, const recsys_error *err)
{
    rd_log(RECSYS_LOG_ERROR, "%s: %s", what, err->message);
    return false;
}

/* A model beside the default one may fail to load now: its changer goes on trying. */
static bool make_model(struct rd_app *app, size_t place, recsys_deployment_options *options)
{
    struct rd_named_model *model = &app->named.all[place];
    char history[PATH_MAX];
    recsys_error err = {0};

    options->history = rd_history_path(&app->config, model->name, history, sizeof history);
    if (recsys_deployment_create(model->source, options, &model->deployment, &err) != RECSYS_OK)
        return failed("cannot use this model", &err);
    rd_model_changer_init(&app->changers[place], model->deployment, model->source,
                          app->config.poll_registry_s);
    return rd_model_reload(&app->changers[place]) || place > 0 || app->config.wait_for_model;
}

static bool make_models(struct rd_app *app)
{
    recsys_deployment_options options = RECSYS_DEPLOYMENT_OPTIONS_INIT;
    recsys_model_options loading = RECSYS_MODEL_OPTIONS_INIT;
    const struct rd_config *config = &app->config;
    recsys_error err = {0};

    loading.n_threads = rs_cores();
    loading.metric = (uint32_t)config->metric; /* 0 = auto */
    if (!rd_link_read(config->link, "link", &loading, &err))
        return failed("cannot use this model", &err);
    options.model_options = &loading;
    const struct rd_registry_settings registry = {
        .registry = config->registry,
        .cache = config->registry_cache,
        .user = config->registry_user,
        .password_file = config->registry_password_file,
        .token_file = config->registry_token_file,
        .ca_file = config->registry_ca_file,
        .workspace = config->registry_workspace,
        .host = config->registry_host,
        .cache_bytes = config->registry_cache_bytes,
        .timeout_ms = config->registry_timeout_ms,
        .stall_timeout_s = config->registry_stall_timeout_s,
        .download_timeout_s = config->registry_download_timeout_s,
    };
    if (config->registry[0] != '\0' &&
        rd_registry_open(&registry, &app->registry, &err) != RECSYS_OK)
        return failed("cannot open the registry", &err);
    options.registry = app->registry;
    rd_deployment_settings(config, &options);
    for (size_t place = 0; place < app->named.n; place++)
        if (!make_model(app, place, &options))
            return false;
    return true;
}

static void finished(const struct rd_request *request, size_t n_bytes, double seconds,
                     void *user_data)
{
    struct rd_app *app = user_data;

    rd_metrics_count(&app->metrics, request->route, request->head->method, request->status,
                     seconds);
    rd_access_log(request, n_bytes, seconds);
}

/* In which a burst comes back; `rate` is a minute's. */
static uint32_t window_s(uint64_t rate, uint64_t burst)
{
    return rate == 0 || burst == 0 ? 60 : (uint32_t)((burst * 60 + rate - 1) / rate);
}

/* Those that are no connections of clients: at most one pool for each logical db, one for
 * PostgreSQL, and the files of models, logs and watchers. */
static uint32_t count_descriptors(const struct rd_config *config)
{
    return (uint32_t)(RD_DBS * (config->redis_pool + 1) + config->database_pool + 1) + 64u +
           (config->health_listen[0] != '\0' ? RD_HEALTH_CONNECTIONS : 0u);
}

/* Give each room the objects that it needs. */
static void join_rooms(struct rd_app *app, const struct rd_app_steps *steps)
{
    const struct rd_config *config = &app->config;
    const struct rd_stores *stores = &app->stores;

    app->http.settings = (struct rd_http_settings){
        .listen = config->listen,
        .health_listen = config->health_listen,
        .port_file = config->port_file,
        .cors_origins = config->cors_origins,
        .error_paths = RD_INFERENCE_PATHS,
        .allowed_hosts = config->allowed_hosts,
        .checks_hosts = !rd_keys_is_on(app->keyring.now) && !config->allow_unauthenticated,
        .proxies = &app->proxies,
        .threads = (uint32_t)config->threads,
        .max_connections =
            rd_descriptors_raise((uint32_t)config->max_connections, count_descriptors(config)),
        .request_timeout_ms = config->request_timeout_ms,
        .keep_alive_timeout_ms = config->keep_alive_timeout_ms,
        .keep_alive_requests = config->keep_alive_requests,
        .connection_age_ms = config->connection_age_s * 1000u,
        .max_header_bytes = (size_t)config->max_header_bytes,
        .max_body_bytes = (size_t)config->max_body_bytes,
        .gzip_min_bytes = (size_t)config->gzip_min_bytes,
        .check = steps->check,
        .room_bytes = steps->room_bytes,
        .answer = steps->answer,
        .finished = finished,
        .free_scratch = rd_scratch_free,
        .user_data = app,
    };
    (void)read_mode(config->socket_mode, &app->http.settings.socket_mode);
    app->auth.denylist = stores->denylist;
    app->auth.limiter = stores->limiter;
    app->auth.auth_limiter = stores->auth_limiter;
    app->auth.window_s = window_s(config->rate_limit, config->rate_burst);
    app->auth.auth_window_s = window_s(config->rate_limit_auth, 0);
    app->auth.unconfirmed_s = config->jwt_unconfirmed_s;
    app->recommend.traffic = &app->traffic;
    app->recommend.shadow = &app->shadow;
    app->recommend.answers = stores->answers;
    app->recommend.metrics = &app->metrics;
    app->recommend.timeout_ms = config->request_timeout_ms;
    if (config->feedback_window_days > 0)
        app->recommend.recent = (struct rd_recent_items){rd_feedback_find_recent, &app->feedback};
    app->models = (struct rd_models){app->registry, &app->traffic, &app->shadow, &app->named,
                                     app->changers, &app->webhook, &app->auth};
    app->write_wait = (struct rd_write_wait){stores->domains, (uint32_t)config->write_wait_ms,
                                             &app->outbox.is_on};
    app->domains = (struct rd_domains){stores->domains, stores->redis[RD_DB_TASKS] != NULL,
                                       &app->write_wait, config->grants == RD_GRANTS_USERS};
    app->feedback.write_wait = &app->write_wait;
    app->observed = (struct rd_observed){
        &app->traffic, stores, &app->watch, &app->metrics, &app->store_metrics, &app->outbox};
}

/* Of one scan. */
static uint32_t scan_threads(const struct rd_config *config)
{
    uint32_t n_cores = rs_cores();

    if (config->batch_threads > 0)
        return (uint32_t)config->batch_threads;
    return n_cores < MOST_SCAN_THREADS ? n_cores : MOST_SCAN_THREADS;
}

static bool start_batching(struct rd_recommend *recommend, const struct rd_config *config)
{
    struct rd_batching_settings settings = {
        .when = (enum rd_batching)config->batching,
        .n_threads = scan_threads(config),
        .max_batch = (uint32_t)(config->threads < MAX_BATCH ? config->threads : MAX_BATCH),
        .max_waiting = (uint32_t)config->batching_queue,
    };

    return rd_batching_start(recommend, &settings);
}

static bool start_changers(struct rd_app *app)
{
    for (size_t place = 0; place < app->named.n; place++)
        if (!rd_model_changer_start(&app->changers[place]))
            return false;
    return true;
}

static bool stop_changers(struct rd_app *app, uint64_t deadline)
{
    bool idle = true;

    for (size_t place = 0; place < app->named.n; place++)
        idle &= rd_model_changer_stop(&app->changers[place], deadline);
    return idle;
}

void rd_app_reload_models(struct rd_app *app)
{
    for (size_t place = 0; place < app->named.n; place++)
        rd_model_changer_reload(&app->changers[place]);
}

static bool start_feedback(struct rd_app *app)
{
    const struct rd_config *config = &app->config;

    return rd_feedback_start(&app->feedback, app->stores.domains, app->stores.database,
                             (uint32_t)config->database_timeout_ms,
                             (uint32_t)config->feedback_window_days, config->feedback_memory_bytes,
                             app->metrics.stats);
}

bool rd_app_start(struct rd_app *app, const struct rd_route *routes, size_t n_routes,
                  const struct rd_app_steps *steps)
{
    const struct rd_config *config = &app->config;
    bool has_tokens = rd_jwt_is_on(&app->keyring.now->jwt);
    recsys_error err = {0};

    if (recsys_log_set((int32_t)config->log_level, rd_log_line, NULL, &err) != RECSYS_OK)
        return failed("cannot set the log hook of librecsys", &err);
    if (recsys_blas_set_threads((uint32_t)config->blas_threads, &err) != RECSYS_OK)
        rd_log(RECSYS_LOG_WARN, "cannot set the number of BLAS threads: %s", err.message);
    if (recsys_amx_use(&err) != RECSYS_OK)
        rd_log(RECSYS_LOG_DEBUG, "%s", err.message);
    if (!make_models(app) || !rd_metrics_start(&app->metrics, routes, n_routes, &app->named) ||
        !rd_stores_start(&app->stores, config, app->metrics.stats, has_tokens) ||
        !rd_store_metrics_start(&app->store_metrics, &app->stores, app->metrics.stats) ||
        !start_feedback(app))
        return false;
    join_rooms(app, steps);
    return rd_openapi_open(&app->openapi, routes, n_routes, steps->is_here,
                           app->http.settings.error_paths) &&
           rd_access_open(config->access_log) &&
           rd_batch_start(&app->recommend, scan_threads(config)) &&
           start_batching(&app->recommend, config) && start_changers(app) &&
           rd_shadow_start(&app->shadow, &app->traffic, &app->metrics) &&
           rd_model_keeper_start(&app->keeper, &app->traffic, &app->metrics) &&
           rd_backend_watch_start(&app->watch, &app->stores, config, has_tokens) &&
           rd_outbox_watch_start(&app->outbox, &app->stores, config) && rd_server_start(&app->http);
}

bool rd_app_stop(struct rd_app *app)
{
    uint64_t deadline = rs_clock_ns() + app->config.drain_timeout_ms * 1000000u;
    bool idle;

    rd_server_drain(&app->http, deadline);
    rd_stores_flush(&app->stores);
    idle = stop_changers(app, deadline);
    if (idle)
        rd_server_stop();
    rd_access_close(idle);
    if (!idle)
        return false;
    rd_model_keeper_stop(&app->keeper);
    rd_outbox_watch_stop(&app->outbox);
    rd_backend_watch_stop(&app->watch);
    rd_shadow_stop(&app->shadow);
    rd_batching_stop(&app->recommend);
    rd_batch_stop(&app->recommend);
    rd_feedback_stop(&app->feedback);
    rd_stores_stop(&app->stores);
    rd_metrics_stop(&app->metrics);
    rd_openapi_close(&app->openapi);
    rd_named_models_free(&app->named);
    recsys_registry_unref(app->registry);
    rd_keyring_free(&app->keyring);
    rd_config_free(&app->config);
    return true;
}
