/* daemon/ctl/input/catalog_input.h - a catalogue of another program becomes a builder's.
 *
 * catalog_file.c reads JSON Lines and CSV, catalog_query.c a query's rows; both give each entry as
 * a JSON object to catalog_entry.c, which finds the fields and writes the builder's line.
 */
#ifndef RECSYSCTL_CATALOG_INPUT_H
#define RECSYSCTL_CATALOG_INPUT_H

#include <jansson.h>
#include <recsys/recsys.h>
#include <stdbool.h>

#include "daemon/ctl/input/file_problems.h"
#include "lib/base/buffer.h"

/* The fields of an entry. */
enum ctl_catalog_field {
    CTL_ITEM_ID,
    CTL_ITEM_TITLE,
    CTL_ITEM_GENRES,
    CTL_ITEM_YEAR,
    CTL_ITEM_RATING,
    CTL_ITEM_POSTER,
    CTL_ITEM_LANGUAGE,
    CTL_ITEM_ADULT,
    CTL_ITEM_N_FIELDS
};

struct ctl_catalog_input {
    recsys_builder *builder;
    const char *columns[CTL_ITEM_N_FIELDS]; /* names the user gave; NULL = the usual ones */
    const char *genre_separators;
    const char *poster_base; /* in front of a path; NULL = a path is left out */
    bool strict;             /* an entry of an item that the model has not is a problem */

    struct ctl_problems problems;
    uint64_t n_entries, n_unknown;
    uint32_t id_kind;
    uint64_t n_items;
    uint64_t *lines; /* by row: of the item's entry; 0 = none yet */
    struct rs_buffer json;
};

/* Sets what the caller has not set: ids and rows of the builder's items. `name` is what messages
 * call the input, BORROWED. */
recsys_status ctl_catalog_begin(struct ctl_catalog_input *input, const char *name,
                                recsys_error *err);
void ctl_catalog_end(struct ctl_catalog_input *input);

/* The name of a field, as --catalog-column takes it; NULL beyond the last one. */
const char *ctl_catalog_field_name(unsigned field);
/* The i-th usual name of a field in files; NULL behind the last one. */
const char *ctl_catalog_usual_name(unsigned field, unsigned i);

/* Take one entry, which is on `line` of the input. Its faults become problems. */
void ctl_catalog_add(struct ctl_catalog_input *input, uint64_t line, const json_t *entry);

/* Read a file, or the rows of a query. Fails only if reading fails; problems are in `input`. */
recsys_status ctl_catalog_read_file(struct ctl_catalog_input *input, const char *path,
                                    recsys_error *err);
recsys_status ctl_catalog_read_query(struct ctl_catalog_input *input, recsys_source *source,
                                     const char *query, recsys_error *err);

#endif
