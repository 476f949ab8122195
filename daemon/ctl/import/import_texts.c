/* daemon/ctl/import/import_texts.c - ids and names from text files, one a line. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/ctl/import/import.h"
#include "lib/base/utf8.h"

static const struct ctl_import_target targets[] = {
    {"user-ids-text", "user_ids"},
    {"item-ids-text", "item_ids"},
    {"feature-names-text", "feature_names"},
};

enum { N_TARGETS = sizeof targets / sizeof targets[0] };

static recsys_status fail(recsys_error *err, recsys_status status, int sys_errno, const char *path,
                          size_t line, const char *what)
{
    err->status = status;
    err->sys_errno = sys_errno;
    if (line > 0u)
        snprintf(err->message, sizeof err->message, "%s:%zu: %s", path, line, what);
    else
        snprintf(err->message, sizeof err->message, "%s: %s", path, what);
    return status;
}

struct lines {
    char **texts;
    size_t n, capacity;
};

/* The length of the file's first line without a byte order mark. */
static ssize_t skip_mark(char *line, ssize_t length)
{
    size_t mark = rs_utf8_mark_size(line, (size_t)length), left = (size_t)length - mark;

    memmove(line, line + mark, left + 1u);
    return (ssize_t)left;
}

static recsys_status read_lines(FILE *file, const char *path, struct lines *lines,
                                recsys_error *err)
{
    for (;;) {
        char *line = NULL;
        size_t room = 0u;
        ssize_t length = getline(&line, &room, file);

        if (length < 0) {
            free(line);
            return ferror(file) ? fail(err, RECSYS_E_IO, errno, path, 0u, strerror(errno))
                                : RECSYS_OK;
        }
        if (lines->n == 0u)
            length = skip_mark(line, length);
        if (length > 0 && line[length - 1] == '\n')
            line[--length] = '\0';
        if (length > 0 && line[length - 1] == '\r')
            line[--length] = '\0';
        if (lines->n == lines->capacity) {
            lines->capacity = lines->capacity * 2u + 1024u;
            lines->texts = realloc(lines->texts, lines->capacity * sizeof *lines->texts);
            if (lines->texts == NULL)
                exit(ctl_failed("out of memory"));
        }
        lines->texts[lines->n++] = line;
        if (length == 0 || strlen(line) != (size_t)length)
            return fail(err, RECSYS_E_FORMAT, 0, path, lines->n,
                        length == 0 ? "an empty line; every line is one name" : "a zero byte");
    }
}

static recsys_status import_texts(recsys_builder *builder, const char *part, const char *path,
                                  recsys_error *err)
{
    struct lines lines = {NULL, 0u, 0u};
    FILE *file = fopen(path, "r");
    recsys_status status;

    if (file == NULL)
        return fail(err, RECSYS_E_IO, errno, path, 0u, strerror(errno));
    status = read_lines(file, path, &lines, err);
    if (status == RECSYS_OK)
        status =
            recsys_builder_set_texts(builder, part, (const char *const *)lines.texts, lines.n, err);
    for (size_t i = 0; i < lines.n; i++)
        free(lines.texts[i]);
    free(lines.texts);
    fclose(file);
    return status;
}

recsys_status ctl_import_texts(const struct ctl_arguments *arguments, recsys_builder *builder,
                               recsys_error *err)
{
    recsys_status status = RECSYS_OK;

    for (size_t i = 0; i < N_TARGETS && status == RECSYS_OK; i++)
        if (ctl_has(arguments, targets[i].option))
            status = import_texts(builder, targets[i].part, ctl_value(arguments, targets[i].option),
                                  err);
    return status;
}
