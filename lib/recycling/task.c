/* lib/recycling/task.c - read results of Celery's workers from its Redis backend.
 *
 * The key is celery-task-meta-{id}. The value comes from Celery's JSON serialiser: an object of
 * status, result, traceback, children, date_done and task_id (docs.celeryq.dev, "Task result
 * backend settings"). Only JSON is read. A pickled result is a program and is refused unread; a
 * compressed result is not JSON. Members are passed on unchanged, so that numbers keep all digits.
 */
#include <stdio.h>
#include <string.h>

#include "lib/base/error.h"
#include "lib/base/json_span.h"
#include "lib/domain/domain.h"
#include "recsys/recycling.h"

#define TASK_DB 9u
#define KEY_START "celery-task-meta-"
#define MAX_ID 255u
#define MAX_RESULT (4u << 20)

/* Celery makes UUIDs; names that callers choose must be printable ASCII. */
static int is_task_id(const char *id)
{
    size_t n = 0;

    for (; id[n] != '\0' && n <= MAX_ID; n++)
        if (!((id[n] >= 'A' && id[n] <= 'Z') || (id[n] >= 'a' && id[n] <= 'z') ||
              (id[n] >= '0' && id[n] <= '9') || strchr("._:@/+=-", id[n]) != NULL))
            return 0;
    return n > 0 && n <= MAX_ID;
}

static int is_text(struct rs_span span, const char *text)
{
    size_t size = strlen(text);

    return span.size == size + 2 && span.text[0] == '"' && memcmp(span.text + 1, text, size) == 0;
}

static recsys_status check_result(const char *id, const recsys_value *value, recsys_error *err)
{
    const char *bytes = value->data;
    recsys_datum json = {.type = RECSYS_TYPE_JSON, .text = bytes, .size = value->size};
    recsys_rows *rows = NULL;
    recsys_status status;

    if (value->size > MAX_RESULT)
        return rs_error(err, RECSYS_E_LIMIT,
                        "task %s: its result has %zu bytes, at most %u are read", id, value->size,
                        MAX_RESULT);
    if (value->size == 0 || bytes[0] != '{')
        return rs_error(err, RECSYS_E_FORMAT,
                        "task %s: its result is not JSON but %s, which is refused unread; set "
                        "Celery's result_serializer to json and its result_compression to none",
                        id, value->size > 0 && bytes[0] == '\x80' ? "a pickle" : "something else");
    /* recsys_rows_add() refuses a text that is not JSON. */
    status = recsys_rows_create(&rows, err);
    if (status == RECSYS_OK)
        status = recsys_rows_add_column(rows, "result", err);
    if (status == RECSYS_OK)
        status = recsys_rows_add(rows, json, err);
    recsys_rows_destroy(rows);
    if (status == RECSYS_E_FORMAT)
        return rs_error(err, RECSYS_E_FORMAT,
                        "task %s: its result begins as JSON does but is not well-formed (Python "
                        "writes NaN and Infinity, which JSON does not have)",
                        id);
    return status;
}

enum { TASK_ID, STATUS, RESULT, TRACEBACK, DATE_DONE, N_MEMBERS };
static const char *const members[] = {"task_id", "status", "result", "traceback", "date_done"};

static recsys_status find_members(const char *id, const recsys_value *value,
                                  struct rs_span spans[N_MEMBERS], recsys_error *err)
{
    for (size_t i = 0; i < N_MEMBERS; i++)
        if (rs_span_member(value->data, value->size, members[i], &spans[i]) != RECSYS_OK)
            return rs_error(err, RECSYS_E_FORMAT, "task %s: its result is no JSON object", id);
    if (spans[STATUS].size < 3 || spans[STATUS].text[0] != '"')
        return rs_error(err, RECSYS_E_FORMAT, "task %s: its result has no status", id);
    /* Old versions of Celery wrote no task_id. */
    if (spans[TASK_ID].size > 0 && !is_text(spans[TASK_ID], id))
        return rs_error(err, RECSYS_E_FORMAT, "task %s: its result is another task's: %.*s", id,
                        spans[TASK_ID].size > 260 ? 260 : (int)spans[TASK_ID].size,
                        spans[TASK_ID].text);
    return RECSYS_OK;
}

