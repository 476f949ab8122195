/* lib/serve/steer.c - how much the items of favourite genres gain, in models without features.
 *
 * Every item of a favourite genre gains a constant, so the order within the genre, and among all
 * other items, stays the user's own. The constant is the smallest with which a share of the ten
 * best items, `strength`, has a favourite genre. So it needs no unit: it is found from the scores
 * themselves, for each request, and works for every kind of factorisation. If the share is reached
 * anyway, nothing changes.
 *
 * Each of m genres is to have its part of the share, R / m of R places, so that a frequent genre
 * does not hide a rare one. That may still be too little together, because an item can have several
 * favourite genres; therefore all gain at least what the genres together need.
 *
 * Items of a genre that has too few come before all others. A larger strength never makes a gain
 * smaller: each step below is monotone.
 * docs/decisions/0013 has the alternatives and figures.
 */
#include "lib/serve/steer.h"

#include <math.h>

/* More than the rounding of the two scores that are compared: a tie would be decided by ids. */
#define ABOVE 0x1p-22

/* One request's lists while its gains are computed. */
struct steering {
    const struct recsys_model *model;
    const struct rs_wanted *wanted;
    uint32_t n_wanted;
    const struct rs_topk *best;
    uint32_t n_places;
    struct rs_best together[RS_STEER_PLACES]; /* the best items with any wanted genre */
    uint32_t n_together;
};

static int has_any(const struct steering *s, uint32_t position)
{
    for (uint32_t w = 0; w < s->n_wanted; w++)
        if (rs_catalog_has_genre(s->model->catalog, position, s->wanted[w].genre))
            return 1;
    return 0;
}

/* Of an item with several genres the first list that has it counts. */
static void add_together(struct steering *s, struct rs_best entry)
{
    uint32_t at = s->n_together;

    for (uint32_t i = 0; i < s->n_together; i++)
        if (s->together[i].position == entry.position)
            return;
    if (at == RS_STEER_PLACES && entry.score <= s->together[--at].score)
        return;
    for (; at > 0 && s->together[at - 1].score < entry.score; at--)
        s->together[at] = s->together[at - 1];
    s->together[at] = entry;
    s->n_together += s->n_together < RS_STEER_PLACES;
}

/* The score of the best item number `place`, from 0, of those that do not have the wanted genre w;
 * with w == n_wanted: none of them. Minus infinity if there are not as many among the best. */
static double others(const struct steering *s, uint32_t w, uint32_t place)
{
    for (uint32_t i = 0; i < s->n_places; i++) {
        uint32_t position = s->best[0].entries[i].position;
        int has = w == s->n_wanted
                      ? has_any(s, position)
                      : rs_catalog_has_genre(s->model->catalog, position, s->wanted[w].genre);
        if (!has && place-- == 0)
            return (double)s->best[0].entries[i].score;
    }
    return -INFINITY;
}

/* The gain that lifts `score` above `level`; 0 if it is not below. */
static double lift(double score, double level)
{
    double gain = level - score;

    if (!isfinite(gain) || gain < 0.0)
        return 0.0;
    return gain + ABOVE * (fabs(level) + fabs(score));
}

/* The lift of item number `number`, from 1, of a sorted list above `level`. If the list is shorter,
 * all of it is to be `before` everything else. */
static double lift_number(const struct rs_best *entries, uint32_t n, uint32_t number, double level,
                          double before)
{
    return number > n ? lift((double)entries[n - 1].score, before)
                      : lift((double)entries[number - 1].score, level);
}

/* The gain of wanted genre w, if `share` of the places are to have a wanted genre. */
static double gain_for(const struct steering *s, uint32_t w, uint32_t share)
{
    const struct rs_topk *own = &s->best[1 + w];
    uint32_t part = (share + s->n_wanted - 1) / s->n_wanted;
    double level = others(s, s->n_wanted, s->n_places - share);
    double all = lift_number(s->together, s->n_together, share, level, others(s, s->n_wanted, 0));

    level = fmax(level, others(s, w, s->n_places - part));
    return fmax(all, lift_number(own->entries, own->n, part, level, others(s, w, 0)));
}

/* Beyond all places the gain goes on in proportion. */
static double gain_of(const struct steering *s, uint32_t w, double strength)
{
    double share = ceil(fmin(strength, 1.0) * (double)s->n_places - 1e-5);

    return share > 0.0 ? fmax(strength, 1.0) * gain_for(s, w, (uint32_t)share) : 0.0;
}

void rs_steer_set(const struct recsys_model *model, struct rs_wanted *wanted, uint32_t n_wanted,
                  double strength, const struct rs_topk *best)
{
    struct steering s = {.model = model, .wanted = wanted, .n_wanted = n_wanted, .best = best};

    s.n_places = best[0].n < RS_STEER_PLACES ? best[0].n : RS_STEER_PLACES;
    for (uint32_t w = 0; w < n_wanted; w++)
        for (uint32_t i = 0; i < best[1 + w].n && i < RS_STEER_PLACES; i++)
            add_together(&s, best[1 + w].entries[i]);
    for (uint32_t w = 0; w < n_wanted; w++)
        wanted[w].gain = gain_of(&s, w, strength);
}

uint32_t rs_steer_find(const struct recsys_model *model, const struct rs_wanted *wanted,
                       uint32_t n_wanted, uint32_t position)
{
    uint32_t found = n_wanted;
    double gain = 0.0;

    for (uint32_t w = 0; w < n_wanted; w++)
        if (wanted[w].gain > gain &&
            rs_catalog_has_genre(model->catalog, position, wanted[w].genre)) {
            gain = wanted[w].gain;
            found = w;
        }
    return found;
}
