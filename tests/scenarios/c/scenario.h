/* tests/scenarios/c/scenario.h - what the calls of a scenario share.
 *
 * A call reads its step (JSON), calls the library and fills a result (JSON); README.md in the
 * folder above lists the calls, their members and their results. The objects of a scenario have
 * names. A step that is itself wrong ends the program: only the library's answers are under test.
 */
#ifndef TESTS_SCENARIOS_SCENARIO_H
#define TESTS_SCENARIOS_SCENARIO_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "recsys/recsys.h"

struct scenario {
    const char *folder; /* tests/scenarios */
    char scratch[64];   /* an empty directory of this scenario's own */
    struct object *objects;
    struct memory *memory;
};

typedef recsys_status (*scenario_call)(struct scenario *scenario, const json_t *step,
                                       json_t *result, recsys_error *err);
struct named_call {
    const char *name;
    scenario_call call;
};
/* Each ends with an element without a name. */
extern const struct named_call model_calls[], recommend_calls[], serving_calls[], cache_calls[],
    guard_calls[], domain_calls[];

/* Print what is wrong with the scenario and exit. */
_Noreturn void scenario_broken(const char *what, const char *detail);

/* Zeroed memory until the step is done. */
void *scenario_memory(struct scenario *scenario, size_t n, size_t size);
void scenario_forget(struct scenario *scenario);

/* Give the object the name in the step's member "as"; it is closed at the scenario's end, or when
 * another object gets its name. Without "as" it is closed at once. Objects are of one kind each,
 * which is the function that closes them. NULL is not kept. */
typedef void (*object_close)(void *object);
void scenario_keep(struct scenario *scenario, const json_t *step, void *object, object_close close);
/* The object that the step's member `key` names; NULL if there is no such member. */
void *scenario_object(const struct scenario *scenario, const json_t *step, const char *key,
                      object_close close);
int scenario_has(const struct scenario *scenario, const char *name);
/* 0 if there is no such object. */
int scenario_close(struct scenario *scenario, const char *name);
void scenario_close_all(struct scenario *scenario);

/* The kinds that several files use. */
void close_model(void *model);
void close_filter(void *filter);
void close_store(void *store);
/* The model of this name: an object, else one built from models/NAME.json. */
const recsys_model *scenario_model(struct scenario *scenario, const json_t *step);
/* Build models/NAME.json as a new bundle in the scratch directory, with members of `fields`
 * changed. Returns its path, in the step's memory. */
const char *scenario_build(struct scenario *scenario, const char *name, const json_t *fields);

/* Members of a step or an object; the defaults stand for members that are absent. */
const char *member_text(const json_t *object, const char *key); /* NULL if absent or null */
const char *member_need(const json_t *object, const char *key); /* ends the program if absent */
uint64_t member_number(const json_t *object, const char *key);
double member_real(const json_t *object, const char *key);
int member_true(const json_t *object, const char *key);
recsys_bytes member_bytes(const json_t *object, const char *key);
recsys_bytes bytes_of(const char *text);
recsys_id id_of(const json_t *value);
/* Lists, in the step's memory. NULL, and 0, if absent. */
const char *const *member_texts(struct scenario *scenario, const json_t *object, const char *key,
                                size_t *n);
const recsys_id *member_ids(struct scenario *scenario, const json_t *object, const char *key,
                            size_t *n);
const float *member_floats(struct scenario *scenario, const json_t *object, const char *key,
                           size_t *n);
recsys_bytes *member_list_of_bytes(struct scenario *scenario, const json_t *object, const char *key,
                                   size_t *n);

/* Parts of results. Floats are texts of 8 hex digits: the bits. */
json_t *json_of_id(recsys_id id);
json_t *json_of_float(float value);
json_t *json_of_text(const char *text);     /* null for NULL */
json_t *json_of_value(recsys_value *value); /* and gives it back; null if there is none */
json_t *json_of_outcome(uint32_t outcome);
recsys_status status_of(const char *name);

#endif
