/* recsys/model.h - an immutable, memory-mapped recommendation model. */
#ifndef RECSYS_MODEL_H
#define RECSYS_MODEL_H

#include <stddef.h>
#include <stdint.h>

#include "array.h"
#include "export.h"
#include "status.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * The id of a user or an item: an integer from 0 to INT64_MAX, or a text of
 * 1..255 bytes of UTF-8. A model has one kind of id for its users and one kind
 * for its items. 0 is an id like any other; no id means "no user".
 *
 * A text that the caller gives needs no NUL at its end, because its length
 * counts; a text that the library gives ends with a NUL. Every function that
 * takes an id fails with E_INVALID for an id that this model could not have:
 * an id of the other kind, an integer above INT64_MAX, a text without a length
 * or of more than 255 bytes.
 *
 * Frozen: 16 bytes on 64-bit machines.
 */
typedef struct recsys_id {
    const char *text; /* NULL for an integer id */
    uint64_t number;  /* the integer, or the length of `text` in bytes */
} recsys_id;

#define RECSYS_ID_NUMBER(value) {NULL, (value)}             /* initialiser: an integer id */
#define RECSYS_ID_TEXT(text, size) {(text), (uint64_t)(size)} /* initialiser: a text of `size` bytes */
#define RECSYS_ID_MAX_TEXT 255u

enum {
    RECSYS_ID_KIND_INTEGER = 1,
    RECSYS_ID_KIND_TEXT = 2
};

/*
 * How the library computes a score:
 *   raw   = user_bias + item_bias + sum over j of user[j] * item[j]
 *   score = link(raw), which lies in [0,1]
 * The sum is accumulated in double in a fixed order and rounded once to float;
 * order and ties (by ascending id) are decided on that raw score, so the link
 * never changes a ranking.
 */
enum {
    RECSYS_METRIC_INNER_PRODUCT = 1,
    RECSYS_METRIC_COSINE = 2 /* user and item vectors are normalised first; biases are refused */
};

enum {
    RECSYS_LINK_SIGMOID = 1, /* 1 / (1 + exp(-raw)) */
    RECSYS_LINK_LINEAR = 2,  /* (raw - link_min) / (link_max - link_min), clipped to [0,1] */
    RECSYS_LINK_CLIP = 3     /* raw clipped to [0,1] */
};

/*
 * A loaded model with everything that belongs to it: user and item vectors,
 * ids, biases, features, seen lists and the catalogue. All parts are one object
 * of one version, so parts of two models cannot be mixed. Opaque.
 *
 * Thread-safety: IMMUTABLE. Once recsys_model_load() has returned, any number
 *   of threads may use the model at once without locking. A forked child may
 *   use it too and shares the parent's pages.
 * Ownership: SHARED, counted. recsys_model_load() gives the caller one
 *   reference; every reference is given back with recsys_model_unref().
 */
typedef struct recsys_model recsys_model;

/*
 * Options for loading. Begin with RECSYS_MODEL_OPTIONS_INIT, then change the
 * fields you need. Zero in any field means "the default".
 *
 * `metric` and the link are for files that do not contain them (.npz, bare
 * .safetensors); by default they are inner product and sigmoid. A bundle has
 * them in its manifest; setting them for a bundle fails with E_INVALID.
 */
typedef struct recsys_model_options {
    uint32_t struct_size; /* sizeof(recsys_model_options) */
    uint32_t flags;       /* RECSYS_MODEL_* below */
    uint64_t max_bytes;   /* refuse a model whose files are larger together; 0 = no limit */
    uint32_t metric;      /* RECSYS_METRIC_*; 0 = inner product */
    uint32_t link;        /* RECSYS_LINK_*; 0 = sigmoid */
    float link_min;       /* for RECSYS_LINK_LINEAR */
    float link_max;
    uint32_t n_threads;   /* that compute hashes of large files during the call, the caller's among
                             them: the library uses n_threads - 1 of its own, at most one a file,
                             which end with the call; 0 = 1. Since: 0.2 */
    uint32_t reserved;    /* 0 */
    /* -- end of version 1 (40 bytes) -- append below, never insert above -- */
} recsys_model_options;

#define RECSYS_MODEL_OPTIONS_SIZE_V1 RECSYS_SIZE_TO(recsys_model_options, reserved)
#define RECSYS_MODEL_OPTIONS_INIT \
    {(uint32_t)sizeof(recsys_model_options), 0u, 0u, 0u, 0u, 0.0f, 0.0f, 0u, 0u}

#define RECSYS_MODEL_SKIP_HASHES (1u << 0) /* trust the bundle's sha256 sums without computing them */
#define RECSYS_MODEL_HUGE_PAGES (1u << 1)  /* copy item vectors into private 2 MB pages: scans are a
                                              few percent faster, but processes do not share them */

