/* tests/scenarios/c/scenario.c - the objects and the memory of a scenario, and JSON in and out. */
#include "tests/scenarios/c/scenario.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void scenario_broken(const char *what, const char *detail)
{
    fprintf(stderr, "the scenario is wrong: %s: %s\n", what, detail == NULL ? "" : detail);
    exit(2);
}

/* -- memory and objects -- */

struct memory {
    struct memory *next;
    max_align_t bytes[];
};

void *scenario_memory(struct scenario *scenario, size_t n, size_t size)
{
    struct memory *memory = calloc(1, sizeof *memory + (n + 1) * size);

    if (memory == NULL)
        scenario_broken("out of memory", NULL);
    memory->next = scenario->memory;
    scenario->memory = memory;
    return memory->bytes;
}

void scenario_forget(struct scenario *scenario)
{
    while (scenario->memory != NULL) {
        struct memory *memory = scenario->memory;
        scenario->memory = memory->next;
        free(memory);
    }
}

struct object {
    struct object *next;
    void *object;
    object_close close;
    char name[64];
};

static struct object **find(const struct scenario *scenario, const char *name)
{
    struct object **at = (struct object **)&scenario->objects;

    while (*at != NULL && strcmp((*at)->name, name) != 0)
        at = &(*at)->next;
    return at;
}

int scenario_has(const struct scenario *scenario, const char *name)
{
    return *find(scenario, name) != NULL;
}

int scenario_close(struct scenario *scenario, const char *name)
{
    struct object **at = find(scenario, name), *object = *at;

    if (object == NULL)
        return 0;
    *at = object->next;
    object->close(object->object);
    free(object);
    return 1;
}

void scenario_close_all(struct scenario *scenario)
{
    while (scenario->objects != NULL)
        scenario_close(scenario, scenario->objects->name);
}

void scenario_keep(struct scenario *scenario, const json_t *step, void *object, object_close close)
{
    const char *name = member_text(step, "as");

    if (object == NULL)
        return;
    if (name == NULL) {
        close(object);
        return;
    }
    scenario_close(scenario, name);
    struct object *kept = calloc(1, sizeof *kept);
    if (kept == NULL || strlen(name) >= sizeof kept->name)
        scenario_broken("a name is too long", name);
    memcpy(kept->name, name, strlen(name));
    kept->object = object;
    kept->close = close;
    kept->next = scenario->objects;
    scenario->objects = kept;
}

void *scenario_object(const struct scenario *scenario, const json_t *step, const char *key,
                      object_close close)
{
    const char *name = member_text(step, key);

    if (name == NULL)
        return NULL;
    struct object *object = *find(scenario, name);
    if (object == NULL || object->close != close)
        scenario_broken("no object of this name and kind", name);
    return object->object;
}

/* -- members -- */

const char *member_text(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

const char *member_need(const json_t *object, const char *key)
{
    const char *text = member_text(object, key);

    if (text == NULL)
        scenario_broken("a step lacks a member", key);
    return text;
}

uint64_t member_number(const json_t *object, const char *key)
{
    return (uint64_t)json_integer_value(json_object_get(object, key));
}

double member_real(const json_t *object, const char *key)
{
    return json_number_value(json_object_get(object, key));
}

int member_true(const json_t *object, const char *key)
{
    return json_is_true(json_object_get(object, key));
}

recsys_bytes bytes_of(const char *text)
{
    return (recsys_bytes){text, text == NULL ? 0 : strlen(text)};
}

recsys_bytes member_bytes(const json_t *object, const char *key)
{
    return bytes_of(member_text(object, key));
}

recsys_id id_of(const json_t *value)
{
    if (json_is_string(value))
        return (recsys_id)RECSYS_ID_TEXT(json_string_value(value), json_string_length(value));
    return (recsys_id)RECSYS_ID_NUMBER((uint64_t)json_integer_value(value));
}

const char *const *member_texts(struct scenario *scenario, const json_t *object, const char *key,
                                size_t *n)
{
    const json_t *list = json_object_get(object, key);
    const char **out = scenario_memory(scenario, json_array_size(list), sizeof *out);

    *n = json_array_size(list);
    for (size_t i = 0; i < *n; i++)
        out[i] = json_string_value(json_array_get(list, i));
    return list == NULL ? NULL : out;
}

const recsys_id *member_ids(struct scenario *scenario, const json_t *object, const char *key,
                            size_t *n)
{
    const json_t *list = json_object_get(object, key);
    recsys_id *out = scenario_memory(scenario, json_array_size(list), sizeof *out);

    *n = json_array_size(list);
    for (size_t i = 0; i < *n; i++)
        out[i] = id_of(json_array_get(list, i));
    return list == NULL ? NULL : out;
}

const float *member_floats(struct scenario *scenario, const json_t *object, const char *key,
                           size_t *n)
{
    const json_t *list = json_object_get(object, key);
    float *out = scenario_memory(scenario, json_array_size(list), sizeof *out);

    *n = json_array_size(list);
    for (size_t i = 0; i < *n; i++)
        out[i] = (float)json_number_value(json_array_get(list, i));
    return list == NULL ? NULL : out;
}

recsys_bytes *member_list_of_bytes(struct scenario *scenario, const json_t *object, const char *key,
                                   size_t *n)
{
    const json_t *list = json_object_get(object, key);
    recsys_bytes *out = scenario_memory(scenario, json_array_size(list), sizeof *out);

    *n = json_array_size(list);
    for (size_t i = 0; i < *n; i++)
        out[i] = bytes_of(json_string_value(json_array_get(list, i)));
    return out;
}

/* -- results -- */

json_t *json_of_text(const char *text)
{
    return text == NULL ? json_null() : json_string(text);
}

json_t *json_of_id(recsys_id id)
{
    return id.text != NULL ? json_stringn(id.text, (size_t)id.number)
                           : json_integer((json_int_t)id.number);
}

json_t *json_of_float(float value)
{
    uint32_t bits;

    memcpy(&bits, &value, sizeof bits);
    return json_sprintf("%08x", bits);
}

json_t *json_of_value(recsys_value *value)
{
    json_t *text = value->data == NULL ? json_null() : json_stringn(value->data, value->size);

    recsys_value_release(value);
    return text;
}

json_t *json_of_outcome(uint32_t outcome)
{
    static const char *const names[] = {"", "hit", "stale", "negative", "miss", "unknown"};

    return json_string(outcome < sizeof names / sizeof *names ? names[outcome] : "?");
}

recsys_status status_of(const char *name)
{
#define X(status, value, text)                                                                     \
    if (strcmp(name, #status) == 0)                                                                \
        return RECSYS_##status;
    RECSYS_STATUS_TABLE(X)
#undef X
    scenario_broken("no such status", name);
}
