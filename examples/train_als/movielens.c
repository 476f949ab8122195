/* movielens.c - a MovieLens data set in memory.
 *
 * Reads movies.csv and ratings.csv as GroupLens publishes them, and a
 * details.csv of our own with what MovieLens does not have. Movies that nobody
 * rated are kept: they belong to the catalogue.
 *
 * Ratings end up sorted by user, then movie, which the published files already
 * are; a data set put together from several files need not be. When a user has
 * rated a movie twice the newer rating counts.
 */
#include "movielens.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "csv.h"
#include "report.h"

/* A movie's mean rating is moved towards the mean of all ratings, as if the movie
 * had this many more average ratings: two high ratings alone prove little. */
#define AVERAGE_RATINGS 5.0

static char *copy_text(const char *text)
{
    size_t size = strlen(text) + 1u;

    return memcpy(report_allocate(size, 1u), text, size);
}

/* The last "(1995)" in a title. Series have "(2006-2012)" and no year. */
static int32_t year_of(const char *title)
{
    for (const char *c = title + strlen(title); c-- > title;) {
        if (*c == '(' && strspn(c + 1, "0123456789") == 4u && c[5] == ')')
            return (int32_t)strtol(c + 1, NULL, 10);
    }
    return 0;
}

static int compare_movies(const void *left, const void *right)
{
    const struct movie *a = left, *b = right;

    return (a->id > b->id) - (a->id < b->id);
}

static struct movie *find_movie(const struct movielens *data, int64_t id)
{
    struct movie key = {.id = id};

    if (data->n_movies == 0u)
        return NULL;
    return bsearch(&key, data->movies, data->n_movies, sizeof key, compare_movies);
}

void movielens_read_movies(struct movielens *data, const char *path)
{
    struct csv csv;
    size_t capacity = 0u;

    csv_open(&csv, path, "movieId,title,genres");
    while (csv_next(&csv)) {
        const char *genres = csv_field(&csv, 2u);
        struct movie *movie;

        if (data->n_movies == capacity) {
            capacity = capacity == 0u ? 1024u : capacity * 2u;
            data->movies = report_resize(data->movies, capacity, sizeof *data->movies);
        }
        movie = &data->movies[data->n_movies++];
        movie->id = csv_id(&csv, 0u, "movieId");
        movie->title = copy_text(csv_field(&csv, 1u));
        movie->genres = copy_text(strcmp(genres, "(no genres listed)") == 0 ? "" : genres);
        movie->language = NULL;
        movie->rating = -1.0f;
        movie->year = year_of(movie->title);
        movie->adult = -1;
        movie->line = csv.line;
    }
    csv_close(&csv);
    if (data->n_movies == 0u)
        report_fatal("%s: there are no movies in it", path);
    qsort(data->movies, data->n_movies, sizeof *data->movies, compare_movies);
    for (size_t i = 1; i < data->n_movies; i++) {
        const struct movie *a = &data->movies[i - 1u], *b = &data->movies[i];

        if (a->id == b->id)
            report_fatal("%s:%zu: movie %lld is also on line %zu", path,
                         a->line > b->line ? a->line : b->line, (long long)a->id,
                         a->line > b->line ? b->line : a->line);
    }
}

void movielens_read_details(struct movielens *data, const char *path)
{
    struct csv csv;

    csv_open(&csv, path, "movieId,language,rating,adult");
    while (csv_next(&csv)) {
        struct movie *movie = find_movie(data, csv_id(&csv, 0u, "movieId"));
        const char *language = csv_field(&csv, 1u);

        if (movie == NULL)
            report_fatal("%s:%zu: there is no movie %s", path, csv.line, csv_field(&csv, 0u));
        if (*language != '\0') {
            free(movie->language);
            movie->language = copy_text(language);
        }
        if (*csv_field(&csv, 2u) != '\0')
            movie->rating = csv_number(&csv, 2u, "rating", 0.0, 10.0);
        if (*csv_field(&csv, 3u) != '\0')
            movie->adult = csv_number(&csv, 3u, "adult", 0.0, 1.0) != 0.0f;
    }
    csv_close(&csv);
}

/* By user, then movie, then the newest first. */
static int compare_ratings(const void *left, const void *right)
{
    const struct rating *a = left, *b = right;

    if (a->user_id != b->user_id)
        return a->user_id < b->user_id ? -1 : 1;
    if (a->movie != b->movie)
        return a->movie < b->movie ? -1 : 1;
    return (a->timestamp < b->timestamp) - (a->timestamp > b->timestamp);
}

static void sort_ratings(struct movielens *data)
{
    size_t kept = 0u, i = 1u;

    while (i < data->n_ratings && compare_ratings(&data->ratings[i - 1u], &data->ratings[i]) <= 0)
        i++;
    if (i < data->n_ratings)
        qsort(data->ratings, data->n_ratings, sizeof *data->ratings, compare_ratings);
    for (i = 0u; i < data->n_ratings; i++) {
        const struct rating *last = kept > 0u ? &data->ratings[kept - 1u] : NULL;

        if (last == NULL || last->user_id != data->ratings[i].user_id ||
            last->movie != data->ratings[i].movie)
            data->ratings[kept++] = data->ratings[i];
    }
    data->n_repeated = data->n_ratings - kept;
    data->n_ratings = kept;
}