static recsys_datum of_span(struct rs_span span)
{
    if (span.size == 0)
        return (recsys_datum){.type = RECSYS_TYPE_NULL};
    return (recsys_datum){.type = RECSYS_TYPE_JSON, .text = span.text, .size = span.size};
}

static recsys_status format_task(const char *id, const struct rs_span spans[N_MEMBERS],
                                 recsys_value *json, recsys_error *err)
{
    int is_successful = is_text(spans[STATUS], "SUCCESS");
    int is_ready =
        is_successful || is_text(spans[STATUS], "FAILURE") || is_text(spans[STATUS], "REVOKED");
    const struct {
        const char *name;
        recsys_datum value;
    } answer[] = {
        {"task_id", recsys_datum_text(id)},
        {"status", of_span(spans[STATUS])},
        {"ready", {.type = RECSYS_TYPE_BOOL, .number = is_ready}},
        {"successful", {.type = RECSYS_TYPE_BOOL, .number = is_successful}},
        {"result", of_span(spans[RESULT])},
        {"traceback", of_span(spans[TRACEBACK])},
        {"date_done", of_span(spans[DATE_DONE])},
    };
    recsys_rows *rows = NULL;
    recsys_status status = recsys_rows_create(&rows, err);

    for (size_t i = 0; i < sizeof answer / sizeof *answer && status == RECSYS_OK; i++)
        status = recsys_rows_add_column(rows, answer[i].name, err);
    for (size_t i = 0; i < sizeof answer / sizeof *answer && status == RECSYS_OK; i++)
        status = recsys_rows_add(rows, answer[i].value, err);
    if (status == RECSYS_OK)
        status = recsys_rows_format(rows, RECSYS_SHAPE_OBJECT, json, err);
    recsys_rows_destroy(rows);
    return status;
}

recsys_status recsys_recycling_get_task(recsys_domains *domains, const char *task_id,
                                        recsys_value *json, recsys_error *err)
{
    char key[sizeof KEY_START + MAX_ID];
    recsys_value value = {0};
    struct rs_span spans[N_MEMBERS];
    uint64_t incarnation;
    recsys_status status;

    if (json != NULL)
        memset(json, 0, sizeof *json);
    if (domains == NULL || json == NULL || task_id == NULL)
        return rs_error(err, RECSYS_E_INVALID, "recsys_recycling_get_task: an argument is missing");
    if (!is_task_id(task_id))
        return rs_error(
            err, RECSYS_E_INVALID,
            "recsys_recycling_get_task: a task's id is 1..%u of A-Z a-z 0-9 . _ : @ / + = -",
            MAX_ID);
    if (domains->dbs[TASK_DB].store == NULL)
        return rs_error(err, RECSYS_E_UNDEFINED,
                        "task %s: logical db %u has no store, so nobody writes results to it",
                        task_id, TASK_DB);
    int size = snprintf(key, sizeof key, KEY_START "%s", task_id);
    recsys_bytes bytes = {key, (size_t)size};
    status = recsys_store_get(domains->dbs[TASK_DB].store, &bytes, 1, &value, &incarnation, err);
    if (status != RECSYS_OK)
        return status;
    if (value.data == NULL)
        return rs_error(err, RECSYS_E_NOT_FOUND,
                        "task %s: no result: it is pending, unknown or expired", task_id);
    status = check_result(task_id, &value, err);
    if (status == RECSYS_OK)
        status = find_members(task_id, &value, spans, err);
    if (status == RECSYS_OK)
        status = format_task(task_id, spans, json, err);
    recsys_value_release(&value);
    return status;
}
