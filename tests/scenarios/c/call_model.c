/* tests/scenarios/c/call_model.c - calls about what is in a model: info, ids, vectors, catalogue.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tests/scenarios/c/scenario.h"

void close_filter(void *filter)
{
    recsys_filter_unref(filter);
}

static recsys_status call_build(struct scenario *s, const json_t *step, json_t *result,
                                recsys_error *err)
{
    const char *path =
        scenario_build(s, member_need(step, "model"), json_object_get(step, "fields"));
    recsys_model *model;
    recsys_status status = recsys_model_load(path, NULL, &model, err);

    (void)result;
    scenario_keep(s, step, model, close_model);
    return status;
}

static recsys_status call_load(struct scenario *s, const json_t *step, json_t *result,
                               recsys_error *err)
{
    recsys_model *model;
    recsys_status status = recsys_model_load(member_need(step, "path"), NULL, &model, err);

    (void)result;
    scenario_keep(s, step, model, close_model);
    return status;
}

static json_t *id_kind(uint32_t kind)
{
    return json_string(kind == RECSYS_ID_KIND_TEXT ? "text" : "integer");
}

static recsys_status call_info(struct scenario *s, const json_t *step, json_t *result,
                               recsys_error *err)
{
    static const char *const metrics[] = {"", "inner_product", "cosine"};
    static const char *const links[] = {"", "sigmoid", "linear", "clip"};
    recsys_model_info info = RECSYS_MODEL_INFO_INIT;
    recsys_status status = recsys_model_get_info(scenario_model(s, step), &info, err);

    if (status != RECSYS_OK)
        return status;
    json_object_set_new(result, "name", json_string(info.name));
    json_object_set_new(result, "version", json_string(info.version));
    json_object_set_new(result, "algorithm", json_string(info.algorithm));
    json_object_set_new(result, "dimensions", json_integer(info.dimensions));
    json_object_set_new(result, "n_users", json_integer((json_int_t)info.n_users));
    json_object_set_new(result, "n_items", json_integer((json_int_t)info.n_items));
    json_object_set_new(result, "n_features", json_integer((json_int_t)info.n_features));
    json_object_set_new(result, "n_seen", json_integer((json_int_t)info.n_seen));
    json_object_set_new(result, "n_catalog", json_integer((json_int_t)info.n_catalog));
    json_object_set_new(result, "user_ids", id_kind(info.user_id_kind));
    json_object_set_new(result, "item_ids", id_kind(info.item_id_kind));
    json_object_set_new(result, "metric", json_string(metrics[info.metric]));
    json_object_set_new(result, "link", json_string(links[info.link]));
    json_object_set_new(result, "link_min", json_of_float(info.link_min));
    json_object_set_new(result, "link_max", json_of_float(info.link_max));
    return RECSYS_OK;
}

typedef recsys_status (*get_vector)(const recsys_model *, recsys_id, float *, float *,
                                    recsys_error *);

static recsys_status give_vector(struct scenario *s, const json_t *step, json_t *result,
                                 get_vector get, recsys_error *err)
{
    const recsys_model *model = scenario_model(s, step);
    recsys_model_info info = RECSYS_MODEL_INFO_INIT;
    recsys_status status = recsys_model_get_info(model, &info, err);
    float *vector = scenario_memory(s, info.dimensions, sizeof *vector), bias;

    if (status != RECSYS_OK ||
        (status = get(model, id_of(json_object_get(step, "id")), vector, &bias, err)) != RECSYS_OK)
        return status;
    json_t *list = json_array();
    for (uint32_t j = 0; j < info.dimensions; j++)
        json_array_append_new(list, json_of_float(vector[j]));
    json_object_set_new(result, "vector", list);
    json_object_set_new(result, "bias", json_of_float(bias));
    return RECSYS_OK;
}

static recsys_status call_user(struct scenario *s, const json_t *step, json_t *result,
                               recsys_error *err)
{
    return give_vector(s, step, result, recsys_model_get_user, err);
}

static recsys_status call_item(struct scenario *s, const json_t *step, json_t *result,
                               recsys_error *err)
{
    return give_vector(s, step, result, recsys_model_get_item, err);
}

#define PAGE 3u /* so that lists have several */

typedef recsys_status (*list_ids)(const recsys_model *, uint64_t, recsys_id *, size_t, size_t *,
                                  recsys_error *);
typedef recsys_status (*list_texts)(const recsys_model *, uint64_t, const char **, size_t, size_t *,
                                    recsys_error *);

static recsys_status give_list(struct scenario *s, const json_t *step, json_t *result, list_ids ids,
                               list_texts texts, recsys_error *err)
{
    const recsys_model *model = scenario_model(s, step);
    json_t *list = json_array();
    recsys_status status = RECSYS_OK;

    json_object_set_new(result, "list", list);
    for (size_t n = PAGE, at = 0; status == RECSYS_OK && n == PAGE; at += n) {
        recsys_id page[PAGE];
        const char *names[PAGE];
        status = ids != NULL ? ids(model, at, page, PAGE, &n, err)
                             : texts(model, at, names, PAGE, &n, err);
        for (size_t i = 0; i < n; i++)
            json_array_append_new(list, ids != NULL ? json_of_id(page[i]) : json_string(names[i]));
    }
    return status;
}

