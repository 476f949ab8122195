/* tests/scenarios/c/call_domains.c - calls about domains, over a source that a scenario tells what
 * to answer. */
#include <string.h>

#include "tests/scenarios/c/scenario.h"

static void close_source(void *source)
{
    recsys_source_unref(source);
}

static void close_domains(void *domains)
{
    recsys_domains_destroy(domains);
}

/* A source answers by a table: {statement: {parameters joined by '|': {"columns", "rows"}}}. */

static recsys_datum datum_of(const json_t *value)
{
    recsys_datum datum = {.type = RECSYS_TYPE_NULL};

    if (json_is_integer(value))
        return recsys_datum_integer(json_integer_value(value));
    if (json_is_real(value))
        return recsys_datum_real(json_real_value(value));
    if (json_is_string(value))
        return recsys_datum_text(json_string_value(value));
    if (json_is_boolean(value)) {
        datum.type = RECSYS_TYPE_BOOL;
        datum.number = json_is_true(value);
    }
    return datum;
}

static void join_parameters(const recsys_datum *parameters, size_t n, char *out, size_t room)
{
    size_t used = 0;

    for (size_t i = 0; i < n; i++) {
        json_t *text =
            parameters[i].type == RECSYS_TYPE_TEXT
                ? json_stringn(parameters[i].text, parameters[i].size)
                : json_sprintf("%" JSON_INTEGER_FORMAT, (json_int_t)parameters[i].number);
        size_t length = json_string_length(text);
        if (used + length + 2 > room)
            scenario_broken("parameters are too long", NULL);
        if (i > 0)
            out[used++] = '|';
        memcpy(out + used, json_string_value(text), length);
        used += length;
        json_decref(text);
    }
    out[used] = '\0';
}

static recsys_status add_rows(recsys_rows *rows, const json_t *answer, recsys_error *err)
{
    const json_t *columns = json_object_get(answer, "columns");
    const json_t *list = json_object_get(answer, "rows"), *row;
    recsys_status status = RECSYS_OK;
    size_t i;

    for (i = 0; status == RECSYS_OK && i < json_array_size(columns); i++)
        status = recsys_rows_add_column(rows, json_string_value(json_array_get(columns, i)), err);
    json_array_foreach(list, i, row) for (size_t j = 0;
                                          status == RECSYS_OK && j < json_array_size(row); j++)
        status = recsys_rows_add(rows, datum_of(json_array_get(row, j)), err);
    return status;
}

static recsys_status query(void *self, void *session, const char *statement,
                           const recsys_datum *parameters, size_t n, uint32_t timeout_ms,
                           recsys_rows *rows, recsys_error *err)
{
    char key[1024] = "";
    const json_t *answers = json_object_get(self, statement), *answer;

    (void)session;
    (void)timeout_ms;
    join_parameters(parameters, n, key, sizeof key);
    answer = json_object_get(answers, key);
    if (answer == NULL)
        return recsys_error_set(err, RECSYS_E_BACKEND,
                                "the scenario has no answer to this statement");
    if (member_text(answer, "fails") != NULL)
        return recsys_error_set(err, status_of(member_text(answer, "fails")),
                                member_text(answer, "message"));
    return add_rows(rows, answer, err);
}

static recsys_status begin(void *self, uint32_t timeout_ms, void **session, recsys_error *err)
{
    (void)timeout_ms;
    (void)err;
    *session = self;
    return RECSYS_OK;
}

static recsys_status end(void *self, void *session, uint32_t commit, uint32_t timeout_ms,
                         recsys_error *err)
{
    (void)self;
    (void)session;
    (void)commit;
    (void)timeout_ms;
    (void)err;
    return RECSYS_OK;
}

static void forget(void *self)
{
    json_decref(self);
}

static recsys_status call_source(struct scenario *s, const json_t *step, json_t *result,
                                 recsys_error *err)
{
    recsys_source_driver driver = RECSYS_SOURCE_DRIVER_INIT;
    recsys_source *source;

    (void)result;
    driver.query = query;
    driver.begin = begin;
    driver.end = end;
    driver.destroy = forget;
    recsys_status status =
        recsys_source_create(member_need(step, "as"), &driver,
                             json_deep_copy(json_object_get(step, "answers")), &source, err);
    scenario_keep(s, step, source, close_source);
    return status;
}

static uint32_t shape_of(const json_t *definition)
{
    const char *shape = member_need(definition, "shape");

    return strcmp(shape, "object") == 0 ? RECSYS_SHAPE_OBJECT
           : strcmp(shape, "list") == 0 ? RECSYS_SHAPE_LIST
                                        : RECSYS_SHAPE_COLUMN;
}

