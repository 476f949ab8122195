/* lib/serve/reply.c - write replies of any version's size.
 *
 * replies[0].struct_size is the caller's. It is read once, at the beginning, is the distance of the
 * replies, and is written to all of them. The unknown tail of a newer caller's reply is zero; an
 * older caller gets as much as the struct holds.
 */
#include <string.h>

#include "lib/base/error.h"
#include "lib/base/structs.h"
#include "lib/serve/recommender.h"

const char *recsys_strategy_name(uint32_t strategy)
{
    static const char *const names[] = {"unknown",    "user",    "user_preferences", "preferences",
                                        "popularity", "session", "vector",           "similar",
                                        "general",    "fold_in"};

    return strategy < sizeof names / sizeof *names ? names[strategy] : names[0];
}

const recsys_recommendation *recsys_reply_get_item(const recsys_reply *reply, uint32_t i)
{
    if (reply == NULL || reply->items == NULL || i >= reply->count)
        return NULL;
    return (const void *)((const char *)reply->items + (size_t)i * reply->item_size);
}

static void *reply_at(recsys_reply *replies, size_t i)
{
    return (char *)replies + i * replies->struct_size;
}

void rs_replies_clear(recsys_reply *replies, size_t n)
{
    uint32_t size = n == 0 ? 0 : replies->struct_size;

    for (size_t i = 0; i < n; i++) {
        char *reply = (char *)replies + i * size;
        memset(reply, 0, size);
        memcpy(reply, &size, sizeof size);
    }
}

recsys_status rs_replies_begin(recsys_reply *replies, size_t n, const char *function,
                               recsys_error *err)
{
    if (n == 0)
        return RECSYS_OK;
    if (replies == NULL)
        return rs_error(err, RECSYS_E_INVALID, "%s: there is nowhere to write replies", function);
    if (replies->struct_size < RECSYS_REPLY_SIZE_V1 || replies->struct_size > RS_STRUCT_MAX_SIZE)
        return rs_error(err, RECSYS_E_INVALID,
                        "%s: struct_size of the first reply is %u, it is not set", function,
                        replies->struct_size);
    rs_replies_clear(replies, n);
    return RECSYS_OK;
}

static int is_popularity(const struct rs_ask *ask)
{
    return ask->strategy != RECSYS_STRATEGY_SIMILAR && rs_ask_by_popularity(ask);
}

float rs_ask_score(const struct recsys_model *model, const struct rs_ask *ask, float raw)
{
    if (ask->strategy == RECSYS_STRATEGY_SIMILAR)
        return raw > 0.0f ? fminf(raw, 1.0f) : 0.0f;
    /* The most popular item has a raw score of 1, and an item gains at most the largest gain. */
    if (is_popularity(ask))
        return (float)((double)raw / (1.0 + rs_ask_largest_gain(ask)));
    return recsys_link_score(model, raw);
}

static void write_items(recsys_recommender *r, const struct recsys_model *model,
                        const struct rs_ask *ask, const struct rs_best *entries, uint32_t n)
{
    int wants_reasons = (ask->request.flags & RECSYS_REQUEST_REASONS) != 0;

    for (uint32_t j = 0; j < n; j++) {
        recsys_recommendation *item = &r->items[ask->first + j];
        memset(item, 0, sizeof *item);
        item->item = rs_ids_get(&model->item_ids, entries[j].position);
        item->raw = entries[j].score;
        item->score = rs_ask_score(model, ask, item->raw);
        if (wants_reasons)
            rs_reasons(r, model, ask, entries[j].position, item, ask->first_reason + j);
    }
}

void rs_reply_write(recsys_recommender *r, const struct recsys_model *model, size_t i,
                    const struct rs_best *entries, uint32_t n, recsys_reply *replies)
{
    struct rs_ask *ask = &r->asks[i];
    recsys_reply reply = {.struct_size = replies->struct_size, .status = ask->status};

    if (ask->status != RECSYS_OK) {
        reply.message = ask->problem;
    } else {
        rs_ask_ignored_filters(model, ask, entries == NULL ? 1 : n);
        if (entries != NULL) {
            write_items(r, model, ask, entries, n);
            reply.items = r->items + ask->first;
            reply.item_size = (uint32_t)sizeof *r->items;
        }
        reply.count = n;
        reply.strategy = ask->strategy;
        reply.flags = (ask->known ? RECSYS_REPLY_KNOWN_USER : 0) |
                      (ask->shifted ? RECSYS_REPLY_PREFERENCES : 0) |
                      (is_popularity(ask) ? RECSYS_REPLY_POPULARITY : 0);
        reply.ignored = ask->n_ignored > 0 ? ask->ignored : NULL;
        reply.n_ignored = ask->n_ignored;
        reply.model_name = model->name;
        reply.model_version = model->version;
        reply.model_fingerprint = model->fingerprint;
    }
    size_t size = replies->struct_size < sizeof reply ? replies->struct_size : sizeof reply;
    memcpy(reply_at(replies, i), &reply, size);
}
