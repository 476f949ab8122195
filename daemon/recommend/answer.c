/* daemon/recommend/answer.c - joins the cache and the recommender.
 *
 * The key is made of the fingerprint of the model the caller holds and of the
 * question, and the loader computes from that same model: an answer belongs to
 * one version, whatever is swapped meanwhile, and answers of replaced versions
 * are simply never asked for again. When many clients ask the same at once, one
 * computes.
 *
 * A question may be longer than a key, so the key is a hash of it; the question
 * itself is in front of the value and is compared, and so no two questions ever
 * share an answer. Behind it comes the number of items and finished JSON. What
 * differs from request to request (id, time) is put around it by the handlers.
 */
#include "daemon/recommend/answer.h"

#include <string.h>

#include <openssl/evp.h>

#include "daemon/http/json_put.h"
#include "daemon/http/reply.h"
#include "lib/base/clock.h"
#include "lib/base/json_write.h"

#define MAX_DIMENSIONS_AHEAD 4096u
#define KEY_HASH_BYTES 16u /* of the SHA-256 of the question */

struct job {
    struct rd_request *request;
    recsys_model *model;
    const recsys_model_info *info;
    const recsys_id *item; /* NULL = recommendations */
    bool computed;         /* here, rather than found */
};

bool rd_model_acquire(struct rd_request *request, recsys_model **model, recsys_model_info *info)
{
    recsys_deployment *deployment = request->app->deployment;

    *model = recsys_deployment_acquire(deployment);
    if (*model == NULL)
        return rd_reply_unavailable(request, "No model is loaded");
    memset(info, 0, sizeof *info);
    info->struct_size = (uint32_t)sizeof *info;
    if (recsys_model_get_info(*model, info, NULL) == RECSYS_OK)
        return true;
    recsys_model_unref(*model);
    return rd_reply_error(request, 500, "The model cannot be described");
}

void rd_model_release(struct rd_request *request, recsys_model *model)
{
    rd_question_end(&request->worker->question);
    recsys_model_unref(model);
}

void rd_id_write(struct rs_buffer *text, recsys_id id)
{
    if (id.text != NULL)
        rs_json_put_text(text, id.text, (size_t)id.number);
    else
        rs_json_put_unsigned(text, id.number);
}

static void write_text_or_null(struct rs_buffer *text, const char *value)
{
    if (value != NULL)
        rs_json_put_string(text, value);
    else
        rs_buffer_add(text, "null", 4);
}

static void write_item(struct rs_buffer *text, const recsys_model *model,
                       const recsys_recommendation *from)
{
    recsys_item item;

    memset(&item, 0, sizeof item);
    item.struct_size = (uint32_t)sizeof item;
    if (recsys_catalog_get(model, from->item, &item, NULL) != RECSYS_OK || !item.known) {
        item.title = "";
        item.rating = -1.0f;
    }
    rs_buffer_add_text(text, "{\"movie_id\":");
    rd_id_write(text, from->item);
    rs_buffer_add_text(text, ",\"title\":");
    rs_json_put_string(text, item.title);
    rs_buffer_add_text(text, ",\"score\":");
    rd_json_put_float(text, from->score);
    rs_buffer_add_text(text, ",\"genres\":[");
    for (uint32_t i = 0; i < item.n_genres; i++) {
        if (i > 0)
            rs_buffer_add(text, ",", 1);
        rs_json_put_string(text, item.genres[i]);
    }
    rs_buffer_add_text(text, "],\"release_year\":");
    if (item.release_year != 0)
        rs_json_put_integer(text, item.release_year);
    else
        rs_buffer_add(text, "null", 4);
    rs_buffer_add_text(text, ",\"rating\":");
    if (item.rating >= 0.0f)
        rd_json_put_float(text, item.rating);
    else
        rs_buffer_add(text, "null", 4);
    rs_buffer_add_text(text, ",\"poster_url\":");
    write_text_or_null(text, item.poster_url);
    rs_buffer_add_text(text, ",\"reason\":");
    write_text_or_null(text, from->reason);
    rs_buffer_add(text, "}", 1);
}

