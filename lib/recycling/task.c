/* lib/recycling/task.c - read results of Celery's workers from its Redis backend.
 *
 * The key is celery-task-meta-{id}. The value comes from Celery's JSON serialiser: an object of
 * status, result, traceback, children, date_done and task_id (docs.celeryq.dev, "Task result
 * backend settings"). Only JSON is read. A pickled result is a program and is refused unread; a
 * compressed result is not JSON. Members are passed on unchanged, so that numbers keep all digits.
 */
#include <stdio.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/buffer.h"
#include "lib/base/error.h"
#include "lib/base/json_span.h"
#include "lib/domain/domain.h"
#include "lib/recycling/task_text.h"
#include "recsys/recycling.h"

#define TASK_DB 9u
#define KEY_START "celery-task-meta-"
#define MAX_ID 255u
#define MAX_STAMP 128u /* bytes of a header's name, with its quotation marks */

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

/* recsys_rows_add() refuses a text that is not JSON. */
static recsys_status check_text(const char *id, recsys_bytes text, recsys_error *err)
{
    recsys_datum json = {.type = RECSYS_TYPE_JSON, .text = text.data, .size = text.size};
    recsys_rows *rows = NULL;
    recsys_status status = recsys_rows_create(&rows, err);

    if (status == RECSYS_OK)
        status = recsys_rows_add_column(rows, "result", err);
    if (status == RECSYS_OK)
        status = recsys_rows_add(rows, json, err);
    recsys_rows_destroy(rows);
    if (status == RECSYS_E_FORMAT)
        return rs_error(err, RECSYS_E_FORMAT,
                        "task %s: its result begins as JSON does but is not well-formed", id);
    return status;
}

enum { TASK_ID, STATUS, RESULT, TRACEBACK, DATE_DONE, STAMPED, N_MEMBERS };
static const char *const members[] = {"task_id",   "status",    "result",
                                      "traceback", "date_done", "stamped_headers"};
/* Handed on if they are there. */
static const char *const more[] = {"children", "group_id", "parent_id", "name",  "args",
                                   "kwargs",   "worker",   "retries",   "queue"};
#define N_MORE (sizeof more / sizeof more[0])

static recsys_status find_members(const char *id, recsys_bytes text, struct rs_span *spans,
                                  const char *const *names, size_t n, recsys_error *err)
{
    for (size_t i = 0; i < n; i++)
        if (rs_span_member(text.data, text.size, names[i], &spans[i]) != RECSYS_OK)
            return rs_error(err, RECSYS_E_FORMAT, "task %s: its result is no JSON object", id);
    return RECSYS_OK;
}

/* Is this member a stamp, and not Celery's own? */
static int is_stamp(const struct rs_span spans[N_MEMBERS], const char *name)
{
    struct rs_elements stamped;
    struct rs_span element;

    rs_elements_init(&stamped, spans[STAMPED].text, spans[STAMPED].size);
    while (spans[STAMPED].size > 0 && rs_elements_next(&stamped, &element))
        if (is_text(element, name))
            return 1;
    return 0;
}

static recsys_status check_members(const char *id, const struct rs_span spans[N_MEMBERS],
                                   recsys_error *err)
{
    if ((spans[STATUS].size < 3 || spans[STATUS].text[0] != '"') && !is_stamp(spans, "status"))
        return rs_error(err, RECSYS_E_FORMAT, "task %s: its result has no status", id);
    /* Old versions of Celery wrote no task_id. */
    if (spans[TASK_ID].size > 0 && !is_text(spans[TASK_ID], id) && !is_stamp(spans, "task_id"))
        return rs_error(err, RECSYS_E_FORMAT, "task %s: its result is another task's: %.*s", id,
                        spans[TASK_ID].size > 260 ? 260 : (int)spans[TASK_ID].size,
                        spans[TASK_ID].text);
    return RECSYS_OK;
}

/* {"header": value, …} of those that are there. */
static recsys_status list_stamps(recsys_bytes text, const struct rs_span spans[N_MEMBERS],
                                 struct rs_buffer *out, recsys_error *err)
{
    struct rs_elements stamped;
    struct rs_span header, value;
    const char *comma = "";

    rs_buffer_add_text(out, "{");
    rs_elements_init(&stamped, spans[STAMPED].text, spans[STAMPED].size);
    while (rs_elements_next(&stamped, &header)) {
        char name[MAX_STAMP];
        if (header.size < 2 || header.size > sizeof name || header.text[0] != '"')
            continue;
        memcpy(name, header.text + 1, header.size - 2);
        name[header.size - 2] = '\0';
        if (rs_span_member(text.data, text.size, name, &value) != RECSYS_OK || value.size == 0)
            continue;
        rs_buffer_add_text(out, comma);
        rs_buffer_add(out, header.text, header.size);
        rs_buffer_add_text(out, ":");
        rs_buffer_add(out, value.text, value.size);
        comma = ",";
    }
    rs_buffer_add_text(out, "}");
    return out->status == RECSYS_OK ? RECSYS_OK : rs_error_nomem(err, "stamps of a task");
}

