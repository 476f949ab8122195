/* Models that are broken in one place each: status and message, word for word.
 *
 * Each case takes a good bundle, changes it, makes the manifest agree again
 * where the damage is not in sizes and hashes themselves, and loads it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/formats/tensors.h"
#include "recsys/model.h"
#include "tests/support/bundle.h"

#define MODEL "model.safetensors"
#define SEEN "seen.safetensors"
#define CATALOG "catalog.jsonl"
#define COLUMNS "catalog.safetensors"
#define CODES "codes.safetensors"
#define MANIFEST "recsys.json"

#define ALL                                                                                        \
    (BUNDLE_BIAS | BUNDLE_NUMBER_IDS | BUNDLE_SEEN | BUNDLE_CATALOG | BUNDLE_FEATURES |            \
     BUNDLE_POPULARITY)
#define TEXTS (BUNDLE_TEXT_IDS | BUNDLE_UNSORTED)
#define FORMAT_2 (ALL | BUNDLE_FORMAT_2 | BUNDLE_CODES)

enum change {
    PATCH,    /* set bytes of a tensor's data: where = tensor, at = byte */
    REPLACE,  /* one text by another; in a .safetensors of the same length */
    TRUNCATE, /* to `at` bytes */
    APPEND,
    REMOVE,
    AS_FIFO,      /* a FIFO in the file's place */
    AS_DIRECTORY, /* a directory in the file's place */
    NOTHING
};

struct breakage {
    const char *name;
    uint32_t flags; /* of the good bundle */
    enum change change;
    const char *file, *where;
    size_t at;
    const char *to;
    size_t n; /* bytes of `to`; 0 = strlen */
    int keep_hashes;
    recsys_status status;
    const char *message; /* "@" stands for the bundle's directory */
};

#define F RECSYS_E_FORMAT
#define NAN_BYTES "\0\0\xC0\x7F"
#define INFINITY_BYTES "\0\0\x80\x7F"
#define MINUS_ONE_BYTES "\0\0\x80\xBF"
#define ZEROS "\0\0\0\0\0\0\0\0"
#define MINUS_ONE "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"

