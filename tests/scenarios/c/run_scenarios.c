/* tests/scenarios/c/run_scenarios.c - run scenarios against the C API.
 *
 * Usage: run_scenarios FOLDER [FILE.json...]
 *
 * FOLDER is tests/scenarios. Without files it runs every .json of FOLDER. Prints a line for each
 * scenario that fails, with what was expected and what came, and at last "N passed, N failed".
 */
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/scenarios/c/scenario.h"
#include "tests/support/bundle.h"

static scenario_call find_call(const char *name)
{
    const struct named_call *const lists[] = {model_calls, recommend_calls, serving_calls,
                                              cache_calls, guard_calls,     domain_calls};

    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        for (const struct named_call *call = lists[i]; call->name != NULL; call++)
            if (strcmp(call->name, name) == 0)
                return call->call;
    scenario_broken("no such call", name);
}

/* Make the step's call; the result says with which status and message it failed, if it did. */
static json_t *take_step(struct scenario *scenario, const json_t *step)
{
    json_t *result = json_object();
    recsys_error err = {0, 0, ""};
    recsys_status status = find_call(member_need(step, "call"))(scenario, step, result, &err);

    if (status != RECSYS_OK) {
        json_object_set_new(result, "fails", json_string(recsys_status_name(status)));
        json_object_set_new(result, "message", json_string(err.message));
    }
    scenario_forget(scenario);
    return result;
}

static int has_message(const json_t *expect, const json_t *result)
{
    const char *part = member_text(expect, "says"), *message = member_text(result, "message");

    return part == NULL || (message != NULL && strstr(message, part) != NULL);
}

/* Every expected member is equal to the result's; a failure must be expected. */
static int is_expected(const json_t *expect, const json_t *result)
{
    const char *key;
    json_t *value;

    if (json_object_get(expect, "fails") == NULL && json_object_get(result, "fails") != NULL)
        return 0;
    json_object_foreach((json_t *)expect, key,
                        value) if (strcmp(key, "says") != 0 &&
                                   !json_equal(value, json_object_get(result, key))) return 0;
    return has_message(expect, result);
}

static int run_steps(struct scenario *scenario, const char *file, const json_t *told)
{
    const json_t *steps = json_object_get(told, "steps");
    int passed = 1;

    for (size_t i = 0; passed && i < json_array_size(steps); i++) {
        const json_t *step = json_array_get(steps, i), *expect = json_object_get(step, "expect");
        json_t *result = take_step(scenario, step);
        passed = is_expected(expect, result);
        if (!passed) {
            char *wanted = json_dumps(expect, JSON_SORT_KEYS | JSON_ENCODE_ANY);
            char *came = json_dumps(result, JSON_SORT_KEYS);
            printf("FAILED: %s: %s\n  step %zu, %s\n  expected %s\n  came     %s\n", file,
                   member_need(told, "name"), i, member_need(step, "call"),
                   wanted == NULL ? "success" : wanted, came);
            free(wanted);
            free(came);
        }
        json_decref(result);
    }
    return passed;
}

static int run_scenario(const char *folder, const char *file, const json_t *told)
{
    struct scenario scenario = {.folder = folder};
    char *scratch = bundle_make_directory();

    if (strlen(scratch) >= sizeof scenario.scratch)
        scenario_broken("TMPDIR is too long", scratch);
    memcpy(scenario.scratch, scratch, strlen(scratch) + 1);
    int passed = run_steps(&scenario, file, told);
    scenario_close_all(&scenario);
    bundle_remove_directory(scratch);
    free(scratch);
    return passed;
}

static void run_file(const char *folder, const char *file, size_t counts[2])
{
    json_error_t where;
    json_t *content = json_load_file(file, JSON_REJECT_DUPLICATES, &where), *told;
    size_t i;

    if (content == NULL)
        scenario_broken(file, where.text);
    json_array_foreach(json_object_get(content, "scenarios"), i, told)
        counts[run_scenario(folder, file, told)]++;
    json_decref(content);
}

int main(int argc, char **argv)
{
    size_t counts[2] = {0, 0};
    glob_t found = {.gl_pathc = 0};
    char pattern[4096];

    if (argc < 2) {
        fprintf(stderr, "usage: run_scenarios FOLDER [FILE.json...]\n");
        return 2;
    }
    snprintf(pattern, sizeof pattern, "%s/*.json", argv[1]);
    if (argc == 2 && glob(pattern, 0, NULL, &found) != 0)
        scenario_broken("no scenarios in", argv[1]);
    for (size_t i = 0; i < found.gl_pathc; i++)
        run_file(argv[1], found.gl_pathv[i], counts);
    for (int i = 2; i < argc; i++)
        run_file(argv[1], argv[i], counts);
    globfree(&found);
    printf("%zu passed, %zu failed\n", counts[1], counts[0]);
    return counts[0] == 0 && counts[1] > 0 ? 0 : 1;
}