static recsys_datum of_span(struct rs_span span)
{
    if (span.size == 0)
        return (recsys_datum){.type = RECSYS_TYPE_NULL};
    return (recsys_datum){.type = RECSYS_TYPE_JSON, .text = span.text, .size = span.size};
}

static recsys_status add(recsys_rows *rows, const char *name, recsys_datum value, int is_value,
                         recsys_error *err)
{
    return is_value ? recsys_rows_add(rows, value, err) : recsys_rows_add_column(rows, name, err);
}

/* A member that a stamp stands over is not known. */
static recsys_datum own_member(const struct rs_span spans[N_MEMBERS], int member)
{
    return is_stamp(spans, members[member]) ? (recsys_datum){.type = RECSYS_TYPE_NULL}
                                            : of_span(spans[member]);
}

static int has_value(struct rs_span span)
{
    return span.size > 0 && !(span.size == 4 && memcmp(span.text, "null", 4) == 0);
}

static recsys_status format_task(const char *id, recsys_bytes text,
                                 const struct rs_span spans[N_MEMBERS],
                                 const struct rs_span others[N_MORE], recsys_value *json,
                                 recsys_error *err)
{
    int is_stamped = is_stamp(spans, "status"), is_done = has_value(spans[DATE_DONE]);
    int is_successful = is_stamped ? is_done && !has_value(spans[TRACEBACK])
                                   : is_text(spans[STATUS], "SUCCESS");
    int is_ready = is_stamped ? is_done
                              : is_successful || is_text(spans[STATUS], "FAILURE") ||
                                    is_text(spans[STATUS], "REVOKED");
    const struct {
        const char *name;
        recsys_datum value;
    } answer[] = {
        {"task_id", recsys_datum_text(id)},
        {"status", own_member(spans, STATUS)},
        {"ready", {.type = RECSYS_TYPE_BOOL, .number = is_ready}},
        {"successful", {.type = RECSYS_TYPE_BOOL, .number = is_successful}},
        {"result", own_member(spans, RESULT)},
        {"traceback", own_member(spans, TRACEBACK)},
        {"date_done", own_member(spans, DATE_DONE)},
    };
    struct rs_buffer stamps;
    recsys_rows *rows = NULL;
    recsys_status status = recsys_rows_create(&rows, err);

    rs_buffer_init(&stamps, RS_TASK_MAX_RESULT * 2);
    if (status == RECSYS_OK && spans[STAMPED].size > 0)
        status = list_stamps(text, spans, &stamps, err);
    for (int is_value = 0; is_value < 2; is_value++) { /* all columns first */
        for (size_t i = 0; i < sizeof answer / sizeof *answer && status == RECSYS_OK; i++)
            status = add(rows, answer[i].name, answer[i].value, is_value, err);
        for (size_t i = 0; i < N_MORE && status == RECSYS_OK; i++)
            if (others[i].size > 0 && !is_stamp(spans, more[i]))
                status = add(rows, more[i], of_span(others[i]), is_value, err);
        if (status == RECSYS_OK && stamps.size > 0)
            status = add(rows, "stamps",
                         of_span((struct rs_span){stamps.bytes, stamps.size}), is_value, err);
    }
    if (status == RECSYS_OK)
        status = recsys_rows_format(rows, RECSYS_SHAPE_OBJECT, json, err);
    recsys_rows_destroy(rows);
    rs_buffer_destroy(&stamps);
    return status;
}

recsys_status recsys_recycling_get_task(recsys_domains *domains, const char *task_id,
                                        recsys_value *json, recsys_error *err)
{
    char key[sizeof KEY_START + MAX_ID];
    recsys_value value = {0};
    struct rs_span spans[N_MEMBERS], others[N_MORE];
    char *own;
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
    recsys_bytes text = {value.data, value.size};
    status = rs_task_text(task_id, &text, &own, err);
    if (status == RECSYS_OK)
        status = check_text(task_id, text, err);
    if (status == RECSYS_OK)
        status = find_members(task_id, text, spans, members, N_MEMBERS, err);
    if (status == RECSYS_OK)
        status = find_members(task_id, text, others, more, N_MORE, err);
    if (status == RECSYS_OK)
        status = check_members(task_id, spans, err);
    if (status == RECSYS_OK)
        status = format_task(task_id, text, spans, others, json, err);
    rs_free(own);
    recsys_value_release(&value);
    return status;
}