/*
 * Load the model at `path`: a bundle directory (docs/model-format.md), a bare
 * .safetensors file, or an .npz written by the Python package `implicit`
 * (ALS, BPR or LMF). The files are mapped, not read into memory. This call
 * checks all of their content, so no later call can meet a damaged model:
 * sizes, shapes, overlaps, holes, non-finite numbers, duplicate ids, hashes.
 * Rows of a file without ids are numbered from 0, rows of a bundle without ids
 * from 1 (docs/model-format.md).
 *
 * options  NULL for defaults.
 * out      receives the model; set to NULL on failure.
 *
 * Fails with: E_INVALID (arguments), E_IO (open, stat, map), E_FORMAT (the
 *   message names file, tensor and reason), E_UNSUPPORTED (format or options
 *   newer than this library; pickled data), E_LIMIT (max_bytes), E_NOMEM.
 * Ownership: the caller gets one reference. `path` is not kept. The files may
 *   be unlinked or renamed while the model is in use, but must not be
 *   rewritten or truncated in place: bundles are immutable.
 * Thread-safety: any thread. Blocks on disk.
 * Since: 0.1
 */
RECSYS_API RECSYS_NODISCARD recsys_status
recsys_model_load(const char *path, const recsys_model_options *options, recsys_model **out,
                  recsys_error *err);

/*
 * Gives back the memory that a file was loaded from. The library calls it
 * exactly once: on the thread that loads or, if the model uses the memory, on
 * the thread that gives back the model's last reference. It may call any
 * function of the library, but may not use this model. No exception and no
 * longjmp may leave it.
 */
typedef void (*recsys_model_release)(void *user_data, const void *data, uint64_t size);

/*
 * One file of a model, in memory or behind a descriptor, for
 * recsys_model_load_files(). Begin with RECSYS_MODEL_FILE_INIT.
 *
 * Memory with `release` is not copied: it is BORROWED, must not change, and
 * must stay until the library calls `release`. Only an array that is not
 * aligned for its type is copied even then (item vectors are used in place if
 * they begin at a multiple of 64 bytes). Memory without `release` is COPIED.
 *
 * A descriptor must be of a regular file (memfd_create() and shm_open() make
 * such files, too). The file is mapped from its beginning to its end. The
 * caller may close the descriptor after the call; its file offset stays as it
 * was.
 */
typedef struct recsys_model_file {
    uint32_t struct_size;         /* sizeof(recsys_model_file) */
    uint32_t flags;               /* RECSYS_MODEL_FILE_* */
    const char *name;             /* "recsys.json", "model.safetensors", ...: as in the bundle;
                                     of a single file "x.npz" or "x.safetensors". COPIED */
    const void *data;             /* `size` bytes; NULL with a descriptor */
    uint64_t size;                /* 0 with a descriptor */
    int32_t fd;                   /* not read without RECSYS_MODEL_FILE_DESCRIPTOR */
    uint32_t reserved;            /* 0 */
    recsys_model_release release; /* NULL = copy; NULL with a descriptor */
    void *user_data;              /* for `release` */
    /* -- end of version 1 -- append below, never insert above -- */
} recsys_model_file;

#define RECSYS_MODEL_FILE_SIZE_V1 RECSYS_SIZE_TO(recsys_model_file, user_data)
#define RECSYS_MODEL_FILE_INIT \
    {(uint32_t)sizeof(recsys_model_file), 0u, NULL, NULL, 0u, 0, 0u, NULL, NULL}

#define RECSYS_MODEL_FILE_DESCRIPTOR (1u << 0) /* the file is behind `fd` */

/*
 * Load a model from files that the caller has: the files of a bundle, if
 * recsys.json is among them (files that its manifest does not list are
 * ignored), or else one .safetensors or .npz. The call checks everything that
 * recsys_model_load() checks.
 *
 * files    an array whose elements are files[0].struct_size apart and all have
 *          that struct_size.
 * options  NULL for defaults.
 * out      receives the model; set to NULL on failure.
 *
 * Fails with: as recsys_model_load(); E_INVALID (a name twice, no name, several
 *   files without a recsys.json), E_NOT_FOUND (a file that the manifest lists
 *   is not among them).
 * Ownership: the caller gets one reference. Memory with `release` is given back
 *   in every case, also if the call fails, unless struct_size is so small that
 *   there is no `release`.
 * Thread-safety: any thread. Blocks on disk.
 * Since: 0.2
 */
RECSYS_API RECSYS_NODISCARD recsys_status
recsys_model_load_files(const recsys_model_file *files, size_t n_files,
                        const recsys_model_options *options, recsys_model **out, recsys_error *err);

