/* daemon/ctl/input/catalog_file.c - a catalogue from a file: JSON Lines, or CSV with a header.
 *
 * The file's first character decides: a brace begins JSON Lines. A pipe will do, since nothing is
 * read twice.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/ctl/ctl_command.h"
#include "daemon/ctl/input/catalog_input.h"
#include "daemon/ctl/input/csv.h"
#include "daemon/ctl/input/line_reader.h"
#include "lib/base/error.h"

#define MAX_LINE ((size_t)4 << 20)

/* NaN, Infinity and -Infinity outside of texts, which Python's json module writes, become "". */
static void blank_numbers(char *line)
{
    static const char *const words[] = {"-Infinity", "Infinity", "NaN"};
    int in_text = 0;

    for (char *at = line; *at != '\0'; at++) {
        if (*at == '"')
            in_text = !in_text;
        else if (in_text && *at == '\\' && at[1] != '\0')
            at++;
        for (size_t i = 0; !in_text && i < sizeof words / sizeof *words; i++)
            if (strncmp(at, words[i], strlen(words[i])) == 0) {
                memset(at, ' ', strlen(words[i]));
                at[0] = at[1] = '"';
                at++;
                break;
            }
    }
}

static void add_json_line(struct ctl_catalog_input *input, struct ctl_line_reader *reader)
{
    struct rs_buffer *text = &reader->text;
    char *line = text->bytes;
    json_error_t problem;

    if (text->status != RECSYS_OK) {
        ctl_problems_add(&input->problems, reader->line, "the line is longer than 4 MiB");
        return;
    }
    if (line[strspn(line, " \t")] == '\0' && strlen(line) == text->size)
        return;
    if (strlen(line) != text->size) {
        ctl_problems_add(&input->problems, reader->line, "a zero byte");
        return;
    }
    blank_numbers(line);
    json_t *entry = json_loadb(line, text->size, JSON_REJECT_DUPLICATES, &problem);
    if (entry == NULL)
        ctl_problems_add(&input->problems, reader->line, "not valid JSON at column %d: %.200s",
                         problem.column, problem.text);
    else if (!json_is_object(entry))
        ctl_problems_add(&input->problems, reader->line, "not a JSON object");
    else
        ctl_catalog_add(input, reader->line, entry);
    json_decref(entry);
}

static recsys_status read_json_lines(struct ctl_catalog_input *input, FILE *file, uint64_t n_lines,
                                     recsys_error *err)
{
    struct ctl_line_reader reader = {
        .file = file, .line = n_lines, .text = RS_BUFFER_INIT(MAX_LINE)};
    recsys_status status = RECSYS_OK;

    while (ctl_line_next(&reader))
        add_json_line(input, &reader);
    if (ferror(file))
        status = rs_error_sys(err, errno, "%s", input->problems.path);
    rs_buffer_destroy(&reader.text);
    return status;
}

/* Each column that some field wants, under the name by which the field is looked for. */
static const char **choose_columns(const struct ctl_catalog_input *input, const struct ctl_csv *csv)
{
    const char **names = ctl_allocate(csv->header.n, sizeof *names);
    size_t column;

    for (unsigned field = 0; field < CTL_ITEM_N_FIELDS; field++) {
        const char *name = input->columns[field];
        if (name != NULL && (column = ctl_csv_find(csv, name)) != SIZE_MAX)
            names[column] = name;
        for (unsigned i = 0; name == NULL && ctl_catalog_usual_name(field, i) != NULL; i++)
            if ((column = ctl_csv_find(csv, ctl_catalog_usual_name(field, i))) != SIZE_MAX)
                names[column] = ctl_catalog_usual_name(field, i);
    }
    if ((column = ctl_csv_find(csv, "vote_count")) != SIZE_MAX)
        names[column] = "vote_count";
    return names;
}