static const struct breakage breakages[] = {
    /* files */
    {"no manifest", ALL, REMOVE, MANIFEST, NULL, 0, NULL, 0, 1, RECSYS_E_IO,
     "cannot open @/recsys.json: No such file or directory"},
    {"empty manifest", ALL, TRUNCATE, MANIFEST, NULL, 0, NULL, 0, 1, F, "@/recsys.json: is empty"},
    {"manifest cut off", ALL, TRUNCATE, MANIFEST, NULL, 30, NULL, 0, 1, F,
     "@/recsys.json: not valid JSON at line 1, column 30: premature end of input near '\"f'"},
    {"newer format", ALL, REPLACE, MANIFEST, "\"format_version\": 1", 0, "\"format_version\": 7", 0,
     1, RECSYS_E_UNSUPPORTED, "@/recsys.json: format_version is 7, this library reads up to 2"},
    {"manifest is a FIFO", ALL, AS_FIFO, MANIFEST, NULL, 0, NULL, 0, 1, F,
     "@/recsys.json: not a regular file"},
    {"model is a directory", ALL, AS_DIRECTORY, MODEL, NULL, 0, NULL, 0, 1, F,
     "@/model.safetensors: not a regular file"},
    {"model file missing", ALL, REMOVE, MODEL, NULL, 0, NULL, 0, 1, RECSYS_E_IO,
     "cannot open @/model.safetensors: No such file or directory"},
    {"seen file missing", ALL, REMOVE, SEEN, NULL, 0, NULL, 0, 1, RECSYS_E_IO,
     "cannot open @/seen.safetensors: No such file or directory"},
    {"model not listed", ALL, REPLACE, MANIFEST, "\"model.safetensors\"", 0, "\"model.other\"", 0,
     1, F, "@/recsys.json: \"files\" does not list model.safetensors"},
    {"path out of the bundle", ALL, REPLACE, MANIFEST, "\"seen.safetensors\"", 0,
     "\"../seen.safetensors\"", 0, 1, F,
     "@/recsys.json: \"files\" names \"../seen.safetensors\", which is no plain name of another "
     "file"},
    {"model cut off", ALL, TRUNCATE, MODEL, NULL, 500, NULL, 0, 1, F,
     "@/model.safetensors: has 500 bytes, the manifest says 1894 (truncated copy?)"},
    {"something behind the model", ALL, APPEND, MODEL, NULL, 0, "x", 0, 1, F,
     "@/model.safetensors: has 1895 bytes, the manifest says 1894 (truncated copy?)"},
    {"a bit of the catalogue", ALL, REPLACE, CATALOG, "Film", 0, "Filn", 0, 1, F,
     "@/catalog.jsonl: has SHA-256 "
     "53daf94d49a6b9bc13114dfdb28292a7da10e51228740312e5fc27e937ef9f32, the manifest says "
     "1cda868caed25d5c59976585b9a1e552d956a7f3d8f47a93040e66e50ebb8e27"},
    {"model cut off, manifest too", ALL, TRUNCATE, MODEL, NULL, 1800, NULL, 0, 0, F,
     "@/model.safetensors: user_ids: data_offsets [1000,1048] do not lie in the file's 1032 bytes "
     "of "
     "data (truncated copy?)"},
    {"data behind the last tensor", ALL, APPEND, MODEL, NULL, 0, "1234", 0, 0, F,
     "@/model.safetensors: tensors end at byte 1126 of the data, which has 1130"},
    {"model empty", ALL, TRUNCATE, MODEL, NULL, 0, NULL, 0, 0, F,
     "@/model.safetensors: has 0 bytes, too few for safetensors"},
    /* what the manifest says of the tensors */
    {"other number of users", ALL, REPLACE, MANIFEST, "\"n_users\": 6", 0, "\"n_users\": 7", 0, 1,
     F, "@/model.safetensors: 6 users, 5 items, 16 dimensions; the manifest says 7, 5, 16"},
    {"other number of items", ALL, REPLACE, MANIFEST, "\"n_items\": 5", 0, "\"n_items\": 4", 0, 1,
     F, "@/model.safetensors: 6 users, 5 items, 16 dimensions; the manifest says 6, 4, 16"},
    {"other dimensions", ALL, REPLACE, MANIFEST, "\"dimensions\": 16", 0, "\"dimensions\": 32", 0,
     1, F, "@/model.safetensors: 6 users, 5 items, 16 dimensions; the manifest says 6, 5, 32"},
    {"other dtype", ALL, REPLACE, MANIFEST, "\"dtype\": \"F32\"", 0, "\"dtype\": \"F64\"", 0, 1, F,
     "@/model.safetensors: item_factors: is not of the \"dtype\" that the manifest says"},
    {"cosine with biases", ALL, REPLACE, MANIFEST, "\"name\": \"demo\"", 0,
     "\"metric\": \"cosine\"", 0, 1, F,
     "@/model.safetensors: has biases, which the metric cosine does not allow"},
    /* factors */
    {"no item factors", ALL, REPLACE, MODEL, "item_factors", 0, "item_fact0rs", 0, 0, F,
     "@/model.safetensors: has no tensor item_factors; it has item_fact0rs F32 [5,16], "
     "user_factors F32 [6,16], feature_factors F32 [3,16], item_bias F32 [5], "
     "user_bias F32 [6], item_popularity F32 [5], item_ids I64 [5], user_ids I64 [6], "
     "feature_names_offsets U64 [4], feature_names U8 [46]"},
    {"no user factors", ALL, REPLACE, MODEL, "user_factors", 0, "user_fact0rs", 0, 0, F,
     "@/model.safetensors: has no tensor user_factors; it has item_factors F32 [5,16], "
     "user_fact0rs F32 [6,16], feature_factors F32 [3,16], item_bias F32 [5], "
     "user_bias F32 [6], item_popularity F32 [5], item_ids I64 [5], user_ids I64 [6], "
     "feature_names_offsets U64 [4], feature_names U8 [46]"},
    {"integers as factors", ALL, REPLACE, MODEL, "\"F32\"", 0, "\"I32\"", 0, 0, F,
     "@/model.safetensors: item_factors: is I32, must be F32, F64, F16 or BF16"},
    {"factors of an unknown type", ALL, REPLACE, MODEL, "\"F32\"", 0, "\"X32\"", 0, 0,
     RECSYS_E_UNSUPPORTED,
     "@/model.safetensors: item_factors: is X32, a type that is not read; save it as float32, or "
     "ids as int64"},
    {"factors of one dimension", ALL, REPLACE, MODEL, "[5,16]", 0, "[80  ]", 0, 0, F,
     "@/model.safetensors: item_factors: has 1 dimensions, want 2"},
    {"no items", ALL, REPLACE, MODEL, "[5,16]", 0, "[0,16]", 0, 0, F,
     "@/model.safetensors: item_factors: shape and dtype ask for 0 bytes, data_offsets give 320"},
    {"vectors of other lengths", ALL, REPLACE, MODEL, "[5,16]", 0, "[10,8]", 0, 0, F,
     "@/model.safetensors: user_factors has vectors of 16 numbers, item_factors of 8"},
    {"item not a number", ALL, PATCH, MODEL, "item_factors", 4 * (16 * 3 + 5), NAN_BYTES, 4, 0, F,
     "@/model.safetensors: item_factors[3,5] is not a finite number"},
    {"user infinite", ALL, PATCH, MODEL, "user_factors", 4 * (16 * 5 + 15), INFINITY_BYTES, 4, 0, F,
     "@/model.safetensors: user_factors[5,15] is not a finite number"},
    {"bias not a number", ALL, PATCH, MODEL, "item_bias", 4, NAN_BYTES, 4, 0, F,
     "@/model.safetensors: item_bias[1] is not a finite number"},
    {"user bias infinite", ALL, PATCH, MODEL, "user_bias", 20, INFINITY_BYTES, 4, 0, F,
     "@/model.safetensors: user_bias[5] is not a finite number"},
    {"bias of other length", ALL, REPLACE, MODEL, "\"shape\":[5],\"data_offsets\":[896,916]", 0,
     "\"shape\":[5],\"data_offsets\":[900,920]", 0, 0, F,
     "@/model.safetensors: item_bias: leaves a hole after the tensor before it"},
    {"tensors overlap", ALL, REPLACE, MODEL, "[320,704]", 0, "[319,703]", 0, 0, F,
     "@/model.safetensors: user_factors: overlaps the tensor before it"},
    /* ids */
    {"id negative", ALL, PATCH, MODEL, "user_ids", 0, MINUS_ONE, 8, 0, F,
     "@/model.safetensors: user_ids[0] is -1, ids go from 0 to 9223372036854775807"},
    {"id twice", ALL, PATCH, MODEL, "item_ids", 0, "\5\0\0\0\0\0\0\0\5\0\0\0\0\0\0\0", 16, 0, F,
     "@/model.safetensors: item_ids: id 5 is there twice, in rows 0 and 1"},
    {"ids as reals", ALL, REPLACE, MODEL, "\"I64\"", 0, "\"F64\"", 0, 0, F,
     "@/model.safetensors: item_ids: must be I64 [5], or U8 with offsets"},
    {"text id twice", TEXTS, PATCH, MODEL, "user_ids", 0, "u-20", 4, 0, F,
     "@/model.safetensors: user_ids: id \"u-20\" is there twice, in rows 0 and 1"},
    {"text id without offsets", TEXTS, REPLACE, MODEL, "item_ids_offsets", 0, "item_ids_0ffsets", 0,
     0, F, "@/model.safetensors: item_ids_offsets: is missing beside item_ids"},
    {"offset out of order", TEXTS, PATCH, MODEL, "item_ids_offsets", 8, MINUS_ONE, 8, 0, F,
     "@/model.safetensors: item_ids: offset 1 is out of order"},
    {"first offset", TEXTS, PATCH, MODEL, "item_ids_offsets", 0, "\1", 1, 0, F,
     "@/model.safetensors: item_ids: offsets go from 1 to 23, want 0 to 23"},
    {"text id not UTF-8", TEXTS, PATCH, MODEL, "item_ids", 1, "\xFF", 1, 0, F,
     "@/model.safetensors: item_ids[0] is not UTF-8 text"},
    {"text id without its NUL", TEXTS, PATCH, MODEL, "item_ids", 3, "x", 1, 0, F,
     "@/model.safetensors: item_ids[0] does not end in a NUL"},
    /* features, popularity */
    {"feature not a number", ALL, PATCH, MODEL, "feature_factors", 4 * 17, NAN_BYTES, 4, 0, F,
     "@/model.safetensors: feature_factors[1,1] is not a finite number"},
    {"features without names", ALL, REPLACE, MODEL, "\"feature_names\"", 0, "\"feature_nam3s\"", 0,
     0, F, "@/model.safetensors: feature_names: must be there beside feature_factors, U8"},
    {"feature name in capitals", ALL, PATCH, MODEL, "feature_names", 0, "P", 1, 0, F,
     "@/model.safetensors: feature_names: must be in lower case"},
    {"popularity negative", ALL, PATCH, MODEL, "item_popularity", 4, "\0\0\x80\xBF", 4, 0, F,
     "@/model.safetensors: item_popularity[1] is negative"},
    /* seen lists */
    {"seen offsets do not begin at 0", ALL, PATCH, SEEN, "seen_offsets", 0, "\1", 1, 0, F,
     "@/seen.safetensors: seen_offsets: number 0 is 1; they must ascend from 0"},
    {"seen offsets descend", ALL, PATCH, SEEN, "seen_offsets", 24, ZEROS, 8, 0, F,
     "@/seen.safetensors: seen_offsets: number 3 is 0; they must ascend from 0"},
    {"seen offsets end elsewhere", ALL, PATCH, SEEN, "seen_offsets", 48, "\x7F", 1, 0, F,
     "@/seen.safetensors: seen_offsets: ends at 127, seen_items has 18 numbers"},
    {"seen item that is not there", ALL, PATCH, SEEN, "seen_items", 4, "\5", 1, 0, F,
     "@/seen.safetensors: seen_items[1] is 5, the model has items 0..4"},
    {"seen item twice", ALL, PATCH, SEEN, "seen_items", 0, "\2\0\0\0\2\0\0\0", 8, 0, F,
     "@/seen.safetensors: seen_items: the user of row 0 has item 2 twice"},
    {"seen weight not a number", ALL, PATCH, SEEN, "seen_weights", 8, NAN_BYTES, 4, 0, F,
     "@/seen.safetensors: seen_weights[2] is not a finite number"},
    {"no seen items", ALL, REPLACE, SEEN, "seen_items", 0, "seen_itemz", 0, 0, F,
     "@/seen.safetensors: has no tensor seen_items"},
    {"seen items as reals", ALL, REPLACE, SEEN, "U32", 0, "F32", 0, 0, F,
     "@/seen.safetensors: seen_items: must be U32, one dimension"},
    /* catalogue: one case, the rest is its own test's */
    {"catalogue of another model", ALL, APPEND, CATALOG, NULL, 0, "{\"id\": 999}\n", 0, 0, F,
     "@/catalog.jsonl line 6: item 999 is not in the model"},
    /* columns of the catalogue */
    {"a bit of the columns", FORMAT_2, PATCH, COLUMNS, "title", 0, "f", 1, 1, F,
     "@/catalog.safetensors: has SHA-256 "
     "5941936f52b0583fecb70095aef496f67cf35402e6806b3f8fc34977becf22c4, the manifest says "
     "42ce4c258d1ee8ff6e03296120caf82673e88369259150a543922082c4d92ce2"},
    {"no column", FORMAT_2, REPLACE, COLUMNS, "\"rating\"", 0, "\"ratinq\"", 0, 0, F,
     "@/catalog.safetensors: rating: must be F32 [5]"},
    {"column of another type", FORMAT_2, REPLACE, COLUMNS, "\"I32\"", 0, "\"U32\"", 0, 0, F,
     "@/catalog.safetensors: release_year: must be I32 [5]"},
    {"texts without offsets", FORMAT_2, REPLACE, COLUMNS, "\"title_offsets\"", 0,
     "\"title_0ffsets\"", 0, 0, F, "@/catalog.safetensors: title_offsets: must be U64 [6]"},
    {"text offset out of order", FORMAT_2, PATCH, COLUMNS, "title_offsets", 8, MINUS_ONE, 8, 0, F,
     "@/catalog.safetensors: title[0] has offsets that do not ascend to the number of bytes"},
    {"first text offset", FORMAT_2, PATCH, COLUMNS, "title_offsets", 0, "\1", 1, 0, F,
     "@/catalog.safetensors: title: offsets go from 1 to 38, want 0 to 38"},
    {"text without its NUL", FORMAT_2, PATCH, COLUMNS, "title", 7, "x", 1, 0, F,
     "@/catalog.safetensors: title[0] does not end in a NUL"},
    {"NUL in a text", FORMAT_2, PATCH, COLUMNS, "title", 2, "\0", 1, 0, F,
     "@/catalog.safetensors: title[0] is not UTF-8 text"},
    {"text not UTF-8", FORMAT_2, PATCH, COLUMNS, "title", 2, "\xC3", 1, 0, F,
     "@/catalog.safetensors: title[0] is not UTF-8 text"},
    {"rating not a number", FORMAT_2, PATCH, COLUMNS, "rating", 4, NAN_BYTES, 4, 0, F,
     "@/catalog.safetensors: rating[1] must be -1 (unknown) or 0 to 10"},
    {"rating above 10", FORMAT_2, PATCH, COLUMNS, "rating", 4, "\1\0\x20\x41", 4, 0, F,
     "@/catalog.safetensors: rating[1] must be -1 (unknown) or 0 to 10"},
    {"year negative", FORMAT_2, PATCH, COLUMNS, "release_year", 8, MINUS_ONE, 4, 0, F,
     "@/catalog.safetensors: release_year[2] must be 0 (unknown) to 9999"},
    {"language that is not there", FORMAT_2, PATCH, COLUMNS, "language", 0, "\4", 1, 0, F,
     "@/catalog.safetensors: language[0] must be 0 (unknown) or the number of a name, counted from "
     "1"},
    {"list that is not there", FORMAT_2, PATCH, COLUMNS, "genres", 16, "\7", 1, 0, F,
     "@/catalog.safetensors: genres[4] is no number of a list"},
    {"adult is 2", FORMAT_2, PATCH, COLUMNS, "adult", 3, "\2", 1, 0, F,
     "@/catalog.safetensors: adult[3] is neither 0 nor 1"},
    {"unknown with a title", FORMAT_2, PATCH, COLUMNS, "known", 2, "\0", 1, 0, F,
     "@/catalog.safetensors: known[2] is 0, but this item has a title, a genre or another "
     "attribute"},
    {"genre that is not there", FORMAT_2, PATCH, COLUMNS, "genre_lists", 8, "\6", 1, 0, F,
     "@/catalog.safetensors: genre_lists[2] is no number of genre_names"},
    {"genre twice in a list", FORMAT_2, PATCH, COLUMNS, "genre_lists", 0, "\1", 1, 0, F,
     "@/catalog.safetensors: genre_lists[1] is in the same list twice"},
    {"lists descend", FORMAT_2, PATCH, COLUMNS, "genre_lists_offsets", 16, MINUS_ONE, 8, 0, F,
     "@/catalog.safetensors: genre_lists_offsets[1] does not begin a list of at most 64 genres"},
    {"lists end elsewhere", FORMAT_2, PATCH, COLUMNS, "genre_lists_offsets", 56, "\x0B", 1, 0, F,
     "@/catalog.safetensors: genre_lists: offsets go from 0 to 11, want 0 to 12"},
    {"name twice", FORMAT_2, PATCH, COLUMNS, "language_names", 0, "fr", 2, 0, F,
     "@/catalog.safetensors: language_names[2] is there twice"},
    {"name empty", FORMAT_2, PATCH, COLUMNS, "language_names_offsets", 8, "\1\0\0\0\0\0\0\0", 8, 0,
     F, "@/catalog.safetensors: language_names[0] does not end in a NUL"},
    {"language in capitals", FORMAT_2, PATCH, COLUMNS, "language_names", 3, "KO", 2, 0, F,
     "@/catalog.safetensors: language_names[1] must have 1..16 characters, in lower case"},
    /* codes */
    {"no codes", FORMAT_2, REPLACE, CODES, "item_codes", 0, "item_c0des", 0, 0, F,
     "@/codes.safetensors: item_codes: must be U8 [2,4,16,4]"},
    {"codes of another layout", FORMAT_2, REPLACE, CODES, "[2,4,16,4]", 0, "[4,4,16,2]", 0, 0, F,
     "@/codes.safetensors: item_codes: must be U8 [2,4,16,4]"},
    {"scales of another type", FORMAT_2, REPLACE, CODES, "\"F32\"", 0, "\"U32\"", 0, 0, F,
     "@/codes.safetensors: item_code_scales: must be F32 [1]"},
    {"scale not a number", FORMAT_2, PATCH, CODES, "item_code_scales", 0, NAN_BYTES, 4, 0, F,
     "@/codes.safetensors: item_code_scales[0] is neither 0 nor a scale of codes"},
    {"scale infinite", FORMAT_2, PATCH, CODES, "item_code_scales", 0, INFINITY_BYTES, 4, 0, F,
     "@/codes.safetensors: item_code_scales[0] is neither 0 nor a scale of codes"},
    {"no short codes", FORMAT_2, REPLACE, CODES, "item_short_codes", 0, "item_short_c0des", 0, 0, F,
     "@/codes.safetensors: item_short_codes: must be U8 [1,2,16,4]"},
    {"no steps", FORMAT_2, REPLACE, CODES, "item_short_code_steps", 0, "item_short_c0de_steps", 0,
     0, F, "@/codes.safetensors: item_short_code_steps: must be F32 [16]"},
    {"step not a number", FORMAT_2, PATCH, CODES, "item_short_code_steps", 0, NAN_BYTES, 4, 0, F,
     "@/codes.safetensors: item_short_code_steps[0] is neither 0 nor a step"},
    {"step negative", FORMAT_2, PATCH, CODES, "item_short_code_steps", 0, MINUS_ONE_BYTES, 4, 0, F,
     "@/codes.safetensors: item_short_code_steps[0] is neither 0 nor a step"},
    {"verdict is a text", FORMAT_2, REPLACE, MANIFEST, "\"name\": \"demo\"", 0,
     "\"codes_pay\": \"yes\"", 0, 1, F, "@/recsys.json: \"codes_pay\" must be true or false"},
};

