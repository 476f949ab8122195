/* daemon/traffic/traffic.c - promotes and withdraws models.
 *
 * A request copies the plan once and acquires one model by it, so it sees the plan before a change
 * or the one after it, and its whole answer comes from that model. Nothing waits for a change: the
 * models are loaded already.
 *
 * A change is checked and made under the lock, so that of two operators the second one is checked
 * against what the first one has done.
 */
#include "daemon/traffic/traffic.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "daemon/process/logger.h"
#include "lib/base/error.h"

static bool has_shadows(const struct rd_plan *plan)
{
    for (size_t i = 0; i < plan->n; i++)
        if (plan->shadows[i] > 0)
            return true;
    return false;
}

bool rd_traffic_start(struct rd_traffic *traffic, const struct rd_named_models *named,
                      const struct rd_plan *plan)
{
    traffic->named = named;
    traffic->plan = *plan;
    traffic->before = plan->n;
    atomic_init(&traffic->has_shadows, has_shadows(plan));
    return rs_lock_init(&traffic->lock) == 0;
}

void rd_traffic_get(struct rd_traffic *traffic, struct rd_plan *out)
{
    rs_lock_take(&traffic->lock);
    *out = traffic->plan;
    rs_lock_give(&traffic->lock);
}

bool rd_traffic_has_shadows(const struct rd_traffic *traffic)
{
    return atomic_load_explicit(&traffic->has_shadows, memory_order_relaxed);
}

size_t rd_traffic_main(struct rd_traffic *traffic)
{
    size_t place;

    rs_lock_take(&traffic->lock);
    place = traffic->plan.main_place;
    rs_lock_give(&traffic->lock);
    return place;
}

size_t rd_traffic_changes(struct rd_traffic *traffic,
                          struct rd_traffic_change out[RD_TRAFFIC_CHANGES], size_t *before)
{
    size_t n = 0;

    rs_lock_take(&traffic->lock);
    *before = traffic->before;
    for (uint64_t i = traffic->n_changes; i > 0 && n < RD_TRAFFIC_CHANGES; i--)
        out[n++] = traffic->changes[(i - 1) % RD_TRAFFIC_CHANGES];
    rs_lock_give(&traffic->lock);
    return n;
}

/* The kinds of user and item ids of the version that serves under a name. False: none does. */
static bool find_kinds(const struct rd_named_model *named, uint32_t kinds[2])
{
    recsys_model *model = recsys_deployment_acquire(named->deployment);
    recsys_model_info info = RECSYS_MODEL_INFO_INIT;
    bool found = model != NULL && recsys_model_get_info(model, &info, NULL) == RECSYS_OK;

    kinds[0] = info.user_id_kind;
    kinds[1] = info.item_id_kind;
    recsys_model_unref(model);
    return found;
}

static recsys_status check_model(const struct rd_named_models *named, size_t place,
                                 size_t main_place, recsys_error *err)
{
    uint32_t kinds[2], wanted[2];
    unsigned which;

    if (!find_kinds(&named->all[place], kinds))
        return rs_error(err, RECSYS_E_STATE, "the model '%s' has no version that serves; load one",
                        named->all[place].name);
    if (!find_kinds(&named->all[main_place], wanted) || memcmp(kinds, wanted, sizeof kinds) == 0)
        return RECSYS_OK;
    which = kinds[0] == wanted[0];
    return rs_error(err, RECSYS_E_STATE,
                    "the %s ids of '%s' are %s, and those of the default model '%s' are %s",
                    which == 0 ? "user" : "item", named->all[place].name,
                    kinds[which] == RECSYS_ID_KIND_TEXT ? "texts" : "integers",
                    named->all[main_place].name,
                    wanted[which] == RECSYS_ID_KIND_TEXT ? "texts" : "integers");
}

/* Under lock. */
static recsys_status check(const struct rd_traffic *traffic, const struct rd_plan *next,
                           recsys_error *err)
{
    const struct rd_plan *now = &traffic->plan;

    if (!rd_plan_check(next, err))
        return err->status;
    for (size_t i = 0; i < next->n; i++) {
        bool is_asked = i == next->main_place || next->shares[i] > 0 || next->shadows[i] > 0;
        recsys_status status =
            is_asked ? check_model(traffic->named, i, now->main_place, err) : RECSYS_OK;

        if (status != RECSYS_OK)
            return status;
    }
    return RECSYS_OK;
}

