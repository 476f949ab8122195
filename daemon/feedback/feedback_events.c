/* daemon/feedback/feedback_events.c - see feedback_events.h.
 *
 * Ids are texts from here on: the events outlive the model, and the next model may have ids of the
 * other kind. An item that the model does not have is right, too: it may be newer than the model.
 */
#include "daemon/feedback/feedback_events.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <recsys/aside.h>

#include "daemon/http/members.h"
#include "daemon/process/timestamp.h"
#include "lib/base/json_write.h"

#define AHEAD_MS 86400000u /* how far a client's clock may be ahead */
#define KIND_PATTERN "^[a-z][a-z0-9_]{0,31}$"
#define NOT_MET "impression" /* shown, but neither looked at nor chosen */

enum { USER, ITEM, KIND, TIME, EVENT_ID, VALUE };
static const struct rd_member event_members[] = {
    [USER] = {.name = "user_id", .type = RD_TYPE_ID, .flags = RD_REQUIRED},
    [ITEM] = {.name = "item_id", .type = RD_TYPE_ID, .flags = RD_REQUIRED},
    [KIND] = {.name = "kind",
              .type = RD_TYPE_TEXT,
              .flags = RD_REQUIRED,
              .min = 1,
              .max = 32,
              .pattern = KIND_PATTERN},
    [TIME] = {.name = "time", .type = RD_TYPE_OTHER},
    [EVENT_ID] = {.name = "event_id", .type = RD_TYPE_TEXT, .min = 1, .max = RD_FEEDBACK_ID_MAX},
    [VALUE] = {.name = "value", .type = RD_TYPE_NUMBER, .min = -1000000000, .max = 1000000000},
};
static const struct rd_shape event_shape = {.name = "Event", RD_MEMBERS(event_members)};

static const struct rd_member events_member[] = {{.name = "events",
                                                  .type = RD_TYPE_OBJECTS,
                                                  .flags = RD_REQUIRED,
                                                  .min = 1,
                                                  .max = RD_EVENTS_MAX,
                                                  .shape = &event_shape}};
const struct rd_shape rd_events_shape = {
    .name = "Events", RD_MEMBERS(events_member), .or_as = &event_shape};

static void read_id(struct rd_problems *problems, const struct rd_place *place, const json_t *body,
                    char digits[20], const char **out)
{
    const json_t *value = json_object_get(body, place->name);
    int64_t number = -1;

    if (value == NULL) {
        rd_problem_add(problems, "missing", place, "Field required", body, NULL);
    } else if (json_is_integer(value)) {
        rd_field_int(problems, place, value, 0, INT64_MAX, &number);
        (void)snprintf(digits, 20, "%" PRId64, number < 0 ? 0 : number);
        *out = digits;
    } else if (json_is_null(value)) {
        rd_problem_add(problems, "string_type", place, "Input should be a valid string", value,
                       NULL);
    } else {
        rd_field_text(problems, place, value, 1, RD_FEEDBACK_ID_MAX, out);
        if (*out != NULL && strlen(*out) > RD_FEEDBACK_ID_MAX)
            rd_problem_add(problems, "value_error", place,
                           "String should have at most 255 bytes of UTF-8", value, NULL);
    }
}

_Static_assert(RECSYS_KEY_MAX - (sizeof RD_FEEDBACK_KEY_START - 1) == 498,
               "check_key() says another number");

/* All characters but those of a key take three bytes each of theirs there. Without a database there
 * are no keys, but one may come. */
static void check_key(struct rd_problems *problems, const struct rd_place *place,
                      const json_t *value, const char *user)
{
    const recsys_bytes id = {user, strlen(user)};
    char key[RECSYS_KEY_MAX + 1];
    size_t size = sizeof key;
    recsys_error err = {0};

    if (id.size > 0 && id.size <= RD_FEEDBACK_ID_MAX &&
        recsys_key_format(RD_FEEDBACK_KEY, &id, 1, key, &size, &err) == RECSYS_E_LIMIT)
        rd_problem_add(problems, "value_error", place,
                       "String should have at most 498 bytes, if each byte that is not one of "
                       "A-Z a-z 0-9 . _ - counts three times",
                       value, "\"max_bytes\":498");
}

static void read_kind(struct rd_problems *problems, const struct rd_place *place,
                      const json_t *body, struct rd_event *event)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789_";
    const json_t *value = json_object_get(body, place->name);
    const char *kind = NULL;

    rd_member_text(problems, place->outer, body, &event_members[KIND], &kind);
    if (kind == NULL)
        return;
    if (kind[0] < 'a' || kind[0] > 'z' || kind[strspn(kind, letters)] != '\0')
        rd_problem_add(problems, "string_pattern_mismatch", place,
                       "String should match pattern '" KIND_PATTERN "'", value,
                       "\"pattern\":\"" KIND_PATTERN "\"");
    event->kind = kind;
    event->excludes = strcmp(kind, NOT_MET) != 0;
}

