/* lib/serve/reasons.c - why an item was recommended; only what is true of it.
 *
 * Every reason is checked against the item itself. "Close to X in your
 * history" names the items of the user's seen list that speak most for the
 * recommended one: weight times inner product, among items that the user gave
 * at least his mean weight and whose direction is really near (cosine).
 */
#include <math.h>

#include "lib/base/text.h"
#include "lib/score/canonical.h"
#include "lib/serve/recommend.h"

#define HIGH_SCORE 0.8f
#define NEAR_COSINE 0.3   /* of vectors whose angle to a random one is close to 90 degrees */
#define MAX_HISTORY 2000u /* newest rows are not known, so a longer history is cut */
#define MAX_NAMED 2u

static void start_clause(char *text)
{
    if (text[0] != '\0')
        rs_text_append(text, RS_REASON_SIZE, "; ");
}

/* Titles and genres are other people's text. */
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

/* The items of the user's history that speak most for `position`, best first. */
static uint32_t find_near(const struct recsys_model *model, uint32_t user, uint32_t position,
                          struct named *near)
{
    struct rs_positions seen = rs_filter_seen(model, user);
    const float *weights =
        model->seen_weights == NULL ? NULL : model->seen_weights + model->seen_offsets[user];
    uint32_t n = seen.n < MAX_HISTORY ? seen.n : MAX_HISTORY, found = 0;
    const float *item = model->items + (size_t)position * model->stride;
    double norm = sqrt(rs_canonical_dot(item, item, model->dimensions)), mean = 0.0;

    for (uint32_t i = 0; weights != NULL && i < n; i++)
        mean += (double)weights[i] / n;
    for (uint32_t i = 0; i < n; i++) {
        const float *other = model->items + (size_t)seen.list[i] * model->stride;
        double weight = weights == NULL ? 1.0 : (double)weights[i];
        if (seen.list[i] == position || weight < mean || weight <= 0.0)
            continue;
        double product = rs_canonical_dot(item, other, model->dimensions);
        double other_norm = sqrt(rs_canonical_dot(other, other, model->dimensions));
        if (!(product >= NEAR_COSINE * norm * other_norm) || product <= 0.0)
            continue;
        struct named candidate = {seen.list[i], weight * product};
        if (found < MAX_NAMED)
            near[found++] = candidate;
        else if (candidate.weight > near[found - 1].weight)
            near[found - 1] = candidate;
        for (uint32_t at = found - 1; at > 0 && near[at].weight > near[at - 1].weight; at--) {
            struct named better = near[at];
            near[at] = near[at - 1];
            near[at - 1] = better;
        }
    }
    return found;
}

static int add_near(const struct recsys_model *model, const struct rs_ask *ask, uint32_t position,
                    char *text)
{
    struct named near[MAX_NAMED];
    uint32_t n = find_near(model, ask->user, position, near), named = 0;

    for (uint32_t i = 0; i < n; i++) {
        recsys_item item = {.struct_size = (uint32_t)sizeof item};
        rs_catalog_fill(model->catalog, near[i].position, &item);
        if (item.title[0] == '\0')
            continue;
        if (named == 0)
            start_clause(text);
        rs_text_append(text, RS_REASON_SIZE, "%s%s", named == 0 ? "close to " : " and ",
                       item.title);
        named++;
    }
    if (named > 0)
        rs_text_append(text, RS_REASON_SIZE, " in your history");
    return named > 0;
}

void rs_reasons(const struct recsys_model *model, const struct rs_ask *ask, uint32_t position,
                recsys_recommendation *out, char *text)
{
    const recsys_request *request = &ask->request;
    const float *ratings = model->catalog->n_known > 0 ? model->catalog->ratings : NULL;
    int by_user =
        ask->strategy == RECSYS_STRATEGY_USER || ask->strategy == RECSYS_STRATEGY_USER_PREFERENCES;

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
    if (by_user && add_near(model, ask, position, text))
        out->reasons |= RECSYS_REASON_SIMILAR;
    if (ask->strategy == RECSYS_STRATEGY_POPULARITY) {
        start_clause(text);
        rs_text_append(text, RS_REASON_SIZE, "popular with other users");
        out->reasons |= RECSYS_REASON_POPULAR;
    } else if (out->score > HIGH_SCORE) {
        start_clause(text);
        rs_text_append(text, RS_REASON_SIZE, "high score");
        out->reasons |= RECSYS_REASON_SCORE;
    }
    keep_one_line(text);
    out->reason = text[0] != '\0' ? text : NULL;
}