/* Under lock. */
static void record(struct rd_traffic *traffic, const struct rd_plan *next, size_t place, bool whole,
                   const char *request_id)
{
    struct rd_traffic_change *change = &traffic->changes[traffic->n_changes++ % RD_TRAFFIC_CHANGES];
    struct timespec now;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    change->time_ms = (uint64_t)now.tv_sec * 1000u + (uint64_t)now.tv_nsec / 1000000u;
    change->place = place;
    change->from = rd_plan_role(&traffic->plan, place);
    change->to = rd_plan_role(next, place);
    change->share = next->main_place == place ? rd_plan_rest(next) : next->shares[place];
    change->shadow = next->shadows[place];
    change->whole = whole;
    (void)snprintf(change->request_id, sizeof change->request_id, "%s", request_id);
}

static void log_change(const struct rd_traffic *traffic, const struct rd_traffic_change *change)
{
    rd_log(
        RECSYS_LOG_INFO,
        "%s %s: %s -> %s, %g %% of the users, %g %% of the requests as a shadow; requested by %s",
        change->whole ? "assignment replaced, default model" : "model",
        traffic->named->all[change->place].name, rd_role_name(change->from),
        rd_role_name(change->to), (double)change->share / 100, (double)change->shadow / 100,
        change->request_id);
}

enum kind { STEP, STEP_BACK, WHOLE };

/* Check `next` and let it hold. Takes over the lock, and gives it back. */
static recsys_status commit(struct rd_traffic *traffic, const struct rd_plan *next, size_t place,
                            enum kind kind, const char *request_id, recsys_error *err)
{
    struct rd_traffic_change change;
    recsys_status status = check(traffic, next, err);

    if (status == RECSYS_OK) {
        if (next->main_place != traffic->plan.main_place)
            traffic->before = kind == STEP_BACK ? next->n : traffic->plan.main_place;
        record(traffic, next, place, kind == WHOLE, request_id);
        change = traffic->changes[(traffic->n_changes - 1) % RD_TRAFFIC_CHANGES];
        traffic->plan = *next;
        traffic->plan.number = traffic->n_changes;
        atomic_store(&traffic->has_shadows, has_shadows(next));
    }
    rs_lock_give(&traffic->lock);
    if (status == RECSYS_OK)
        log_change(traffic, &change);
    return status;
}

recsys_status rd_traffic_promote(struct rd_traffic *traffic, size_t place, enum rd_role to,
                                 uint32_t amount, const char *request_id, recsys_error *err)
{
    struct rd_plan next;

    rs_lock_take(&traffic->lock);
    next = traffic->plan;
    next.shares[place] = to == RD_ROLE_SHARE ? amount : 0;
    next.shadows[place] = to == RD_ROLE_SHADOW ? amount : 0;
    if (to == RD_ROLE_DEFAULT)
        next.main_place = place;
    return commit(traffic, &next, place, STEP, request_id, err);
}

recsys_status rd_traffic_withdraw(struct rd_traffic *traffic, size_t place, const char *request_id,
                                  recsys_error *err)
{
    struct rd_plan next;
    bool is_main = false;

    rs_lock_take(&traffic->lock);
    next = traffic->plan;
    if (place == next.main_place) {
        if (traffic->before == next.n) {
            rs_lock_give(&traffic->lock);
            return rs_error(err, RECSYS_E_STATE,
                            "'%s' is the default model, and there was none before it; promote "
                            "another one",
                            traffic->named->all[place].name);
        }
        next.main_place = traffic->before;
        next.shares[next.main_place] = next.shadows[next.main_place] = 0;
        is_main = true;
    } else {
        next.shares[place] = next.shadows[place] = 0;
    }
    return commit(traffic, &next, place, is_main ? STEP_BACK : STEP, request_id, err);
}

recsys_status rd_traffic_replace(struct rd_traffic *traffic, const struct rd_plan *plan,
                                 const char *request_id, recsys_error *err)
{
    rs_lock_take(&traffic->lock);
    if (plan->number != traffic->n_changes) {
        rs_lock_give(&traffic->lock);
        return rs_error(err, RECSYS_E_CONFLICT,
                        "somebody else has changed the assignment meanwhile; look at it again");
    }
    return commit(traffic, plan, plan->main_place, WHOLE, request_id, err);
}
