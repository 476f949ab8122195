/* daemon/recommend/recorded.h - tells a deployment how its model's requests were answered. */
#ifndef RECSYSD_RECORDED_H
#define RECSYSD_RECORDED_H

#include <stddef.h>

#include <recsys/deployment.h>
#include <recsys/recommend.h>

/* One answer that was computed, of `count` items if `status` is RECSYS_OK. */
void rd_record_answer(recsys_deployment *deployment, const recsys_model *model,
                      const recsys_request *request, recsys_status status, uint32_t count);

/* The answers of one call of recsys_recommend() for several users, which ended with `status`. */
void rd_record_batch(recsys_deployment *deployment, const recsys_model *model,
                     const recsys_request *requests, const recsys_reply *replies, size_t n,
                     recsys_status status);

#endif
