/* daemon/ctl/input/catalog_entry.c - one entry of a catalogue, from loose values to the builder's
 * line.
 *
 * Each field is looked for under the names that MovieLens, TMDB and tables usually have, or under
 * the one that the user gave. A field without a value is unknown. A value that cannot be understood
 * is a problem, and the entry is left out.
 */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "daemon/ctl/ctl_command.h"
#include "daemon/ctl/input/catalog_input.h"
#include "daemon/ctl/input/genre_list.h"
#include "daemon/ctl/input/loose_value.h"
#include "lib/base/json_write.h"

#define MAX_LINE ((size_t)1 << 20)
#define MAX_NAMES 6

static const struct {
    const char *name, *usual[MAX_NAMES];
} fields[CTL_ITEM_N_FIELDS] = {
    [CTL_ITEM_ID] = {"id", {"id", "item_id", "movieId", "movie_id", "itemId", NULL}},
    [CTL_ITEM_TITLE] = {"title", {"title", "name", "original_title", NULL}},
    [CTL_ITEM_GENRES] = {"genres", {"genres", "genre", NULL}},
    [CTL_ITEM_YEAR] = {"year", {"release_year", "year", "release_date", NULL}},
    [CTL_ITEM_RATING] = {"rating", {"rating", "vote_average", NULL}},
    [CTL_ITEM_POSTER] = {"poster", {"poster_url", "poster_path", NULL}},
    [CTL_ITEM_LANGUAGE] = {"language", {"language", "original_language", NULL}},
    [CTL_ITEM_ADULT] = {"adult", {"adult", NULL}},
};

/* One entry on its way. */
struct catalog_entry {
    struct ctl_catalog_input *input;
    uint64_t line;
    const json_t *object;
};

const char *ctl_catalog_field_name(unsigned field)
{
    return field < CTL_ITEM_N_FIELDS ? fields[field].name : NULL;
}

const char *ctl_catalog_usual_name(unsigned field, unsigned i)
{
    return i < MAX_NAMES ? fields[field].usual[i] : NULL;
}

/* A film may be called Null, and an item NA. */
static bool is_none(unsigned field, const json_t *value)
{
    if ((field == CTL_ITEM_ID || field == CTL_ITEM_TITLE) && json_is_string(value))
        return ctl_is_blank(json_string_value(value));
    return ctl_is_no_value(value);
}

/* The value of a field, and under which name it stands; NULL if there is none. */
static const json_t *find_value(const struct catalog_entry *entry, unsigned field,
                                const char **name)
{
    const char *given = entry->input->columns[field];

    for (unsigned i = 0;; i++) {
        *name = given != NULL && i == 0 ? given : ctl_catalog_usual_name(field, i);
        if (*name == NULL || (given != NULL && i > 0))
            return NULL;
        const json_t *value = json_object_get(entry->object, *name);
        if (!is_none(field, value))
            return value;
    }
}

static bool refuse(const struct catalog_entry *entry, const char *name, const json_t *value,
                   const char *must)
{
    char shown[120];

    ctl_problems_add(&entry->input->problems, entry->line, "%s is %s, must be %s", name,
                     ctl_show_value(value, shown, sizeof shown), must);
    return false;
}

static void put_key(struct rs_buffer *out, const char *key)
{
    rs_buffer_format(out, ",\"%s\":", key);
}

/* The id as the model's kind, and its row. False: a problem, or an item that the model has not. */
static bool put_id(const struct catalog_entry *entry, uint64_t *row)
{
    struct ctl_catalog_input *input = entry->input;
    bool is_text = input->id_kind == RECSYS_ID_KIND_TEXT;
    char space[64];
    recsys_id id = {NULL, 0};
    int64_t number = 0;
    size_t size = 0;
    const char *name;
    const json_t *value = find_value(entry, CTL_ITEM_ID, &name);
    recsys_error err;

    if (value == NULL) {
        ctl_problems_add(&input->problems, entry->line, "there is no %s",
                         input->columns[CTL_ITEM_ID] != NULL ? input->columns[CTL_ITEM_ID] : "id");
        return false;
    }
    id.text = is_text ? ctl_to_text(value, space, sizeof space, &size) : NULL;
    if (is_text && (id.text == NULL || size < 1 || size > RECSYS_ID_MAX_TEXT))
        return refuse(entry, name, value, "a text of 1 to 255 bytes");
    if (!is_text && (!ctl_to_integer(value, &number) || number < 0))
        return refuse(entry, name, value, "an integer from 0, as the model's item ids are");
    id.number = is_text ? size : (uint64_t)number;
    recsys_status status = recsys_builder_find(input->builder, "item_ids", id, row, &err);
    if (status != RECSYS_OK) {
        input->n_unknown += status == RECSYS_E_NOT_FOUND;
        if (status != RECSYS_E_NOT_FOUND || input->strict)
            ctl_problems_add(&input->problems, entry->line, "%s", err.message);
        return false;
    }
    rs_buffer_add_text(&input->json, "{\"id\":");
    if (is_text)
        rs_json_put_text(&input->json, id.text, size);
    else
        rs_json_put_integer(&input->json, number);
    return true;
}

