/* lib/recycling/candidates.c - see candidates.h.
 *
 * A cached cell is two lines of JSON. The first has the numbers that every caller needs, and only
 * this line is parsed:
 *
 *   {"complete_m":8462.3,"places":[[id,latitude,longitude,metres],...]}
 *
 * The second is the list of the centres as callers get them; it is cut between its elements. Both
 * are in the order of the distance from the cell's middle.
 */
#include "lib/recycling/candidates.h"

#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/json.h"
#include "lib/domain/columns.h"
#include "lib/domain/domain.h"

#define WHERE "cell of location.nearby"
#define EXACT (JSON_COMPACT | JSON_REAL_PRECISION(17))

static double real_of(recsys_datum datum)
{
    return datum.type == RECSYS_TYPE_INTEGER ? (double)datum.number : datum.real;
}

static json_t *make_place(const recsys_rows *rows, size_t row)
{
    json_t *place = json_array();

    if (place == NULL ||
        json_array_append_new(place, json_integer(recsys_rows_find(rows, row, "id").number)) != 0 ||
        json_array_append_new(place, json_real(real_of(recsys_rows_find(rows, row, "lat")))) != 0 ||
        json_array_append_new(place, json_real(real_of(recsys_rows_find(rows, row, "lon")))) != 0 ||
        json_array_append_new(place, json_real(real_of(recsys_rows_find(rows, row, "distance")))) !=
            0) {
        json_decref(place);
        return NULL;
    }
    return place;
}

static json_t *make_numbers(const recsys_rows *rows, size_t n, double complete_m)
{
    json_t *numbers = json_object(), *places = json_array();

    for (size_t row = 0; row < n && places != NULL; row++)
        if (json_array_append_new(places, make_place(rows, row)) != 0) {
            json_decref(places);
            places = NULL;
        }
    if (numbers == NULL || places == NULL ||
        json_object_set_new(numbers, "complete_m", json_real(complete_m)) != 0 ||
        json_object_set(numbers, "places", places) != 0) {
        json_decref(numbers);
        numbers = NULL;
    }
    json_decref(places);
    return numbers;
}

/* The first `n` rows without the distance from the middle, which no caller gets. */
static recsys_status format_centers(const recsys_rows *rows, size_t n, struct rs_buffer *out,
                                    recsys_error *err)
{
    static const char *const hidden = "distance";
    recsys_rows *shown = NULL;
    recsys_value list = {0};
    size_t n_all, cut;
    recsys_status status = rs_columns_without(rows, &hidden, 1, &shown, err);

    if (status == RECSYS_OK)
        status = recsys_rows_format(shown, RECSYS_SHAPE_LIST, &list, err);
    if (status == RECSYS_OK) {
        status = rs_span_count(list.data, list.size, n, &n_all, &cut);
        rs_buffer_add(out, list.data, cut);
        rs_buffer_add(out, "]", 1);
    }
    recsys_value_release(&list);
    recsys_rows_destroy(shown);
    return status;
}

recsys_status rs_candidates_format(const recsys_rows *rows, double searched_m,
                                   struct rs_buffer *out, recsys_error *err)
{
    size_t n = recsys_rows_count(rows);
    double complete_m = searched_m;

    if (n > RS_CANDIDATES_MAX) {
        n = RS_CANDIDATES_MAX;
        complete_m = real_of(recsys_rows_find(rows, n, "distance"));
    }
    json_t *numbers = make_numbers(rows, n, complete_m);
    int failed = numbers == NULL || rs_json_write(numbers, EXACT, out) != 0;
    json_decref(numbers);
    if (failed)
        return rs_error_nomem(err, WHERE);
    rs_buffer_add(out, "\n", 1);
    recsys_status status = format_centers(rows, n, out, err);
    if (status == RECSYS_OK && out->status != RECSYS_OK)
        status = rs_error(err, out->status, WHERE ": its centres cannot be kept in memory");
    return status;
}

