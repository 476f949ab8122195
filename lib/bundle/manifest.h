/* lib/bundle/manifest.h - read and check recsys.json; the words and limits of the format.
 *
 * docs/model-format.md is the specification. The builder shares the constants
 * and the tables of words.
 */
#ifndef RS_BUNDLE_MANIFEST_H
#define RS_BUNDLE_MANIFEST_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/bundle/digest.h"
#include "recsys/status.h"

#define RS_BUNDLE_FORMAT "recsys-bundle"
#define RS_BUNDLE_VERSION 2   /* the newest that is read, and the one that the builder writes */
#define RS_BUNDLE_DTYPE "F32" /* that the builder writes */

#define RS_FILE_MANIFEST "recsys.json"
#define RS_FILE_MODEL "model.safetensors"
#define RS_FILE_SEEN "seen.safetensors"
#define RS_FILE_LINES "catalog.jsonl"         /* of format 1 */
#define RS_FILE_CATALOG "catalog.safetensors" /* of format 2 */
#define RS_FILE_CODES "codes.safetensors"     /* of format 2 */

#define RS_MANIFEST_MAX_BYTES (1u << 20)
#define RS_MANIFEST_MAX_FILES 256u
#define RS_MANIFEST_MAX_TEXT 255u /* bytes of a name, version, algorithm, date or file name */
#define RS_MAX_DIMENSIONS 65536u

struct rs_manifest_file {
    const char *name;
    uint64_t size;
    const char *sha256; /* 64 lower-case hex digits */
};

/* Whether integer codes tell the items apart (code_sample.h). */
enum { RS_CODES_UNKNOWN, RS_CODES_YES, RS_CODES_NO };

struct rs_manifest {
    json_t *json;     /* owns every text below */
    const char *name; /* these five: "" = the manifest does not say */
    const char *version;
    const char *algorithm;
    const char *training_date;
    const char *item_name;
    uint32_t similar_by; /* RECSYS_SIMILAR_* */
    uint32_t format_version;
    uint32_t codes_pay; /* RS_CODES_*; unknown in format 1 */
    uint32_t dtype;     /* of the factors: RECSYS_DTYPE_F32, F64, F16 or BF16 */
    uint32_t dimensions, n_users, n_items;
    uint32_t metric;          /* RECSYS_METRIC_* */
    uint32_t link;            /* RECSYS_LINK_* */
    float link_min, link_max; /* 0 unless linear */
    struct rs_manifest_file *files;
    size_t n_files;
};

/* `where` is how errors call the file. E_UNSUPPORTED: written for a newer library. */
recsys_status rs_manifest_parse(const char *bytes, size_t size, const char *where,
                                struct rs_manifest *out, recsys_error *err);
void rs_manifest_destroy(struct rs_manifest *manifest);

/* NULL if the manifest does not list it. */
const struct rs_manifest_file *rs_manifest_find(const struct rs_manifest *manifest,
                                                const char *name);

/* One member of the manifest ("hyperparameters", "metrics", "tags") as compact JSON
 * with sorted keys; "{}" if absent. Free with rs_free. */
recsys_status rs_manifest_dump(const struct rs_manifest *manifest, const char *key, char **out,
                               recsys_error *err);

/* From a constant to its word ("inner_product", "sigmoid") and back. NULL or 0 if there is none. */
const char *rs_metric_name(uint32_t metric);
const char *rs_link_name(uint32_t link);
uint32_t rs_metric_find(const char *name);
const char *rs_similar_name(uint32_t similar_by);
uint32_t rs_similar_find(const char *name);
uint32_t rs_link_find(const char *name);

/* 1 if it is a plain file name, which cannot lead out of the bundle's directory. */
int rs_manifest_is_plain_name(const char *name);

#endif
