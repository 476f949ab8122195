/* daemon/openapi/schema.c - see schema.h.
 *
 * A member that may be null says so; a boolean that is read as pydantic reads it may be text or a
 * number as well. Texts and limits of words, ids and decades are those of daemon/http/fields.h.
 */
#include "daemon/openapi/schema.h"

#include <stdio.h>
#include <string.h>

#include <recsys/model.h>

#include "daemon/http/fields.h"

void rd_document_put(struct rd_document *to, json_t *object, const char *name, json_t *value)
{
    if (json_object_set_new(object, name, value) != 0)
        to->failed = true;
}

json_t *rd_document_ref(const char *kind, const char *name)
{
    return json_pack("{s:o}", "$ref", json_sprintf("#/components/%s/%s", kind, name));
}

void rd_document_describe(struct rd_document *to, const char *place, const char *name,
                          json_t *schema)
{
    json_t *members = json_object_get(to->words, "members"), *words;
    char both[128];

    (void)snprintf(both, sizeof both, "%s.%s", place, name);
    words = json_object_get(members, both);
    if (words == NULL)
        words = json_object_get(members, name);
    if (json_is_string(words))
        to->failed |= json_object_set(schema, "description", words) != 0;
    else if (words != NULL)
        to->failed |= json_object_update(schema, words) != 0;
}

static json_t *make_number(const char *type, int64_t min, int64_t max)
{
    return json_pack("{s:s,s:I,s:I}", "type", type, "minimum", (json_int_t)min, "maximum",
                     (json_int_t)max);
}

static json_t *make_text(struct rd_document *to, int64_t min, int64_t max)
{
    json_t *schema = json_pack("{s:s}", "type", "string");

    if (min > 0)
        rd_document_put(to, schema, "minLength", json_integer(min));
    if (max > 0)
        rd_document_put(to, schema, "maxLength", json_integer(max));
    return schema;
}

static json_t *make_list(struct rd_document *to, int64_t min, int64_t max, json_t *element)
{
    json_t *schema = json_pack("{s:s}", "type", "array");

    if (min > 0)
        rd_document_put(to, schema, "minItems", json_integer(min));
    rd_document_put(to, schema, "maxItems", json_integer(max));
    rd_document_put(to, schema, "items", element);
    return schema;
}

static json_t *make_choices(struct rd_document *to, const char *const *choices)
{
    json_t *list = json_array();

    for (; *choices != NULL; choices++)
        to->failed |= json_array_append_new(list, json_string(*choices)) != 0;
    return json_pack("{s:s,s:o}", "type", "string", "enum", list);
}

/* The same schema, or null. */
static json_t *or_null(struct rd_document *to, json_t *schema)
{
    json_t *type = json_object_get(schema, "type");

    if (json_object_get(schema, "$ref") != NULL)
        return json_pack("{s:[o,{s:s}]}", "oneOf", schema, "type", "null");
    if (json_is_string(type))
        rd_document_put(to, schema, "type", json_pack("[O,s]", type, "null"));
    else if (json_is_array(type))
        to->failed |= json_array_append_new(type, json_string("null")) != 0;
    return schema;
}

json_t *rd_schema_of_member(struct rd_document *to, const struct rd_member *member)
{
    int64_t min = member->min, max = member->max;
    json_t *schema;

    switch (member->type) {
    case RD_TYPE_INTEGER:
        return make_number("integer", min, max);
    case RD_TYPE_NUMBER:
        return make_number("number", min, max);
    case RD_TYPE_TEXT:
        schema = make_text(to, min, max);
        if (member->pattern != NULL)
            rd_document_put(to, schema, "pattern", json_string(member->pattern));
        return schema;
    case RD_TYPE_BOOLEAN:
        return (member->flags & RD_STRICT) != 0
                   ? json_pack("{s:s}", "type", "boolean")
                   : json_pack("{s:[sss]}", "type", "boolean", "integer", "string");
    case RD_TYPE_DECADE:
        return json_pack("{s:s,s:s}", "type", "string", "pattern", RD_DECADE_PATTERN);
    case RD_TYPE_CHOICE:
        return make_choices(to, member->choices);
    case RD_TYPE_WORDS:
        return make_list(to, 0, RD_WORDS_MAX, make_text(to, 0, RD_WORD_MAX));
    case RD_TYPE_ID:
        return rd_document_ref("schemas", "Id");
    case RD_TYPE_IDS:
        schema = make_list(to, min, max, rd_document_ref("schemas", "Id"));
        if ((member->flags & RD_UNIQUE) != 0)
            rd_document_put(to, schema, "uniqueItems", json_true());
        return schema;
    case RD_TYPE_NUMBERS:
        return make_list(to, 0, RD_NUMBERS_MAX, make_number("number", min, max));
    case RD_TYPE_OBJECT:
        return member->shape != NULL ? rd_schema_of_shape(to, member->shape)
                                     : json_pack("{s:s}", "type", "object");
    case RD_TYPE_OBJECTS:
        return make_list(to, min, max, rd_schema_of_shape(to, member->shape));
    case RD_TYPE_MAP:
        return json_pack("{s:s,s:o}", "type", "object", "additionalProperties",
                         or_null(to, rd_schema_of_member(to, &member->shape->members[0])));
    case RD_TYPE_OTHER:
        break;
    }
    return json_object();
}

static json_t *make_preset(const struct rd_member *member)
{
    if (member->type == RD_TYPE_BOOLEAN)
        return json_boolean(member->preset > 0.0);
    if (member->preset == (double)(json_int_t)member->preset)
        return json_integer((json_int_t)member->preset);
    return json_real(member->preset);
}

static void add_members(struct rd_document *to, const struct rd_shape *shape, const char *place,
                        json_t *properties, json_t *required)
{
    for (size_t i = 0; i < shape->n_members; i++) {
        const struct rd_member *member = &shape->members[i];
        json_t *schema = rd_schema_of_member(to, member);

        if ((member->flags & (RD_REQUIRED | RD_NOT_NULL)) == 0)
            schema = or_null(to, schema);
        if ((member->flags & RD_PRESET) != 0)
            rd_document_put(to, schema, "default", make_preset(member));
        rd_document_describe(to, place, member->name, schema);
        rd_document_put(to, properties, member->name, schema);
        if ((member->flags & RD_REQUIRED) != 0)
            to->failed |= json_array_append_new(required, json_string(member->name)) != 0;
    }
    if (shape->also != NULL)
        add_members(to, shape->also, place, properties, required);
}

/* The words may have other keywords for it. */
static void add_shape(struct rd_document *to, const struct rd_shape *shape)
{
    const json_t *words = json_object_get(to->words, "shapes");
    json_t *properties = json_object(), *required = json_array();
    json_t *schema = json_pack("{s:s}", "type", "object"),
           *more = json_object_get(words, shape->name);

    add_members(to, shape, shape->name, properties, required);
    if (json_array_size(required) > 0)
        rd_document_put(to, schema, "required", required);
    else
        json_decref(required);
    rd_document_put(to, schema, "properties", properties);
    if (more != NULL)
        to->failed |= json_object_update(schema, more) != 0;
    rd_document_put(to, to->schemas, shape->name, schema);
}

json_t *rd_schema_of_shape(struct rd_document *to, const struct rd_shape *shape)
{
    if (json_object_get(to->schemas, shape->name) == NULL)
        add_shape(to, shape);
    if (shape->or_as == NULL)
        return rd_document_ref("schemas", shape->name);
    return json_pack("{s:[o,o]}", "anyOf", rd_schema_of_shape(to, shape->or_as),
                     rd_document_ref("schemas", shape->name));
}
