/* daemon/recommend/predict_body.h - what a client asks for, checked and in one canonical form. */
#ifndef RECSYSD_PREDICT_BODY_H
#define RECSYSD_PREDICT_BODY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>
#include <recsys/recsys.h>

#include "daemon/http/fields.h"
#include "lib/base/buffer.h"

struct rd_request;

#define RD_TOP_K 10
#define RD_TOP_K_MAX 50
#define RD_EXCLUDE_MAX 1000u
#define RD_USERS_MAX 1000u

/*
 * The library's request, and the memory it points into. Lists are sorted,
 * without duplicates and in small letters, and defaults are filled in, so that
 * two requests that mean the same are the same bytes.
 */
struct rd_question {
    recsys_request request;
    struct rd_words genres, languages;
    recsys_id exclude[RD_EXCLUDE_MAX];
    recsys_id users[RD_USERS_MAX]; /* of a batch */
    recsys_id sorted[RD_USERS_MAX];
    size_t n_users;
    json_t *body; /* the texts of ids are in it */
};

/*
 * Reads the body of predict, or of batch-predict, for a model of this kind.
 * False: it does not fit and the request has been answered with 422.
 */
bool rd_question_parse(struct rd_request *request, const recsys_model_info *info, bool batch);
/* The same for the path's id and the query's top_k. `name` is what the path calls the id. */
bool rd_question_from_path(struct rd_request *request, const char *name, uint32_t id_kind,
                           recsys_id *id);
/* The parts of it for other bodies: question->body becomes an object, or there is a problem ... */
bool rd_question_parse_body(struct rd_request *request, struct rd_problems *problems);
/* ... and if there are any, they are the answer. */
bool rd_question_finish(struct rd_request *request, struct rd_problems *problems);
/* Gives the body back. After every parse, a failed one too. */
void rd_question_end(struct rd_question *question);

/*
 * The cache key: the model's fingerprint, `item` (NULL but for similar items) and everything of
 * the question that has a bearing on the answer.
 */
void rd_question_key(const struct rd_question *question, const char *fingerprint,
                     const recsys_id *item, struct rs_buffer *key);

#endif