recsys_status rs_candidates_format_shown(const recsys_rows *rows, size_t max, double radius_m,
                                         recsys_value *out, recsys_error *err)
{
    size_t n = 0, n_all, cut;
    recsys_value list = {0};
    struct rs_buffer text;

    while (n < recsys_rows_count(rows) && n < max &&
           real_of(recsys_rows_find(rows, n, "distance")) <= radius_m)
        n++;
    recsys_status status = recsys_rows_format(rows, RECSYS_SHAPE_LIST, &list, err);
    if (status != RECSYS_OK)
        return status;
    rs_buffer_init(&text, list.size + 2);
    status = rs_span_count(list.data, list.size, n, &n_all, &cut);
    rs_buffer_add(&text, list.data, cut);
    rs_buffer_add(&text, "]", 1);
    recsys_value_release(&list);
    if (status == RECSYS_OK && text.status == RECSYS_OK) {
        rs_value_own(out, text.bytes, text.size);
        return RECSYS_OK;
    }
    rs_buffer_destroy(&text);
    return rs_error_nomem(err, WHERE);
}

static int read_place(const json_t *place, struct rs_candidate *out)
{
    const json_t *id = json_array_get(place, 0);

    if (json_array_size(place) != 4 || !json_is_integer(id))
        return 0;
    for (size_t i = 1; i < 4; i++)
        if (!json_is_real(json_array_get(place, i)))
            return 0;
    out->id = (int64_t)json_integer_value(id);
    out->latitude = json_real_value(json_array_get(place, 1));
    out->longitude = json_real_value(json_array_get(place, 2));
    out->from_middle = json_real_value(json_array_get(place, 3));
    return 1;
}

static recsys_status read_all(const json_t *numbers, struct rs_span centers,
                              struct rs_candidates *out, recsys_error *err)
{
    const json_t *places = json_object_get(numbers, "places");
    const json_t *complete = json_object_get(numbers, "complete_m");
    struct rs_elements elements;
    size_t n = json_array_size(places);
    struct rs_span one_more;

    if (!json_is_array(places) || n > RS_CANDIDATES_MAX || !json_is_real(complete))
        return rs_error(err, RECSYS_E_FORMAT, WHERE ": not what was written");
    out->items = rs_alloc_array(n, sizeof *out->items);
    if (out->items == NULL)
        return rs_error_nomem(err, WHERE);
    out->complete_m = json_real_value(complete);
    rs_elements_init(&elements, centers.text, centers.size);
    for (size_t i = 0; i < n; i++)
        if (!read_place(json_array_get(places, i), &out->items[i]) ||
            !rs_elements_next(&elements, &out->items[i].text) || out->items[i].text.size < 2 ||
            out->items[i].text.text[out->items[i].text.size - 1] != '}')
            return rs_error(err, RECSYS_E_FORMAT, WHERE ": centre %zu is not what was written", i);
    if (rs_elements_next(&elements, &one_more) || elements.state != 2)
        return rs_error(err, RECSYS_E_FORMAT, WHERE ": has more centres than places");
    out->n = n;
    return RECSYS_OK;
}

recsys_status rs_candidates_read(const char *bytes, size_t size, struct rs_candidates *out,
                                 recsys_error *err)
{
    const char *line_end = size == 0 ? NULL : memchr(bytes, '\n', size);
    json_t *numbers = NULL;
    recsys_status status;

    memset(out, 0, sizeof *out);
    if (line_end == NULL)
        return rs_error(err, RECSYS_E_FORMAT, WHERE ": not what was written");
    status = rs_json_parse(bytes, (size_t)(line_end - bytes), WHERE, &numbers, err);
    if (status != RECSYS_OK)
        return status;
    struct rs_span centers = {line_end + 1, size - (size_t)(line_end + 1 - bytes)};
    status = read_all(numbers, centers, out, err);
    json_decref(numbers);
    if (status != RECSYS_OK) {
        rs_free(out->items);
        memset(out, 0, sizeof *out);
    }
    return status;
}
