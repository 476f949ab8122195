/* daemon/recommend/choose.c - see choose.h.
 *
 * The kind of the default model's ids decides how the user's id is read, so that a client who sends
 * "42" and another one who sends 42 speak of one user and get one model.
 */
#include "daemon/recommend/choose.h"

#include <string.h>

#include "daemon/http/fields.h"
#include "lib/base/json_write.h"

bool rd_choose_share(const struct rd_recommend *recommend, size_t place,
                     const struct rd_chosen *main_model, struct rd_chosen *chosen)
{
    const struct rd_named_model *named = &recommend->traffic->named->all[place];
    recsys_model *model = recsys_deployment_acquire(named->deployment);
    recsys_model_info info = RECSYS_MODEL_INFO_INIT;

    if (model == NULL || recsys_model_get_info(model, &info, NULL) != RECSYS_OK ||
        info.user_id_kind != main_model->info.user_id_kind ||
        info.item_id_kind != main_model->info.item_id_kind) {
        recsys_model_unref(model);
        recsys_metric_add(recommend->metrics->models[place].fallbacks, 1);
        return false;
    }
    *chosen = (struct rd_chosen){place, false, named, model, info};
    return true;
}

/* The user's place in the plan; that of the default model if the id is none. */
static size_t find_share(const struct rd_plan *plan, const json_t *user, uint32_t kind)
{
    char bytes[256];
    struct rs_buffer unread = RS_BUFFER_FIXED(bytes);
    struct rd_problems problems = {&unread, 0};
    recsys_id id = {NULL, 0};

    return rd_field_id(&problems, &rd_place_body, user, kind, &id) ? rd_plan_find(plan, id)
                                                                   : plan->main_place;
}

bool rd_choose(struct rd_request *request, const json_t *user, struct rd_chosen *chosen)
{
    const struct rd_recommend *recommend = request->part;
    const struct rd_named_models *named = recommend->traffic->named;
    struct rd_chosen main_model;
    struct rd_plan plan;
    size_t place = named->n;

    rd_traffic_get(recommend->traffic, &plan);
    if (!rd_model_named(request, named, &place))
        return false;
    chosen->is_named = place < named->n;
    chosen->place = chosen->is_named ? place : plan.main_place;
    chosen->named = &named->all[chosen->place];
    if (!rd_model_acquire(request, chosen->named, &chosen->model, &chosen->info))
        return false;
    if (chosen->is_named || user == NULL || rd_plan_is_whole(&plan))
        return true;
    place = find_share(&plan, user, chosen->info.user_id_kind);
    main_model = *chosen;
    if (place != plan.main_place && rd_choose_share(recommend, place, &main_model, chosen))
        recsys_model_unref(main_model.model);
    return true;
}

void rd_chosen_write(struct rs_buffer *out, const struct rd_chosen *chosen)
{
    rs_buffer_add_text(out, ",\"model_version\":");
    rs_json_put_string(out, chosen->info.version);
    rs_buffer_add_text(out, ",\"model\":");
    rs_json_put_string(out, chosen->named->name);
}
