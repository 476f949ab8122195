/* daemon/recommend/recorded.c - tells a deployment how its model's requests were answered.
 *
 * The watch over a new model counts answers that failed and those without an item, and the next
 * model is warmed up with requests that were answered here. An answer from the cache says nothing
 * about the model and is not recorded; a request that the daemon gave up for lack of time, memory
 * or a client is no answer.
 */
#include "daemon/recommend/recorded.h"

#include <stdbool.h>

static bool is_of_the_daemon(recsys_status status)
{
    return status == RECSYS_E_NOMEM || status == RECSYS_E_TIMEOUT || status == RECSYS_E_STOPPED ||
           status == RECSYS_E_EXHAUSTED || status == RECSYS_E_BUSY || status == RECSYS_E_STATE;
}

void rd_record_answer(recsys_deployment *deployment, const recsys_model *model,
                      const recsys_request *request, recsys_status status, uint32_t count)
{
    if (!is_of_the_daemon(status))
        (void)recsys_deployment_record(deployment, model, request, 1, status != RECSYS_OK,
                                       status == RECSYS_OK && count == 0, NULL);
}

void rd_record_batch(recsys_deployment *deployment, const recsys_model *model,
                     const recsys_request *requests, const recsys_reply *replies, size_t n,
                     recsys_status status)
{
    uint64_t n_failed = 0, n_empty = 0;

    if (status != RECSYS_OK) {
        rd_record_answer(deployment, model, requests, status, 0);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        n_failed += replies[i].status != RECSYS_OK;
        n_empty += replies[i].status == RECSYS_OK && replies[i].count == 0;
    }
    (void)recsys_deployment_record(deployment, model, requests, n, n_failed, n_empty, NULL);
}