/* Take one more reference. Returns its argument. NULL is allowed. */
RECSYS_API recsys_model *recsys_model_ref(recsys_model *model);

/* Give one reference back; the last one unmaps the files. NULL is allowed. */
RECSYS_API void recsys_model_unref(recsys_model *model);

/* Sources of the items' popularity: the first of these that the model has is taken. With the last
 * three nothing is known about what users chose, and there is only an order of items that is the
 * same for everybody. Since: 0.2 */
enum {
    RECSYS_POPULARITY_GIVEN = 1,  /* the array item_popularity */
    RECSYS_POPULARITY_SEEN = 2,   /* how many users have seen the item */
    RECSYS_POPULARITY_BIAS = 3,   /* the item's bias */
    RECSYS_POPULARITY_RATING = 4, /* its rating in the catalogue */
    RECSYS_POPULARITY_NORM = 5    /* the norm of its vector */
};

/*
 * Numbers that count in the cosine of two similar items. The Python package implicit keeps
 * biases as further columns of its BPR and LMF models, and its similar_items()
 * counts these columns, too. Since: 0.2
 */
enum {
    RECSYS_SIMILAR_VECTOR = 1,          /* the item vectors */
    RECSYS_SIMILAR_VECTOR_BIAS = 2,     /* and the item bias as one more number: BPR of implicit */
    RECSYS_SIMILAR_VECTOR_BIAS_ONE = 3  /* and a 1 beside it: LMF of implicit */
};

/*
 * The description of a model, filled by recsys_model_get_info(). Strings are
 * BORROWED from the model and never NULL.
 */
typedef struct recsys_model_info {
    uint32_t struct_size;     /* in: sizeof(recsys_model_info) */
    uint32_t dimensions;      /* length of a user or item vector */
    uint64_t n_users;
    uint64_t n_items;
    uint64_t n_features;      /* rows of feature_factors; 0 = none */
    uint64_t n_seen;          /* user-item pairs in the seen lists; 0 = there are no lists */
    uint64_t n_catalog;       /* items that have a catalogue entry */
    uint64_t mapped_bytes;    /* size of the mapped files, or of the memory they were given in */
    uint64_t private_bytes;   /* allocated by this process in addition */
    uint64_t code_bytes;      /* part of mapped_bytes, or of private_bytes if the bundle has none: the
                                 8-bit codes that scans read first; 0 = codes would not separate
                                 the items, so scans read floats */
    uint32_t user_id_kind;    /* RECSYS_ID_KIND_* */
    uint32_t item_id_kind;
    uint32_t metric;          /* RECSYS_METRIC_* */
    uint32_t link;            /* RECSYS_LINK_* */
    float link_min;
    float link_max;
    const char *name;         /* "movies"; the file's name if the model has none */
    const char *version;      /* "3"; "0" if the model has none */
    const char *algorithm;    /* "als", "bpr", ...; "" if the model has none */
    const char *training_date; /* as in the manifest; "" if absent */
    const char *fingerprint;  /* 64 hex digits: SHA-256 over the content; equal content,
                                 equal fingerprint, in every process */
    const char *metadata;     /* JSON object: "metrics", "hyperparameters" and "tags" of
                                 the manifest, which are objects too; "registry" if a deployment
                                 loaded it from a registry: recsys_registry_describe() */
    const char *item_name;    /* what one item is: "book"; "movie" if the model does not say */
    uint32_t popularity;      /* RECSYS_POPULARITY_*: what items' popularity is made from */
    uint32_t similar_by;      /* RECSYS_SIMILAR_*: what the cosine of similar items counts */
    uint64_t short_code_bytes; /* beside code_bytes: 4-bit codes, which scans of one query read
                                 before those of 8 bits; 0 = these items gain nothing by them */
    /* -- end of version 1 -- append below, never insert above -- */
} recsys_model_info;

#define RECSYS_MODEL_INFO_SIZE_V1 RECSYS_SIZE_TO(recsys_model_info, short_code_bytes)
#define RECSYS_MODEL_INFO_INIT \
    {(uint32_t)sizeof(recsys_model_info), 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u, \
     0.0f, 0.0f, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0u, 0u, 0u}

