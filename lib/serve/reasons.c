/* lib/serve/reasons.c - say why an item was recommended, by reasons that are true for it.
 *
 * Every reason is checked against the item itself. Of an ALS model the score can be taken apart
 * exactly into what each liked item adds (fold.h), and "because of X" names the largest parts. Of a
 * known user this holds if the parts add up to the score; they do not if the seen list is not what
 * the model was trained on.
 *
 * Of other models "close to X in your history" names the items of the user's seen list, or of the
 * session, that support the recommended one most: by weight times inner product, among items that
 * have at least the mean weight and a similar direction (cosine).
 */
#include <math.h>

#include "lib/base/text.h"
#include "lib/score/canonical.h"
#include "lib/serve/recommender.h"

#define HIGH_SCORE 0.8f
#define NEAR_COSINE 0.3   /* of vectors whose angle to a random one is close to 90 degrees */
#define MAX_HISTORY 2000u /* the order in time is not known, so a longer history is cut */
#define MAX_ERROR 0.2     /* of a known user's score, whose vector is older than the items' */

static void start_clause(char *text)
{
    if (text[0] != '\0')
        rs_text_append(text, RS_REASON_SIZE, "; ");
}

/* Titles and genres are text from outside. */
static void keep_one_line(char *text)
{
    for (; *text != '\0'; text++)
        if ((unsigned char)*text < 0x20u || *text == 0x7f)
            *text = ' ';
}

static int add_genres(const struct recsys_model *model, const recsys_request *request,
                      uint32_t position, char *text)
{
    recsys_item item = {.struct_size = (uint32_t)sizeof item};
    int found = 0;

    rs_catalog_fill(model->catalog, position, &item);
    for (uint32_t g = 0; g < item.n_genres; g++)
        for (uint32_t r = 0; r < request->n_genres; r++)
            if (rs_text_equal(item.genres[g], request->genres[r])) {
                rs_text_append(text, RS_REASON_SIZE, "%s%s",
                               found == 0 ? "matches your genres: " : ", ", item.genres[g]);
                found++;
                break;
            }
    return found > 0;
}

struct named {
    uint32_t position;
    double weight;
};

/* The user's history: the session if the strategy used it, else the seen list. */
struct history {
    const struct rs_ask *ask;
    struct rs_positions seen;
    const float *weights; /* NULL = all alike */
    uint32_t n;
};

static int is_session(const struct rs_ask *ask)
{
    return ask->strategy == RECSYS_STRATEGY_SESSION || ask->strategy == RECSYS_STRATEGY_FOLD_IN;
}

static struct history history_of(const struct recsys_model *model, const struct rs_ask *ask)
{
    struct history history = {ask, {NULL, 0}, NULL, 0};

    if (is_session(ask)) {
        history.weights = ask->request.liked_weights;
        history.n =
            ask->request.n_liked < MAX_HISTORY ? (uint32_t)ask->request.n_liked : MAX_HISTORY;
    } else {
        history.seen = rs_filter_seen(model, ask->user);
        if (model->seen_weights != NULL)
            history.weights = model->seen_weights + model->seen_offsets[ask->user];
        history.n = history.seen.n < MAX_HISTORY ? history.seen.n : MAX_HISTORY;
    }
    return history;
}

/* Position number i of the history; 0 if the model has no such item. */
static int history_at(const struct recsys_model *model, const struct history *history, uint32_t i,
                      uint32_t *position)
{
    if (history->seen.list == NULL)
        return rs_ids_find(&model->item_ids, history->ask->request.liked[i], position);
    *position = history->seen.list[i];
    return 1;
}

/* Into a list of at most RS_REASON_CAUSES, largest first; of equal ones the first stays before. */
static void keep_best(struct named *best, uint32_t *n, struct named candidate)
{
    uint32_t at = *n;

    if (at < RS_REASON_CAUSES)
        (*n)++;
    else if (candidate.weight <= best[--at].weight)
        return;
    for (; at > 0 && best[at - 1].weight < candidate.weight; at--)
        best[at] = best[at - 1];
    best[at] = candidate;
}

/* The items of the history that support `position` most, best first. */
static uint32_t find_near(const struct recsys_model *model, const struct history *history,
                          uint32_t position, struct named *near)
{
    uint32_t n = history->n, found = 0, at;
    const float *item = model->items + (size_t)position * model->stride;
    double norm = sqrt(rs_canonical_dot(item, item, model->dimensions)), mean = 0.0;

    for (uint32_t i = 0; history->weights != NULL && i < n; i++)
        mean += (double)history->weights[i] / n;
    for (uint32_t i = 0; i < n; i++) {
        double weight = history->weights == NULL ? 1.0 : (double)history->weights[i];
        if (weight < mean || weight <= 0.0 || !history_at(model, history, i, &at) || at == position)
            continue;
        const float *other = model->items + (size_t)at * model->stride;
        double product = rs_canonical_dot(item, other, model->dimensions);
        double other_norm = sqrt(rs_canonical_dot(other, other, model->dimensions));
        if (!(product >= NEAR_COSINE * norm * other_norm) || product <= 0.0)
            continue;
        keep_best(near, &found, (struct named){at, weight * product});
    }
    return found;
}

/* The parts of one score. */
struct parts {
    uint32_t position;
    double sum;
    struct named *best;
    uint32_t n_best;
};

static void add_part(void *to, uint32_t liked, double score)
{
    struct parts *parts = to;

    parts->sum += score;
    if (score > 0.0 && liked != parts->position)
        keep_best(parts->best, &parts->n_best, (struct named){liked, score});
}

