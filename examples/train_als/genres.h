/* genres.h - vectors for the genres a user may name as favourites. */
#ifndef TRAIN_ALS_GENRES_H
#define TRAIN_ALS_GENRES_H

#include "als.h"
#include "movielens.h"
#include "sparse.h"

struct genres {
    size_t n;
    char **names;   /* "pref_genre_action" */
    float *vectors; /* [n, factors] */
};

void genres_make(struct genres *out, const struct movielens *data, const struct sparse *by_item,
                 const struct als_model *model, const struct als_options *options);

void genres_free(struct genres *genres);

#endif
