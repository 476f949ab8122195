/* daemon/recommend/answer_write.c - the library's reply as JSON. */
#include "daemon/recommend/answer_write.h"

#include <string.h>

#include "daemon/http/json_put.h"
#include "daemon/recommend/ignored.h"
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

void rd_answer_write_item_id(struct rs_buffer *text, const recsys_model_info *info, recsys_id id)
{
    rs_buffer_add_text(text, "\"movie_id\":");
    rd_answer_write_id(text, id);
    if (strcmp(info->item_name, "movie") == 0 || strcmp(info->item_name, "film") == 0)
        return;
    rs_buffer_add_text(text, ",\"item_id\":");
    rd_answer_write_id(text, id);
}

/* Nothing where there are none. */
static void write_causes(struct rs_buffer *text, const struct rd_answer_source *source,
                         const recsys_recommendation *from)
{
    for (uint32_t i = 0; i < from->n_causes; i++) {
        rs_buffer_add_text(text, i == 0 ? ",\"causes\":[{" : ",{");
        rd_answer_write_item_id(text, source->info, from->causes[i]);
        rs_buffer_add_text(text, ",\"contribution\":");
        if (from->contributions != NULL)
            rd_json_put_float(text, from->contributions[i]);
        else
            rs_buffer_add(text, "null", 4);
        rs_buffer_add(text, "}", 1);
    }
    if (from->n_causes > 0)
        rs_buffer_add(text, "]", 1);
}

static void write_item(struct rs_buffer *text, const struct rd_answer_source *source,
                       const recsys_recommendation *from)
{
    recsys_item item;

    memset(&item, 0, sizeof item);
    item.struct_size = (uint32_t)sizeof item;
    if (recsys_catalog_get(source->model, from->item, &item, NULL) != RECSYS_OK || !item.known) {
        item.title = "";
        item.rating = -1.0f;
    }
    rs_buffer_add(text, "{", 1);
    rd_answer_write_item_id(text, source->info, from->item);
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
    write_causes(text, source, from);
    rs_buffer_add(text, "}", 1);
}

void rd_answer_write(struct rs_buffer *text, const struct rd_answer_source *source,
                     const recsys_reply *reply)
{
    rs_buffer_add_text(text, "\"recommendations\":[");
    for (uint32_t i = 0; i < reply->count; i++) {
        if (i > 0)
            rs_buffer_add(text, ",", 1);
        write_item(text, source, recsys_reply_get_item(reply, i));
    }
    rs_buffer_add_text(text, "],\"strategy\":");
    write_text_or_null(text, reply->strategy != 0 ? recsys_strategy_name(reply->strategy) : NULL);
    if (reply->status == RECSYS_OK)
        rd_ignored_write(text, source->predict, reply);
}
