/* lib/catalog/parse.c - see parse.h.
 *
 * jansson parses the line (strictly: base/json.h); this file checks its members. A member that is
 * null counts as absent, and unknown members are ignored, so that a catalogue may hold more than
 * the library reads.
 */
#include "lib/catalog/parse.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "lib/base/error.h"
#include "lib/base/json.h"
#include "lib/base/utf8.h"

static int is_blank(const char *line, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (line[i] != ' ' && line[i] != '\t')
            return 0;
    return 1;
}

int rs_lines_next(struct rs_lines *lines, const char **line, size_t *size)
{
    if (lines->number == 0) {
        size_t mark = rs_utf8_mark_size(lines->bytes, lines->size);
        lines->bytes += mark;
        lines->size -= mark;
    }
    while (lines->size > 0) {
        const char *end = memchr(lines->bytes, '\n', lines->size);
        size_t length = end != NULL ? (size_t)(end - lines->bytes) : lines->size;
        size_t whole = end != NULL ? length + 1 : length;

        *line = lines->bytes;
        lines->bytes += whole;
        lines->size -= whole;
        lines->number++;
        if (length > 0 && (*line)[length - 1] == '\r')
            length--;
        *size = length;
        if (!is_blank(*line, length))
            return 1;
    }
    return 0;
}

static recsys_status get_id(const json_t *root, const char *where, recsys_id *id, recsys_error *err)
{
    const json_t *member = json_object_get(root, "id");
    int64_t number;

    if (member == NULL || json_is_null(member))
        return rs_error(err, RECSYS_E_FORMAT, "%s: \"id\" is missing", where);
    if (rs_json_to_integer(member, &number)) {
        if (number < 0)
            return rs_error(err, RECSYS_E_FORMAT,
                            "%s: \"id\" is %" PRId64 ", ids go from 0 to %" PRId64, where, number,
                            INT64_MAX);
        id->text = NULL;
        id->number = (uint64_t)number;
        return RECSYS_OK;
    }
    if (!json_is_string(member))
        return rs_error(err, RECSYS_E_FORMAT, "%s: \"id\" must be an integer or a string", where);
    id->text = json_string_value(member);
    id->number = json_string_length(member);
    if (id->number < 1 || id->number > RECSYS_ID_MAX_TEXT)
        return rs_error(err, RECSYS_E_FORMAT, "%s: \"id\" has %" PRIu64 " bytes, must have 1..%u",
                        where, id->number, RECSYS_ID_MAX_TEXT);
    return RECSYS_OK;
}

static recsys_status get_genres(struct rs_line *line, const char *where, recsys_error *err)
{
    const json_t *array = json_object_get(line->root, "genres");

    if (array == NULL || json_is_null(array))
        return RECSYS_OK;
    if (!json_is_array(array))
        return rs_error(err, RECSYS_E_FORMAT, "%s: \"genres\" must be an array of strings", where);
    if (json_array_size(array) > RS_LINE_MAX_GENRES)
        return rs_error(err, RECSYS_E_FORMAT,
                        "%s: \"genres\" has %zu entries, at most %u are allowed", where,
                        json_array_size(array), RS_LINE_MAX_GENRES);
    for (size_t i = 0; i < json_array_size(array); i++) {
        const json_t *genre = json_array_get(array, i);
        if (!json_is_string(genre))
            return rs_error(err, RECSYS_E_FORMAT, "%s: \"genres\"[%zu] must be a string", where, i);
        if (json_string_length(genre) == 0)
            return rs_error(err, RECSYS_E_FORMAT, "%s: \"genres\"[%zu] is empty", where, i);
        line->genres[line->n_genres++] = json_string_value(genre);
    }
    return RECSYS_OK;
}

static recsys_status get_language(struct rs_line *line, const char *where, recsys_error *err)
{
    recsys_status status = rs_json_get_text(line->root, "language", 0, where, &line->language, err);

    if (status != RECSYS_OK || line->language == NULL)
        return status;
    size_t n = rs_utf8_count(line->language);
    if (n < 1 || n > RS_LINE_MAX_LANGUAGE)
        return rs_error(err, RECSYS_E_FORMAT,
                        "%s: \"language\" has %zu characters, must have 1..%u", where, n,
                        RS_LINE_MAX_LANGUAGE);
    return RECSYS_OK;
}

static recsys_status get_rating(struct rs_line *line, const char *where, recsys_error *err)
{
    double rating = -1.0;
    const json_t *member = json_object_get(line->root, "rating");
    recsys_status status = rs_json_get_number(line->root, "rating", 0, where, &rating, err);

    if (status != RECSYS_OK || member == NULL || json_is_null(member))
        return status;
    if (!(rating >= 0.0 && rating <= 10.0))
        return rs_error(err, RECSYS_E_FORMAT, "%s: \"rating\" is %g, must be 0..10", where, rating);
    line->rating = (float)fabs(rating); /* -0 is the same rating as 0 */
    return RECSYS_OK;
}

