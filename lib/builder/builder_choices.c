/* lib/builder/builder_choices.c - what follows from the library that a model is from, and in words.
 *
 * Fields that the caller has set stay. Of the others, the source (known_sources.h) and what its
 * file says about ratings decide metric, link and algorithm.
 */
#include <string.h>

#include "lib/base/error.h"
#include "lib/builder/known_sources.h"
#include "lib/builder/parts.h"
#include "lib/bundle/manifest.h"

static const char *get_field(const struct recsys_builder *builder, const char *field)
{
    return json_string_value(json_object_get(builder->fields, field));
}

static int has_scale(const struct recsys_builder *builder)
{
    return builder->scale[0] < builder->scale[1];
}

/* The row of the source's table for the algorithm, if the source has several. */
static const struct rs_known_source *source_of(const struct recsys_builder *builder)
{
    if (builder->source == NULL)
        return NULL;
    return rs_known_source_find(builder->source->name, get_field(builder, "algorithm") == NULL
                                                           ? builder->source->algorithm
                                                           : get_field(builder, "algorithm"));
}

static recsys_status set_default(struct recsys_builder *builder, const char *field,
                                 const char *value, recsys_error *err)
{
    if (json_object_get(builder->fields, field) != NULL || value[0] == '\0')
        return RECSYS_OK;
    return recsys_builder_set_field(builder, field, value, err);
}

static recsys_status set_range(struct recsys_builder *builder, double min, double max,
                               recsys_error *err)
{
    if (json_object_get(builder->fields, "link_min") != NULL ||
        json_object_get(builder->fields, "link_max") != NULL)
        return RECSYS_OK;
    if (json_object_set_new(builder->fields, "link_min", json_real(min)) != 0 ||
        json_object_set_new(builder->fields, "link_max", json_real(max)) != 0)
        return rs_error_nomem(err, "link");
    return RECSYS_OK;
}

static recsys_status settle_link(struct recsys_builder *builder,
                                 const struct rs_known_source *source, recsys_error *err)
{
    uint32_t link = has_scale(builder) ? RECSYS_LINK_LINEAR : source != NULL ? source->link : 0;
    const char *metric = get_field(builder, "metric");

    if (source != NULL && metric != NULL && rs_metric_find(metric) == RECSYS_METRIC_COSINE)
        link = RECSYS_LINK_CLIP;
    if (link == 0)
        return RECSYS_OK;
    int is_ours = get_field(builder, "link") == NULL;
    recsys_status status = set_default(builder, "link", rs_link_name(link), err);
    builder->link_is_ours |= is_ours; /* set_field() sets it to 0 */
    if (status != RECSYS_OK || rs_link_find(get_field(builder, "link")) != RECSYS_LINK_LINEAR)
        return status;
    if (has_scale(builder))
        return set_range(builder, builder->scale[0], builder->scale[1], err);
    if (source != NULL && source->link == RECSYS_LINK_LINEAR)
        return set_range(builder, source->link_min, source->link_max, err);
    return RECSYS_OK;
}

recsys_status rs_builder_settle(struct recsys_builder *builder, recsys_error *err)
{
    const struct rs_known_source *source = source_of(builder);
    recsys_status status = RECSYS_OK;

    if (source != NULL) {
        status = set_default(builder, "algorithm", source->algorithm, err);
        if (status == RECSYS_OK)
            status = set_default(builder, "metric", rs_metric_name(source->metric), err);
    }
    if (status == RECSYS_OK)
        status = settle_link(builder, source, err);
    if (status == RECSYS_OK && builder->mean != 0 &&
        json_object_set_new(builder->hyperparameters, "global_mean", json_real(builder->mean)) != 0)
        status = rs_error_nomem(err, "global_mean");
    return status;
}

static void say_parts(const struct recsys_builder *builder, struct rs_buffer *out)
{
    for (int part = 0; part < RS_N_PARTS; part++)
        if (builder->parts[part].is_chosen)
            rs_buffer_format(out, "%s: %s\n", rs_part_kinds[part].name,
                             builder->parts[part].origin);
    if (builder->mean != 0)
        rs_buffer_format(out, "global mean: %.9g, added to item_bias\n", builder->mean);
    if (rs_part_is_set(&builder->parts[RS_PART_ITEM_FACTORS]) &&
        builder->parts[RS_PART_USER_FACTORS].array.shape[0] == 0)
        rs_buffer_add_text(out, "users: none, so the model answers without users only: similar "
                                "items, items that were liked, popularity\n");
}

/* The link, unless the caller has set it. */
static void say_link(const struct recsys_builder *builder, struct rs_buffer *out)
{
    const struct rs_known_source *source = source_of(builder);
    const char *link = get_field(builder, "link");

    if (link != NULL && !builder->link_is_ours)
        return;
    rs_buffer_format(out, "link: %s", link == NULL ? "sigmoid" : link);
    if (link != NULL && rs_link_find(link) == RECSYS_LINK_LINEAR)
        rs_buffer_format(out, " from %g to %g",
                         json_number_value(json_object_get(builder->fields, "link_min")),
                         json_number_value(json_object_get(builder->fields, "link_max")));
    rs_buffer_format(out, " (%s)\n",
                     has_scale(builder) ? "the file's rating_scale"
                     : source != NULL   ? source->why
                                        : "nothing says what a score means; set source or link");
}

static void say_all(const struct recsys_builder *builder, struct rs_buffer *out)
{
    const char *metric = get_field(builder, "metric");

    if (builder->source != NULL)
        rs_buffer_format(out, "source: %s%s\n", builder->source->name,
                         builder->source_is_given ? "" : " (recognised)");
    say_parts(builder, out);
    if (builder->source != NULL)
        rs_buffer_format(out, "metric: %s\n", metric == NULL ? "inner_product" : metric);
    say_link(builder, out);
    if (builder->notes.size > 0)
        rs_buffer_add(out, builder->notes.bytes, builder->notes.size);
}

recsys_status recsys_builder_get_choices(recsys_builder *builder, const char **out,
                                         recsys_error *err)
{
    if (out != NULL)
        *out = NULL;
    if (builder == NULL || out == NULL)
        return rs_error(err, RECSYS_E_INVALID, "recsys_builder_get_choices: %s is NULL",
                        builder == NULL ? "builder" : "out");
    recsys_status status = rs_builder_settle(builder, err);
    if (status != RECSYS_OK)
        return status;
    rs_buffer_clear(&builder->choices);
    say_all(builder, &builder->choices);
    if (builder->choices.status != RECSYS_OK)
        return rs_error_nomem(err, "choices");
    *out = builder->choices.size == 0 ? "" : builder->choices.bytes;
    return RECSYS_OK;
}