/* What the preference is called in the request, and what it said. */
static void write_ignored(struct rs_buffer *text, const recsys_request *request,
                          const recsys_preference *ignored)
{
    static const char *const fields[] = {[RECSYS_PREFERENCE_GENRE] = "favorite_genres",
                                         [RECSYS_PREFERENCE_LANGUAGE] = "preferred_languages",
                                         [RECSYS_PREFERENCE_DECADE] = "preferred_decade",
                                         [RECSYS_PREFERENCE_RATING] = "min_rating"};
    char bytes[512] = "";
    struct rs_buffer what = RS_BUFFER_FIXED(bytes);

    if (ignored->kind < sizeof fields / sizeof *fields && fields[ignored->kind] != NULL)
        rs_buffer_add_text(&what, fields[ignored->kind]);
    rs_buffer_add_text(&what, ": ");
    if (ignored->text != NULL)
        rs_buffer_add_text(&what, ignored->text);
    else if (ignored->kind == RECSYS_PREFERENCE_DECADE)
        rs_buffer_format(&what, "%ds", (int)request->decade);
    else
        rd_json_put_float(&what, request->min_rating);
    rs_json_put_text(text, what.bytes, what.size);
}

void rd_reply_write(struct rs_buffer *text, const recsys_model *model,
                    const recsys_request *request, const recsys_reply *reply)
{
    rs_buffer_add_text(text, "\"recommendations\":[");
    for (uint32_t i = 0; i < reply->count; i++) {
        if (i > 0)
            rs_buffer_add(text, ",", 1);
        write_item(text, model, recsys_reply_get_item(reply, i));
    }
    rs_buffer_add_text(text, "],\"strategy\":");
    write_text_or_null(text, reply->strategy != 0 ? recsys_strategy_name(reply->strategy) : NULL);
    if (reply->n_ignored == 0)
        return;
    rs_buffer_add_text(text, ",\"preferences_ignored\":[");
    for (uint32_t i = 0; i < reply->n_ignored; i++) {
        if (i > 0)
            rs_buffer_add(text, ",", 1);
        write_ignored(text, request, &reply->ignored[i]);
    }
    rs_buffer_add(text, "]", 1);
}

static recsys_status get_recommender(const struct job *job, recsys_recommender **out,
                                     recsys_error *err)
{
    struct rd_worker *worker = job->request->worker;

    if (worker->recommender == NULL) {
        recsys_scorer_options options = RECSYS_SCORER_OPTIONS_INIT;
        recsys_status status;

        options.max_k = RD_TOP_K_MAX;
        options.dimensions = job->info->dimensions < MAX_DIMENSIONS_AHEAD ? job->info->dimensions
                                                                          : MAX_DIMENSIONS_AHEAD;
        status = recsys_recommender_create(&options, &worker->recommender, err);
        if (status != RECSYS_OK)
            return status;
    }
    *out = worker->recommender;
    return RECSYS_OK;
}

/* The answer as it is kept, in worker->value. */
static recsys_status compute(struct job *job, recsys_error *err)
{
    const struct rd_question *question = &job->request->worker->question;
    const struct rs_buffer *key = &job->request->worker->key;
    struct rs_buffer *value = &job->request->worker->value;
    uint32_t key_size = (uint32_t)key->size;
    uint64_t start = rs_clock_ns();
    bool similar = job->item != NULL;
    recsys_recommender *recommender;
    recsys_reply reply = RECSYS_REPLY_INIT;
    recsys_status status;

    job->computed = true;
    status = get_recommender(job, &recommender, err);
    if (status == RECSYS_OK)
        status =
            similar ? recsys_recommend_similar(recommender, job->model, *job->item,
                                               &question->request, &reply, err)
                    : recsys_recommend(recommender, job->model, &question->request, 1, &reply, err);
    if (status != RECSYS_OK)
        return status;
    recsys_metric_record(job->request->app->metrics.scoring,
                         (double)(rs_clock_ns() - start) * 1e-9);
    rs_buffer_reset(value, 262144);
    rs_buffer_add(value, &key_size, sizeof key_size);
    rs_buffer_add(value, key->bytes, key->size);
    rs_buffer_add(value, &reply.count, sizeof reply.count);
    rd_reply_write(value, job->model, &question->request, &reply);
    return value->status != RECSYS_OK ? RECSYS_E_NOMEM : RECSYS_OK;
}

