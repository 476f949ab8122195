/* csv.c - read a comma-separated file record by record.
 *
 * RFC 4180 as MovieLens uses it: fields in double quotes may hold commas,
 * line breaks and doubled quotes; lines end in LF or CRLF; a UTF-8 byte order
 * mark is skipped and so are empty lines. Only one record is in memory at a
 * time, so the size of the file does not matter.
 *
 * The first record must be the expected header, so a file with other columns, or
 * with none, is refused at once and not after an hour of training. Every failure
 * ends the program with the file's name and the line.
 */
#include "csv.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report.h"

/* A quote that is never closed would otherwise swallow the rest of the file. */
#define MAX_RECORD_BYTES ((size_t)1 << 20)

enum { END_OF_FIELD, END_OF_RECORD, END_OF_FILE };

static void append(struct csv *csv, int byte)
{
    if (csv->size == csv->capacity) {
        if (csv->capacity >= MAX_RECORD_BYTES)
            report_fatal("%s:%zu: the record is longer than 1 MiB (a quote that is not closed?)",
                         csv->path, csv->line);
        csv->capacity = csv->capacity == 0u ? 4096u : csv->capacity * 2u;
        csv->text = report_resize(csv->text, csv->capacity, 1u);
    }
    csv->text[csv->size++] = (char)byte;
}

/* The rest of a field after its opening quote, up to the closing one. */
static void read_quoted(struct csv *csv)
{
    for (;;) {
        int byte = getc_unlocked(csv->file);

        if (byte == EOF)
            report_fatal("%s:%zu: the file ends inside a quoted field", csv->path, csv->line);
        if (byte == '\0')
            report_fatal("%s:%zu: a zero byte; this is not a text file", csv->path, csv->line);
        if (byte == '\n')
            csv->lines_read++;
        if (byte == '"') {
            byte = getc_unlocked(csv->file);
            if (byte != '"') {
                ungetc(byte, csv->file);
                return;
            }
        }
        append(csv, byte);
    }
}

static int read_field(struct csv *csv)
{
    int byte = getc_unlocked(csv->file);
    int quoted = byte == '"';

    if (quoted) {
        read_quoted(csv);
        byte = getc_unlocked(csv->file);
    }
    for (;; byte = getc_unlocked(csv->file)) {
        if (byte == '\r') { /* part of the line's end, or an ordinary character */
            int next = getc_unlocked(csv->file);

            if (next == '\n')
                byte = next;
            else
                ungetc(next, csv->file);
        }
        if (byte == ',' || byte == '\n' || byte == EOF)
            break;
        if (byte == '\0')
            report_fatal("%s:%zu: a zero byte; this is not a text file", csv->path, csv->line);
        if (quoted)
            report_fatal("%s:%zu: text after the closing quote of field %zu", csv->path, csv->line,
                         csv->n_fields + 1u);
        append(csv, byte);
    }
    append(csv, '\0');
    if (byte == '\n')
        csv->lines_read++;
    return byte == ',' ? END_OF_FIELD : byte == '\n' ? END_OF_RECORD : END_OF_FILE;
}

int csv_next(struct csv *csv)
{
    int end;

    do {
        csv->line = csv->lines_read + 1u;
        csv->size = csv->n_fields = 0u;
        do {
            if (csv->n_fields < csv->n_columns)
                csv->starts[csv->n_fields] = csv->size;
            end = read_field(csv);
            csv->n_fields++;
        } while (end == END_OF_FIELD);
        if (ferror(csv->file))
            report_fatal("%s:%zu: %s", csv->path, csv->line, strerror(errno));
    } while (csv->size == 1u && end == END_OF_RECORD);

    if (csv->size == 1u && end == END_OF_FILE)
        return 0;
    if (csv->n_fields != csv->n_columns)
        report_fatal("%s:%zu: %zu fields where the header has %zu", csv->path, csv->line,
                     csv->n_fields, csv->n_columns);
    return 1;
}

static void check_header(struct csv *csv, const char *header)
{
    const char *expected = header;

    if (!csv_next(csv))
        report_fatal("%s: the file is empty; expected the header '%s'", csv->path, header);
    for (size_t i = 0; i < csv->n_columns; i++) {
        const char *name = csv_field(csv, i);
        const char *comma = strchr(expected, ',');
        size_t length = comma != NULL ? (size_t)(comma - expected) : strlen(expected);
        if (strlen(name) != length || memcmp(name, expected, length) != 0)
            report_fatal("%s:%zu: column %zu is called '%s'; expected the header '%s'", csv->path,
                         csv->line, i + 1u, name, header);
        expected += length + (comma != NULL);
    }
}

void csv_open(struct csv *csv, const char *path, const char *header)
{
    int first;

    memset(csv, 0, sizeof *csv);
    csv->path = path;
    csv->n_columns = 1u;
    for (const char *c = header; *c != '\0'; c++)
        csv->n_columns += *c == ',';
    csv->starts = report_allocate(csv->n_columns, sizeof *csv->starts);
    csv->file = fopen(path, "rb");
    if (csv->file == NULL)
        report_fatal("%s: %s", path, strerror(errno));
    first = getc_unlocked(csv->file);
    if (first != 0xEF) /* else a byte order mark, EF BB BF: no column's name begins so */
        ungetc(first, csv->file);
    else if (getc_unlocked(csv->file) != 0xBB || getc_unlocked(csv->file) != 0xBF)
        report_fatal("%s: this is not UTF-8 text", path);
    check_header(csv, header);
}

const char *csv_field(const struct csv *csv, size_t column)
{
    return csv->text + csv->starts[column];
}

int64_t csv_integer(const struct csv *csv, size_t column, const char *name)
{
    const char *text = csv_field(csv, column);
    char *end;
    long long value;

    errno = 0;
    value = strtoll(text, &end, 10);
    if (end == text || *end != '\0' || errno != 0)
        report_fatal("%s:%zu: %s '%s' is not an integer", csv->path, csv->line, name, text);
    return (int64_t)value;
}

int64_t csv_id(const struct csv *csv, size_t column, const char *name)
{
    int64_t value = csv_integer(csv, column, name);

    if (value < 0)
        report_fatal("%s:%zu: %s '%s' is negative", csv->path, csv->line, name,
                     csv_field(csv, column));
    return value;
}

float csv_number(const struct csv *csv, size_t column, const char *name, double low, double high)
{
    const char *text = csv_field(csv, column);
    char *end;
    double value = strtod(text, &end);

    if (end == text || *end != '\0' || !isfinite(value))
        report_fatal("%s:%zu: %s '%s' is not a number", csv->path, csv->line, name, text);
    if (value < low || value > high)
        report_fatal("%s:%zu: %s %s is not between %g and %g", csv->path, csv->line, name, text,
                     low, high);
    return (float)value;
}

void csv_close(struct csv *csv)
{
    fclose(csv->file);
    free(csv->starts);
    free(csv->text);
}