/* The bytes from which a tensor's data begins, found by the reader itself. */
static size_t data_of(const unsigned char *bytes, size_t size, const char *name)
{
    struct rs_tensors tensors;

    assert_int_equal(rs_safetensors_parse(bytes, size, name, &tensors, NULL), RECSYS_OK);
    const struct rs_tensor *tensor = rs_tensors_find(&tensors, name);
    assert_non_null(tensor);
    /* Data that is not aligned was copied; the copy's bytes are found again. */
    size_t at = 0;
    if (tensor->copy == NULL)
        at = (size_t)((const unsigned char *)tensor->data - bytes);
    else
        while (memcmp(bytes + at, tensor->data, tensor->n_bytes) != 0)
            at++;
    rs_tensors_close(&tensors);
    return at;
}

static unsigned char *replace(unsigned char *bytes, size_t *size, const char *from, const char *to)
{
    size_t n_from = strlen(from), n_to = strlen(to), at = 0;
    unsigned char *changed = calloc(*size + n_to + 1, 1);

    while (at + n_from <= *size && memcmp(bytes + at, from, n_from) != 0)
        at++;
    if (at + n_from > *size)
        fail_msg("\"%s\" is not in the file", from);
    memcpy(changed, bytes, at);
    memcpy(changed + at, to, n_to);
    memcpy(changed + at + n_to, bytes + at + n_from, *size - at - n_from);
    *size = *size - n_from + n_to;
    free(bytes);
    return changed;
}

