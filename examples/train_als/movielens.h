/* movielens.h - a MovieLens data set in memory. */
#ifndef TRAIN_ALS_MOVIELENS_H
#define TRAIN_ALS_MOVIELENS_H

#include <stddef.h>
#include <stdint.h>

struct movie {
    int64_t id;
    char *title;    /* with its year */
    char *genres;   /* "Action|Comedy"; "" if none */
    char *language; /* NULL if unknown */
    float rating;   /* 0..10; negative if unknown */
    int32_t year;   /* 0 if unknown */
    int32_t adult;  /* 0 or 1; negative if unknown */
    size_t line;    /* where it stands in movies.csv */
};

struct rating {
    int64_t user_id;
    int64_t timestamp;
    uint32_t movie; /* index into movies */
    float value;    /* 0.5..5 */
};

struct movielens {
    struct movie *movies; /* ascending by id */
    size_t n_movies;
    struct rating *ratings; /* ascending by user id, then movie */
    size_t n_ratings;
    int64_t *user_ids; /* ascending */
    size_t n_users;
    struct rating *held_out; /* ascending by user id */
    size_t n_held_out;
    size_t n_repeated; /* ratings replaced by a newer one of the same user and movie */
};

/* Read the files, in this order; `details` may be NULL. */
void movielens_read_movies(struct movielens *data, const char *path);
void movielens_read_details(struct movielens *data, const char *path);
void movielens_read_ratings(struct movielens *data, const char *path);

/* Take every user's last rating out of `ratings`, into `held_out` and the CSV
 * file `path`. A user's only rating stays. */
void movielens_hold_out_last(struct movielens *data, const char *path);

/* Give movies without a rating of their own one made from `ratings`. */
void movielens_rate_movies(struct movielens *data);

void movielens_free(struct movielens *data);

#endif
