/* lib/registry/warm_up.c - make a model ready to answer at full speed.
 *
 * The first requests of a new model would wait for the disk and for page faults. Loading has read
 * the files to verify them, but not if hashes are skipped, and the system may have dropped pages
 * since. So each page is read once, and then the requests that users made last are answered, which
 * also brings what they need into the caches of the processor and makes what is made on first use.
 * The equations by which sessions are folded in are made in any case, unless this is the first
 * model, which nobody waits to see replaced.
 *
 * The answers are thrown away: judging them is the canary's part, except that the log says how many
 * were empty.
 */
#include "lib/registry/warm_up.h"

#include "lib/base/error.h"
#include "lib/model/normal_equations.h"
#include "lib/model/touch.h"

static recsys_status replay(recsys_recommender *recommender, const recsys_model *model,
                            const recsys_request *request, struct rs_warmed *out, recsys_error *err)
{
    recsys_reply reply = RECSYS_REPLY_INIT;
    recsys_status status = recsys_recommend(recommender, model, request, 1, &reply, err);

    if (status == RECSYS_E_NOMEM)
        return status;
    out->n_replayed++;
    out->n_failed += status != RECSYS_OK;
    out->n_empty += status == RECSYS_OK && reply.count == 0;
    return RECSYS_OK;
}

recsys_status rs_warm_up(const recsys_model *model, int replaces, const struct rs_recent *recent,
                         struct rs_warmed *out, recsys_error *err)
{
    recsys_recommender *recommender = NULL;
    const struct rs_normal *normal;
    recsys_status status = RECSYS_OK;

    *out = (struct rs_warmed){rs_model_touch(model), 0, 0, 0};
    if (replaces && rs_normal_is_known(model))
        status = rs_normal_get(model, &normal, err);
    if (status == RECSYS_OK && recent->n > 0)
        status = recsys_recommender_create(NULL, &recommender, err);
    for (size_t i = 0; i < recent->n && status == RECSYS_OK; i++) {
        recsys_request request = rs_recent_get(recent, i);
        status = replay(recommender, model, &request, out, err);
    }
    recsys_recommender_destroy(recommender);
    return status;
}
