/* daemon/shadow/question.h - a request and its answer, copied so that they outlive the worker's. */
#ifndef RECSYSD_QUESTION_H
#define RECSYSD_QUESTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <recsys/recommend.h>

#define RD_QUESTION_ITEMS 50u    /* of the answer: as many as HTTP gives */
#define RD_QUESTION_BYTES 32768u /* for all lists and texts */

/* Its pointers point into `bytes`. ONE THREAD AT A TIME. */
struct rd_question {
    recsys_request request;
    uint32_t n_items;
    recsys_id items[RD_QUESTION_ITEMS]; /* what the client got */
    size_t used;
    _Alignas(16) unsigned char bytes[RD_QUESTION_BYTES];
};

/* False: it does not fit, or belongs to one model (a vector, a filter). Allocates nothing. */
bool rd_question_copy(struct rd_question *question, const recsys_request *request,
                      const recsys_reply *reply);

#endif
