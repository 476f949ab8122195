/* lib/serve/steered.c - answer requests whose favourite genres are steered by gain (steer.c).
 *
 * The scorer is asked twice. First for the best items of all and of each wanted genre, which give
 * the gains; then for the best items of each genre once more, with the gain in the offset, so that
 * their scores are canonical scores. An answer is merged from the first list of all items, less
 * those that gain, and from the genres' lists. An item with several wanted genres is taken from the
 * list of the one that gives it most. As nothing loses, no other item can be among the best k.
 *
 * Many requests share the runs. Requests without a vector need no scorer: their items are in order
 * of popularity.
 */
#include "lib/serve/recommender.h"

/* A genre with less than this part of the items is scanned by its list. */
#define LISTED_PART 40u

static int is_steered(const struct rs_ask *ask)
{
    return ask->status == RECSYS_OK && ask->n_wanted > 0;
}

static struct rs_eligible eligible_for(const struct recsys_model *model, const struct rs_ask *ask,
                                       uint32_t w)
{
    struct rs_eligible eligible = ask->eligible;
    uint32_t genre = ask->wanted[w].genre;
    uint64_t first = model->genre_begin[genre], n = model->genre_begin[genre + 1] - first;

    if (!eligible.only_allowed && n * LISTED_PART <= model->n_items) {
        eligible.only_allowed = 1;
        eligible.allowed = (struct rs_positions){model->genre_items + first, (uint32_t)n};
    } else {
        eligible.genre = genre + 1;
        eligible.catalog = model->catalog;
    }
    return eligible;
}

/* The first list has to hold a whole answer, and enough to set gains by. */
static uint32_t k_of_all(const struct rs_ask *ask)
{
    return ask->request.k > RS_STEER_PLACES ? ask->request.k : RS_STEER_PLACES;
}

/* How many asks from number `from` on fit into one run; at least 1. */
static size_t count_fitting(const recsys_recommender *r, size_t from, size_t n)
{
    size_t n_questions = 0, n_answers = 0, to = from;

    for (; to < n; to++) {
        const struct rs_ask *ask = &r->asks[to];
        if (!is_steered(ask))
            continue;
        n_questions += 1u + ask->n_wanted;
        n_answers += (1u + (size_t)ask->n_wanted) * k_of_all(ask);
        if (to > from && (n_questions > RS_CHUNK_QUERIES || n_answers > RS_CHUNK_ANSWERS))
            break;
    }
    return to - from;
}

static recsys_status reserve(recsys_recommender *r, size_t from, size_t to, recsys_error *err)
{
    size_t n_questions = 0, n_kept = 0;
    recsys_status status;

    for (size_t i = from; i < to; i++)
        if (is_steered(&r->asks[i])) {
            r->asks[i].first_kept = n_kept;
            n_kept += k_of_all(&r->asks[i]) + (size_t)r->asks[i].n_wanted * RS_STEER_PLACES;
            n_questions += 1u + r->asks[i].n_wanted;
        }
    if ((status = rs_grow(&r->steering, &r->max_steering, n_questions, sizeof *r->steering, err)) !=
            RECSYS_OK ||
        (status = rs_grow(&r->steered, &r->max_steered, n_questions, sizeof *r->steered, err)) !=
            RECSYS_OK)
        return status;
    return rs_grow(&r->kept, &r->max_kept, n_kept, sizeof *r->kept, err);
}

/* Keep the best items of all, set the gains. lists[0] is of all items, the others of the genres. */
static void set_gains(recsys_recommender *r, const struct recsys_model *model, struct rs_ask *ask,
                      struct rs_topk *lists)
{
    struct rs_best *kept = r->kept + ask->first_kept;

    ask->n_kept = lists[0].n;
    for (uint32_t i = 0; i < lists[0].n; i++)
        kept[i] = lists[0].entries[i];
    for (uint32_t w = 0; w < ask->n_wanted;) {
        if (lists[1 + w].n > 0) {
            w++;
            continue;
        }
        rs_ask_unwant(ask, w);
        for (uint32_t i = w; i < ask->n_wanted; i++)
            lists[1 + i] = lists[2 + i];
    }
    rs_steer_set(model, ask->wanted, ask->n_wanted, (double)ask->request.preference_strength,
                 lists);
}

/* Behind the place of the best items of all there is room for the genres' lists. */
static void set_gains_by_popularity(recsys_recommender *r, const struct recsys_model *model,
                                    struct rs_ask *ask)
{
    struct rs_best *entries = r->kept + ask->first_kept;
    struct rs_topk *lists = r->steered;

    lists[0].entries = entries;
    lists[0].n = rs_popular(model, &ask->eligible, k_of_all(ask), entries);
    entries += k_of_all(ask);
    for (uint32_t w = 0; w < ask->n_wanted; w++, entries += RS_STEER_PLACES) {
        const struct rs_eligible eligible = eligible_for(model, ask, w);
        lists[1 + w].entries = entries;
        lists[1 + w].n = rs_popular(model, &eligible, RS_STEER_PLACES, entries);
    }
    set_gains(r, model, ask, lists);
}

static void add_question(recsys_recommender *r, size_t *n, const struct rs_ask *ask, double gain,
                         uint32_t k, const struct rs_eligible *eligible)
{
    struct rs_question *question = &r->steering[(*n)++];

    question->vector = ask->vector;
    question->offset = ask->offset + gain;
    question->k = k;
    question->eligible = *eligible;
}

