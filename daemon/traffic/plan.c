/* daemon/traffic/plan.c - reads a plan from the settings, and finds a user's model in it.
 *
 * recsys_split_find() does the arithmetic. Shares are given to it in the places of the settings, so
 * a model keeps its end of the points for as long as the settings name the same models in the same
 * order.
 */
#include "daemon/traffic/plan.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/error.h"

static bool wrong(recsys_error *err, const char *setting, const char *entry, size_t size,
                  const char *what)
{
    (void)rs_error(err, RECSYS_E_INVALID, "%s: '%.*s' %s", setting, (int)(size < 200 ? size : 200),
                   entry, what);
    return false;
}

bool rd_percent_read(double percent, uint32_t *out)
{
    double hundredths = percent * 100;

    if (!(percent >= 0 && percent <= 100) || fabs(hundredths - round(hundredths)) > 1e-6)
        return false;
    *out = (uint32_t)lround(hundredths);
    return true;
}

/* One NAME=PERCENT. */
static bool read_entry(const struct rd_named_models *named, const char *setting, const char *entry,
                       size_t size, uint32_t *out, recsys_error *err)
{
    char name[RD_MODEL_NAME_MAX + 1], *end;
    const char *equals = memchr(entry, '=', size);
    size_t name_size = equals != NULL ? (size_t)(equals - entry) : 0, place;
    double percent;

    while (name_size > 0 && entry[name_size - 1] == ' ')
        name_size--;
    if (name_size == 0 || name_size >= sizeof name)
        return wrong(err, setting, entry, size,
                     "is no NAME=PERCENT; these are separated by commas");
    memcpy(name, entry, name_size);
    name[name_size] = '\0';
    place = rd_named_models_find(named, name);
    if (place == named->n)
        return wrong(err, setting, name, name_size, "is none of the models");
    percent = strtod(equals + 1, &end);
    end += strspn(end, " ");
    if (end == equals + 1 || end != entry + size || !rd_percent_read(percent, &out[place]))
        return wrong(err, setting, entry, size,
                     "must have a number from 0 to 100 with at most two decimals behind its '='");
    return true;
}

static bool read_list(const struct rd_named_models *named, const char *setting, const char *list,
                      uint32_t *out, recsys_error *err)
{
    list += strspn(list, " ");
    while (*list != '\0') {
        size_t size = strcspn(list, ",");

        if (!read_entry(named, setting, list, size, out, err))
            return false;
        list += size + (list[size] == ',');
        list += strspn(list, " ");
    }
    return true;
}

bool rd_plan_check(const struct rd_plan *plan, recsys_error *err)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < plan->n; i++)
        sum += plan->shares[i];
    if (plan->shares[plan->main_place] > 0)
        (void)rs_error(err, RECSYS_E_CONFLICT,
                       "the default model has no share: it gets all users that the others leave");
    else if (plan->shadows[plan->main_place] > 0)
        (void)rs_error(err, RECSYS_E_CONFLICT, "the default model is no shadow of itself");
    else if (sum > RD_WHOLE)
        (void)rs_error(err, RECSYS_E_CONFLICT, "the shares are together %g %%, more than 100",
                       (double)sum / 100);
    else
        return true;
    return false;
}

bool rd_plan_read(struct rd_plan *plan, const struct rd_named_models *named, const char *shares,
                  const char *shadows, const char *salt, recsys_error *err)
{
    memset(plan, 0, sizeof *plan);
    plan->n = named->n;
    memcpy(plan->salt, salt, strlen(salt) + 1); /* the setting is not longer */
    return read_list(named, "model_shares", shares, plan->shares, err) &&
           read_list(named, "model_shadows", shadows, plan->shadows, err) &&
           rd_plan_check(plan, err);
}

enum rd_role rd_plan_role(const struct rd_plan *plan, size_t place)
{
    if (place == plan->main_place)
        return RD_ROLE_DEFAULT;
    if (plan->shares[place] > 0)
        return RD_ROLE_SHARE;
    return plan->shadows[place] > 0 ? RD_ROLE_SHADOW : RD_ROLE_IDLE;
}

const char *const rd_role_names[] = {"idle", "shadow", "share", "default", NULL};

const char *rd_role_name(enum rd_role stage)
{
    return rd_role_names[stage];
}

uint32_t rd_plan_rest(const struct rd_plan *plan)
{
    uint32_t rest = RD_WHOLE;

    for (size_t i = 0; i < plan->n; i++)
        rest -= plan->shares[i];
    return rest;
}

void rd_plan_write(struct rs_buffer *out, const struct rd_plan *plan, size_t place)
{
    uint32_t share = place == plan->main_place ? rd_plan_rest(plan) : plan->shares[place];

    rs_buffer_format(out, ",\"stage\":\"%s\",\"share\":%g,\"shadow\":%g",
                     rd_role_name(rd_plan_role(plan, place)), (double)share / 100,
                     (double)plan->shadows[place] / 100);
}

bool rd_plan_is_whole(const struct rd_plan *plan)
{
    return rd_plan_rest(plan) == RD_WHOLE;
}

size_t rd_plan_find(const struct rd_plan *plan, recsys_id user)
{
    size_t place;

    if (recsys_split_find(plan->salt, user, plan->shares, plan->n, &place, NULL) != RECSYS_OK ||
        place == plan->n)
        return plan->main_place;
    return place;
}