/* Seconds since 1970, or text as RFC 3339 has it. */
static void read_time(struct rd_problems *problems, const struct rd_place *place,
                      const json_t *value, uint64_t now_ms, uint64_t *out)
{
    double seconds = json_number_value(value);
    uint64_t at_ms = 0;
    bool is_right;

    if (value == NULL || json_is_null(value))
        return;
    if (json_is_string(value)) {
        is_right = rd_time_parse(json_string_value(value), &at_ms);
    } else {
        is_right = json_is_number(value) && seconds >= 0 && seconds < 1e14;
        if (is_right)
            at_ms = (uint64_t)(seconds * 1000.0 + 0.5);
    }
    if (!is_right)
        rd_problem_add(problems, "datetime_parsing", place,
                       "Input should be a time as 2026-11-29T08:30:00Z, or seconds since 1970",
                       value, NULL);
    else if (at_ms > now_ms + AHEAD_MS)
        rd_problem_add(problems, "datetime_past", place,
                       "Input should not be more than a day in the future (milliseconds were "
                       "given?)",
                       value, NULL);
    else
        *out = at_ms;
}

static void read_event(struct rd_problems *problems, const struct rd_place *outer,
                       const json_t *body, uint64_t now_ms, struct rd_event *event)
{
    const struct rd_member *id = &event_members[EVENT_ID], *value = &event_members[VALUE];
    size_t before = problems->count;

#define AT(member) (&(const struct rd_place){outer, event_members[member].name, 0})
    memset(event, 0, sizeof *event);
    event->at_ms = now_ms;
    read_id(problems, AT(USER), body, event->digits[0], &event->user);
    if (event->user != NULL)
        check_key(problems, AT(USER), json_object_get(body, event_members[USER].name), event->user);
    read_id(problems, AT(ITEM), body, event->digits[1], &event->item);
    read_kind(problems, AT(KIND), body, event);
    read_time(problems, AT(TIME), json_object_get(body, event_members[TIME].name), now_ms,
              &event->at_ms);
    rd_member_text(problems, outer, body, id, &event->event_id);
    if (event->event_id != NULL && strlen(event->event_id) > RD_FEEDBACK_ID_MAX)
        rd_problem_add(problems, "value_error", AT(EVENT_ID),
                       "String should have at most 255 bytes of UTF-8",
                       json_object_get(body, id->name), NULL);
    if (rd_member_is_there(problems, outer, body, value)) {
        rd_member_double(problems, outer, body, value, &event->value);
        event->has_value = problems->count == before;
    }
#undef AT
}

size_t rd_events_read(struct rd_problems *problems, const json_t *body, uint64_t now_ms,
                      struct rd_event *out)
{
    const struct rd_place list_at = {&rd_place_body, events_member->name, 0};
    const json_t *list = json_object_get(body, events_member->name);
    size_t n = json_array_size(list);

    if (list == NULL) {
        read_event(problems, &rd_place_body, body, now_ms, out);
        return 1;
    }
    if (!json_is_array(list)) {
        rd_problem_add(problems, "list_type", &list_at, "Input should be a valid list", list, NULL);
        return 0;
    }
    if (n < 1 || n > RD_EVENTS_MAX) {
        rd_problem_add(problems, n < 1 ? "too_short" : "too_long", &list_at,
                       n < 1 ? "List should have at least 1 item"
                             : "List should have at most 1000 items; send the others in another "
                               "request",
                       NULL, n < 1 ? "\"min_length\":1" : "\"max_length\":1000");
        return 0;
    }
    for (size_t i = 0; i < n; i++) {
        const struct rd_place at = {&list_at, NULL, i};
        const json_t *event = json_array_get(list, i);

        if (json_is_object(event))
            read_event(problems, &at, event, now_ms, &out[i]);
        else
            rd_problem_add(problems, "model_attributes_type", &at,
                           "Input should be a valid dictionary or object to extract fields from",
                           event, NULL);
    }
    return n;
}

void rd_event_write(struct rs_buffer *out, const struct rd_event *event)
{
    rs_buffer_add_text(out, "{\"user_id\":");
    rs_json_put_string(out, event->user);
    rs_buffer_add_text(out, ",\"item_id\":");
    rs_json_put_string(out, event->item);
    rs_buffer_add_text(out, ",\"kind\":");
    rs_json_put_string(out, event->kind);
    rs_buffer_add_text(out, ",\"value\":");
    if (event->has_value)
        rs_json_put_real(out, event->value);
    else
        rs_buffer_add_text(out, "null");
}

void rd_events_write(struct rs_buffer *out, const struct rd_event *events, size_t n)
{
    rs_buffer_add(out, "[", 1);
    for (size_t i = 0; i < n; i++) {
        if (i > 0)
            rs_buffer_add(out, ",", 1);
        rd_event_write(out, &events[i]);
        if (events[i].event_id != NULL) {
            rs_buffer_add_text(out, ",\"event_id\":");
            rs_json_put_string(out, events[i].event_id);
        }
        rs_buffer_add_text(out, ",\"ms\":");
        rs_json_put_unsigned(out, events[i].at_ms);
        rs_buffer_add(out, "}", 1);
    }
    rs_buffer_add(out, "]", 1);
}