recsys_status rs_steered_set(recsys_recommender *r, const struct recsys_model *model, size_t from,
                             size_t to, recsys_error *err)
{
    size_t n_questions = 0, at = 0;
    recsys_status status = reserve(r, from, to, err);

    for (size_t i = from; status == RECSYS_OK && i < to; i++) {
        struct rs_ask *ask = &r->asks[i];
        if (!is_steered(ask))
            continue;
        if (rs_ask_by_popularity(ask)) {
            set_gains_by_popularity(r, model, ask);
            continue;
        }
        add_question(r, &n_questions, ask, 0.0, k_of_all(ask), &ask->eligible);
        for (uint32_t w = 0; w < ask->n_wanted; w++) {
            const struct rs_eligible eligible = eligible_for(model, ask, w);
            add_question(r, &n_questions, ask, 0.0, RS_STEER_PLACES, &eligible);
        }
    }
    if (status == RECSYS_OK && n_questions > 0)
        status = rs_scorer_run(r->scorer, model, r->steering, n_questions, r->steered, err);
    for (size_t i = from; status == RECSYS_OK && i < to; i++) {
        struct rs_ask *ask = &r->asks[i];
        if (!is_steered(ask) || rs_ask_by_popularity(ask))
            continue;
        uint32_t n_lists = 1u + ask->n_wanted;
        set_gains(r, model, ask, r->steered + at);
        at += n_lists;
    }
    return status;
}

/* Only genres that gain are asked for again. */
static size_t add_questions(recsys_recommender *r, const struct recsys_model *model,
                            const struct rs_ask *ask, size_t n)
{
    for (uint32_t w = 0; w < ask->n_wanted; w++)
        if (ask->wanted[w].gain > 0.0) {
            const struct rs_eligible eligible = eligible_for(model, ask, w);
            add_question(r, &n, ask, ask->wanted[w].gain, ask->request.k, &eligible);
        }
    return n;
}

/* The answer from the list of all items and the genres' `lists`, into r->popular. */
static uint32_t merge(recsys_recommender *r, const struct recsys_model *model,
                      const struct rs_ask *ask, const struct rs_topk **lists)
{
    const struct rs_best *kept = r->kept + ask->first_kept;
    struct rs_topk best;

    rs_topk_init(&best, r->popular, ask->request.k, &model->item_ids);
    for (uint32_t i = 0; i < ask->n_kept; i++)
        if (rs_steer_find(model, ask->wanted, ask->n_wanted, kept[i].position) == ask->n_wanted)
            rs_topk_push(&best, kept[i].score, kept[i].position);
    for (uint32_t w = 0; w < ask->n_wanted; w++) {
        if (ask->wanted[w].gain <= 0.0)
            continue;
        const struct rs_topk *list = (*lists)++;
        for (uint32_t i = 0; i < list->n; i++)
            if (rs_steer_find(model, ask->wanted, ask->n_wanted, list->entries[i].position) == w)
                rs_topk_push(&best, list->entries[i].score, list->entries[i].position);
    }
    rs_topk_sort(&best);
    return best.n;
}

recsys_status rs_steered_again(recsys_recommender *r, const struct recsys_model *model,
                               struct rs_ask *ask, uint32_t *n, recsys_error *err)
{
    const struct rs_topk *lists = r->steered + 1;
    size_t n_questions = 0;
    recsys_status status;

    /* All other asks have been answered, so their memory is free. */
    add_question(r, &n_questions, ask, 0.0, k_of_all(ask), &ask->eligible);
    n_questions = add_questions(r, model, ask, n_questions);
    status = rs_scorer_run(r->scorer, model, r->steering, n_questions, r->steered, err);
    if (status != RECSYS_OK)
        return status;
    ask->first_kept = 0;
    ask->n_kept = r->steered[0].n;
    for (uint32_t i = 0; i < ask->n_kept; i++)
        r->kept[i] = r->steered[0].entries[i];
    *n = merge(r, model, ask, &lists);
    return RECSYS_OK;
}

/* Answer the asks of a group whose gains are set. Those that lost all wanted genres are left. */
static recsys_status answer_group(recsys_recommender *r, const struct recsys_model *model,
                                  size_t from, size_t to, rs_steered_put put, const void *with,
                                  recsys_error *err)
{
    size_t n_questions = 0;
    const struct rs_topk *lists = r->steered;
    recsys_status status = RECSYS_OK;

    for (size_t i = from; i < to; i++)
        if (is_steered(&r->asks[i]) && !rs_ask_by_popularity(&r->asks[i]))
            n_questions = add_questions(r, model, &r->asks[i], n_questions);
    if (n_questions > 0)
        status = rs_scorer_run(r->scorer, model, r->steering, n_questions, r->steered, err);
    for (size_t i = from; status == RECSYS_OK && i < to; i++) {
        const struct rs_ask *ask = &r->asks[i];
        if (!is_steered(ask))
            continue;
        status = rs_grow(&r->popular, &r->max_popular, ask->request.k, sizeof *r->popular, err);
        if (status != RECSYS_OK)
            return status;
        uint32_t n = rs_ask_by_popularity(ask) ? rs_popular_steered(model, ask, r->popular)
                                               : merge(r, model, ask, &lists);
        put(r, model, i, r->popular, n, with);
    }
    return status;
}

recsys_status rs_steered_answer(recsys_recommender *r, const struct recsys_model *model, size_t n,
                                rs_steered_put put, const void *to, recsys_error *err)
{
    recsys_status status = RECSYS_OK;
    size_t n_fitting;

    for (size_t from = 0; status == RECSYS_OK && from < n; from += n_fitting) {
        n_fitting = count_fitting(r, from, n);
        status = rs_steered_set(r, model, from, from + n_fitting, err);
        if (status == RECSYS_OK)
            status = answer_group(r, model, from, from + n_fitting, put, to, err);
    }
    return status;
}
