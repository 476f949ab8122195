/* daemon/ctl/bulk/bulk_resume.c - finds where an interrupted run goes on.
 *
 * A part may be cut off at any byte, and of a user in CSV only some rows may be there. So the last
 * user that begins in the part is written again; all users before it are whole. In JSON lines
 * every line begins a user. In CSV a row with rank 0 or 1 does; ids in quotes may have commas and
 * newlines in them, so quotes are followed. The header is a row like any other, whose rank is a
 * word.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "daemon/ctl/bulk/bulk.h"

struct resume_place {
    uint64_t at;      /* of the next byte */
    uint64_t line_at; /* where its line or row begins */
    bool in_quotes;   /* of CSV, as all below */
    unsigned column;
    unsigned rank_bytes; /* of the second column, so far */
    char rank;           /* the first of them */
    uint64_t n_begun, last_user_at;
};

static void begin_user(struct resume_place *place)
{
    place->n_begun++;
    place->last_user_at = place->line_at;
}

static void read_json(struct resume_place *place, char c)
{
    if (place->at == place->line_at)
        begin_user(place);
    if (c == '\n')
        place->line_at = place->at + 1u;
}

static void read_csv(struct resume_place *place, char c)
{
    if (c == '"') {
        place->in_quotes = !place->in_quotes;
    } else if (place->in_quotes) {
        return;
    } else if (c == '\n') {
        place->line_at = place->at + 1u;
        place->column = place->rank_bytes = 0u;
    } else if (c == ',') {
        if (place->column == 1u && place->rank_bytes == 1u &&
            (place->rank == '0' || place->rank == '1'))
            begin_user(place);
        place->column++;
    } else if (place->column == 1u && place->rank_bytes++ == 0u) {
        place->rank = c;
    }
}

bool ctl_bulk_resume(int fd, enum ctl_bulk_format format, uint64_t *offset, uint64_t *n_before)
{
    struct resume_place place = {0};
    char block[65536];
    ssize_t n;

    while ((n = pread(fd, block, sizeof block, (off_t)place.at)) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        for (ssize_t i = 0; i < n; i++, place.at++)
            (format == CTL_BULK_CSV ? read_csv : read_json)(&place, block[i]);
    }
    *offset = place.last_user_at;
    *n_before = place.n_begun > 0u ? place.n_begun - 1u : 0u;
    return true;
}
