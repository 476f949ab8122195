/* csv.h - read a comma-separated file record by record. */
#ifndef TRAIN_ALS_CSV_H
#define TRAIN_ALS_CSV_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct csv {
    const char *path;
    FILE *file;
    size_t line;       /* where the present record begins, from 1 */
    size_t lines_read; /* newlines met so far */
    size_t n_columns;  /* as many as the header has */
    size_t n_fields;   /* of the present record */
    size_t *starts;    /* where each field begins in `text`; room for n_columns */
    char *text;        /* the fields, each with its NUL */
    size_t size, capacity;
};

/* Open `path` and check that its first record is `header`, as "userId,movieId". */
void csv_open(struct csv *csv, const char *path, const char *header);

/* Read the next record; 0 at the end of the file. It has n_columns fields. */
int csv_next(struct csv *csv);

/* Field `column` of the present record: BORROWED until csv_next(). */
const char *csv_field(const struct csv *csv, size_t column);

/* The same as an id, which is an integer from 0, any integer, or a number in [low, high]. */
int64_t csv_id(const struct csv *csv, size_t column, const char *name);
int64_t csv_integer(const struct csv *csv, size_t column, const char *name);
float csv_number(const struct csv *csv, size_t column, const char *name, double low, double high);

void csv_close(struct csv *csv);

#endif
