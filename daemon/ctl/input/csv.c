/* daemon/ctl/input/csv.c - see csv.h.
 *
 * RFC 4180 as MovieLens, pandas, PostgreSQL and spreadsheets write it: fields in double quotes may
 * hold delimiters, line breaks and doubled quotes; lines end in LF or CRLF; a byte order mark is
 * skipped. A quote inside a field without quotes is an ordinary character. One record is in memory
 * at a time, so the size of the file does not matter.
 *
 * Everything may come in: a record that is too long, not UTF-8 or holds a zero byte is BROKEN, and
 * reading goes on with the next line. Only an open quote ends the reading, since it is unknown
 * which of the lines behind it are inside it.
 *
 * libcsv is not used: it has had no release since 2013, does not bound the size of a field and does
 * not say on which line a record began, which every message here begins with.
 */
#include "daemon/ctl/input/csv.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "lib/base/error.h"
#include "lib/base/text.h"
#include "lib/base/utf8.h"

enum { END_OF_FIELD, END_OF_RECORD, END_OF_FILE, IS_BROKEN };

static int fill(struct ctl_csv *csv)
{
    csv->at = 0;
    csv->end = fread(csv->block, 1, sizeof csv->block, csv->file);
    return csv->end > 0;
}

/* The next byte without taking it, or EOF. */
static int peek(struct ctl_csv *csv)
{
    if (csv->at == csv->end && !fill(csv))
        return EOF;
    return (unsigned char)csv->block[csv->at];
}

static int take(struct ctl_csv *csv)
{
    int byte = peek(csv);

    csv->at += byte != EOF;
    csv->lines_read += byte == '\n';
    return byte;
}

/* The problem that is met first is the one reported. */
static void report(struct ctl_csv *csv, const char *problem)
{
    if (csv->problem[0] == '\0')
        snprintf(csv->problem, sizeof csv->problem, "%s", problem);
}

/* Nothing is kept of a record that has a problem already. */
static void keep(struct ctl_csv *csv, const char *bytes, size_t size)
{
    if (csv->problem[0] != '\0')
        return;
    rs_buffer_add(&csv->record.text, bytes, size);
    if (csv->record.text.status == RECSYS_E_LIMIT)
        report(csv, "the record is longer than 1 MiB (a quote that is not closed?)");
    else if (csv->record.text.status != RECSYS_OK)
        report(csv, "out of memory");
}

static int ends_field(const struct ctl_csv *csv, int byte)
{
    return byte == csv->delimiter || byte == '\n' || byte == EOF;
}

/* The rest of a field after its opening quote, and the closing one. 0: there is none within the
 * size of a record. */
static int read_quoted(struct ctl_csv *csv)
{
    for (size_t n = 0; n <= CTL_CSV_MAX_RECORD; n++) {
        int byte = take(csv);
        char kept = (char)byte;

        if (byte == EOF) {
            report(csv, "the file ends inside a quoted field");
            return 0;
        }
        if (byte == '"') {
            if (peek(csv) != '"')
                return 1;
            (void)take(csv);
        }
        keep(csv, &kept, 1);
    }
    return 0;
}

/* Bytes up to the end of a field, as many as the block has at once. */
static void read_plain(struct ctl_csv *csv)
{
    while (!ends_field(csv, peek(csv))) {
        size_t from = csv->at;

        while (csv->at < csv->end && csv->block[csv->at] != csv->delimiter &&
               csv->block[csv->at] != '\n')
            csv->at++;
        keep(csv, csv->block + from, csv->at - from);
    }
}

/* The CR of a CRLF is part of the line's end. */
static void drop_return(struct ctl_csv *csv, size_t start)
{
    struct rs_buffer *text = &csv->record.text;

    if (text->status == RECSYS_OK && text->size > start && text->bytes[text->size - 1] == '\r')
        text->size--;
}

static int read_field(struct ctl_csv *csv)
{
    size_t start = csv->record.text.size;
    int is_quoted = peek(csv) == '"';

    if (is_quoted) {
        (void)take(csv);
        if (!read_quoted(csv))
            return IS_BROKEN;
        start = csv->record.text.size;
    }
    read_plain(csv);
    int byte = take(csv);
    if (byte == '\n')
        drop_return(csv, start);
    if (is_quoted && csv->record.text.size > start)
        report(csv, "text after the closing quote of a field (a quote inside is written twice)");
    keep(csv, "", 1);
    return byte == csv->delimiter ? END_OF_FIELD : byte == '\n' ? END_OF_RECORD : END_OF_FILE;
}

/* Read one record, whatever is in it. */
static int read_record(struct ctl_csv *csv)
{
    struct ctl_csv_fields *record = &csv->record;
    int end = END_OF_FIELD;

    csv->line = csv->lines_read + 1;
    csv->problem[0] = '\0';
    rs_buffer_clear(&record->text);
    for (record->n = 0; end == END_OF_FIELD; record->n++) {
        if (record->n >= CTL_CSV_MAX_FIELDS)
            report(csv, "more than 1024 fields");
        else
            record->starts[record->n] = record->text.size;
        end = read_field(csv);
    }
    if (ferror(csv->file)) {
        snprintf(csv->problem, sizeof csv->problem, "%s", strerror(errno));
        return IS_BROKEN;
    }
    return end;
}

