/* daemon/ctl/input/ratings_file.h - ratings.csv: which users had which items. */
#ifndef RECSYSCTL_RATINGS_FILE_H
#define RECSYSCTL_RATINGS_FILE_H

#include <recsys/recsys.h>
#include <stdbool.h>
#include <stdint.h>

#include "daemon/ctl/ctl_command.h"
#include "daemon/ctl/input/file_problems.h"

enum ctl_ratings_column {
    CTL_RATING_USER,
    CTL_RATING_ITEM,
    CTL_RATING_WEIGHT,
    CTL_RATING_N_COLUMNS
};

#define CTL_RATINGS_BATCH 4096u

/* Takes `n` ratings as rows of the users and items; weights is NULL if the file has none. */
typedef recsys_status (*ctl_ratings_sink)(void *self, const uint32_t *users, const uint32_t *items,
                                          const float *weights, size_t n, recsys_error *err);

struct ctl_ratings_input {
    recsys_builder *builder; /* whose ids give the rows */
    ctl_ratings_sink sink;
    void *self;                                /* for the sink */
    const char *columns[CTL_RATING_N_COLUMNS]; /* names the user gave; NULL = the usual ones */
    double min_weight;                         /* ratings below are left out; -INFINITY = none */
    bool strict; /* a user or item that the model has not is a problem */

    struct ctl_problems problems;
    bool has_weights;
    uint64_t n_ratings, n_taken, n_unknown_users, n_unknown_items, n_below;
    uint32_t kinds[2]; /* of the ids of users and of items */
};

/* Set the options below from the command line. */
void ctl_ratings_set_options(struct ctl_ratings_input *input,
                             const struct ctl_arguments *arguments);

#define CTL_RATINGS_OPTIONS                                                                        \
    {"ratings-column", CTL_MANY, "FIELD=NAME", "where user, item and weight stand, as user=uid"},  \
    {                                                                                              \
        "ratings-min", CTL_ONE, "X", "leave out ratings below X"                                   \
    }

/* Read the file at `path`, of any length, line by line. Fails if reading or the sink fails;
 * problems are in `input`. */
recsys_status ctl_ratings_read(struct ctl_ratings_input *input, const char *path,
                               recsys_error *err);

/* Print the problems and what was left out. E_FORMAT if there are problems and not `skip_broken`,
 * or if nothing was taken. */
recsys_status ctl_ratings_judge(const struct ctl_ratings_input *input, bool skip_broken,
                                recsys_error *err);

#endif
