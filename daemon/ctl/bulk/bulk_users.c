/* daemon/ctl/bulk/bulk_users.c - whom to recommend to: all users of the model, or those of a file.
 *
 * The file is read whole and every line is checked before the first user is answered, so that a
 * wrong line does not end a run of hours. Unknown users are no problem: they get the same answer as
 * from recsysd.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/ctl/bulk/bulk.h"
#include "daemon/ctl/input/file_problems.h"
#include "lib/base/utf8.h"

/* The whole file, ended by a NUL. NULL: said why. */
static char *read_file(const char *path, size_t *size)
{
    FILE *file = fopen(path, "r");
    char *bytes = NULL;
    size_t room = 0u, n = 0u, got = 1u;

    while (file != NULL && got > 0u) {
        if (room - n < 2u) {
            room = room * 2u + 65536u;
            bytes = realloc(bytes, room);
            if (bytes == NULL)
                exit(ctl_failed("out of memory"));
        }
        got = fread(bytes + n, 1u, room - n - 1u, file);
        n += got;
    }
    if (file == NULL || ferror(file)) {
        ctl_failed("%s: %s", path, strerror(errno));
        free(bytes);
        bytes = NULL;
    } else {
        bytes[n] = '\0';
    }
    if (file != NULL)
        fclose(file);
    *size = n;
    return bytes;
}

static const char *problem_of(const char *line, size_t length, uint32_t kind)
{
    if (strlen(line) != length)
        return "a zero byte";
    if (kind == RECSYS_ID_KIND_INTEGER)
        return NULL;
    if (length > RECSYS_ID_MAX_TEXT)
        return "an id of more than 255 bytes";
    return rs_utf8_is_valid(line, length) ? NULL : "an id that is not UTF-8";
}

static void add_line(struct ctl_bulk_users *users, char *line, size_t length, uint64_t number,
                     uint32_t kind, struct ctl_problems *problems)
{
    const char *problem = problem_of(line, length, kind);
    recsys_id *id = &users->ids[users->n];

    if (problem != NULL)
        ctl_problems_add(problems, number, "%s", problem);
    else if (!ctl_read_id(line, kind, id))
        ctl_problems_add(problems, number,
                         "'%.60s' is not an integer from 0 to 9223372036854775807, as this "
                         "model's user ids are",
                         line);
    else
        users->n++;
}

static size_t count_lines(const char *bytes, size_t size)
{
    size_t n = 1u;

    for (const char *at = bytes; (at = memchr(at, '\n', size - (size_t)(at - bytes))) != NULL; at++)
        n++;
    return n;
}

/* Splits the texts into lines. Empty ones count as lines and are passed over. */
static void split(struct ctl_bulk_users *users, size_t size, uint32_t kind,
                  struct ctl_problems *problems)
{
    char *line = users->texts + rs_utf8_mark_size(users->texts, size);
    char *end = users->texts + size;

    users->ids = ctl_allocate(count_lines(users->texts, size), sizeof *users->ids);
    for (uint64_t number = 1; line < end; number++) {
        char *newline = memchr(line, '\n', (size_t)(end - line));
        char *stop = newline != NULL ? newline : end;
        char *next = newline != NULL ? newline + 1 : end;

        if (stop > line && stop[-1] == '\r')
            stop--;
        *stop = '\0';
        if (stop > line)
            add_line(users, line, (size_t)(stop - line), number, kind, problems);
        line = next;
    }
}

bool ctl_bulk_users_read(struct ctl_bulk_users *users, const char *from,
                         const struct ctl_question *question)
{
    struct ctl_problems *problems;
    size_t size;
    bool good;

    memset(users, 0, sizeof *users);
    if (strcmp(from, "all") == 0) {
        users->model = question->model;
        users->n = question->info.n_users;
        return true;
    }
    users->texts = read_file(from, &size);
    if (users->texts == NULL)
        return false;
    problems = ctl_allocate(1u, sizeof *problems);
    problems->path = from;
    split(users, size, question->info.user_id_kind, problems);
    good = problems->count == 0u;
    ctl_problems_print(problems);
    free(problems);
    return good;
}

void ctl_bulk_users_free(struct ctl_bulk_users *users)
{
    free(users->ids);
    free(users->texts);
}

void ctl_bulk_users_get(const struct ctl_bulk_users *users, uint64_t first, size_t n,
                        recsys_id *out)
{
    size_t count;

    if (users->model == NULL)
        memcpy(out, users->ids + first, n * sizeof *out);
    else
        (void)recsys_model_get_user_ids(users->model, first, out, n, &count, NULL);
}
