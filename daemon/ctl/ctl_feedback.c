/* daemon/ctl/ctl_feedback.c - recsysctl feedback: the events that users have caused, for training.
 *
 * export writes them as JSON Lines or CSV, page by page, so that its memory does not depend on how
 * many there are; `python3 -m recsys feedback` makes Parquet of the lines. The last place is
 * printed, and the next export can go on from there: none is left out and none comes twice. prune
 * removes old ones.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "daemon/ctl/ctl_command.h"
#include "daemon/ctl/ctl_database.h"
#include "daemon/feedback/feedback_page.h"
#include "lib/base/buffer.h"

#define PAGE 5000u
#define PAGE_BYTES (64u << 20)
#define STATEMENT_MS 60000u

enum format { LINES, CSV };

static void put_csv_text(FILE *to, const char *text)
{
    (void)fputc('"', to);
    for (; *text != '\0'; text++) {
        if (*text == '"')
            (void)fputc('"', to);
        (void)fputc(*text, to);
    }
    (void)fputc('"', to);
}

static void write_csv_row(FILE *to, const recsys_rows *rows, size_t row, size_t n_columns)
{
    for (size_t column = 0; column < n_columns; column++) {
        recsys_datum value = recsys_rows_get(rows, row, column);

        if (column > 0)
            (void)fputc(',', to);
        if (value.type == RECSYS_TYPE_REAL)
            (void)fprintf(to, "%.17g", value.real);
        else if (value.type != RECSYS_TYPE_NULL)
            put_csv_text(to, value.text);
    }
    (void)fputc('\n', to);
}

static void write_page(FILE *to, enum format format, const recsys_rows *rows)
{
    struct rs_buffer line = RS_BUFFER_INIT(PAGE_BYTES);
    size_t n = recsys_rows_count(rows);

    for (size_t row = 0; row < n; row++) {
        if (format == CSV) {
            write_csv_row(to, rows, row, RD_FEEDBACK_COLUMNS);
            continue;
        }
        rs_buffer_clear(&line);
        rd_feedback_page_write(rows, row, &line);
        rs_buffer_add(&line, "\n", 1);
        (void)fwrite(line.bytes, 1, line.size, to);
    }
    rs_buffer_destroy(&line);
}

static int export_all(recsys_source *source, FILE *to, enum format format,
                      char place[RD_FEEDBACK_PLACE])
{
    uint64_t total = 0;
    size_t n;

    if (format == CSV)
        (void)fputs("user_id,item_id,kind,value,time,received_at\n", to);
    do {
        recsys_rows *rows = NULL;
        recsys_error err = {0};

        if (rd_feedback_page_read(source, STATEMENT_MS, place, PAGE, &rows, &err) != RECSYS_OK)
            return ctl_failed("%s", err.message);
        n = recsys_rows_count(rows);
        total += n;
        write_page(to, format, rows);
        recsys_rows_destroy(rows);
    } while (n == PAGE && ferror(to) == 0);
    if (fflush(to) != 0 || ferror(to) != 0)
        return ctl_failed("the events cannot be written: is the disk full?");
    (void)fprintf(stderr, "%" PRIu64 " events; go on with --after %s\n", total,
                  place[0] != '\0' ? place : "0-0");
    return CTL_OK;
}

static int run_export(const struct ctl_arguments *arguments, recsys_source *source)
{
    const char *path = ctl_value(arguments, "out"), *name = ctl_value(arguments, "format");
    const char *after = ctl_value(arguments, "after");
    char place[RD_FEEDBACK_PLACE];
    enum format format = LINES;
    FILE *to = stdout;
    int result;

    if (name != NULL && strcmp(name, "jsonl") != 0) {
        if (strcmp(name, "csv") != 0)
            ctl_usage_error(arguments->command,
                            "--format: jsonl or csv, not %s; for Parquet pass "
                            "the lines to python3 -m recsys feedback",
                            name);
        format = CSV;
    }
    if (after != NULL && strlen(after) >= sizeof place)
        ctl_usage_error(arguments->command, "--after: not the end of an earlier export");
    (void)snprintf(place, sizeof place, "%s", after != NULL ? after : "");
    if (path != NULL && (to = fopen(path, "w")) == NULL)
        return ctl_failed("%s: cannot be opened for writing", path);
    result = export_all(source, to, format, place);
    if (to != stdout && fclose(to) != 0 && result == CTL_OK)
        result = ctl_failed("%s: cannot be written", path);
    return result;
}

static int run_prune(const struct ctl_arguments *arguments, recsys_source *source)
{
    /* In parts, so that none takes long or locks much. Events are numbered as they are received. */
    static const char statement[] =
        "WITH old AS (SELECT id FROM feedback_db.events WHERE id > $2::bigint ORDER BY id "
        "LIMIT 20000), gone AS (DELETE FROM feedback_db.events WHERE id IN (SELECT id FROM old) "
        "AND received_at < now() - make_interval(days => $1::int) RETURNING 1) "
        "SELECT (SELECT count(*) FROM gone), (SELECT max(id) FROM old)";
    uint32_t days = ctl_whole_number(arguments, "older-than", 1, 36500, 0);
    int64_t total = 0, after = -1;
    bool is_end = false;

    (void)ctl_required(arguments, "older-than");
    while (!is_end) {
        const recsys_datum parameters[] = {recsys_datum_integer((int64_t)days),
                                           recsys_datum_integer(after)};
        recsys_rows *rows = NULL;
        recsys_error err = {0};
        recsys_datum last;

        if (recsys_source_query(source, statement, parameters, 2, STATEMENT_MS, &rows, &err) !=
            RECSYS_OK)
            return ctl_failed("%s; %" PRId64 " events are removed", err.message, total);
        total += recsys_rows_get(rows, 0, 0).number;
        last = recsys_rows_get(rows, 0, 1);
        is_end = last.type == RECSYS_TYPE_NULL;
        after = is_end ? after : last.number;
        recsys_rows_destroy(rows);
    }
    printf("%" PRId64 " events removed\n", total);
    return CTL_OK;
}

static int run_feedback(const struct ctl_arguments *arguments)
{
    const char *action = arguments->operands[0];
    bool is_export = strcmp(action, "export") == 0;
    recsys_source *source;
    int result = CTL_FAILED;

    if (!is_export && strcmp(action, "prune") != 0)
        ctl_usage_error(arguments->command, "export or prune, not %s", action);
    source = ctl_open_database(arguments);
    if (source != NULL)
        result = is_export ? run_export(arguments, source) : run_prune(arguments, source);
    recsys_source_unref(source);
    return result;
}

static const struct ctl_option options[] = {
    CTL_DATABASE_OPTION,
    {"format", CTL_ONE, "FORMAT", "of export: jsonl (JSON Lines) or csv (jsonl)"},
    {"out", CTL_ONE, "FILE", "of export: where to; else the standard output"},
    {"after", CTL_ONE, "PLACE",
     "of export: only events after the place that an earlier one printed"},
    {"older-than", CTL_ONE, "DAYS", "of prune: events received so long ago; needed"},
    CTL_END,
};

const struct ctl_command ctl_feedback = {
    "feedback", "export|prune", 1, 1, "export events of users for training, or remove old ones",
    options,    run_feedback};
