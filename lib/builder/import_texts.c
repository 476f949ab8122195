/* lib/builder/import_texts.c - ids and names from a text file, one a line. */
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/utf8.h"
#include "lib/builder/parts.h"
#include "lib/formats/map.h"

struct lines {
    const char *file;
    const char *at, *end;
    size_t n; /* lines that were read */
};

/* The next line without its end; 0 after the last one. */
static int take_line(struct lines *lines, const char **line, size_t *size)
{
    if (lines->at == lines->end)
        return 0;
    const char *end = memchr(lines->at, '\n', (size_t)(lines->end - lines->at));
    *line = lines->at;
    *size = (size_t)((end == NULL ? lines->end : end) - lines->at);
    lines->at = end == NULL ? lines->end : end + 1;
    if (*size > 0 && (*line)[*size - 1] == '\r')
        --*size;
    lines->n++;
    return 1;
}

static size_t count_lines(struct lines lines)
{
    const char *line;
    size_t size;

    while (take_line(&lines, &line, &size))
        continue;
    return lines.n;
}

/* NUL-terminated copies: texts[i] points into `bytes`, which has room for the whole file. */
static recsys_status copy_lines(struct lines *lines, char *bytes, const char **texts,
                                recsys_error *err)
{
    const char *line;
    size_t size;

    while (take_line(lines, &line, &size)) {
        if (size == 0 || memchr(line, 0, size) != NULL)
            return rs_error(err, RECSYS_E_FORMAT, "%s:%zu: %s", lines->file, lines->n,
                            size == 0 ? "an empty line; every line is one name" : "a zero byte");
        texts[lines->n - 1] = bytes;
        memcpy(bytes, line, size);
        bytes[size] = '\0';
        bytes += size + 1;
    }
    return RECSYS_OK;
}

static recsys_status set_lines(recsys_builder *builder, const char *name, struct lines *lines,
                               recsys_error *err)
{
    size_t n = count_lines(*lines);
    char *bytes = rs_alloc((size_t)(lines->end - lines->at) + 1);
    const char **texts = rs_alloc_array(n, sizeof *texts);
    recsys_status status = bytes == NULL || texts == NULL ? rs_error_nomem(err, lines->file)
                                                          : copy_lines(lines, bytes, texts, err);

    if (status == RECSYS_OK)
        status = recsys_builder_set_texts(builder, name, texts, n, err);
    if (status == RECSYS_OK)
        status = rs_part_set_origin(builder, rs_part_find(name), lines->file, "", err);
    rs_free(texts);
    rs_free(bytes);
    return status;
}

recsys_status recsys_builder_import_texts(recsys_builder *builder, const char *name,
                                          const char *path, recsys_error *err)
{
    struct rs_map map;

    if (builder == NULL || name == NULL || path == NULL)
        return rs_error(err, RECSYS_E_INVALID, "recsys_builder_import_texts: %s is NULL",
                        builder == NULL ? "builder"
                        : name == NULL  ? "name"
                                        : "path");
    recsys_status status = rs_map_open(path, rs_last_part(path), UINT64_MAX, &map, err);
    if (status != RECSYS_OK)
        return status;
    const char *text = (const char *)map.bytes;
    struct lines lines = {rs_last_part(path), text + rs_utf8_mark_size(text, map.size),
                          text + map.size, 0};
    status = set_lines(builder, name, &lines, err);
    rs_map_close(&map);
    return status;
}