static recsys_status call_list(struct scenario *s, const json_t *step, json_t *result,
                               recsys_error *err)
{
    const char *what = member_need(step, "what");

    if (strcmp(what, "users") == 0)
        return give_list(s, step, result, recsys_model_get_user_ids, NULL, err);
    if (strcmp(what, "items") == 0)
        return give_list(s, step, result, recsys_model_get_item_ids, NULL, err);
    if (strcmp(what, "features") == 0)
        return give_list(s, step, result, NULL, recsys_model_get_features, err);
    if (strcmp(what, "genres") == 0)
        return give_list(s, step, result, NULL, recsys_catalog_get_genres, err);
    if (strcmp(what, "languages") == 0)
        return give_list(s, step, result, NULL, recsys_catalog_get_languages, err);
    scenario_broken("nothing to list", what);
}

static recsys_status call_seen(struct scenario *s, const json_t *step, json_t *result,
                               recsys_error *err)
{
    const recsys_model *model = scenario_model(s, step);
    const recsys_id user = id_of(json_object_get(step, "user"));
    size_t n;
    recsys_status status = recsys_model_get_seen(model, user, 0, NULL, NULL, 0, &n, err);

    if (status != RECSYS_OK)
        return status;
    recsys_id *items = scenario_memory(s, n, sizeof *items);
    float *weights = scenario_memory(s, n, sizeof *weights);
    json_t *seen = json_object();
    status = recsys_model_get_seen(model, user, 0, items, weights, n, &n, err);
    for (size_t i = 0; i < n; i++) { /* a set: their order is the scan's */
        char number[24];
        snprintf(number, sizeof number, "%" PRIu64, items[i].number);
        json_object_set_new(seen, items[i].text == NULL ? number : items[i].text,
                            json_of_float(weights[i]));
    }
    json_object_set_new(result, "seen", seen);
    return status;
}

static recsys_status call_catalog(struct scenario *s, const json_t *step, json_t *result,
                                  recsys_error *err)
{
    recsys_item item = RECSYS_ITEM_INIT;
    recsys_status status = recsys_catalog_get(scenario_model(s, step),
                                              id_of(json_object_get(step, "item")), &item, err);
    json_t *genres = json_array();

    for (uint32_t g = 0; g < item.n_genres; g++)
        json_array_append_new(genres, json_string(item.genres[g]));
    json_object_set_new(result, "known", json_boolean(item.known));
    json_object_set_new(result, "title", json_of_text(item.title));
    json_object_set_new(result, "genres", genres);
    json_object_set_new(result, "language", json_of_text(item.language));
    json_object_set_new(result, "poster_url", json_of_text(item.poster_url));
    json_object_set_new(result, "release_year", json_integer(item.release_year));
    json_object_set_new(result, "rating", json_of_float(item.rating));
    json_object_set_new(result, "adult", json_boolean(item.adult));
    return status;
}

static recsys_status call_filter(struct scenario *s, const json_t *step, json_t *result,
                                 recsys_error *err)
{
    const json_t *wanted = json_object_get(step, "options");
    const json_t *seen_by = json_object_get(wanted, "seen_by");
    recsys_filter_options options = RECSYS_FILTER_OPTIONS_INIT;
    recsys_filter *filter;
    size_t n;

    options.min_rating = (float)member_real(wanted, "min_rating");
    options.min_year = (int32_t)member_number(wanted, "min_year");
    options.max_year = (int32_t)member_number(wanted, "max_year");
    options.languages = member_texts(s, wanted, "languages", &n);
    options.n_languages = (uint32_t)n;
    options.allow = member_ids(s, wanted, "allow", &options.n_allow);
    options.exclude = member_ids(s, wanted, "exclude", &options.n_exclude);
    options.seen_by = id_of(seen_by);
    options.flags = (member_true(wanted, "exclude_adult") ? RECSYS_FILTER_EXCLUDE_ADULT : 0) |
                    (options.allow != NULL ? RECSYS_FILTER_ALLOW : 0) |
                    (seen_by != NULL ? RECSYS_FILTER_EXCLUDE_SEEN : 0);
    recsys_status status = recsys_filter_create(scenario_model(s, step), &options, &filter, err);
    json_object_set_new(result, "count", json_integer((json_int_t)recsys_filter_count(filter)));
    scenario_keep(s, step, filter, close_filter);
    return status;
}

const struct named_call model_calls[] = {
    {"build", call_build},   {"load", call_load}, {"info", call_info}, {"user", call_user},
    {"item", call_item},     {"list", call_list}, {"seen", call_seen}, {"catalog", call_catalog},
    {"filter", call_filter}, {NULL, NULL}};