static void list_users(struct movielens *data)
{
    size_t n = 0u;

    for (size_t i = 0; i < data->n_ratings; i++)
        n += i == 0u || data->ratings[i].user_id != data->ratings[i - 1u].user_id;
    data->user_ids = report_allocate(n, sizeof *data->user_ids);
    for (size_t i = 0; i < data->n_ratings; i++)
        if (i == 0u || data->ratings[i].user_id != data->ratings[i - 1u].user_id)
            data->user_ids[data->n_users++] = data->ratings[i].user_id;
}

void movielens_read_ratings(struct movielens *data, const char *path)
{
    struct csv csv;
    size_t capacity = 0u;

    csv_open(&csv, path, "userId,movieId,rating,timestamp");
    while (csv_next(&csv)) {
        struct rating *rating;
        struct movie *movie;

        if (data->n_ratings == capacity) {
            capacity = capacity == 0u ? 1u << 16 : capacity + capacity / 2u;
            data->ratings = report_resize(data->ratings, capacity, sizeof *data->ratings);
        }
        rating = &data->ratings[data->n_ratings++];
        rating->user_id = csv_id(&csv, 0u, "userId");
        movie = find_movie(data, csv_id(&csv, 1u, "movieId"));
        if (movie == NULL)
            report_fatal("%s:%zu: movie %s is not among the movies", path, csv.line,
                         csv_field(&csv, 1u));
        rating->movie = (uint32_t)(movie - data->movies);
        rating->value = csv_number(&csv, 2u, "rating", 0.5, 5.0);
        rating->timestamp = csv_integer(&csv, 3u, "timestamp");
        if (data->n_ratings % 100000u == 0u)
            report_progress("reading %s: %zu ratings", path, data->n_ratings);
    }
    report_progress_end();
    csv_close(&csv);
    if (data->n_ratings == 0u)
        report_fatal("%s: there are no ratings in it", path);
    sort_ratings(data);
    list_users(data);
}

/* The user's last rating among [begin, end): by time, then by movie id, which
 * is the order they are in. */
static size_t last_rating(const struct movielens *data, size_t begin, size_t end)
{
    size_t last = begin;

    for (size_t i = begin + 1u; i < end; i++)
        if (data->ratings[i].timestamp >= data->ratings[last].timestamp)
            last = i;
    return last;
}

static void write_held_out(const struct movielens *data, const char *path)
{
    FILE *file = fopen(path, "w");
    int failed;

    if (file == NULL)
        report_fatal("%s: %s", path, strerror(errno));
    fputs("userId,movieId,rating,timestamp\n", file);
    for (size_t i = 0; i < data->n_held_out; i++) {
        const struct rating *rating = &data->held_out[i];

        fprintf(file, "%lld,%lld,%g,%lld\n", (long long)rating->user_id,
                (long long)data->movies[rating->movie].id, (double)rating->value,
                (long long)rating->timestamp);
    }
    failed = ferror(file);
    if (fclose(file) != 0 || failed)
        report_fatal("%s: %s", path, strerror(errno));
}

void movielens_hold_out_last(struct movielens *data, const char *path)
{
    size_t begin = 0u, kept = 0u;

    data->held_out = report_allocate(data->n_users, sizeof *data->held_out);
    while (begin < data->n_ratings) {
        size_t end = begin, last;

        while (end < data->n_ratings && data->ratings[end].user_id == data->ratings[begin].user_id)
            end++;
        last = last_rating(data, begin, end);
        if (end - begin > 1u)
            data->held_out[data->n_held_out++] = data->ratings[last];
        else
            last = end;
        for (size_t i = begin; i < end; i++)
            if (i != last)
                data->ratings[kept++] = data->ratings[i];
        begin = end;
    }
    data->n_ratings = kept;
    write_held_out(data, path);
}

void movielens_rate_movies(struct movielens *data)
{
    double *sums = report_allocate(data->n_movies, sizeof *sums);
    double *counts = report_allocate(data->n_movies, sizeof *counts);
    double mean = 0.0;

    for (size_t i = 0; i < data->n_movies; i++)
        sums[i] = counts[i] = 0.0;
    for (size_t i = 0; i < data->n_ratings; i++) {
        sums[data->ratings[i].movie] += (double)data->ratings[i].value;
        counts[data->ratings[i].movie] += 1.0;
        mean += (double)data->ratings[i].value;
    }
    mean /= (double)data->n_ratings;
    for (size_t i = 0; i < data->n_movies; i++)
        if (data->movies[i].rating < 0.0f && counts[i] > 0.0)
            data->movies[i].rating =
                (float)(2.0 * (sums[i] + AVERAGE_RATINGS * mean) / (counts[i] + AVERAGE_RATINGS));
    free(sums);
    free(counts);
}

void movielens_free(struct movielens *data)
{
    for (size_t i = 0; i < data->n_movies; i++) {
        free(data->movies[i].title);
        free(data->movies[i].genres);
        free(data->movies[i].language);
    }
    free(data->movies);
    free(data->ratings);
    free(data->held_out);
    free(data->user_ids);
}
