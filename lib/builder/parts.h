/* lib/builder/parts.h - the parts that a builder has collected, and the plan that is written.
 *
 * Private to the builder's files: builder.c and builder_fields.c collect, parts.c keeps the parts,
 * builder_import.c, import_*.c and sparse_matrix.c collect from files, builder_find.c finds rows,
 * builder_check.c, builder_numbers.c, builder_seen.c and seen_pairs.c turn the parts into a plan,
 * builder_write.c writes it.
 */
#ifndef RS_BUILDER_PARTS_H
#define RS_BUILDER_PARTS_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/buffer.h"
#include "lib/bundle/files.h"
#include "lib/formats/tensors.h"
#include "lib/ids/ids.h"
#include "recsys/builder.h"

enum {
    RS_PART_USER_FACTORS,
    RS_PART_ITEM_FACTORS,
    RS_PART_USER_BIAS,
    RS_PART_ITEM_BIAS,
    RS_PART_USER_IDS,
    RS_PART_ITEM_IDS,
    RS_PART_FEATURE_FACTORS,
    RS_PART_FEATURE_NAMES,
    RS_PART_ITEM_POPULARITY,
    RS_PART_SEEN_OFFSETS,
    RS_PART_SEEN_ITEMS,
    RS_PART_SEEN_WEIGHTS,
    RS_N_PARTS
};

/* The kinds of values that may be set under a name: reals or integers of any width, texts, or
 * both of the latter. */
#define RS_HOLDS_REALS (1u << 0)
#define RS_HOLDS_INTEGERS (1u << 1)
#define RS_HOLDS_TEXTS (1u << 2)

#define RS_ORIGIN_SIZE 240u

struct rs_known_source;

struct rs_part_kind {
    const char *name;
    uint32_t n_dims;
    uint32_t holds;
};

extern const struct rs_part_kind rs_part_kinds[RS_N_PARTS];

/* An array (array.dtype != 0), texts (texts != NULL), or nothing yet. */
struct rs_part {
    recsys_array array; /* with its strides filled in */
    const char *texts;  /* each followed by a NUL */
    const uint64_t *offsets;
    size_t n_texts, n_bytes;
    void *owned_texts, *owned_offsets; /* to be freed with the part, or NULL */
    uint64_t first;                    /* the number of row 0, if ids are not set */
    struct rs_ids *lookup;             /* of ids, to find rows; NULL = not made yet */
    uint64_t lookup_first;             /* `first` when it was made */
    char *origin;                      /* "svd.npz: qi <f8 [9066,100]"; NULL = set from memory */
    int is_chosen;                     /* by the library, among the arrays of a whole model */
};

/* Entries of the seen lists that were added one by one. */
struct rs_seen_pairs {
    uint32_t *users, *items; /* rows of the factors */
    float *weights;
    size_t n, room;
    uint32_t flags;  /* RECSYS_SEEN_* */
    int is_used;     /* something was added, even if it was nothing */
    int has_weights; /* not all of them are the 1 that stands for none */
};

/* Open files, or memory, that parts point into. Kept until the builder is destroyed. */
struct rs_builder_input {
    struct rs_builder_input *next;
    struct rs_tensors tensors;
    struct rs_files files;
    void *memory;
};

struct recsys_builder {
    struct rs_part parts[RS_N_PARTS];
    struct rs_builder_input *inputs;
    const struct rs_known_source *source; /* the library that the model is from; NULL = unknown */
    int source_is_given;                  /* by the caller, not recognised */
    double mean;                          /* of all ratings; 0 = none */
    double scale[2];                      /* of the ratings; both 0 = unknown */
    int link_is_ours;                     /* the field link follows from the source */
    struct rs_buffer notes;               /* lines for recsys_builder_get_choices() */
    struct rs_buffer choices;             /* its last answer */
    json_t *fields;                       /* by the names that recsys_builder_set_field() takes */
    json_t *metrics;
    json_t *hyperparameters;
    json_t *tags;
    json_t *others;           /* members of an imported manifest that no format knows */
    struct rs_buffer catalog; /* canonical lines */
    struct rs_seen_pairs seen;
};

/* -1 if there is no part of this name. */
int rs_part_find(const char *name);
int rs_part_is_set(const struct rs_part *part);
void rs_part_clear(struct rs_part *part);
/* E_INVALID if the array cannot be this part. The other parts are not looked at. */
recsys_status rs_part_set_array(struct recsys_builder *builder, int part, const recsys_array *array,
                                recsys_error *err);
