/* daemon/ctl/ctl_catalog.c - recsysctl catalog: a model's catalogue as JSON Lines.
 *
 * One line for each item that has an entry, by ascending id, in the form that `import --catalog`
 * reads. Attributes that are unknown are left out.
 */
#include <jansson.h>
#include <math.h>
#include <stdio.h>

#include "daemon/ctl/ctl_command.h"

enum { PAGE = 1024 };

static const struct ctl_option options[] = {CTL_LOAD_OPTIONS, CTL_END};

/* As few digits as read back as the same float: 8.9, not 8.89999962. */
static double shorten(float rating)
{
    double rounded = nearbyint((double)rating * 1e6) / 1e6;

    return (float)rounded == rating ? rounded : (double)rating;
}

static json_t *genres_of(const recsys_item *item)
{
    json_t *genres = json_array();

    for (uint32_t i = 0; i < item->n_genres; i++)
        json_array_append_new(genres, json_string(item->genres[i]));
    return genres;
}

static json_t *line_of(recsys_id id, const recsys_item *item)
{
    json_t *line = json_object();

    json_object_set_new(
        line, "id", id.text != NULL ? json_string(id.text) : json_integer((json_int_t)id.number));
    if (item->title[0] != '\0')
        json_object_set_new(line, "title", json_string(item->title));
    if (item->n_genres > 0)
        json_object_set_new(line, "genres", genres_of(item));
    if (item->release_year != 0)
        json_object_set_new(line, "release_year", json_integer(item->release_year));
    if (item->rating >= 0.0f)
        json_object_set_new(line, "rating", json_real(shorten(item->rating)));
    if (item->poster_url != NULL)
        json_object_set_new(line, "poster_url", json_string(item->poster_url));
    if (item->language != NULL)
        json_object_set_new(line, "language", json_string(item->language));
    if (item->adult)
        json_object_set_new(line, "adult", json_true());
    return line;
}

static recsys_status print_item(const recsys_model *model, recsys_id id, recsys_error *err)
{
    recsys_item item = RECSYS_ITEM_INIT;
    recsys_status status = recsys_catalog_get(model, id, &item, err);

    if (status != RECSYS_OK || !item.known)
        return status;
    json_t *line = line_of(id, &item);
    int failed = json_dumpf(line, stdout, JSON_COMPACT | JSON_REAL_PRECISION(9)) != 0;
    json_decref(line);
    putchar('\n');
    return failed ? recsys_error_set(err, RECSYS_E_IO, "cannot write a line of the catalogue")
                  : RECSYS_OK;
}

static int run_catalog(const struct ctl_arguments *arguments)
{
    recsys_model *model = NULL;
    recsys_id ids[PAGE];
    size_t n = PAGE;
    recsys_error err;
    recsys_status status = ctl_load(arguments, arguments->operands[0], "loading", &model, &err);

    for (uint64_t offset = 0; status == RECSYS_OK && n == PAGE; offset += n) {
        status = recsys_model_get_item_ids(model, offset, ids, PAGE, &n, &err);
        for (size_t i = 0; i < n && status == RECSYS_OK; i++)
            status = print_item(model, ids[i], &err);
    }
    recsys_model_unref(model);
    return status == RECSYS_OK ? CTL_OK : ctl_failed("%s", err.message);
}

const struct ctl_command ctl_catalog = {
    "catalog", "PATH", 1, 1, "print a model's catalogue as JSON Lines", options, run_catalog};
