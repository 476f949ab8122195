/* tests/scenarios/c/made_model.c - models from JSON, through the builder.
 *
 * models/NAME.json has what the builder takes, under the builder's names: "arrays" (lists of
 * numbers, or of rows), "texts", "fields" of the manifest and "items", the catalogue's lines.
 */
#include <stdio.h>
#include <string.h>

#include "tests/scenarios/c/scenario.h"

void close_model(void *model)
{
    recsys_model_unref(model);
}

static void must(recsys_status status, const recsys_error *err)
{
    if (status != RECSYS_OK)
        scenario_broken("a model cannot be made", err->message);
}

static uint32_t dtype_of(const char *name)
{
    if (strcmp(name, "user_ids") == 0 || strcmp(name, "item_ids") == 0)
        return RECSYS_DTYPE_I64;
    if (strcmp(name, "seen_offsets") == 0)
        return RECSYS_DTYPE_U64;
    return strcmp(name, "seen_items") == 0 ? RECSYS_DTYPE_U32 : RECSYS_DTYPE_F32;
}

static void put_number(void *data, size_t i, uint32_t dtype, const json_t *value)
{
    if (dtype == RECSYS_DTYPE_F32)
        ((float *)data)[i] = (float)json_number_value(value);
    else if (dtype == RECSYS_DTYPE_U32)
        ((uint32_t *)data)[i] = (uint32_t)json_integer_value(value);
    else
        ((int64_t *)data)[i] = json_integer_value(value);
}

static recsys_array array_of(struct scenario *scenario, const char *name, const json_t *list)
{
    const json_t *first = json_array_get(list, 0);
    size_t columns = json_is_array(first) ? json_array_size(first) : 1;
    recsys_array array = {.dtype = dtype_of(name),
                          .n_dims = json_is_array(first) ? 2 : 1,
                          .shape = {json_array_size(list), columns}};
    void *data = scenario_memory(scenario, array.shape[0] * columns, sizeof(int64_t));

    for (size_t i = 0; i < array.shape[0]; i++)
        for (size_t j = 0; j < columns; j++) {
            const json_t *row = json_array_get(list, i);
            put_number(data, i * columns + j, array.dtype,
                       json_is_array(row) ? json_array_get(row, j) : row);
        }
    array.data = data;
    return array;
}

static void set_all(struct scenario *scenario, recsys_builder *builder, const json_t *made)
{
    recsys_error err;
    const char *name;
    json_t *value;
    size_t i, n;

    json_object_foreach(json_object_get(made, "arrays"), name, value)
    {
        const recsys_array array = array_of(scenario, name, value);
        must(recsys_builder_set_array(builder, name, &array, &err), &err);
    }
    json_object_foreach(json_object_get(made, "texts"), name, value)
    {
        const char *const *texts = member_texts(scenario, json_object_get(made, "texts"), name, &n);
        must(recsys_builder_set_texts(builder, name, texts, n, &err), &err);
    }
    json_object_foreach(json_object_get(made, "fields"), name, value)
        must(recsys_builder_set_field(builder, name, json_string_value(value), &err), &err);
    json_array_foreach(json_object_get(made, "items"), i, value)
    {
        char line[1024];
        n = json_dumpb(value, line, sizeof line, 0);
        must(recsys_builder_add_item(builder, line, n, &err), &err);
    }
}

const char *scenario_build(struct scenario *scenario, const char *name, const json_t *fields)
{
    char *path = scenario_memory(scenario, 1, 4096), file[4096];
    json_error_t where;
    recsys_builder *builder;
    recsys_error err;

    snprintf(file, sizeof file, "%s/models/%s.json", scenario->folder, name);
    json_t *made = json_load_file(file, JSON_REJECT_DUPLICATES, &where);
    if (made == NULL)
        scenario_broken(file, where.text);
    json_object_update(json_object_get(made, "fields"), (json_t *)fields);
    must(recsys_builder_create(&builder, &err), &err);
    set_all(scenario, builder, made);
    recsys_status status = RECSYS_E_EXISTS;
    for (unsigned i = 0; status == RECSYS_E_EXISTS; i++) {
        snprintf(path, 4096, "%s/%s-%u", scenario->scratch, name, i);
        status = recsys_builder_write(builder, path, &err);
    }
    must(status, &err);
    recsys_builder_destroy(builder);
    json_decref(made);
    return path;
}

const recsys_model *scenario_model(struct scenario *scenario, const json_t *step)
{
    const char *name = member_need(step, "model");
    const json_t *as = json_pack("{s:s}", "as", name);
    recsys_model *model;
    recsys_error err;

    if (!scenario_has(scenario, name)) {
        must(recsys_model_load(scenario_build(scenario, name, NULL), NULL, &model, &err), &err);
        scenario_keep(scenario, as, model, close_model);
    }
    json_decref((json_t *)as);
    return scenario_object(scenario, step, "model", close_model);
}
