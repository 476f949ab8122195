/* daemon/models/model_state.h - the state of a named model as JSON. */
#ifndef RECSYSD_MODEL_STATE_H
#define RECSYSD_MODEL_STATE_H

#include <recsys/deployment.h>

#include "lib/base/buffer.h"

/* The members of an object, without its braces. */
void rd_model_state_write(struct rs_buffer *out, const recsys_deployment_status *status);

/* The last events of the deployment, newest first, as an array. */
void rd_model_history_write(struct rs_buffer *out, recsys_deployment *deployment);

#endif