static void check_fields(struct ctl_csv *csv)
{
    const struct ctl_csv_fields *record = &csv->record;

    for (size_t i = 0; i < record->n && csv->problem[0] == '\0'; i++) {
        size_t end = i + 1 < record->n ? record->starts[i + 1] : record->text.size;
        const char *field = record->text.bytes + record->starts[i];
        size_t size = end - record->starts[i] - 1;

        if (memchr(field, '\0', size) != NULL)
            report(csv, "a zero byte; this is not a text file, or one in UTF-16");
        else if (!rs_utf8_is_valid(field, size))
            snprintf(csv->problem, sizeof csv->problem,
                     "field %zu is not UTF-8 (iconv -f LATIN1 -t UTF-8 converts a Latin-1 file)",
                     i + 1);
    }
}

static int is_blank(const struct ctl_csv *csv)
{
    return csv->record.n == 1 && csv->record.text.size == 1;
}

enum ctl_csv_result ctl_csv_next(struct ctl_csv *csv)
{
    int end;

    do {
        end = read_record(csv);
        if (end == END_OF_FILE && is_blank(csv))
            return CTL_CSV_END;
    } while (end == END_OF_RECORD && is_blank(csv));
    if (end == IS_BROKEN)
        return CTL_CSV_FAILED;
    check_fields(csv);
    if (csv->problem[0] == '\0' && csv->header.n > 0 && csv->record.n != csv->header.n)
        snprintf(csv->problem, sizeof csv->problem, "%zu fields, the header has %zu", csv->record.n,
                 csv->header.n);
    return csv->problem[0] == '\0' ? CTL_CSV_RECORD : CTL_CSV_BROKEN;
}

/* The most frequent of the three in the first line. */
static char find_delimiter(const char *bytes, size_t size)
{
    static const char delimiters[] = {',', ';', '\t'};
    const char *end = memchr(bytes, '\n', size);
    size_t most = 0;
    char found = ',';

    if (end != NULL)
        size = (size_t)(end - bytes);
    for (size_t i = 0; i < sizeof delimiters; i++) {
        size_t n = 0;
        for (size_t j = 0; j < size; j++)
            n += bytes[j] == delimiters[i];
        if (n > most)
            found = delimiters[i];
        most = n > most ? n : most;
    }
    return found;
}

/* Files that begin as no text does. */
static int refuse_beginning(struct ctl_csv *csv)
{
    static const struct {
        const char *bytes;
        size_t size;
        const char *problem;
    } others[] = {
        {"\xFF\xFE", 2, "this is UTF-16 (iconv -f UTF-16 -t UTF-8 converts it)"},
        {"\xFE\xFF", 2, "this is UTF-16 (iconv -f UTF-16 -t UTF-8 converts it)"},
        {"\x1F\x8B", 2, "this is compressed (give <(gunzip -c FILE) instead)"},
        {"PK\3\4", 4,
         "this is a zip archive or a spreadsheet (give <(unzip -p FILE NAME.csv) instead)"},
    };

    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (csv->end >= others[i].size &&
            memcmp(csv->block, others[i].bytes, others[i].size) == 0) {
            report(csv, others[i].problem);
            return 1;
        }
    return 0;
}

enum ctl_csv_result ctl_csv_begin(struct ctl_csv *csv, FILE *file, uint64_t n_lines)
{
    csv->file = file;
    csv->line = n_lines + 1;
    csv->lines_read = n_lines;
    csv->at = csv->end = 0;
    csv->header.n = csv->record.n = 0;
    csv->problem[0] = '\0';
    rs_buffer_init(&csv->header.text, CTL_CSV_MAX_RECORD);
    rs_buffer_init(&csv->record.text, CTL_CSV_MAX_RECORD);
    (void)fill(csv);
    if (refuse_beginning(csv))
        return CTL_CSV_FAILED;
    csv->at = rs_utf8_mark_size(csv->block, csv->end);
    csv->delimiter = find_delimiter(csv->block + csv->at, csv->end - csv->at);

    enum ctl_csv_result result = ctl_csv_next(csv);
    if (result == CTL_CSV_BROKEN)
        return CTL_CSV_FAILED;
    if (result == CTL_CSV_RECORD) {
        struct ctl_csv_fields header = csv->record;
        csv->record = csv->header;
        csv->header = header;
    }
    return result;
}

void ctl_csv_end(struct ctl_csv *csv)
{
    rs_buffer_destroy(&csv->header.text);
    rs_buffer_destroy(&csv->record.text);
}

const char *ctl_csv_field(const struct ctl_csv *csv, size_t column)
{
    return csv->record.text.bytes + csv->record.starts[column];
}

const char *ctl_csv_name(const struct ctl_csv *csv, size_t column)
{
    return csv->header.text.bytes + csv->header.starts[column];
}

size_t ctl_csv_find(const struct ctl_csv *csv, const char *name)
{
    for (size_t i = 0; i < csv->header.n; i++)
        if (rs_text_equal(ctl_csv_name(csv, i), name))
            return i;
    return SIZE_MAX;
}

recsys_status ctl_csv_refuse(const struct ctl_csv *csv, const char *path, const char *wanted,
                             const char *option, recsys_error *err)
{
    char list[300] = "";

    for (size_t i = 0; i < csv->header.n; i++)
        rs_text_append(list, sizeof list, "%s%s", i == 0 ? "" : ", ", ctl_csv_name(csv, i));
    return rs_error(err, RECSYS_E_FORMAT,
                    "%s: no column is called %s; there are: %s (%s FIELD=NAME says which is which)",
                    path, wanted, list, option);
}