static recsys_status call_query(struct scenario *s, const json_t *step, json_t *result,
                                recsys_error *err)
{
    const json_t *list = json_object_get(step, "parameters");
    recsys_datum *parameters = scenario_memory(s, json_array_size(list), sizeof *parameters);
    recsys_value json = {NULL, 0, NULL, NULL};
    recsys_rows *rows;

    for (size_t i = 0; i < json_array_size(list); i++)
        parameters[i] = datum_of(json_array_get(list, i));
    recsys_status status = recsys_source_query(scenario_object(s, step, "source", close_source),
                                               member_need(step, "statement"), parameters,
                                               json_array_size(list), 0, &rows, err);
    if (status != RECSYS_OK)
        return status;
    json_object_set_new(result, "count", json_integer((json_int_t)recsys_rows_count(rows)));
    status = recsys_rows_format(rows, shape_of(step), &json, err);
    json_object_set_new(result, "json", json_of_value(&json));
    recsys_rows_destroy(rows);
    return status;
}

static recsys_status add_definition(recsys_domains *domains, const json_t *wanted,
                                    recsys_error *err)
{
    recsys_domain_definition definition = RECSYS_DOMAIN_DEFINITION_INIT;

    definition.name = member_text(wanted, "name");
    definition.key = member_text(wanted, "key");
    definition.query = member_text(wanted, "query");
    definition.warm_query = member_text(wanted, "warm_query");
    definition.db = (uint32_t)member_number(wanted, "db");
    definition.shape = shape_of(wanted);
    definition.ttl_s = (uint32_t)member_number(wanted, "ttl_s");
    definition.max_rows = (uint32_t)member_number(wanted, "max_rows");
    definition.flags = (member_true(wanted, "per_user") ? RECSYS_DOMAIN_PER_USER : 0) |
                       (member_true(wanted, "no_negative") ? RECSYS_DOMAIN_NO_NEGATIVE : 0) |
                       (definition.warm_query != NULL ? RECSYS_DOMAIN_WARM : 0);
    return recsys_domains_add(domains, &definition, err);
}

static recsys_status call_domains(struct scenario *s, const json_t *step, json_t *result,
                                  recsys_error *err)
{
    recsys_domains_options options = RECSYS_DOMAINS_OPTIONS_INIT;
    const json_t *definitions = json_object_get(step, "definitions");
    recsys_domains *domains;

    (void)result;
    options.source = scenario_object(s, step, "source", close_source);
    recsys_status status = recsys_domains_create(&options, &domains, err);
    for (size_t i = 0; status == RECSYS_OK && i < json_array_size(definitions); i++)
        status = add_definition(domains, json_array_get(definitions, i), err);
    scenario_keep(s, step, domains, close_domains);
    return status;
}

static recsys_status call_domain_get(struct scenario *s, const json_t *step, json_t *result,
                                     recsys_error *err)
{
    size_t n;
    const char *const *values = member_texts(s, step, "values", &n);
    recsys_value json = {NULL, 0, NULL, NULL};
    uint32_t outcome = 0;
    recsys_status status = recsys_domains_get(
        scenario_object(s, step, "domains", close_domains), member_need(step, "name"), values, n,
        (uint32_t)member_number(step, "limit"), &json, &outcome, err);

    json_object_set_new(result, "json", json_of_value(&json));
    json_object_set_new(result, "outcome", json_of_outcome(outcome));
    return status;
}

static recsys_status call_domain_invalidate(struct scenario *s, const json_t *step, json_t *result,
                                            recsys_error *err)
{
    recsys_domains *domains = scenario_object(s, step, "domains", close_domains);
    size_t n;
    const char *const *values = member_texts(s, step, "values", &n);

    (void)result;
    if (member_text(step, "user") != NULL)
        return recsys_domains_invalidate_user(domains, member_text(step, "user"), err);
    return recsys_domains_invalidate(domains, member_need(step, "name"), values, n, err);
}

static recsys_status call_domain_write(struct scenario *s, const json_t *step, json_t *result,
                                       recsys_error *err)
{
    size_t n_names, n;
    const char *const *names = member_texts(s, step, "names", &n_names);
    const char *const *values = member_texts(s, step, "values", &n);

    (void)result;
    return recsys_domains_write(scenario_object(s, step, "domains", close_domains), names, n_names,
                                values, n, member_need(step, "statement"), NULL, 0, NULL, err);
}

static recsys_status call_warm(struct scenario *s, const json_t *step, json_t *result,
                               recsys_error *err)
{
    recsys_warming warming = RECSYS_WARMING_INIT;
    recsys_status status = recsys_domains_warm(scenario_object(s, step, "domains", close_domains),
                                               member_text(step, "name"), 0, &warming, err);

    json_object_set_new(result, "loaded", json_integer((json_int_t)warming.loaded));
    json_object_set_new(result, "present", json_integer((json_int_t)warming.present));
    json_object_set_new(result, "failed", json_integer((json_int_t)warming.failed));
    return status;
}

const struct named_call domain_calls[] = {{"source", call_source},
                                          {"query", call_query},
                                          {"domains", call_domains},
                                          {"domain_get", call_domain_get},
                                          {"domain_invalidate", call_domain_invalidate},
                                          {"domain_write", call_domain_write},
                                          {"warm", call_warm},
                                          {NULL, NULL}};
