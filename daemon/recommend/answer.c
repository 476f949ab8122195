/* daemon/recommend/answer.c - joins the cache and the recommender.
 *
 * The key consists of the request and of the name and fingerprint of its model, and the loader
 * computes from that same model. So an answer belongs to one version, whatever is swapped
 * meanwhile, and answers of replaced versions are never read again. If many clients send the same
 * request at once, one worker computes.
 *
 * This key may be too long for a store, so the store's key is a hash of it. The value begins with
 * the long key, which is compared, so that two requests never share an answer. Behind it are the
 * number of items and the JSON. The handlers add the members that differ from request to request
 * (id, time).
 */
#include "daemon/recommend/answer.h"

#include <string.h>

#include <openssl/evp.h>

#include "daemon/http/failure.h"
#include "daemon/http/reply.h"
#include "daemon/recommend/answer_write.h"
#include "daemon/recommend/batching.h"
#include "daemon/recommend/recommend.h"
#include "daemon/recommend/recorded.h"
#include "lib/base/clock.h"
#include "lib/base/hex.h"

#define MAX_DIMENSIONS_AHEAD 4096u
#define KEY_HASH_BYTES 16u /* of the SHA-256 of the long key */
#define KEPT_BYTES 262144u /* of a value's memory between two requests */

struct job {
    struct rd_request *request;
    const struct rd_recommend *recommend;
    struct rd_scratch *scratch;
    const struct rd_chosen *chosen;
    const recsys_id *item; /* NULL = recommendations */
    bool computed;         /* false: found in the cache */
};

static recsys_status make_recommender(const struct job *job, recsys_error *err)
{
    recsys_scorer_options options = RECSYS_SCORER_OPTIONS_INIT;

    if (job->scratch->recommender != NULL)
        return RECSYS_OK;
    options.max_k = RD_TOP_K_MAX;
    options.dimensions = job->chosen->info.dimensions < MAX_DIMENSIONS_AHEAD
                             ? job->chosen->info.dimensions
                             : MAX_DIMENSIONS_AHEAD;
    return recsys_recommender_create(&options, &job->scratch->recommender, err);
}

static recsys_status ask(const struct job *job, recsys_reply *reply, recsys_error *err)
{
    recsys_recommender *recommender = job->scratch->recommender;
    const recsys_request *request = &job->scratch->predict.request;

    if (job->item != NULL)
        return recsys_recommend_similar(recommender, job->chosen->model, *job->item, request, reply,
                                        err);
    return recsys_recommend(recommender, job->chosen->model, request, 1, reply, err);
}

/* The answer as it is kept, in scratch->value. */
static recsys_status write_value(const struct job *job, const recsys_reply *reply)
{
    const struct rs_buffer *key = &job->scratch->key;
    struct rs_buffer *value = &job->scratch->value;
    uint32_t key_size = (uint32_t)key->size;

    if (job->item == NULL && !job->chosen->is_named)
        rd_shadow_offer(job->recommend->shadow, job->chosen->place, &job->scratch->predict.request,
                        reply);
    rs_buffer_reset(value, KEPT_BYTES);
    rs_buffer_add(value, &key_size, sizeof key_size);
    rs_buffer_add(value, key->bytes, key->size);
    rs_buffer_add(value, &reply->count, sizeof reply->count);
    rd_answer_write(value,
                    &(const struct rd_answer_source){job->chosen->named->name, job->chosen->model,
                                                     &job->chosen->info, &job->scratch->predict},
                    reply);
    return value->status != RECSYS_OK ? RECSYS_E_NOMEM : RECSYS_OK;
}

static recsys_status take_reply(const recsys_reply *reply, const recsys_batch *batch,
                                void *user_data, recsys_error *err)
{
    (void)batch;
    (void)err;
    return write_value(user_data, reply);
}

/* By the worker's own recommender. */
static recsys_status compute_alone(const struct job *job, recsys_error *err)
{
    uint64_t start = rs_clock_ns();
    recsys_reply reply = RECSYS_REPLY_INIT;
    recsys_status status = make_recommender(job, err);

    if (status == RECSYS_OK)
        status = ask(job, &reply, err);
    if (status != RECSYS_OK)
        return status;
    recsys_metric_record(job->recommend->metrics->scoring, (double)(rs_clock_ns() - start) * 1e-9);
    return write_value(job, &reply);
}

/* How many items scratch->value has. */
static uint32_t count_items(const struct rd_scratch *scratch)
{
    uint32_t count;

    memcpy(&count, scratch->value.bytes + sizeof count + scratch->key.size, sizeof count);
    return count;
}

