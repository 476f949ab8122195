/* lib/bundle/files.h - the files of a model, opened, verified and read into tensors.
 *
 * For lib/model and lib/builder: the loader and the builder's import start from here.
 */
#ifndef RS_BUNDLE_FILES_H
#define RS_BUNDLE_FILES_H

#include <stddef.h>
#include <stdint.h>

#include "lib/bundle/digest.h"
#include "lib/bundle/hashing.h"
#include "lib/bundle/manifest.h"
#include "lib/formats/tensors.h"
#include "recsys/status.h"

#define RS_FILES_NAME_SIZE RS_HASHING_NAME_SIZE

struct rs_files {
    int is_bundle;
    int is_npz;                  /* the format of the Python package implicit */
    struct rs_manifest manifest; /* of a bundle; empty for a single file */
    struct rs_tensors model;
    struct rs_tensors seen; /* seen.safetensors; empty without */
    int has_seen;
    struct rs_map catalog;     /* catalog.jsonl of format 1; empty without */
    struct rs_tensors columns; /* catalog.safetensors of format 2; empty without */
    int has_columns;
    struct rs_tensors codes; /* codes.safetensors of format 2; empty without */
    int has_codes;
    struct rs_map *others; /* of files that are only hashed */
    size_t n_others;
    struct rs_hashing hashing;
    uint64_t n_bytes;               /* of all files */
    char sha256[RS_DIGEST_SIZE];    /* of a single file, once it is verified */
    char title[RS_FILES_NAME_SIZE]; /* the directory's name, or the file's without its ending */
    char model_name[RS_FILES_NAME_SIZE]; /* how errors call the files */
    char seen_name[RS_FILES_NAME_SIZE];
    char catalog_name[RS_FILES_NAME_SIZE];
    char codes_name[RS_FILES_NAME_SIZE];
};

/* A file that the caller gives instead of a path. */
struct rs_given {
    const char *name;
    struct rs_map map;
};

/*
 * Open and read the files. Hashes are computed meanwhile, or by rs_files_verify().
 *
 * flags      RECSYS_MODEL_SKIP_HASHES: a bundle's hashes are not computed.
 * max_bytes  0 = no limit.
 * n_threads  for hashes, the caller's among them; 0 = 1. `out` must not move until
 *            rs_files_verify() has returned.
 *
 * Fails with: as recsys_model_load().
 */
recsys_status rs_files_open(const char *path, uint32_t flags, uint64_t max_bytes,
                            uint32_t n_threads, struct rs_files *out, recsys_error *err);
/* The same for files that are given: a bundle's, if recsys.json is among them, else one single
 * file. Files that are used are moved out of `given`; the caller closes the others. */
recsys_status rs_files_take(struct rs_given *given, size_t n_given, uint32_t flags,
                            uint64_t max_bytes, uint32_t n_threads, struct rs_files *out,
                            recsys_error *err);
/* Wait for the hashes. If they differ from the manifest's, that is the failure, whatever `status`
 * what was read so far had; else `status` is returned. */
recsys_status rs_files_verify(struct rs_files *files, recsys_status status, recsys_error *err);
void rs_files_close(struct rs_files *files);

#endif