static bool check_repeated(const struct catalog_entry *entry, uint64_t row)
{
    uint64_t *line = &entry->input->lines[row];

    if (*line == 0) {
        *line = entry->line;
        return true;
    }
    ctl_problems_add(&entry->input->problems, entry->line, "the item is on line %" PRIu64 ", too",
                     *line);
    return false;
}

static bool put_text(const struct catalog_entry *entry, unsigned field, const char *key)
{
    struct rs_buffer *out = &entry->input->json;
    const char *name, *text;
    const json_t *value = find_value(entry, field, &name);
    char space[64];
    size_t size;

    if (value == NULL)
        return true;
    text = ctl_to_text(value, space, sizeof space, &size);
    if (text == NULL)
        return refuse(entry, name, value, "a text");
    put_key(out, key);
    rs_json_put_text(out, text, size);
    return true;
}

static bool put_genres(const struct catalog_entry *entry)
{
    struct ctl_catalog_input *input = entry->input;
    const char *name;
    const json_t *value = find_value(entry, CTL_ITEM_GENRES, &name);
    size_t before = input->json.size;
    char problem[200];

    if (value == NULL)
        return true;
    put_key(&input->json, "genres");
    if (ctl_put_genres(value, input->genre_separators, &input->json, problem, sizeof problem))
        return true;
    input->json.size = before;
    ctl_problems_add(&input->problems, entry->line, "%s", problem);
    return false;
}

static bool read_four_digits(const char *text, int64_t *year)
{
    if (strspn(text, "0123456789") != 4)
        return false;
    *year = (text[0] - '0') * 1000 + (text[1] - '0') * 100 + (text[2] - '0') * 10 + text[3] - '0';
    return true;
}

/* 1995-10-30T..., 30-Oct-1995, 10/30/1995: four digits at the beginning or at the end. */
static bool read_date(const char *text, int64_t *year)
{
    size_t size;

    text += strspn(text, " \t");
    size = strlen(text);
    return read_four_digits(text, year) || (size > 5 && !isdigit((unsigned char)text[size - 5]) &&
                                            read_four_digits(text + size - 4, year));
}

/* The year that a title ends with: "Film (1995)", "Series (2006-2007) ". */
static int64_t find_year_in(const char *title)
{
    const char *open = strrchr(title, '(');
    const char *close = open != NULL ? strchr(open, ')') : NULL;
    int64_t year = 0;

    if (close == NULL || close[1 + strspn(close + 1, " ")] != '\0' ||
        !read_four_digits(open + 1, &year))
        return 0;
    return year;
}

/* A number of more than four digits is pandas' date: milliseconds since 1970. */
static bool read_year(const json_t *value, int64_t *year)
{
    struct tm date;

    if (!ctl_to_integer(value, year))
        return json_is_string(value) && read_date(json_string_value(value), year);
    if (*year > 9999 || *year < -9999) {
        time_t seconds = (time_t)(*year / 1000 - (*year % 1000 < 0));
        if (gmtime_r(&seconds, &date) == NULL)
            return false;
        *year = date.tm_year + 1900;
    }
    return true;
}

static bool put_year(const struct catalog_entry *entry)
{
    const char *name, *title_name;
    const json_t *value = find_value(entry, CTL_ITEM_YEAR, &name);
    const json_t *title = find_value(entry, CTL_ITEM_TITLE, &title_name);
    int64_t year = 0;

    if (value != NULL && (!read_year(value, &year) || year < 0 || year > 9999))
        return refuse(entry, name, value, "a year or a date");
    if (year == 0 && json_is_string(title))
        year = find_year_in(json_string_value(title));
    if (year > 0) {
        put_key(&entry->input->json, "release_year");
        rs_json_put_integer(&entry->input->json, year);
    }
    return true;
}

/* TMDB has 0 for what nobody has voted for. */
static bool is_without_votes(const struct catalog_entry *entry, const char *name)
{
    int64_t n_votes;

    return strcmp(name, "vote_average") == 0 &&
           ctl_to_integer(json_object_get(entry->object, "vote_count"), &n_votes) && n_votes == 0;
}

