/* genres.c - vectors for the genres a user may name as favourites.
 *
 * When a request names favourite genres, librecsys adds the vectors of the
 * features pref_genre_... to the user's. ALS knows users and movies only, so a
 * genre's vector is that of an imaginary user who has chosen the genre's most
 * rated movies and nothing else, computed as for a real user. It is as long as
 * the vector of a user with so few ratings, so it changes a user's vector without
 * hiding the user's own taste; and for an unknown user it is a first profile.
 *
 * Without this librecsys would add a constant to the scores of the genre's movies
 * (preference_strength in recsys/recommend.h).
 */
#include "genres.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report.h"

enum { MOVIES_PER_GENRE = 20 };

static const char prefix[] = "pref_genre_";

/* A genre's most rated movies, the most rated first. */
struct favourites {
    size_t n;
    uint32_t movies[MOVIES_PER_GENRE];
};

static uint64_t n_ratings(const struct sparse *by_item, uint32_t movie)
{
    return by_item->offsets[movie + 1u] - by_item->offsets[movie];
}

static void offer(struct favourites *best, const struct sparse *by_item, uint32_t movie)
{
    size_t place = best->n;

    while (place > 0u && n_ratings(by_item, best->movies[place - 1u]) < n_ratings(by_item, movie))
        place--;
    if (place == MOVIES_PER_GENRE || n_ratings(by_item, movie) == 0u)
        return;
    if (best->n < MOVIES_PER_GENRE)
        best->n++;
    memmove(&best->movies[place + 1u], &best->movies[place],
            (best->n - place - 1u) * sizeof best->movies[0]);
    best->movies[place] = movie;
}

static char *feature_name(const char *genre, size_t length)
{
    char *name = report_allocate(sizeof prefix + length, 1u);

    memcpy(name, prefix, sizeof prefix - 1u);
    for (size_t i = 0; i < length; i++)
        name[sizeof prefix - 1u + i] = (char)tolower((unsigned char)genre[i]);
    name[sizeof prefix - 1u + length] = '\0';
    return name;
}

/* The number of the feature called `name`, which is kept if it is new. */
static size_t find_or_add(struct genres *genres, struct favourites **best, char *name)
{
    for (size_t i = 0; i < genres->n; i++) {
        if (strcmp(genres->names[i], name) == 0) {
            free(name);
            return i;
        }
    }
    genres->names = report_resize(genres->names, genres->n + 1u, sizeof *genres->names);
    *best = report_resize(*best, genres->n + 1u, sizeof **best);
    genres->names[genres->n] = name;
    (*best)[genres->n].n = 0u;
    return genres->n++;
}

static struct favourites *find_favourites(struct genres *genres, const struct movielens *data,
                                          const struct sparse *by_item)
{
    struct favourites *best = NULL;

    for (uint32_t movie = 0; movie < data->n_movies; movie++) {
        const char *genre = data->movies[movie].genres;

        while (*genre != '\0') {
            size_t length = strcspn(genre, "|");

            if (length > 0u) {
                size_t found = find_or_add(genres, &best, feature_name(genre, length));

                offer(&best[found], by_item, movie);
            }
            genre += length + (genre[length] == '|');
        }
    }
    return best;
}

void genres_make(struct genres *out, const struct movielens *data, const struct sparse *by_item,
                 const struct als_model *model, const struct als_options *options)
{
    struct sparse rows = {.n_columns = data->n_movies};
    struct favourites *best;
    uint64_t n = 0u;

    memset(out, 0, sizeof *out);
    best = find_favourites(out, data, by_item);
    rows.n_rows = out->n;
    rows.offsets = report_allocate(out->n + 1u, sizeof *rows.offsets);
    rows.columns = report_allocate(out->n * MOVIES_PER_GENRE, sizeof *rows.columns);
    rows.values = report_allocate(out->n * MOVIES_PER_GENRE, sizeof *rows.values);
    for (size_t i = 0; i < out->n; i++) {
        rows.offsets[i] = n;
        for (size_t j = 0; j < best[i].n; j++, n++) {
            uint32_t movie = best[i].movies[j];

            rows.columns[n] = movie;
            /* Four stars; in ratings mode one more than the movie usually gets. */
            rows.values[n] = model->item_bias != NULL ? model->item_bias[movie] + 1.0f : 4.0f;
        }
    }
    rows.offsets[out->n] = n;
    out->vectors = report_allocate(out->n * options->factors, sizeof *out->vectors);
    als_fold_in(out->vectors, model, &rows, options);
    sparse_free(&rows);
    free(best);
}

void genres_free(struct genres *genres)
{
    for (size_t i = 0; i < genres->n; i++)
        free(genres->names[i]);
    free(genres->names);
    free(genres->vectors);
}