static void break_file(const struct breakage *how, const char *directory)
{
    size_t size, n = how->to == NULL ? 0 : how->n != 0 ? how->n : strlen(how->to);
    char path[8400];

    snprintf(path, sizeof path, "%s/%s", directory, how->file);
    unsigned char *bytes = bundle_read_file(directory, how->file, &size);
    switch (how->change) {
    case PATCH:
        memcpy(bytes + data_of(bytes, size, how->where) + how->at, how->to, n);
        break;
    case REPLACE:
        bytes = replace(bytes, &size, how->where, how->to);
        break;
    case TRUNCATE:
        size = how->at;
        break;
    case APPEND:
        bytes = realloc(bytes, size + n);
        memcpy(bytes + size, how->to, n);
        size += n;
        break;
    default:
        assert_int_equal(unlink(path), 0);
        if (how->change == AS_FIFO)
            assert_int_equal(mkfifo(path, 0600), 0);
        if (how->change == AS_DIRECTORY)
            assert_int_equal(mkdir(path, 0700), 0);
        free(bytes);
        return;
    }
    bundle_write_file(directory, how->file, bytes, size);
    free(bytes);
}

/* Write "@" for the directory. */
static void shorten(char *message, const char *directory)
{
    char *at;

    while ((at = strstr(message, directory)) != NULL) {
        size_t n = strlen(directory);
        *at = '@';
        memmove(at + 1, at + n, strlen(at + n) + 1);
    }
}