/* The liked items that add most to the score of `position`. 0 if the score is not made of them. */
static uint32_t find_parts(recsys_recommender *r, const struct recsys_model *model,
                           const struct rs_ask *ask, uint32_t position, struct named *best)
{
    struct parts parts = {position, 0.0, best, 0};
    double score;

    if (ask->strategy == RECSYS_STRATEGY_SESSION || !rs_session_equations(r, model, ask))
        return 0;
    rs_fold_explain(&r->fold, model, position, add_part, &parts);
    if (is_session(ask))
        return parts.n_best;
    score = rs_canonical_dot(model->users + (size_t)ask->user * model->dimensions,
                             model->items + (size_t)position * model->stride, model->dimensions);
    return fabs(parts.sum - score) <= MAX_ERROR * fabs(score) ? parts.n_best : 0;
}

/* Writes the titles of items that have one; returns how many. */
static uint32_t name_items(const struct recsys_model *model, const struct named *items, uint32_t n,
                           const char *before, char *text)
{
    uint32_t named = 0;

    for (uint32_t i = 0; i < n; i++) {
        recsys_item item = {.struct_size = (uint32_t)sizeof item};
        rs_catalog_fill(model->catalog, items[i].position, &item);
        if (item.title[0] == '\0')
            continue;
        if (named == 0)
            start_clause(text);
        rs_text_append(text, RS_REASON_SIZE, "%s%s", named == 0 ? before : " and ", item.title);
        named++;
    }
    return named;
}

/* Items without a title are causes, too, but are not in the text. */
static void add_causes(recsys_recommender *r, const struct recsys_model *model,
                       const struct rs_ask *ask, uint32_t position, recsys_recommendation *out,
                       size_t place)
{
    char *text = r->reasons + place * RS_REASON_SIZE;
    recsys_id *causes = r->causes + place * RS_REASON_CAUSES;
    float *contributions = r->contributions + place * RS_REASON_CAUSES;
    struct named near[RS_REASON_CAUSES] = {{ask->about, 0.0}};
    uint32_t n = 1;

    if (ask->strategy == RECSYS_STRATEGY_SIMILAR) {
        name_items(model, near, n, "similar to ", text);
    } else {
        n = find_parts(r, model, ask, position, near);
        const int is_part = n > 0;
        if (!is_part) {
            const struct history history = history_of(model, ask);
            n = find_near(model, &history, position, near);
        }
        if (name_items(model, near, n, is_part ? "because of " : "close to ", text) > 0)
            rs_text_append(text, RS_REASON_SIZE,
                           is_session(ask) ? ", which you liked" : " in your history");
        for (uint32_t i = 0; i < n; i++)
            contributions[i] = (float)near[i].weight;
        out->contributions = is_part ? contributions : NULL;
    }
    if (n == 0)
        return;
    for (uint32_t i = 0; i < n; i++)
        causes[i] = rs_ids_get(&model->item_ids, near[i].position);
    out->reasons |= RECSYS_REASON_SIMILAR;
    out->causes = causes;
    out->n_causes = n;
}

static int has_history(const struct rs_ask *ask)
{
    return ask->strategy == RECSYS_STRATEGY_USER ||
           ask->strategy == RECSYS_STRATEGY_USER_PREFERENCES || is_session(ask) ||
           ask->strategy == RECSYS_STRATEGY_SIMILAR;
}

/* Only the first two kinds are about other users. */
static const char *popularity_words(const struct recsys_model *model)
{
    switch (model->popularity_kind) {
    case RECSYS_POPULARITY_BIAS:
        return "among the highest item biases";
    case RECSYS_POPULARITY_RATING:
        return "among the best rated";
    case RECSYS_POPULARITY_NORM:
        return "among the longest item vectors";
    default:
        return "popular with other users";
    }
}

void rs_reasons(recsys_recommender *r, const struct recsys_model *model, const struct rs_ask *ask,
                uint32_t position, recsys_recommendation *out, size_t place)
{
    char *text = r->reasons + place * RS_REASON_SIZE;
    const recsys_request *request = &ask->request;
    const float *ratings = model->catalog->n_known > 0 ? model->catalog->ratings : NULL;

    text[0] = '\0';
    out->reasons = 0;
    if (add_genres(model, request, position, text))
        out->reasons |= RECSYS_REASON_GENRES;
    if (request->min_rating > 0.0f && ratings != NULL && ratings[position] >= request->min_rating) {
        start_clause(text);
        /* Not %.1f, whose point the host's locale may make a comma. */
        int tenths = (int)nearbyint(10.0 * (double)ratings[position]);
        rs_text_append(text, RS_REASON_SIZE, "rated %d.%d", tenths / 10, tenths % 10);
        out->reasons |= RECSYS_REASON_RATING;
    }
    if (has_history(ask))
        add_causes(r, model, ask, position, out, place);
    int by_popularity = ask->strategy != RECSYS_STRATEGY_SIMILAR && rs_ask_by_popularity(ask);
    if (by_popularity && (out->reasons & RECSYS_REASON_GENRES) == 0) {
        start_clause(text);
        rs_text_append(text, RS_REASON_SIZE, "%s", popularity_words(model));
        out->reasons |= ask->is_popularity_known ? RECSYS_REASON_POPULAR : RECSYS_REASON_GENERAL;
    } else if (out->score > HIGH_SCORE && ask->strategy != RECSYS_STRATEGY_SIMILAR &&
               !by_popularity) {
        start_clause(text);
        rs_text_append(text, RS_REASON_SIZE, "high score");
        out->reasons |= RECSYS_REASON_SCORE;
    }
    keep_one_line(text);
    out->reason = text[0] != '\0' ? text : NULL;
}
