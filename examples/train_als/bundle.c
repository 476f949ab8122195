/* bundle.c - write a trained model as a bundle.
 *
 * Everything a server needs goes through librecsys's public builder: vectors,
 * biases, ids, how popular each movie is, what each user has rated (so that it
 * is not recommended again, and so that reasons can name it), and a catalogue
 * line for every movie. The builder copies texts but keeps arrays by pointer
 * until it writes.
 *
 * Scores: implicit ALS estimates a preference that lies around 0..1, which the
 * link clips; ratings are mapped linearly from 0.5..5.
 */
#include "bundle.h"

#include <jansson.h>
#include <recsys/recsys.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "report.h"

static void check(recsys_status status, const recsys_error *err)
{
    if (status != RECSYS_OK)
        report_fatal("%s", err->message);
}

/* `columns` 0: one dimension. */
static void set_array(recsys_builder *builder, const char *name, const void *data, uint32_t dtype,
                      size_t rows, size_t columns)
{
    recsys_array array = RECSYS_ARRAY_2D(data, dtype, rows, columns);

    array.n_dims = columns > 0u ? 2u : 1u;
    recsys_error err;

    check(recsys_builder_set_array(builder, name, &array, &err), &err);
}

static void set_field(recsys_builder *builder, const char *field, const char *value)
{
    recsys_error err;

    check(recsys_builder_set_field(builder, field, value, &err), &err);
}

static void set_number(recsys_builder *builder, const char *field, double value)
{
    char text[32];

    snprintf(text, sizeof text, "%.6g", value);
    set_field(builder, field, text);
}

static json_t *genres_of(const struct movie *movie)
{
    json_t *genres = json_array();
    const char *begin = movie->genres;

    while (*begin != '\0') {
        size_t length = strcspn(begin, "|");

        if (length > 0u)
            json_array_append_new(genres, json_stringn(begin, length));
        begin += length + (begin[length] == '|');
    }
    return genres;
}

static void add_movie(recsys_builder *builder, const struct movie *movie)
{
    json_t *line = json_object();
    recsys_error err;
    char *text;

    json_object_set_new(line, "id", json_integer((json_int_t)movie->id));
    if (json_object_set_new(line, "title", json_string(movie->title)) != 0)
        report_fatal("movie %lld: its title is not UTF-8", (long long)movie->id);
    json_object_set_new(line, "genres", genres_of(movie));
    if (movie->year > 0)
        json_object_set_new(line, "release_year", json_integer(movie->year));
    if (movie->rating >= 0.0f)
        json_object_set_new(line, "rating", json_real((double)movie->rating));
    if (movie->language != NULL)
        json_object_set_new(line, "language", json_string(movie->language));
    if (movie->adult >= 0)
        json_object_set_new(line, "adult", json_boolean(movie->adult));

    text = json_dumps(line, JSON_COMPACT | JSON_REAL_PRECISION(3));
    if (text == NULL)
        report_fatal("out of memory");
    check(recsys_builder_add_item(builder, text, strlen(text), &err), &err);
    free(text);
    json_decref(line);
}

static void set_fields(recsys_builder *builder, const char *name, const struct als_options *options,
                       const struct als_model *model, const struct quality *quality)
{
    int implicit = options->mode == ALS_IMPLICIT;
    time_t now = time(NULL);
    struct tm utc;
    char date[32];

    gmtime_r(&now, &utc);
    strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%SZ", &utc);
    set_field(builder, "name", name);
    set_field(builder, "version", "1");
    set_field(builder, "algorithm", "als");
    set_field(builder, "training_date", date);
    set_field(builder, "metric", "inner_product");
    set_field(builder, "link", implicit ? "clip" : "linear");
    if (!implicit) {
        set_number(builder, "link_min", 0.5);
        set_number(builder, "link_max", 5.0);
    }
    set_field(builder, "hyperparameters.mode", implicit ? "implicit" : "ratings");
    set_number(builder, "hyperparameters.factors", options->factors);
    set_number(builder, "hyperparameters.iterations", options->iterations);
    set_number(builder, "hyperparameters.regularization", (double)options->regularization);
    if (implicit)
        set_number(builder, "hyperparameters.alpha", (double)options->alpha);
    set_number(builder, implicit ? "metrics.training_loss" : "metrics.training_rmse", model->loss);
    if (quality->n_users > 0u) {
        set_number(builder, "metrics.recall@10", quality->recall);
        set_number(builder, "metrics.ndcg@10", quality->ndcg);
        if (!implicit)
            set_number(builder, "metrics.rmse", quality->rmse);
    }
}

void bundle_write(const char *path, const char *name, const struct movielens *data,
                  const struct sparse *by_user, const struct sparse *by_item,
                  const struct als_model *model, const struct als_options *options,
                  const struct quality *quality)
{
    size_t n_users = data->n_users, n_items = data->n_movies, d = options->factors;
    int64_t *item_ids = report_allocate(n_items, sizeof *item_ids);
    float *popularity = report_allocate(n_items, sizeof *popularity);
    recsys_builder *builder = NULL;
    recsys_error err;

    check(recsys_builder_create(&builder, &err), &err);
    for (size_t i = 0; i < n_items; i++) {
        item_ids[i] = data->movies[i].id;
        popularity[i] = (float)(by_item->offsets[i + 1u] - by_item->offsets[i]);
        add_movie(builder, &data->movies[i]);
    }
    set_array(builder, "user_factors", model->user_factors, RECSYS_DTYPE_F32, n_users, d);
    set_array(builder, "item_factors", model->item_factors, RECSYS_DTYPE_F32, n_items, d);
    if (model->user_bias != NULL) {
        set_array(builder, "user_bias", model->user_bias, RECSYS_DTYPE_F32, n_users, 0u);
        set_array(builder, "item_bias", model->item_bias, RECSYS_DTYPE_F32, n_items, 0u);
    }
    set_array(builder, "user_ids", data->user_ids, RECSYS_DTYPE_I64, n_users, 0u);
    set_array(builder, "item_ids", item_ids, RECSYS_DTYPE_I64, n_items, 0u);
    set_array(builder, "item_popularity", popularity, RECSYS_DTYPE_F32, n_items, 0u);
    set_array(builder, "seen_offsets", by_user->offsets, RECSYS_DTYPE_U64, n_users + 1u, 0u);
    set_array(builder, "seen_items", by_user->columns, RECSYS_DTYPE_U32, data->n_ratings, 0u);
    set_array(builder, "seen_weights", by_user->values, RECSYS_DTYPE_F32, data->n_ratings, 0u);
    set_fields(builder, name, options, model, quality);
    check(recsys_builder_write(builder, path, &err), &err);

    recsys_builder_destroy(builder);
    free(item_ids);
    free(popularity);
}
