/* daemon/http/members.c - joins the rows of shape.h with the readers of fields.h. */
#include "daemon/http/members.h"

#include <string.h>

bool rd_shape_has(const struct rd_shape *shape, const char *name)
{
    for (; shape != NULL; shape = shape->also)
        for (size_t i = 0; i < shape->n_members; i++)
            if (strcmp(shape->members[i].name, name) == 0)
                return true;
    return false;
}

static void add_null(struct rd_problems *problems, const struct rd_place *at,
                     const struct rd_member *member, const json_t *value)
{
    if (member->type == RD_TYPE_TEXT)
        rd_problem_add(problems, "string_type", at, "Input should be a valid string", value, NULL);
    else if (member->type == RD_TYPE_IDS || member->type == RD_TYPE_OBJECTS)
        rd_problem_add(problems, "list_type", at, "Input should be a valid list", value, NULL);
    else
        rd_problem_add(problems, "missing", at, "Field required", value, NULL);
}

bool rd_member_is_there(struct rd_problems *problems, const struct rd_place *outer,
                        const json_t *body, const struct rd_member *member)
{
    const struct rd_place at = {outer, member->name, 0};
    const json_t *value = json_object_get(body, member->name);

    if (value != NULL && !json_is_null(value))
        return true;
    if (value == NULL && (member->flags & RD_REQUIRED) != 0)
        rd_problem_add(problems, "missing", &at, "Field required", body, NULL);
    if (value != NULL && (member->flags & (RD_REQUIRED | RD_NOT_NULL)) != 0)
        add_null(problems, &at, member, value);
    return false;
}

void rd_member_int(struct rd_problems *problems, const struct rd_place *outer, const json_t *body,
                   const struct rd_member *member, int64_t *out)
{
    if ((member->flags & RD_PRESET) != 0)
        *out = (int64_t)member->preset;
    if (rd_member_is_there(problems, outer, body, member))
        rd_field_int(problems, &(const struct rd_place){outer, member->name, 0},
                     json_object_get(body, member->name), member->min, member->max, out);
}

void rd_member_double(struct rd_problems *problems, const struct rd_place *outer,
                      const json_t *body, const struct rd_member *member, double *out)
{
    if ((member->flags & RD_PRESET) != 0)
        *out = member->preset;
    if (rd_member_is_there(problems, outer, body, member))
        rd_field_double(problems, &(const struct rd_place){outer, member->name, 0},
                        json_object_get(body, member->name), (int)member->min, (int)member->max,
                        out);
}

void rd_member_float(struct rd_problems *problems, const struct rd_place *outer, const json_t *body,
                     const struct rd_member *member, float *out)
{
    double number = (double)*out;

    rd_member_double(problems, outer, body, member, &number);
    *out = (float)number;
}

void rd_member_text(struct rd_problems *problems, const struct rd_place *outer, const json_t *body,
                    const struct rd_member *member, const char **out)
{
    if (rd_member_is_there(problems, outer, body, member))
        rd_field_text(problems, &(const struct rd_place){outer, member->name, 0},
                      json_object_get(body, member->name), (size_t)member->min,
                      member->max > 0 ? (size_t)member->max : SIZE_MAX, out);
}

void rd_member_bool(struct rd_problems *problems, const struct rd_place *outer, const json_t *body,
                    const struct rd_member *member, bool *out)
{
    if ((member->flags & RD_PRESET) != 0)
        *out = member->preset > 0.0;
    if (rd_member_is_there(problems, outer, body, member))
        rd_field_bool(problems, &(const struct rd_place){outer, member->name, 0},
                      json_object_get(body, member->name), out);
}

void rd_member_decade(struct rd_problems *problems, const struct rd_place *outer,
                      const json_t *body, const struct rd_member *member, int32_t *out)
{
    rd_field_decade(problems, &(const struct rd_place){outer, member->name, 0},
                    json_object_get(body, member->name), out);
}

void rd_member_words(struct rd_problems *problems, const struct rd_place *outer, const json_t *body,
                     const struct rd_member *member, struct rd_words *out)
{
    rd_field_words(problems, &(const struct rd_place){outer, member->name, 0},
                   json_object_get(body, member->name), out);
}

bool rd_member_ids(struct rd_problems *problems, const struct rd_place *outer, const json_t *body,
                   const struct rd_member *member, uint32_t kind, recsys_id *out, size_t *n_out)
{
    *n_out = 0;
    if (!rd_member_is_there(problems, outer, body, member))
        return false;
    rd_field_ids(problems, &(const struct rd_place){outer, member->name, 0},
                 json_object_get(body, member->name), kind, (size_t)member->min,
                 (size_t)member->max, out, n_out);
    return true;
}
