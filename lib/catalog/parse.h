/* lib/catalog/parse.h - one line of catalog.jsonl, read and written.
 *
 * Used by the catalogue, which fills its arrays from lines, and by the model
 * builder, which accepts lines in any form and writes them in one.
 */
#ifndef RS_CATALOG_PARSE_H
#define RS_CATALOG_PARSE_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/buffer.h"
#include "lib/catalog/catalog.h"
#include "recsys/model.h"
#include "recsys/status.h"

#define RS_LINE_MAX_BYTES 65536u
#define RS_LINE_MAX_GENRES 64u
#define RS_LINE_MAX_LANGUAGE 16u

/* Texts are BORROWED from `root`. */
struct rs_line {
    recsys_id id;
    const char *title;      /* "" = unknown */
    const char *poster_url; /* NULL = unknown */
    const char *language;   /* NULL = unknown; spelled as in the line */
    const char *genres[RS_LINE_MAX_GENRES];
    uint32_t n_genres;
    int32_t release_year; /* 0 = unknown */
    float rating;         /* negative = unknown */
    uint32_t adult;
    json_t *root;
};

/* The lines of a text, one after the other. */
struct rs_lines {
    const char *bytes; /* what is left */
    size_t size;
    uint64_t number; /* of the last line, from 1 */
};

/* The next line that is not blank, without its end; 0 when there is none. */
int rs_lines_next(struct rs_lines *lines, const char **line, size_t *size);

/* Parse and check one line. E_FORMAT begins with `where`. Release with
 * rs_line_destroy(), after a failure too. */
recsys_status rs_line_parse(const char *bytes, size_t size, const char *where, struct rs_line *line,
                            recsys_error *err);
void rs_line_destroy(struct rs_line *line);

/* The line of an item that has an entry; its texts are BORROWED from the catalogue and the ids. */
void rs_catalog_get_line(const struct rs_catalog *catalog, const struct rs_ids *items,
                         uint32_t position, struct rs_line *out);

/* Append the line in its canonical form, with its newline: known members only,
 * always in the same order. */
recsys_status rs_line_write(const struct rs_line *line, struct rs_buffer *out, recsys_error *err);

#endif
