/* daemon/shadow/question.c - copies a recsys_request with all that it points to.
 *
 * Into memory that is there already: a request's worker must not allocate what another thread
 * frees, because malloc() would let the worker wait for that thread, whose priority is the lowest.
 */
#include "daemon/shadow/question.h"

#include <string.h>

/* A new field of the request that is a pointer needs a copy here. */
_Static_assert(sizeof(void *) != 8 || sizeof(recsys_request) == 168,
               "recsys_request has changed: does rd_question_copy() copy all that it points to?");

/* NULL: it does not fit. */
static void *take(struct rd_question *question, size_t size)
{
    unsigned char *at = question->bytes + question->used;

    size = (size + 15u) & ~(size_t)15u;
    if (size > sizeof question->bytes - question->used)
        return NULL;
    question->used += size;
    return at;
}

static const void *copy(struct rd_question *question, const void *from, size_t n, size_t size)
{
    void *to = n <= RD_QUESTION_BYTES / size ? take(question, n * size) : NULL;

    if (to != NULL && n > 0)
        memcpy(to, from, n * size);
    return to;
}

static bool copy_id(struct rd_question *question, recsys_id from, recsys_id *to)
{
    *to = from;
    if (from.text != NULL)
        to->text = copy(question, from.text, (size_t)from.number, 1);
    return from.text == NULL || to->text != NULL;
}

static bool copy_ids(struct rd_question *question, const recsys_id **ids, size_t n)
{
    recsys_id *to;

    if (n == 0 || n > RD_QUESTION_BYTES / sizeof *to) {
        *ids = NULL;
        return n == 0;
    }
    to = take(question, n * sizeof *to);
    for (size_t i = 0; i < n && to != NULL; i++)
        if (!copy_id(question, (*ids)[i], &to[i]))
            return false;
    *ids = to;
    return to != NULL;
}

static bool copy_words(struct rd_question *question, const char *const **words, uint32_t n)
{
    const char **to;

    if (n == 0 || n > RD_QUESTION_BYTES / sizeof *to) {
        *words = NULL;
        return n == 0;
    }
    to = take(question, n * sizeof *to);
    for (uint32_t i = 0; i < n && to != NULL; i++) {
        to[i] = copy(question, (*words)[i], strlen((*words)[i]) + 1, 1);
        if (to[i] == NULL)
            return false;
    }
    *words = to;
    return to != NULL;
}

static bool copy_items(struct rd_question *question, const recsys_reply *reply)
{
    question->n_items = 0;
    for (uint32_t i = 0; i < reply->count && i < RD_QUESTION_ITEMS; i++)
        if (!copy_id(question, recsys_reply_get_item(reply, i)->item,
                     &question->items[question->n_items++]))
            return false;
    return true;
}

bool rd_question_copy(struct rd_question *question, const recsys_request *request,
                      const recsys_reply *reply)
{
    recsys_request *to = &question->request;

    question->used = 0;
    *to = *request;
    if (request->vector != NULL || request->filter != NULL)
        return false;
    if (to->liked_weights != NULL) {
        to->liked_weights = copy(question, request->liked_weights, request->n_liked, sizeof(float));
        if (to->liked_weights == NULL)
            return false;
    }
    to->flags &= ~RECSYS_REQUEST_REASONS;
    return copy_id(question,
                   (to->flags & RECSYS_REQUEST_ANONYMOUS) != 0 ? (recsys_id){NULL, 0}
                                                               : request->user,
                   &to->user) &&
           copy_words(question, &to->genres, to->n_genres) &&
           copy_words(question, &to->languages, to->n_languages) &&
           copy_words(question, &to->require_genres, to->n_require_genres) &&
           copy_ids(question, &to->exclude, to->n_exclude) &&
           copy_ids(question, &to->liked, to->n_liked) &&
           copy_ids(question, &to->allow, to->n_allow) && copy_items(question, reply);
}
