/* daemon/recommend/answer_write.c - the library's reply as JSON. */
#include "daemon/recommend/answer_write.h"

#include <string.h>

#include "daemon/http/json_put.h"
#include "lib/base/json_write.h"

void rd_answer_write_id(struct rs_buffer *text, recsys_id id)
{
    if (id.text != NULL)
        rs_json_put_text(text, id.text, (size_t)id.number);
    else
        rs_json_put_unsigned(text, id.number);
}

static void write_text_or_null(struct rs_buffer *text, const char *value)
{
    if (value != NULL)
        rs_json_put_string(text, value);
    else
        rs_buffer_add(text, "null", 4);
}

static void write_item(struct rs_buffer *text, const recsys_model *model,
                       const recsys_recommendation *from)
{
    recsys_item item;

    memset(&item, 0, sizeof item);
    item.struct_size = (uint32_t)sizeof item;
    if (recsys_catalog_get(model, from->item, &item, NULL) != RECSYS_OK || !item.known) {
        item.title = "";
        item.rating = -1.0f;
    }
    rs_buffer_add_text(text, "{\"movie_id\":");
    rd_answer_write_id(text, from->item);
    rs_buffer_add_text(text, ",\"title\":");
    rs_json_put_string(text, item.title);
    rs_buffer_add_text(text, ",\"score\":");
    rd_json_put_float(text, from->score);
    rs_buffer_add_text(text, ",\"genres\":[");
    for (uint32_t i = 0; i < item.n_genres; i++) {
        if (i > 0)
            rs_buffer_add(text, ",", 1);
        rs_json_put_string(text, item.genres[i]);
    }
    rs_buffer_add_text(text, "],\"release_year\":");
    if (item.release_year != 0)
        rs_json_put_integer(text, item.release_year);
    else
        rs_buffer_add(text, "null", 4);
    rs_buffer_add_text(text, ",\"rating\":");
    if (item.rating >= 0.0f)
        rd_json_put_float(text, item.rating);
    else
        rs_buffer_add(text, "null", 4);
    rs_buffer_add_text(text, ",\"poster_url\":");
    write_text_or_null(text, item.poster_url);
    rs_buffer_add_text(text, ",\"reason\":");
    write_text_or_null(text, from->reason);
    rs_buffer_add(text, "}", 1);
}

/* The preference's name in the request, and its value. */
static void write_ignored(struct rs_buffer *text, const recsys_request *request,
                          const recsys_preference *ignored)
{
    static const char *const fields[] = {[RECSYS_PREFERENCE_GENRE] = "favorite_genres",
                                         [RECSYS_PREFERENCE_LANGUAGE] = "preferred_languages",
                                         [RECSYS_PREFERENCE_DECADE] = "preferred_decade",
                                         [RECSYS_PREFERENCE_RATING] = "min_rating",
                                         [RECSYS_PREFERENCE_REQUIRED_GENRE] = "require_genres"};
    char bytes[512] = "";
    struct rs_buffer what = RS_BUFFER_FIXED(bytes);

    if (ignored->kind < sizeof fields / sizeof *fields && fields[ignored->kind] != NULL)
        rs_buffer_add_text(&what, fields[ignored->kind]);
    rs_buffer_add_text(&what, ": ");
    if (ignored->text != NULL)
        rs_buffer_add_text(&what, ignored->text);
    else if (ignored->kind == RECSYS_PREFERENCE_DECADE)
        rs_buffer_format(&what, "%ds", (int)request->decade);
    else
        rd_json_put_float(&what, request->min_rating);
    rs_json_put_text(text, what.bytes, what.size);
}

void rd_answer_write(struct rs_buffer *text, const recsys_model *model,
                     const recsys_request *request, const recsys_reply *reply)
{
    rs_buffer_add_text(text, "\"recommendations\":[");
    for (uint32_t i = 0; i < reply->count; i++) {
        if (i > 0)
            rs_buffer_add(text, ",", 1);
        write_item(text, model, recsys_reply_get_item(reply, i));
    }
    rs_buffer_add_text(text, "],\"strategy\":");
    write_text_or_null(text, reply->strategy != 0 ? recsys_strategy_name(reply->strategy) : NULL);
    if (reply->n_ignored == 0)
        return;
    rs_buffer_add_text(text, ",\"preferences_ignored\":[");
    for (uint32_t i = 0; i < reply->n_ignored; i++) {
        if (i > 0)
            rs_buffer_add(text, ",", 1);
        write_ignored(text, request, &reply->ignored[i]);
    }
    rs_buffer_add(text, "]", 1);
}