static bool put_rating(const struct catalog_entry *entry)
{
    const char *name;
    const json_t *value = find_value(entry, CTL_ITEM_RATING, &name);
    double rating;

    if (value == NULL || is_without_votes(entry, name))
        return true;
    if (!ctl_to_real(value, &rating) || !(rating >= 0.0 && rating <= 10.0))
        return refuse(entry, name, value, "a number from 0 to 10");
    put_key(&entry->input->json, "rating");
    rs_json_put_real(&entry->input->json, rating);
    return true;
}

/* The path behind the base; false: an entry has no room for it. */
static bool make_url(const struct catalog_entry *entry, const char *name, const char *path,
                     struct rs_buffer *url)
{
    rs_buffer_format(url, "%s%s", entry->input->poster_base, path);
    if (url->status == RECSYS_E_NOMEM)
        exit(ctl_failed("out of memory"));
    if (url->status == RECSYS_OK)
        return true;
    ctl_problems_add(&entry->input->problems, entry->line,
                     "%s has %zu bytes; with --poster-base in front it must be less than 1 MiB",
                     name, strlen(path));
    return false;
}

/* A path alone is no address. */
static bool put_poster(const struct catalog_entry *entry)
{
    const char *name;
    const json_t *value = find_value(entry, CTL_ITEM_POSTER, &name);
    const char *text = json_string_value(value);
    struct rs_buffer url = RS_BUFFER_INIT(MAX_LINE);

    if (value == NULL)
        return true;
    if (text == NULL)
        return refuse(entry, name, value, "a text");
    if (strstr(text, "://") == NULL) {
        if (entry->input->poster_base == NULL)
            return true;
        if (!make_url(entry, name, text, &url)) {
            rs_buffer_destroy(&url);
            return false;
        }
        text = url.bytes;
    }
    put_key(&entry->input->json, "poster_url");
    rs_json_put_string(&entry->input->json, text);
    rs_buffer_destroy(&url);
    return true;
}

static bool put_adult(const struct catalog_entry *entry)
{
    const char *name;
    const json_t *value = find_value(entry, CTL_ITEM_ADULT, &name);
    bool adult;

    if (value == NULL)
        return true;
    if (!ctl_to_boolean(value, &adult))
        return refuse(entry, name, value, "true, false, 1 or 0");
    if (adult)
        rs_buffer_add_text(&entry->input->json, ",\"adult\":true");
    return true;
}

/* Every field is looked at, so that all problems of an entry are listed. */
static bool put_fields(const struct catalog_entry *entry)
{
    bool good = put_text(entry, CTL_ITEM_TITLE, "title");

    good = put_genres(entry) && good;
    good = put_year(entry) && good;
    good = put_rating(entry) && good;
    good = put_poster(entry) && good;
    good = put_text(entry, CTL_ITEM_LANGUAGE, "language") && good;
    return put_adult(entry) && good;
}

static void add_line(const struct catalog_entry *entry)
{
    static const char prefix[] = "catalogue entry: ";
    struct rs_buffer *json = &entry->input->json;
    const char *message;
    recsys_error err;

    rs_buffer_add_text(json, "}");
    if (json->status == RECSYS_E_NOMEM)
        exit(ctl_failed("out of memory"));
    if (json->status != RECSYS_OK) {
        ctl_problems_add(&entry->input->problems, entry->line, "the entry is too long");
    } else if (recsys_builder_add_item(entry->input->builder, json->bytes, json->size, &err) !=
               RECSYS_OK) {
        message = strncmp(err.message, prefix, sizeof prefix - 1) == 0
                      ? err.message + sizeof prefix - 1
                      : err.message;
        ctl_problems_add(&entry->input->problems, entry->line, "%s", message);
    }
}

void ctl_catalog_add(struct ctl_catalog_input *input, uint64_t line, const json_t *object)
{
    struct catalog_entry entry = {input, line, object};
    uint64_t row;

    input->n_entries++;
    rs_buffer_clear(&input->json);
    if (put_id(&entry, &row) && check_repeated(&entry, row) && put_fields(&entry))
        add_line(&entry);
}

recsys_status ctl_catalog_begin(struct ctl_catalog_input *input, const char *name,
                                recsys_error *err)
{
    recsys_status status =
        recsys_builder_get_ids(input->builder, "item_ids", &input->n_items, &input->id_kind, err);

    input->problems.path = name;
    rs_buffer_init(&input->json, MAX_LINE);
    if (status == RECSYS_OK)
        input->lines = ctl_allocate((size_t)input->n_items, sizeof *input->lines);
    return status;
}

void ctl_catalog_end(struct ctl_catalog_input *input)
{
    free(input->lines);
    rs_buffer_destroy(&input->json);
}