/*
 * Describe `model`.
 *
 * Fails with: E_INVALID (NULL, or info->struct_size not set).
 * Ownership: strings are BORROWED until the caller's reference is given back.
 * Thread-safety: any thread. Never allocates.
 * Since: 0.1
 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_model_get_info(const recsys_model *model,
                                                                recsys_model_info *info,
                                                                recsys_error *err);

/*
 * Copy the vector of one user (or item) and its bias as the scorer uses them:
 * in a cosine model every vector has length 1, or is zero.
 *
 * vector   room for `dimensions` floats, or NULL. After a failure it is all
 *          zeros, unless the model is NULL.
 * bias     receives the bias, 0 if the model has none; or NULL.
 *
 * Fails with: E_NOT_FOUND (no such id), E_INVALID (NULL model, or an id that
 *   this model cannot have).
 * Thread-safety: any thread. Never allocates, never locks.
 * Since: 0.1
 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_model_get_user(const recsys_model *model,
                                                                recsys_id user, float *vector,
                                                                float *bias, recsys_error *err);
RECSYS_API RECSYS_NODISCARD recsys_status recsys_model_get_item(const recsys_model *model,
                                                                recsys_id item, float *vector,
                                                                float *bias, recsys_error *err);

/*
 * One of the model's arrays, without copying it. Row r is the same item in
 * every item_* array and the same user in every user_* array, also in every
 * other model of the same fingerprint. Rows are in the order in which the model
 * scans, not in the order of ids.
 *
 *   item_factors     F32 [n_items,d]    rows may be padded: see strides
 *   user_factors     F32 [n_users,d]
 *   item_bias        F32 [n_items]      user_bias  F32 [n_users]
 *   item_ids         I64 [n_items]      user_ids   I64 [n_users]   integer ids
 *   item_ids         U8 [bytes]         user_ids   U8 [bytes]      text ids ...
 *   item_ids_offsets U64 [n_items+1]    user_ids_offsets U64 [n_users+1]
 *                                       ... id r is the bytes from offsets[r] to
 *                                       offsets[r+1] - 1; a NUL follows it
 *   item_popularity  F32 [n_items]      0..1; 1 is the most popular item
 *   seen_offsets     U64 [n_users+1]    the user of row r has seen the entries from
 *   seen_items       U32 [nnz]          offsets[r] to offsets[r+1] - 1 of these: rows
 *   seen_weights     F32 [nnz]          of item_*, ascending, and their weights
 *   feature_factors  F32 [n_features,d]
 *   feature_names    U8 [bytes]         feature_names_offsets U64 [n_features+1]
 *
 * The numbers are those that the scorer uses: a cosine model's users and items
 * have length 1 (or 0), whatever the file had, and float64 files give float32.
 *
 * out      zero after a failure.
 *
 * Fails with: E_NOT_FOUND (this model has no such array), E_INVALID (no model
 *   has one of this name; NULL), E_NOMEM (the model keeps no array for integer
 *   ids that are consecutive numbers; the first call that asks for them makes
 *   it).
 * Ownership: out->data is BORROWED until the caller's reference is given back.
 * Thread-safety: any thread. Never locks.
 * Since: 0.2
 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_model_get_array(const recsys_model *model,
                                                                 const char *name,
                                                                 recsys_array *out,
                                                                 recsys_error *err);

/*
 * The lists of a model, page by page: the ids of all users (or items),
 * ascending; the items one user has seen, in the order of seen_items; the names
 * of the features, in the order of feature_factors. catalog.h has more.
 *
 * The call fills `out` with at most `capacity` entries, beginning with number
 * `offset`, and sets `count` to how many they are; fewer than `capacity` means
 * that it was the last page. With out = NULL and capacity = 0, `count` says how
 * many there are from `offset` on.
 *
 * weights  room for `capacity` weights of the seen items, 1 where the model has
 *          none; or NULL.
 *
 * Fails with: E_INVALID (NULL, a user that this model cannot have),
 *   E_NOT_FOUND (no such user). `count` is then 0. For a model without seen lists
 *   or features the call succeeds and `count` is 0.
 * Ownership: texts are BORROWED until the caller's reference is given back.
 * Thread-safety: any thread. Never allocates.
 * Since: 0.1; _seen and _features 0.2
 */
RECSYS_API recsys_status recsys_model_get_user_ids(const recsys_model *model, uint64_t offset,
                                                   recsys_id *out, size_t capacity, size_t *count,
                                                   recsys_error *err);
RECSYS_API recsys_status recsys_model_get_item_ids(const recsys_model *model, uint64_t offset,
                                                   recsys_id *out, size_t capacity, size_t *count,
                                                   recsys_error *err);
RECSYS_API recsys_status recsys_model_get_seen(const recsys_model *model, recsys_id user,
                                               uint64_t offset, recsys_id *out, float *weights,
                                               size_t capacity, size_t *count, recsys_error *err);
RECSYS_API recsys_status recsys_model_get_features(const recsys_model *model, uint64_t offset,
                                                   const char **out, size_t capacity,
                                                   size_t *count, recsys_error *err);

#ifdef __cplusplus
}
#endif

#endif
