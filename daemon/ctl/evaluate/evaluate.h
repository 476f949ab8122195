/* daemon/ctl/evaluate/evaluate.h - how well a model's recommendations foresee held-out ratings.
 *
 * known_rows.c gives the rows of a model's users and items, held_out.c the lists of ratings,
 * rankings.c the recommendations, and measures.c the figures, whose definitions stand there.
 */
#ifndef RECSYSCTL_EVALUATE_H
#define RECSYSCTL_EVALUATE_H

#include <recsys/recsys.h>
#include <stdbool.h>

#include "daemon/ctl/input/ratings_file.h"

/* The arrays of a model that an evaluation reads; rows are the model's. BORROWED from it. */
struct ctl_rows {
    recsys_model_info info;
    recsys_array users, user_bias; /* dtype 0: there are none */
    const uint64_t *seen_offsets;  /* NULL: there are no lists */
    const uint32_t *seen_items;
    const float *popularity;
};

/* A builder that finds the rows of a model's ids, for readers of files; the caller destroys it. */
recsys_status ctl_rows_open(const recsys_model *model, struct ctl_rows *rows, recsys_builder **ids,
                            recsys_error *err);

/* Items by the user's row: of user u those from offsets[u] on, ascending, each once. */
struct ctl_held_out {
    uint64_t *offsets;
    uint32_t *items;
    uint64_t n_users;        /* rows */
    uint64_t n_lists;        /* users with at least one item */
    uint32_t *users, *pairs; /* as they were read */
    uint64_t n, room;
};

/* Read the ratings of the command line's --ratings. Free it in every case. */
recsys_status ctl_held_out_read(const struct ctl_arguments *arguments, const struct ctl_rows *rows,
                                recsys_builder *ids, struct ctl_held_out *out, recsys_error *err);
void ctl_held_out_free(struct ctl_held_out *held_out);

/* Sums over users. */
struct ctl_measures {
    uint32_t k;
    uint64_t n_items, n_seen_users; /* of the model; users that have seen something */
    const uint32_t *seen_by;        /* how many users have seen the item of a row; NULL: unknown */
    unsigned char *recommended;     /* 1 for the rows that were recommended to somebody */
    uint64_t n_users, n_hits, n_reachable, n_lists;
    double recall, precision, hit_rate, mrr, ndcg, ndcg_full, map, map_full, auc, novelty;
};

void ctl_measures_begin(struct ctl_measures *measures, uint32_t k, const struct ctl_rows *rows,
                        const uint32_t *seen_by);
void ctl_measures_end(struct ctl_measures *measures);
/* One user: the n best items in order, at most k, and those that are relevant, ascending. */
void ctl_measures_add(struct ctl_measures *measures, const uint32_t *items, uint32_t n,
                      const uint32_t *relevant, uint64_t n_relevant);

/* The i-th figure and its name; false behind the last one. `*value` is NAN if it is unknown. */
bool ctl_measures_get(const struct ctl_measures *measures, unsigned i, const char **name,
                      double *value);

struct ctl_rankings {
    const recsys_model *model;
    const struct ctl_rows *rows;
    const struct ctl_held_out *held_out;
    uint32_t k, n_threads;
    bool include_seen;
};

/* Add every user with held-out items: what the model recommends, or the most popular items. */
recsys_status ctl_rank_by_model(const struct ctl_rankings *rankings, struct ctl_measures *measures,
                                recsys_error *err);
recsys_status ctl_rank_by_popularity(const struct ctl_rankings *rankings,
                                     struct ctl_measures *measures, recsys_error *err);

#endif