static recsys_status get_adult(struct rs_line *line, const char *where, recsys_error *err)
{
    const json_t *member = json_object_get(line->root, "adult");

    if (member == NULL || json_is_null(member))
        return RECSYS_OK;
    if (!json_is_boolean(member))
        return rs_error(err, RECSYS_E_FORMAT, "%s: \"adult\" must be true or false", where);
    line->adult = json_is_true(member);
    return RECSYS_OK;
}

static recsys_status get_members(struct rs_line *line, const char *where, recsys_error *err)
{
    int64_t year = 0;
    recsys_status status = get_id(line->root, where, &line->id, err);

    if (status == RECSYS_OK)
        status = rs_json_get_text(line->root, "title", 0, where, &line->title, err);
    if (status == RECSYS_OK)
        status = get_genres(line, where, err);
    if (status == RECSYS_OK)
        status = rs_json_get_integer(line->root, "release_year", 0, 1, 9999, where, &year, err);
    if (status == RECSYS_OK)
        status = get_rating(line, where, err);
    if (status == RECSYS_OK)
        status = rs_json_get_text(line->root, "poster_url", 0, where, &line->poster_url, err);
    if (status == RECSYS_OK)
        status = get_language(line, where, err);
    if (status == RECSYS_OK)
        status = get_adult(line, where, err);
    line->release_year = (int32_t)year;
    if (line->poster_url != NULL && line->poster_url[0] == '\0')
        line->poster_url = NULL; /* spreadsheets write "" for unknown */
    return status;
}

recsys_status rs_line_parse(const char *bytes, size_t size, const char *where, struct rs_line *line,
                            recsys_error *err)
{
    recsys_status status;

    memset(line, 0, sizeof *line);
    line->title = "";
    line->rating = -1.0f;
    if (rs_utf8_mark_size(bytes, size) != 0)
        return rs_error(err, RECSYS_E_FORMAT,
                        "%s: begins with a byte order mark, which only the file may", where);
    if (size > RS_LINE_MAX_BYTES)
        return rs_error(err, RECSYS_E_FORMAT, "%s: has %zu bytes, at most %u are allowed", where,
                        size, RS_LINE_MAX_BYTES);
    status = rs_json_parse(bytes, size, where, &line->root, err);
    if (status != RECSYS_OK)
        return status;
    if (!json_is_object(line->root))
        return rs_error(err, RECSYS_E_FORMAT, "%s: must be a JSON object", where);
    return get_members(line, where, err);
}

void rs_line_destroy(struct rs_line *line)
{
    json_decref(line->root);
    line->root = NULL;
}

/* The shortest decimal that reads back as the same float: 8.9, not 8.89999962. */
static double shorten(float rating)
{
    double scale = 1.0;

    for (int digits = 0; digits <= 6; digits++, scale *= 10.0) {
        double rounded = nearbyint((double)rating * scale) / scale;
        if ((float)rounded == rating)
            return rounded;
    }
    return (double)rating;
}

static int set(json_t *object, const char *key, json_t *value)
{
    return json_object_set_new(object, key, value) == 0; /* fails if the value is NULL */
}

static int set_members(json_t *object, const struct rs_line *line)
{
    int ok = set(object, "id",
                 line->id.text != NULL ? json_string(line->id.text)
                                       : json_integer((json_int_t)line->id.number));

    if (line->title[0] != '\0')
        ok = ok && set(object, "title", json_string(line->title));
    if (line->n_genres > 0) {
        json_t *genres = json_array();
        ok = ok && set(object, "genres", json_incref(genres));
        for (uint32_t i = 0; ok && i < line->n_genres; i++)
            ok = json_array_append_new(genres, json_string(line->genres[i])) == 0;
        json_decref(genres);
    }
    if (line->release_year != 0)
        ok = ok && set(object, "release_year", json_integer(line->release_year));
    if (line->rating >= 0.0f)
        ok = ok && set(object, "rating", json_real(shorten(line->rating)));
    if (line->poster_url != NULL)
        ok = ok && set(object, "poster_url", json_string(line->poster_url));
    if (line->language != NULL)
        ok = ok && set(object, "language", json_string(line->language));
    if (line->adult)
        ok = ok && set(object, "adult", json_true());
    return ok;
}

recsys_status rs_line_write(const struct rs_line *line, struct rs_buffer *out, recsys_error *err)
{
    json_t *object = json_object();
    int ok = object != NULL && set_members(object, line);

    if (ok)
        ok = rs_json_write(object, JSON_COMPACT | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(9),
                           out) == 0;
    json_decref(object);
    rs_buffer_add_text(out, "\n");
    if (!ok || out->status == RECSYS_E_NOMEM)
        return rs_error_nomem(err, "catalogue line");
    if (out->status != RECSYS_OK)
        return rs_error(err, out->status, "catalogue: larger than %zu bytes together", out->max);
    return RECSYS_OK;
}