static void add_record(struct ctl_catalog_input *input, const struct ctl_csv *csv,
                       const char *const *names)
{
    json_t *entry = json_object();

    for (size_t i = 0; i < csv->record.n; i++)
        if (names[i] != NULL &&
            json_object_set_new(entry, names[i], json_string(ctl_csv_field(csv, i))) != 0)
            exit(ctl_failed("out of memory"));
    ctl_catalog_add(input, csv->line, entry);
    json_decref(entry);
}

static recsys_status check_header(const struct ctl_catalog_input *input, const struct ctl_csv *csv,
                                  recsys_error *err)
{
    for (unsigned field = 0; field < CTL_ITEM_N_FIELDS; field++)
        if (input->columns[field] != NULL && ctl_csv_find(csv, input->columns[field]) == SIZE_MAX)
            return ctl_csv_refuse(csv, input->problems.path, input->columns[field],
                                  "--catalog-column", err);
    for (unsigned i = 0; ctl_catalog_usual_name(CTL_ITEM_ID, i) != NULL; i++)
        if (input->columns[CTL_ITEM_ID] != NULL ||
            ctl_csv_find(csv, ctl_catalog_usual_name(CTL_ITEM_ID, i)) != SIZE_MAX)
            return RECSYS_OK;
    return ctl_csv_refuse(csv, input->problems.path, "id, item_id or movieId", "--catalog-column",
                          err);
}

static void read_records(struct ctl_catalog_input *input, struct ctl_csv *csv)
{
    const char **names = choose_columns(input, csv);
    enum ctl_csv_result result;

    while ((result = ctl_csv_next(csv)) == CTL_CSV_RECORD || result == CTL_CSV_BROKEN) {
        if (result == CTL_CSV_RECORD)
            add_record(input, csv, names);
        else
            ctl_problems_add(&input->problems, csv->line, "%s", csv->problem);
    }
    if (result == CTL_CSV_FAILED)
        ctl_problems_add(&input->problems, csv->line, "%s; the lines behind it were not read",
                         csv->problem);
    free(names);
}

static recsys_status read_csv(struct ctl_catalog_input *input, FILE *file, uint64_t n_lines,
                              recsys_error *err)
{
    struct ctl_csv *csv = ctl_allocate(1, sizeof *csv);
    enum ctl_csv_result result = ctl_csv_begin(csv, file, n_lines);
    recsys_status status = RECSYS_OK;

    if (result == CTL_CSV_END)
        status = rs_error(err, RECSYS_E_FORMAT, "%s: the file is empty", input->problems.path);
    else if (result != CTL_CSV_RECORD)
        status = rs_error(err, RECSYS_E_FORMAT, "%s:%llu: %s", input->problems.path,
                          (unsigned long long)csv->line, csv->problem);
    else
        status = check_header(input, csv, err);
    if (status == RECSYS_OK)
        read_records(input, csv);
    ctl_csv_end(csv);
    free(csv);
    return status;
}

/* The first character of the text, which is left in the file, behind a byte order mark and empty
 * lines. */
static int find_first(FILE *file, uint64_t *n_lines)
{
    int first = getc(file);

    if (first == 0xEF && getc(file) == 0xBB && getc(file) == 0xBF)
        first = getc(file);
    for (; first == '\n' || first == '\r'; first = getc(file))
        *n_lines += first == '\n';
    if (first != EOF)
        ungetc(first, file);
    return first;
}

recsys_status ctl_catalog_read_file(struct ctl_catalog_input *input, const char *path,
                                    recsys_error *err)
{
    FILE *file = fopen(path, "rb");
    uint64_t n_lines = 0;
    recsys_status status;
    int first;

    if (file == NULL)
        return rs_error_sys(err, errno, "%s", path);
    first = find_first(file, &n_lines);
    if (first == '[')
        status = rs_error(err, RECSYS_E_UNSUPPORTED,
                          "%s: one JSON array; the catalogue needs an object a line (jq -c '.[]', "
                          "or pandas' to_json(..., orient=\"records\", lines=True))",
                          path);
    else
        status = first == '{' ? read_json_lines(input, file, n_lines, err)
                              : read_csv(input, file, n_lines, err);
    fclose(file);
    return status;
}
