/* daemon/deployment_settings.h - the settings of recsysd as options of a deployment. */
#ifndef RECSYSD_DEPLOYMENT_SETTINGS_H
#define RECSYSD_DEPLOYMENT_SETTINGS_H

#include <recsys/deployment.h>

#include "daemon/config/config.h"

/* Everything but the registry and the options for loading. */
void rd_deployment_settings(const struct rd_config *config, recsys_deployment_options *out);

/* Where the history of the model `name` is kept, in `room`; NULL = in memory only. */
const char *rd_history_path(const struct rd_config *config, const char *name, char *room,
                            size_t size);

#endif
