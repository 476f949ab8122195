/* daemon/deployment_settings.c - the settings of recsysd as options of a deployment.
 *
 * Settings are whole numbers and say percent; 0 often means "no limit" there, where an option's 0
 * means its default.
 */
#include "daemon/deployment_settings.h"

#include <stdio.h>

static float share(uint64_t percent)
{
    return (float)percent / 100.0f;
}

static uint32_t count_or_none(uint64_t n)
{
    return n == 0 ? UINT32_MAX : (uint32_t)n;
}

static void set_canary(const struct rd_config *config, recsys_deployment_options *out)
{
    out->n_canaries = (uint32_t)config->canary_queries;
    out->min_items_ratio = config->canary_min_items == 0 ? -1.0f : share(config->canary_min_items);
    out->min_overlap = share(config->canary_min_overlap);
    out->max_score_shift = share(config->canary_max_score_shift);
    out->max_empty_share = share(config->canary_max_empty);
    out->flags = (config->canary_allow_id_kind ? RECSYS_DEPLOYMENT_ALLOW_ID_KIND : 0u) |
                 (config->canary_allow_no_catalog ? RECSYS_DEPLOYMENT_ALLOW_NO_CATALOG : 0u) |
                 (config->canary_allow_no_seen ? RECSYS_DEPLOYMENT_ALLOW_NO_SEEN : 0u);
}

void rd_deployment_settings(const struct rd_config *config, recsys_deployment_options *out)
{
    set_canary(config, out);
    out->n_recent = count_or_none(config->warm_requests);
    out->max_memory = config->model_memory_mb << 20;
    out->watch_s = count_or_none(config->watch_s);
    out->watch_min_answers = (uint32_t)config->watch_min_answers;
    out->max_error_rise = config->watch_max_failed == 100 ? -1.0f : share(config->watch_max_failed);
    out->max_empty_rise = config->watch_max_empty == 100 ? -1.0f : share(config->watch_max_empty);
    if (config->poll_registry_s > 0)
        out->poll_interval_ms = (uint32_t)config->poll_registry_s * 1000u;
    out->max_poll_wait_ms = (uint32_t)config->poll_max_wait_s * 1000u;
    out->poll_jitter = config->poll_jitter == 0 ? -1.0f : share(config->poll_jitter);
}

const char *rd_history_path(const struct rd_config *config, const char *name, char *room,
                            size_t size)
{
    if (config->model_history_dir[0] == '\0')
        return NULL;
    return snprintf(room, size, "%s/%s.jsonl", config->model_history_dir, name) < (int)size ? room
                                                                                            : NULL;
}
