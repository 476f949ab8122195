/* daemon/ctl/input/csv.h - read a CSV file record by record, as other programs write them. */
#ifndef RECSYSCTL_CSV_H
#define RECSYSCTL_CSV_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <recsys/status.h>

#include "lib/base/buffer.h"

#define CTL_CSV_MAX_FIELDS 1024u
#define CTL_CSV_MAX_RECORD                                                                         \
    ((size_t)1 << 20) /* bytes; a quote never closed must not take all memory */

enum ctl_csv_result {
    CTL_CSV_END,
    CTL_CSV_RECORD,
    CTL_CSV_BROKEN, /* this record cannot be read: see `problem`; the next call goes on behind it */
    CTL_CSV_FAILED  /* nor can anything behind it: see `problem` */
};

/* One record, with every field ended by a NUL. */
struct ctl_csv_fields {
    struct rs_buffer text;
    size_t starts[CTL_CSV_MAX_FIELDS];
    size_t n;
};

struct ctl_csv {
    FILE *file;
    uint64_t line;       /* where the present record begins, from 1 */
    uint64_t lines_read; /* newlines met so far */
    char delimiter;      /* comma, semicolon or tab: the most frequent one of the header's line */
    struct ctl_csv_fields header, record;
    char problem[256];
    size_t at, end; /* what is left of `block` */
    char block[1 << 16];
};

/* Begin with the header, the first record that is not empty. `file` is BORROWED; `n_lines` of its
 * lines were read before. CTL_CSV_RECORD, CTL_CSV_END (an empty file) or CTL_CSV_FAILED. Release
 * with ctl_csv_end() in every case. */
enum ctl_csv_result ctl_csv_begin(struct ctl_csv *csv, FILE *file, uint64_t n_lines);
void ctl_csv_end(struct ctl_csv *csv);

/* Read the next record, which has as many fields as the header. Lines without a character are
 * passed over. */
enum ctl_csv_result ctl_csv_next(struct ctl_csv *csv);

/* Field `column` of the present record, or its name. BORROWED until the next call. */
const char *ctl_csv_field(const struct ctl_csv *csv, size_t column);
const char *ctl_csv_name(const struct ctl_csv *csv, size_t column);

/* The column of this name, ASCII case ignored, or SIZE_MAX. */
size_t ctl_csv_find(const struct ctl_csv *csv, const char *name);

/* E_FORMAT: no column is called `wanted`. The message has the names of those that are there, and
 * `option`, which says which is which. */
recsys_status ctl_csv_refuse(const struct ctl_csv *csv, const char *path, const char *wanted,
                             const char *option, recsys_error *err);

#endif
