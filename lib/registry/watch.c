/* lib/registry/watch.c - does a new model answer worse than the one before it?
 *
 * A canary asks a few users; the watch sees what all of them get. It compares the shares of failed
 * and of empty answers with those of the model before, because a service has a usual share of both:
 * clients that ask for nonsense, users who have seen everything. A share that rises by more than
 * the limit, once enough answers are counted, is the model's fault.
 *
 * Counts are halved when they are very many, so that the usual share is that of the last hours and
 * not of the last month.
 */
#include "lib/registry/watch.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define MANY (UINT64_C(1) << 20)

static double share_of(uint64_t n, uint64_t n_answers)
{
    return n_answers == 0 ? 0.0 : (double)n / (double)n_answers;
}

void rs_watch_begin(struct rs_watch *watch, const recsys_model *model, int is_new, uint64_t now_ns)
{
    static const struct rs_tally nothing = {0, 0, 0};
    int is_watched = is_new && watch->model != NULL && watch->rules.window_ns > 0;

    watch->before = watch->tally.n_answers >= watch->rules.min_answers ? watch->tally : nothing;
    watch->tally = nothing;
    watch->model = model;
    watch->until_ns = is_watched ? now_ns + watch->rules.window_ns : 0;
}

int rs_watch_is_on(const struct rs_watch *watch, uint64_t now_ns)
{
    return watch->until_ns > now_ns;
}

static int has_risen(const char *what, double now, double before, double max_rise,
                     const struct rs_watch *watch, char *why, size_t size)
{
    if (max_rise < 0.0 || now - before <= max_rise)
        return 0;
    (void)snprintf(why, size,
                   "%.1f %% of its %" PRIu64 " answers %s, %.1f %% of those of the model before it",
                   100.0 * now, watch->tally.n_answers, what, 100.0 * before);
    return 1;
}

int rs_watch_count(struct rs_watch *watch, const recsys_model *model, const struct rs_tally *found,
                   uint64_t now_ns, char *why, size_t size)
{
    struct rs_tally *tally = &watch->tally, *before = &watch->before;

    if (model == NULL || model != watch->model)
        return 0;
    tally->n_answers += found->n_answers;
    tally->n_failed += found->n_failed;
    tally->n_empty += found->n_empty;
    if (tally->n_answers >= MANY)
        *tally =
            (struct rs_tally){tally->n_answers / 2, tally->n_failed / 2, tally->n_empty / 2};
    if (watch->until_ns == 0 || tally->n_answers < watch->rules.min_answers)
        return 0;
    if (!rs_watch_is_on(watch, now_ns)) {
        watch->until_ns = 0;
        return 0;
    }
    if (!has_risen("failed", share_of(tally->n_failed, tally->n_answers),
                   share_of(before->n_failed, before->n_answers), watch->rules.max_error_rise,
                   watch, why, size) &&
        !has_risen("were empty", share_of(tally->n_empty, tally->n_answers),
                   share_of(before->n_empty, before->n_answers), watch->rules.max_empty_rise, watch,
                   why, size))
        return 0;
    watch->until_ns = 0;
    return 1;
}
