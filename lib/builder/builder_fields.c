/* lib/builder/builder_fields.c - the fields of a bundle's manifest: checked and copied. */
#include <math.h>
#include <string.h>

#include "lib/base/error.h"
#include "lib/base/json.h"
#include "lib/base/real.h"
#include "lib/base/utf8.h"
#include "lib/builder/known_sources.h"
#include "lib/builder/parts.h"
#include "lib/bundle/manifest.h"

static recsys_status bad_field(const char *field, const char *want, recsys_error *err)
{
    return rs_error(err, RECSYS_E_INVALID, "field %.80s must be %s", field, want);
}

static recsys_status store(json_t *object, const char *key, json_t *value, recsys_error *err)
{
    if (json_object_set_new(object, key, value) != 0)
        return rs_error_nomem(err, key);
    return RECSYS_OK;
}

/* tags.NAME: always text, also if it has only digits. */
static recsys_status set_tag(json_t *object, const char *field, const char *key, const char *value,
                             recsys_error *err)
{
    if (key[0] == '\0')
        return bad_field(field, "followed by a name", err);
    if (!rs_utf8_is_valid(key, strlen(key)) || !rs_utf8_is_valid(value, strlen(value)))
        return bad_field(field, "UTF-8 text", err);
    return store(object, key, json_string(value), err);
}

/* metrics.NAME and hyperparameters.NAME. */
static recsys_status set_member(json_t *object, const char *field, const char *key,
                                const char *value, recsys_error *err)
{
    json_t *json = NULL;

    if (key[0] == '\0')
        return bad_field(field, "followed by a name", err);
    if (!rs_utf8_is_valid(key, strlen(key)) || !rs_utf8_is_valid(value, strlen(value)))
        return bad_field(field, "UTF-8 text", err);
    if (rs_json_parse(value, strlen(value), field, &json, NULL) == RECSYS_E_NOMEM)
        return rs_error_nomem(err, field);
    if (json_is_string(json) || json_is_object(json) || json_is_array(json)) {
        json_decref(json);
        json = NULL;
    }
    return store(object, key, json != NULL ? json : json_string(value), err);
}

static recsys_status set_limit(json_t *fields, const char *field, const char *value,
                               recsys_error *err)
{
    json_t *json = NULL;
    recsys_status status = rs_json_parse(value, strlen(value), field, &json, NULL);

    if (status == RECSYS_E_NOMEM)
        return rs_error_nomem(err, field);
    if (status == RECSYS_OK && json_is_number(json)) {
        double number = json_number_value(json);
        json_decref(json);
        return store(fields, field, json_real(number), err);
    }
    json_decref(json);
    return bad_field(field, "a number", err);
}

static recsys_status set_text(json_t *fields, const char *field, const char *value,
                              recsys_error *err)
{
    size_t size = strlen(value);
    int needed = strcmp(field, "name") == 0 || strcmp(field, "version") == 0;

    if (size > RS_MANIFEST_MAX_TEXT || !rs_utf8_is_valid(value, size) || (needed && size == 0))
        return bad_field(field, needed ? "1 to 255 bytes of UTF-8" : "at most 255 bytes of UTF-8",
                         err);
    return store(fields, field, json_string(value), err);
}

static recsys_status set_mean(recsys_builder *builder, const char *value, recsys_error *err)
{
    if (!rs_real_read(value, strlen(value), &builder->mean) || !isfinite((float)builder->mean)) {
        builder->mean = 0;
        return bad_field("global_mean", "a number", err);
    }
    return RECSYS_OK;
}

static recsys_status set_source(recsys_builder *builder, const char *value, recsys_error *err)
{
    const struct rs_known_source *source = rs_known_source_find(value, NULL);

    if (source == NULL)
        return bad_field("source", rs_known_source_names(), err);
    builder->source = source;
    builder->source_is_given = 1;
    return RECSYS_OK;
}

recsys_status recsys_builder_set_field(recsys_builder *builder, const char *field,
                                       const char *value, recsys_error *err)
{
    static const char *const texts[] = {"name", "version", "algorithm", "training_date",
                                        "item_name"};

    if (builder == NULL || field == NULL || value == NULL)
        return rs_error(err, RECSYS_E_INVALID, "recsys_builder_set_field: %s is NULL",
                        builder == NULL ? "builder"
                        : field == NULL ? "field"
                                        : "value");
    if (strncmp(field, "metrics.", 8) == 0)
        return set_member(builder->metrics, field, field + 8, value, err);
    if (strncmp(field, "hyperparameters.", 16) == 0)
        return set_member(builder->hyperparameters, field, field + 16, value, err);
    if (strncmp(field, "tags.", 5) == 0)
        return set_tag(builder->tags, field, field + 5, value, err);
    if (strcmp(field, "link_min") == 0 || strcmp(field, "link_max") == 0)
        return set_limit(builder->fields, field, value, err);
    if (strcmp(field, "metric") == 0 && rs_metric_find(value) == 0)
        return bad_field(field, "inner_product or cosine", err);
    if (strcmp(field, "link") == 0 && rs_link_find(value) == 0)
        return bad_field(field, "sigmoid, linear or clip", err);
    if (strcmp(field, "similar_by") == 0 && rs_similar_find(value) == 0)
        return bad_field(field, "vector, vector_bias or vector_bias_one", err);
    if (strcmp(field, "link") == 0)
        builder->link_is_ours = 0;
    if (strcmp(field, "metric") == 0 || strcmp(field, "link") == 0 ||
        strcmp(field, "similar_by") == 0)
        return store(builder->fields, field, json_string(value), err);
    if (strcmp(field, "global_mean") == 0)
        return set_mean(builder, value, err);
    if (strcmp(field, "source") == 0)
        return set_source(builder, value, err);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (strcmp(field, texts[i]) == 0)
            return set_text(builder->fields, field, value, err);
    return rs_error(err, RECSYS_E_INVALID, "a model has no field called \"%.80s\"", field);
}
