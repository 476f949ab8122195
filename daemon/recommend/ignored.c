/* daemon/recommend/ignored.c - name the preferences that had no effect, as clients write them.
 *
 * The library lists values that it cannot use. It does not know the members of a client's JSON, so
 * those that are no preference at all are found here. FastAPI ignores such members silently, and a
 * client that writes "genres" would never learn why nothing changes. The advice is found by a part
 * of the name.
 */
#include "daemon/recommend/ignored.h"

#include <string.h>

#include "daemon/http/json_put.h"
#include "lib/base/json_write.h"

#define MAX_SHOWN 64u /* bytes of a name */

static void begin(struct rs_buffer *text, uint32_t n)
{
    rs_buffer_add_text(text, n == 0 ? ",\"preferences_ignored\":[" : ",");
}

/* The preference's name in the request, and its value. */
static void write_value(struct rs_buffer *text, const recsys_request *request,
                        const recsys_preference *ignored)
{
    static const char *const fields[] = {[RECSYS_PREFERENCE_GENRE] = "favorite_genres",
                                         [RECSYS_PREFERENCE_LANGUAGE] = "preferred_languages",
                                         [RECSYS_PREFERENCE_DECADE] = "preferred_decade",
                                         [RECSYS_PREFERENCE_RATING] = "min_rating",
                                         [RECSYS_PREFERENCE_REQUIRED_GENRE] = "require_genres",
                                         [RECSYS_PREFERENCE_LIKED] = "liked_items",
                                         [RECSYS_PREFERENCE_ALLOWED] = "candidates"};
    const char *advice = recsys_preference_advice(ignored);
    char bytes[512] = "";
    struct rs_buffer what = RS_BUFFER_FIXED(bytes);

    if (ignored->kind < sizeof fields / sizeof *fields && fields[ignored->kind] != NULL)
        rs_buffer_add_text(&what, fields[ignored->kind]);
    rs_buffer_add_text(&what, ": ");
    if (ignored->text != NULL)
        rs_buffer_add_text(&what, ignored->text);
    else if (ignored->kind == RECSYS_PREFERENCE_DECADE)
        rs_buffer_format(&what, "%ds", (int)request->decade);
    else if (ignored->kind == RECSYS_PREFERENCE_LIKED)
        rs_json_put_unsigned(&what, request->liked[ignored->index].number);
    else if (ignored->kind == RECSYS_PREFERENCE_ALLOWED)
        rs_json_put_unsigned(&what, request->allow[ignored->index].number);
    else
        rd_json_put_float(&what, request->min_rating);
    if (advice != NULL)
        rs_buffer_format(&what, " (%s)", advice);
    rs_json_put_text(text, what.bytes, what.size);
}

static const char *find_advice(const char *name)
{
    static const char *const advice[][2] = {
        {"genre", "favorite_genres"},   {"langu", "preferred_languages"},
        {"decade", "preferred_decade"}, {"year", "preferred_decade"},
        {"rating", "min_rating"},       {"adult", "exclude_adult"}};

    for (size_t i = 0; i < sizeof advice / sizeof *advice; i++)
        if (strstr(name, advice[i][0]) != NULL)
            return advice[i][1];
    return NULL;
}

static void write_member(struct rs_buffer *text, const char *name)
{
    const char *advice = find_advice(name);
    char bytes[256] = "";
    struct rs_buffer what = RS_BUFFER_FIXED(bytes);

    rs_buffer_add_text(&what, strlen(name) <= MAX_SHOWN ? name : "a member with a long name");
    rs_buffer_add_text(&what, ": no preference has this name");
    if (advice != NULL)
        rs_buffer_format(&what, ", write %s", advice);
    rs_json_put_text(text, what.bytes, what.size);
}

void rd_ignored_write(struct rs_buffer *text, const struct rd_predict_body *predict,
                      const recsys_reply *reply)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < reply->n_ignored; i++) {
        begin(text, n++);
        write_value(text, &predict->request, &reply->ignored[i]);
    }
    for (uint32_t i = 0; i < predict->n_unknown; i++) {
        begin(text, n++);
        write_member(text, predict->unknown[i]);
    }
    if (n > 0)
        rs_buffer_add(text, "]", 1);
}
