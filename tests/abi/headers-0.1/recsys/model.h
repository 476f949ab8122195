/* recsys/model.h - an immutable, memory-mapped recommendation model. */
#ifndef RECSYS_MODEL_H
#define RECSYS_MODEL_H

#include <stddef.h>
#include <stdint.h>

#include "export.h"
#include "status.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * How users and items are named: a positive 64-bit integer (at most
 * INT64_MAX), or a string of 1..255 bytes of UTF-8. A model says which, for
 * users and for items separately. Row numbers are never ids.
 *
 * Frozen: 16 bytes on 64-bit machines.
 */
typedef struct recsys_id {
    const char *text; /* NULL for an integer id; else NUL-terminated */
    uint64_t number;  /* the integer, or the length of `text` in bytes */
} recsys_id;

#define RECSYS_ID_NONE {NULL, 0u}                 /* initialiser: no id */
#define RECSYS_ID_NUMBER(value) {NULL, (value)}   /* initialiser: an integer id */
#define RECSYS_ID_MAX_TEXT 255u

enum {
    RECSYS_ID_KIND_INTEGER = 1,
    RECSYS_ID_KIND_TEXT = 2
};

/*
 * How a score comes about:
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
 * ids, biases, features, seen lists and the catalogue. One object, one
 * version: its parts can never be mixed with another model's. Opaque.
 *
 * Thread-safety: IMMUTABLE. Once recsys_model_load() has returned, any number
 *   of threads may use the model at once without locking.
 * Ownership: SHARED, counted. recsys_model_load() gives the caller one
 *   reference; every reference is given back with recsys_model_unref().
 */
typedef struct recsys_model recsys_model;

/*
 * How to load. Fill with recsys_model_options_init(), then change what you
 * need. Zero in any field means "the default".
 *
 * `metric` and the link describe files that cannot say it themselves (.npz,
 * bare .safetensors): default inner product and sigmoid. A bundle's manifest
 * says it, and setting them for a bundle is E_INVALID.
 */
typedef struct recsys_model_options {
    uint32_t struct_size; /* sizeof(recsys_model_options), set by _init */
    uint32_t flags;       /* RECSYS_MODEL_* below */
    uint64_t max_bytes;   /* refuse a model whose files are larger together; 0 = no limit */
    uint32_t metric;      /* RECSYS_METRIC_*; 0 = inner product */
    uint32_t link;        /* RECSYS_LINK_*; 0 = sigmoid */
    float link_min;       /* for RECSYS_LINK_LINEAR */
    float link_max;
    /* -- end of version 1 (32 bytes) -- append below, never insert above -- */
} recsys_model_options;

#define RECSYS_MODEL_OPTIONS_SIZE_V1 32u
#define RECSYS_MODEL_OPTIONS_INIT \
    {(uint32_t)sizeof(recsys_model_options), 0u, 0u, 0u, 0u, 0.0f, 0.0f}

#define RECSYS_MODEL_SKIP_HASHES (1u << 0) /* trust the bundle's sha256 sums without computing them */
#define RECSYS_MODEL_HUGE_PAGES (1u << 1)  /* copy item vectors into private 2 MB pages: scans run a
                                              few percent faster, pages are not shared */

/* Same bytes as RECSYS_MODEL_OPTIONS_INIT, for callers without C macros. */
RECSYS_API void recsys_model_options_init(recsys_model_options *options);

/*
 * Load the model at `path`: a bundle directory (docs/model-format.md), a bare
 * .safetensors file, or an .npz written by the Python package `implicit`
 * (ALS, BPR or LMF). Files are mapped, not read; what is wrong with them is
 * found here and not later: sizes, shapes, overlaps, holes, non-finite
 * numbers, duplicate ids, hashes. Files without ids number their rows from 1.
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

/* Take one more reference. Returns its argument. NULL is allowed. */
RECSYS_API recsys_model *recsys_model_ref(recsys_model *model);

/* Give one reference back; the last one unmaps the files. NULL is allowed. */
RECSYS_API void recsys_model_unref(recsys_model *model);

/*
 * What a model is. Filled by recsys_model_get_info(); strings are BORROWED
 * from the model and never NULL.
 */
typedef struct recsys_model_info {
    uint32_t struct_size;     /* in: sizeof(recsys_model_info) */
    uint32_t dimensions;      /* length of a user or item vector */
    uint64_t n_users;
    uint64_t n_items;
    uint64_t n_features;      /* rows of feature_factors; 0 = derived from the catalogue */
    uint64_t n_seen;          /* user-item pairs in the seen lists; 0 = none carried */
    uint64_t n_catalog;       /* items that have a catalogue entry */
    uint64_t mapped_bytes;    /* of files */
    uint64_t private_bytes;   /* what this process allocated beside them */
    uint32_t user_id_kind;    /* RECSYS_ID_KIND_* */
    uint32_t item_id_kind;
    uint32_t metric;          /* RECSYS_METRIC_* */
    uint32_t link;            /* RECSYS_LINK_* */
    float link_min;
    float link_max;
    const char *name;         /* "movies"; the file's name if it says nothing */
    const char *version;      /* "3"; "0" if it says nothing */
    const char *algorithm;    /* "als", "bpr", ...; "" if it says nothing */
    const char *training_date; /* as the manifest has it; "" if absent */
    const char *fingerprint;  /* 64 hex digits: SHA-256 over the content; equal content,
                                 equal fingerprint, in every process */
    const char *metadata;     /* JSON object: metrics and hyperparameters of the manifest */
    /* -- end of version 1 -- append below, never insert above -- */
} recsys_model_info;

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
 * Copy the vector of one user (or item) and its bias as the scorer uses them
 * (normalised for a cosine model).
 *
 * vector   room for `dimensions` floats, or NULL.
 * bias     receives the bias, 0 if the model has none; or NULL.
 *
 * Fails with: E_NOT_FOUND (no such id), E_INVALID (NULL model, or an id of the
 *   other kind).
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
 * The ids of all users (or items), ascending, page by page: fill `out` with at
 * most `capacity` ids beginning with number `offset` and say in `count` how
 * many there were. Text ids are BORROWED from the model.
 *
 * Fails with: E_INVALID (NULL).
 * Thread-safety: any thread. Never allocates.
 * Since: 0.1
 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_model_get_user_ids(const recsys_model *model,
                                                                    uint64_t offset, recsys_id *out,
                                                                    size_t capacity, size_t *count,
                                                                    recsys_error *err);
RECSYS_API RECSYS_NODISCARD recsys_status recsys_model_get_item_ids(const recsys_model *model,
                                                                    uint64_t offset, recsys_id *out,
                                                                    size_t capacity, size_t *count,
                                                                    recsys_error *err);

#ifdef __cplusplus
}
#endif

#endif
