/* daemon/ctl/bulk/bulk_lines.c - answers as lines of JSON or rows of CSV.
 *
 * Written piece by piece, because millions of users times some items would be as many objects of a
 * JSON library. The catalogue's facts are not repeated for each user; the reader of the file joins
 * them by item_id. Scores have nine digits, which read back as the same float.
 */
#include <math.h>
#include <string.h>

#include "daemon/ctl/bulk/bulk.h"
#include "lib/base/json_write.h"

static void put_id_json(struct rs_buffer *out, recsys_id id)
{
    if (id.text != NULL)
        rs_json_put_text(out, id.text, (size_t)id.number);
    else
        rs_json_put_unsigned(out, id.number);
}

static void put_float(struct rs_buffer *out, float value, const char *otherwise)
{
    if (!isnan(value))
        rs_buffer_format(out, "%.9g", ctl_finite(value));
    else
        rs_buffer_add_text(out, otherwise);
}

static void put_item_json(const struct ctl_question *question, const recsys_recommendation *item,
                          struct rs_buffer *out)
{
    rs_buffer_add_text(out, "{\"item_id\":");
    put_id_json(out, item->item);
    rs_buffer_add_text(out, ",\"score\":");
    put_float(out, item->score, "null");
    rs_buffer_add_text(out, ",\"raw\":");
    put_float(out, item->raw, "null");
    if (question->with_reasons) {
        rs_buffer_add_text(out, ",\"reason\":");
        if (item->reason != NULL)
            rs_json_put_string(out, item->reason);
        else
            rs_buffer_add_text(out, "null");
    }
    rs_buffer_add(out, "}", 1u);
}

/* Which preferences could not be used depends on the user, too. */
static void put_ignored(const recsys_reply *reply, struct rs_buffer *out)
{
    json_t *ignored = ctl_ignored_json(reply);
    char *text = json_dumps(ignored, JSON_COMPACT);

    rs_buffer_add_text(out, ",\"preferences_ignored\":");
    rs_buffer_add_text(out, text != NULL ? text : "[]");
    free(text);
    json_decref(ignored);
}

static void answer_json(const struct ctl_question *question, recsys_id user,
                        const recsys_reply *reply, struct rs_buffer *out)
{
    rs_buffer_add_text(out, "{\"user_id\":");
    put_id_json(out, user);
    rs_buffer_add_text(out, ",\"strategy\":");
    rs_json_put_string(out, recsys_strategy_name(reply->strategy));
    rs_buffer_add_text(out, ",\"model_version\":");
    rs_json_put_string(out, question->info.version);
    rs_buffer_add_text(out, ",\"recommendations\":[");
    for (uint32_t i = 0; i < reply->count; i++) {
        if (i > 0u)
            rs_buffer_add(out, ",", 1u);
        put_item_json(question, recsys_reply_get_item(reply, i), out);
    }
    rs_buffer_add(out, "]", 1u);
    if (reply->n_ignored > 0u)
        put_ignored(reply, out);
    rs_buffer_add(out, "}\n", 2u);
}

/* RFC 4180: in quotes if it must be. */
static void put_text_csv(struct rs_buffer *out, const char *text, size_t size)
{
    bool is_quoted = false;

    for (size_t i = 0; i < size; i++)
        is_quoted |= strchr(",\"\r\n", text[i]) != NULL;
    if (!is_quoted) {
        rs_buffer_add(out, text, size);
        return;
    }
    rs_buffer_add(out, "\"", 1u);
    for (size_t i = 0; i < size; i++)
        rs_buffer_add(out, text[i] == '"' ? "\"\"" : &text[i], text[i] == '"' ? 2u : 1u);
    rs_buffer_add(out, "\"", 1u);
}

static void put_id_csv(struct rs_buffer *out, recsys_id id)
{
    if (id.text != NULL)
        put_text_csv(out, id.text, (size_t)id.number);
    else
        rs_json_put_unsigned(out, id.number);
}

static void begin_row(struct rs_buffer *out, recsys_id user, uint32_t rank)
{
    put_id_csv(out, user);
    rs_buffer_add(out, ",", 1u);
    rs_json_put_unsigned(out, rank);
    rs_buffer_add(out, ",", 1u);
}

static void end_row(const struct ctl_question *question, const recsys_reply *reply,
                    const char *reason, struct rs_buffer *out)
{
    rs_buffer_add(out, ",", 1u);
    rs_buffer_add_text(out, recsys_strategy_name(reply->strategy));
    if (question->with_reasons) {
        rs_buffer_add(out, ",", 1u);
        if (reason != NULL)
            put_text_csv(out, reason, strlen(reason));
    }
    rs_buffer_add(out, "\n", 1u);
}

static void answer_csv(const struct ctl_question *question, recsys_id user,
                       const recsys_reply *reply, struct rs_buffer *out)
{
    for (uint32_t i = 0; i < reply->count; i++) {
        const recsys_recommendation *item = recsys_reply_get_item(reply, i);

        begin_row(out, user, i + 1u);
        put_id_csv(out, item->item);
        rs_buffer_add(out, ",", 1u);
        put_float(out, item->score, "");
        rs_buffer_add(out, ",", 1u);
        put_float(out, item->raw, "");
        end_row(question, reply, item->reason, out);
    }
    if (reply->count == 0u) {
        begin_row(out, user, 0u);
        rs_buffer_add(out, ",,", 2u);
        end_row(question, reply, NULL, out);
    }
}

void ctl_bulk_begin(enum ctl_bulk_format format, const struct ctl_question *question,
                    struct rs_buffer *out)
{
    if (format == CTL_BULK_CSV)
        rs_buffer_add_text(out, question->with_reasons
                                    ? "user_id,rank,item_id,score,raw,strategy,reason\n"
                                    : "user_id,rank,item_id,score,raw,strategy\n");
}

void ctl_bulk_answer(enum ctl_bulk_format format, const struct ctl_question *question,
                     recsys_id user, const recsys_reply *reply, struct rs_buffer *out)
{
    (format == CTL_BULK_CSV ? answer_csv : answer_json)(question, user, reply, out);
}