static recsys_status compute(struct job *job, recsys_error *err)
{
    const recsys_request *request = &job->scratch->predict.request;
    const struct rd_chosen *chosen = job->chosen;
    recsys_status status;

    job->computed = true;
    if (job->item != NULL || !rd_batching_is_used(job->recommend, &chosen->info))
        status = compute_alone(job, err);
    else
        status = rd_batching_ask(job->request, chosen->model, request, take_reply, job, err);
    rd_record_answer(chosen->named->deployment, chosen->model,
                     job->item == NULL ? request : NULL, status,
                     status == RECSYS_OK ? count_items(job->scratch) : 0);
    return status;
}

static recsys_status load(recsys_aside_load *load_into, void *user_data, recsys_error *err)
{
    struct job *job = user_data;
    const struct rs_buffer *value = &job->scratch->value;
    recsys_status status = compute(job, err);

    if (status != RECSYS_OK)
        return status;
    return recsys_aside_load_set(load_into, (recsys_bytes){value->bytes, value->size}, 0, 0, 0,
                                 err);
}

/* False: it is the answer to another request. */
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

/* The store's key: "response:" and hexadecimal digits. */
static bool name_question(struct rd_scratch *scratch, char out[64], recsys_bytes *key)
{
    static const char prefix[] = "response:";
    unsigned char hash[EVP_MAX_MD_SIZE];
    const EVP_MD *type = NULL; /* the context's */

    if (scratch->digest == NULL) {
        scratch->digest = EVP_MD_CTX_new();
        type = EVP_sha256();
    }
    if (scratch->digest == NULL || EVP_DigestInit_ex(scratch->digest, type, NULL) != 1 ||
        EVP_DigestUpdate(scratch->digest, scratch->key.bytes, scratch->key.size) != 1 ||
        EVP_DigestFinal_ex(scratch->digest, hash, NULL) != 1)
        return false;
    memcpy(out, prefix, sizeof prefix);
    rs_hex_write(hash, KEY_HASH_BYTES, out + sizeof prefix - 1);
    *key = (recsys_bytes){out, strlen(out)};
    return true;
}

static bool is_gone(const struct job *job)
{
    return rd_connection_is_gone(job->request->connection);
}

/* Is it a failure of the worker that computed, whose client is gone or whose time is over, and not
 * this request's? */
static bool is_other_workers(const struct job *job, recsys_status status)
{
    uint64_t spent_ms = (rs_clock_ns() - job->request->start_ns) / 1000000u;

    if (status == RECSYS_E_TIMEOUT)
        return !job->computed && spent_ms < job->recommend->timeout_ms;
    return status == RECSYS_E_STOPPED && !is_gone(job);
}

/* From the cache, or into scratch->value. */
static recsys_status find_or_compute(struct job *job, struct rd_answer *answer, recsys_error *err)
{
    const struct rd_recommend *recommend = job->recommend;
    char name[64];
    recsys_bytes key;
    recsys_status status;

    if (recommend->answers == NULL || !name_question(job->scratch, name, &key))
        return compute(job, err);
    status = recsys_aside_get_or_load(recommend->answers, key, load, job,
                                      (uint32_t)recommend->timeout_ms, &answer->value, NULL, err);
    if (is_other_workers(job, status))
        return compute(job, err);
    if (status != RECSYS_OK ||
        unpack(answer, &job->scratch->key, answer->value.data, answer->value.size))
        return status;
    recsys_value_release(&answer->value);
    return compute(job, err);
}

bool rd_answer_get(struct rd_request *request, struct rd_scratch *scratch,
                   const struct rd_chosen *chosen, const recsys_id *item, struct rd_answer *answer)
{
    struct job job = {request, request->part, scratch, chosen, item, false};
    struct rd_metrics *metrics = job.recommend->metrics;
    recsys_error err = {0};
    recsys_status status;

    memset(answer, 0, sizeof *answer);
    rd_predict_body_key(&scratch->predict, chosen->named->name, chosen->info.fingerprint, item,
                        &scratch->key);
    status =
        scratch->key.status != RECSYS_OK ? RECSYS_E_NOMEM : find_or_compute(&job, answer, &err);
    if (status == RECSYS_E_STOPPED)
        return rd_reply_gone(request);
    if (status != RECSYS_OK)
        return rd_reply_failure(request, status, &err);
    if (answer->json == NULL)
        (void)unpack(answer, &scratch->key, scratch->value.bytes, scratch->value.size);
    request->cache_use = job.computed ? RECSYS_ASIDE_MISS : RECSYS_ASIDE_HIT;
    if (job.recommend->answers != NULL)
        recsys_metric_add(job.computed ? metrics->cache_misses : metrics->cache_hits, 1);
    return true;
}

void rd_answer_release(struct rd_answer *answer)
{
    recsys_value_release(&answer->value);
}