static int check(const struct breakage *how, const char *parent)
{
    char directory[4200];
    struct bundle bundle;
    recsys_model *model = (recsys_model *)(uintptr_t)1;
    recsys_error err = {0};

    snprintf(directory, sizeof directory, "%s/bundle", parent);
    bundle_write(&bundle, directory, 6, 5, 16, 42, how->flags);
    break_file(how, directory);
    if (!how->keep_hashes) {
        char *members = bundle_manifest_members(&bundle);
        bundle_write_manifest(directory, members);
        free(members);
    }
    recsys_status status = recsys_model_load(directory, NULL, &model, &err);
    shorten(err.message, directory);
    int good = status == how->status && model == NULL && err.status == status &&
               strcmp(err.message, how->message == NULL ? "" : how->message) == 0;
    if (!good)
        print_error("%s:\n  got  %s: %s\n  want %s: %s\n", how->name, recsys_status_name(status),
                    err.message, recsys_status_name(how->status),
                    how->message == NULL ? "?" : how->message);
    bundle_free(&bundle);
    bundle_remove_directory(directory);
    return good;
}

static void every_breakage_has_its_own_status_and_message(void **state)
{
    char *parent = bundle_make_directory();
    int failed = 0;

    (void)state;
    for (size_t i = 0; i < sizeof breakages / sizeof *breakages; i++)
        failed += !check(&breakages[i], parent);
    bundle_remove_directory(parent);
    free(parent);
    assert_int_equal(failed, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_breakage_has_its_own_status_and_message),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