/* The texts are BORROWED. */
void rs_part_set_texts(struct recsys_builder *builder, int part, const char *texts, size_t n_bytes,
                       const uint64_t *offsets, size_t n_texts);
/* The part of `path` behind the last slash, as errors call a file. */
const char *rs_last_part(const char *path);
/* Say from where the part is; the text is COPIED, and shown after the file's name. */
recsys_status rs_part_set_origin(struct recsys_builder *builder, int part, const char *file,
                                 const char *text, recsys_error *err);
/* " (svd.npz: qi <f8 [9066,100])" for a message, or nothing. Returns `out`. */
const char *rs_part_show_origin(const struct recsys_builder *builder, int part,
                                char out[RS_ORIGIN_SIZE]);
/* Fill in the fields that the caller has not set from what is known of the model's source. */
recsys_status rs_builder_settle(struct recsys_builder *builder, recsys_error *err);
/* Add all lines of a JSON Lines file, or none. Errors about a line begin with `where`. */
recsys_status rs_builder_add_lines(struct recsys_builder *builder, const char *bytes, size_t size,
                                   const char *where, recsys_error *err);

/* builder_catalog.c: that of a bundle, of which the ids are set already. */
recsys_status rs_builder_take_catalog(struct recsys_builder *builder, const struct rs_files *files,
                                      recsys_error *err);

/* seen_pairs.c: arguments are as those of recsys_builder_add_seen(), and checked. */
recsys_status rs_seen_pairs_add(struct rs_seen_pairs *pairs, const uint32_t *users,
                                const uint32_t *items, const float *weights, size_t n,
                                uint32_t flags, recsys_error *err);
void rs_seen_pairs_destroy(struct rs_seen_pairs *pairs);

/* The parts after all checks, in scan order and of the types that are stored. */
struct rs_plan {
    uint32_t metric; /* RECSYS_METRIC_* */
    uint32_t dimensions, n_users, n_items, n_features;
    uint64_t n_seen;
    const float *users;
    const float *items; /* rows still in the given order ... */
    const float *item_bias;
    const float *popularity;
    uint32_t *order; /* ... in which order[p] is the row of position p */
    const float *user_bias;
    const float *features;
    struct rs_ids item_ids; /* in scan order */
    struct rs_ids user_ids;
    struct rs_ids feature_names;
    int64_t *item_numbers; /* NULL = 1..n in order, or texts */
    int64_t *user_numbers;
    const uint64_t *seen_offsets; /* NULL = no seen lists */
    uint32_t *seen_items;         /* positions, ascending for each user */
    float *seen_weights;
    void *owned[48]; /* converted copies */
    size_t n_owned;
};

/* Release with rs_plan_destroy(), after a failure too. */
recsys_status rs_plan_make(const struct recsys_builder *builder, struct rs_plan *plan,
                           recsys_error *err);
void rs_plan_destroy(struct rs_plan *plan);

/* builder_numbers.c and builder_seen.c: steps of rs_plan_make(). The plan frees memory that was
 * given to it; NULL is passed through. */
void *rs_plan_own(struct rs_plan *plan, void *memory);
/* A part with `rows` rows as floats; *out stays NULL if it is not set. `rows_of` names the array
 * that has the right number of rows. */
recsys_status rs_plan_get_floats(const struct recsys_builder *builder, int part, uint64_t rows,
                                 const char *rows_of, struct rs_plan *plan, const float **out,
                                 recsys_error *err);
/* A copy of a part's integers as RECSYS_DTYPE_I64, U64 or U32. */
recsys_status rs_plan_get_integers(const struct recsys_builder *builder, int part, uint32_t dtype,
                                   struct rs_plan *plan, void **out, recsys_error *err);
recsys_status rs_plan_add_seen(const struct recsys_builder *builder, struct rs_plan *plan,
                               recsys_error *err);
/* Lists of rows from pairs: sets plan->n_seen, seen_offsets, seen_items and seen_weights. */
recsys_status rs_plan_list_pairs(const struct rs_seen_pairs *pairs, struct rs_plan *plan,
                                 recsys_error *err);
/* The ids of n rows of the array `rows_of`, in the order that `order` gives: as set, or the numbers
 * of the rows. The plan owns what is needed for it; `ids` is the caller's. */
recsys_status rs_plan_get_ids(const struct recsys_builder *builder, int part, uint32_t n,
                              const char *rows_of, const uint32_t *order, struct rs_plan *plan,
                              struct rs_ids *ids, recsys_error *err);
/* The i-th integer of an array. 0 if it is larger than INT64_MAX: then *out has its bits. */
int rs_array_get_integer(const recsys_array *array, size_t i, int64_t *out);

#endif