static recsys_status load(recsys_aside_load *load_into, void *user_data, recsys_error *err)
{
    struct job *job = user_data;
    const struct rs_buffer *value = &job->request->worker->value;
    recsys_status status = compute(job, err);

    if (status != RECSYS_OK)
        return status;
    return recsys_aside_load_set(load_into, (recsys_bytes){value->bytes, value->size}, 0, 0, 0,
                                 err);
}

/* False: it is the answer to another question. */
static bool unpack(struct rd_answer *answer, const struct rs_buffer *key, const char *bytes,
                   size_t size)
{
    uint32_t key_size;
    size_t before = sizeof key_size + key->size + sizeof answer->count;

    if (size < before)
        return false;
    memcpy(&key_size, bytes, sizeof key_size);
    if (key_size != key->size || memcmp(bytes + sizeof key_size, key->bytes, key->size) != 0)
        return false;
    memcpy(&answer->count, bytes + sizeof key_size + key->size, sizeof answer->count);
    answer->json = bytes + before;
    answer->size = size - before;
    return true;
}

/* The question as a key that anybody may look at: "response:" and hexadecimal digits. */
static bool name_question(struct rd_worker *worker, char out[64], recsys_bytes *key)
{
    static const char hex[] = "0123456789abcdef", prefix[] = "response:";
    unsigned char hash[EVP_MAX_MD_SIZE];
    const EVP_MD *type = NULL; /* the context's */
    char *to = out + sizeof prefix - 1;

    if (worker->digest == NULL) {
        worker->digest = EVP_MD_CTX_new();
        type = EVP_sha256();
    }
    if (worker->digest == NULL || EVP_DigestInit_ex(worker->digest, type, NULL) != 1 ||
        EVP_DigestUpdate(worker->digest, worker->key.bytes, worker->key.size) != 1 ||
        EVP_DigestFinal_ex(worker->digest, hash, NULL) != 1)
        return false;
    memcpy(out, prefix, sizeof prefix - 1);
    for (size_t i = 0; i < KEY_HASH_BYTES; i++) {
        *to++ = hex[hash[i] >> 4];
        *to++ = hex[hash[i] & 15];
    }
    *key = (recsys_bytes){out, (size_t)(to - out)};
    return true;
}

/* From the cache, or into worker->value. */
static recsys_status find_or_compute(struct job *job, struct rd_answer *answer, recsys_error *err)
{
    struct rd_worker *worker = job->request->worker;
    const struct rd_app *app = job->request->app;
    char name[64];
    recsys_bytes key;
    recsys_status status;

    if (app->stores.answers == NULL || !name_question(worker, name, &key))
        return compute(job, err);
    status = recsys_aside_get_or_load(app->stores.answers, key, load, job,
                                      (uint32_t)app->config.request_timeout_ms, &answer->value,
                                      NULL, err);
    if (status != RECSYS_OK || unpack(answer, &worker->key, answer->value.data, answer->value.size))
        return status;
    recsys_value_release(&answer->value);
    return compute(job, err);
}

bool rd_answer_get(struct rd_request *request, recsys_model *model, const recsys_model_info *info,
                   const recsys_id *item, struct rd_answer *answer)
{
    struct job job = {request, model, info, item, false};
    struct rs_buffer *key = &request->worker->key, *value = &request->worker->value;
    struct rd_metrics *metrics = &request->app->metrics;
    recsys_error err = {0};
    recsys_status status;

    memset(answer, 0, sizeof *answer);
    rd_question_key(&request->worker->question, info->fingerprint, item, key);
    status = key->status != RECSYS_OK ? RECSYS_E_NOMEM : find_or_compute(&job, answer, &err);
    if (status != RECSYS_OK)
        return rd_reply_failure(request, status, &err);
    if (answer->json == NULL)
        (void)unpack(answer, key, value->bytes, value->size);
    request->cache_use = job.computed ? RECSYS_ASIDE_MISS : RECSYS_ASIDE_HIT;
    if (request->app->stores.answers != NULL)
        recsys_metric_add(job.computed ? metrics->cache_misses : metrics->cache_hits, 1);
    return true;
}

void rd_answer_release(struct rd_answer *answer)
{
    recsys_value_release(&answer->value);
}
