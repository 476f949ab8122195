/* daemon/recommend/predict_body.h - the request of a client, checked and in canonical form. */
#ifndef RECSYSD_PREDICT_BODY_H
#define RECSYSD_PREDICT_BODY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <recsys/model.h>
#include <recsys/recommend.h>

#include "daemon/http/fields.h"
#include "daemon/http/request.h"
#include "daemon/recommend/liked.h"
#include "daemon/recommend/predict_members.h"
#include "lib/base/buffer.h"

#define RD_UNKNOWN_MAX 16u

/*
 * The library's request, and the memory it points into. Lists are sorted,
 * without duplicates and in small letters, and defaults are filled in, so that
 * two requests that mean the same are the same bytes. Texts of ids are in the
 * JSON of the HTTP request.
 */
struct rd_predict_body {
    recsys_request request;
    struct rd_words genres, required, languages;
    const char *unknown[RD_UNKNOWN_MAX]; /* the first members of "preferences" that are none */
    uint32_t n_unknown;
    recsys_id exclude[RD_ITEMS_MAX];
    recsys_id candidates[RD_ITEMS_MAX];
    struct rd_liked liked;
    recsys_id users[RD_USERS_MAX]; /* of a batch */
    recsys_id sorted[RD_USERS_MAX];
    size_t n_users;
};

/* Parses the body: rd_model_named() reads from it, before the kind of the model's ids is known.
 * False: it is no JSON object and the request has been answered with 422. */
bool rd_predict_body_parse(struct rd_request *request);
enum rd_body_kind { RD_BODY_PREDICT, RD_BODY_BATCH, RD_BODY_SESSION };
/*
 * Reads the parsed body of predict, batch-predict or session-recommend, for a model of this kind.
 * False: it does not fit and the request has been answered with 422.
 */
bool rd_predict_body_read(struct rd_request *request, struct rd_predict_body *predict,
                          const recsys_model_info *info, enum rd_body_kind kind);
/* The same for the path's id and the query's top_k. `name` is what the path calls the id. */
bool rd_predict_body_from_path(struct rd_request *request, struct rd_predict_body *predict,
                               const char *name, uint32_t id_kind, recsys_id *id);

/*
 * The cache key: the model's name and fingerprint, `item` (NULL but for similar items) and every
 * parameter that changes the answer.
 */
void rd_predict_body_key(const struct rd_predict_body *predict, const char *model,
                         const char *fingerprint, const recsys_id *item, struct rs_buffer *key);

#endif
