/* lib/adapters/mlflow/mlflow.c - makes and counts registries over MLflow servers. */
#include "recsys/mlflow.h"

#include <stdio.h>

#include "lib/adapters/mlflow/mlflow_driver.h"
#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/structs.h"

static void destroy(void *self)
{
    struct rs_mlflow *mlflow = self;

    rs_mlflow_shelf_close(&mlflow->shelf);
    rs_lock_destroy(&mlflow->lock);
    rs_mlflow_settings_destroy(&mlflow->settings);
    rs_free(mlflow);
}

recsys_status recsys_mlflow_create(const char *url, const recsys_mlflow_options *options,
                                   recsys_registry **out, recsys_error *err)
{
    recsys_registry_driver driver = RECSYS_REGISTRY_DRIVER_INIT;
    char label[300];

    if (out == NULL)
        return rs_error(err, RECSYS_E_INVALID, "recsys_mlflow_create: out is NULL");
    *out = NULL;
    struct rs_mlflow *mlflow = rs_alloc_array(1, sizeof *mlflow);
    if (mlflow == NULL)
        return rs_error_nomem(err, "registry");
    recsys_status status = rs_mlflow_settings_read(&mlflow->settings, url, options, err);
    if (status == RECSYS_OK) {
        int result = rs_lock_init(&mlflow->lock);
        if (result != 0)
            status = rs_error_sys(err, result, "cannot make the lock of a registry");
    }
    if (status != RECSYS_OK) {
        rs_mlflow_settings_destroy(&mlflow->settings);
        rs_free(mlflow);
        return status;
    }
    status = rs_mlflow_shelf_open(&mlflow->shelf, mlflow->settings.cache, err);
    if (status != RECSYS_OK) {
        destroy(mlflow);
        return status;
    }
    driver.destroy = destroy;
    driver.find = rs_mlflow_find;
    driver.fetch = rs_mlflow_fetch;
    driver.describe = rs_mlflow_describe;
    driver.list = rs_mlflow_list;
    snprintf(label, sizeof label, "%.200s%.90s", mlflow->settings.origin, mlflow->settings.prefix);
    return recsys_registry_create(label, &driver, mlflow, out, err);
}

recsys_status recsys_mlflow_get_stats(recsys_registry *registry, recsys_mlflow_stats *out,
                                      recsys_error *err)
{
    recsys_mlflow_stats now = RECSYS_MLFLOW_STATS_INIT;
    recsys_status status =
        rs_struct_begin(out, RECSYS_MLFLOW_STATS_SIZE_V1, "recsys_mlflow_get_stats: out", err);

    if (status != RECSYS_OK)
        return status;
    struct rs_mlflow *mlflow = recsys_registry_get_self(registry, destroy);
    if (mlflow == NULL)
        return rs_error(err, RECSYS_E_INVALID,
                        "recsys_mlflow_get_stats: the registry was not made by "
                        "recsys_mlflow_create()");
    struct rs_mlflow_counts *counts = &mlflow->counts;
    now.requests = atomic_load(&counts->requests);
    now.failures = atomic_load(&counts->failures);
    now.downloads = atomic_load(&counts->downloads);
    now.hits = atomic_load(&counts->hits);
    now.bytes = atomic_load(&counts->bytes);
    now.resumed = atomic_load(&counts->resumed);
    now.restarted = atomic_load(&counts->restarted);
    now.evictions = atomic_load(&counts->evictions);
    now.cache_bytes = atomic_load(&counts->cache_bytes);
    rs_struct_write(out, &now, sizeof now);
    return RECSYS_OK;
}
