/* daemon/http/head.c - reads heads, and accepts less than most servers do.
 *
 * Heads that two programs on the way could read differently are refused: lines that end with LF
 * alone, folded lines, space before a colon, NULs and other control characters, names that are no
 * tokens. RFC 9112 allows or demands that for each of them. Distributions have no parser in common
 * that is as strict (docs/decisions/0016).
 */
#include "daemon/http/head.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

/* tchar of RFC 9110 5.6.2. */
static bool is_token(unsigned char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

/* Of a value: bytes of 0x80 and more are allowed. */
static bool is_text(unsigned char c)
{
    return (c >= 0x20 && c != 0x7f) || c == '\t';
}

static size_t skip_empty_lines(const char *bytes, size_t size)
{
    size_t n = 0;

    while (size - n >= 2 && bytes[n] == '\r' && bytes[n + 1] == '\n')
        n += 2;
    return n;
}

enum rd_head_verdict rd_head_find_end(const char *bytes, size_t size, size_t seen, size_t *end)
{
    size_t begin = skip_empty_lines(bytes, size);
    const char *at = bytes + (seen > begin ? seen : begin);

    if (begin < size && !is_token((unsigned char)bytes[begin]) &&
        !(bytes[begin] == '\r' && begin + 1 == size))
        return RD_HEAD_BROKEN; /* TLS, for example */
    while ((at = memchr(at, '\n', (size_t)(bytes + size - at))) != NULL) {
        size_t line = (size_t)(at - bytes) - begin; /* bytes in front of this LF */

        if (line < 1 || at[-1] != '\r')
            return RD_HEAD_BROKEN;
        if (line >= 3 && at[-2] == '\n') {
            *end = begin + line + 1;
            return RD_HEAD_GOOD;
        }
        at++;
    }
    return RD_HEAD_MORE;
}

/* http://authority/path?query: the path begins behind the authority, which must not be empty. */
static bool skip_authority(char **target)
{
    char *at = *target;

    if (strncasecmp(at, "http://", 7) == 0)
        at += 7;
    else if (strncasecmp(at, "https://", 8) == 0)
        at += 8;
    else
        return false;
    *target = at + strcspn(at, "/?");
    return *target > at;
}

static bool read_target(struct rd_head *head, char *target)
{
    char *query;

    if (strchr(target, '#') != NULL)
        return false;
    if (strcmp(target, "*") == 0 && strcmp(head->method, "OPTIONS") == 0) {
        head->path = "/";
        return true;
    }
    if (target[0] != '/' && !skip_authority(&target))
        return false;
    query = strchr(target, '?');
    if (query != NULL) {
        *query = '\0';
        head->query = query + 1;
    }
    head->path = target[0] == '\0' ? "/" : target;
    return true;
}

static bool is_known(const char *method)
{
    static const char *const known[] = {"GET",   "HEAD",    "POST",  "PUT",  "DELETE",
                                        "PATCH", "OPTIONS", "TRACE", "QUERY"};

    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strcmp(method, known[i]) == 0)
            return true;
    return false;
}

static enum rd_head_verdict read_version(struct rd_head *head, const char *text)
{
    if (strncmp(text, "HTTP/", 5) != 0 || strlen(text) != 8 || text[5] < '0' || text[5] > '9' ||
        text[6] != '.' || text[7] < '0' || text[7] > '9')
        return RD_HEAD_BROKEN;
    head->minor = text[7] > '0';
    return text[5] == '1' ? RD_HEAD_GOOD : RD_HEAD_VERSION;
}

static enum rd_head_verdict read_request_line(struct rd_head *head, char *line)
{
    char *target = line, *version;
    enum rd_head_verdict verdict;

    while (is_token((unsigned char)*target))
        target++;
    if (target == line || *target != ' ')
        return RD_HEAD_BROKEN;
    *target++ = '\0';
    version = target;
    while ((unsigned char)*version > 0x20 && *version != 0x7f)
        version++;
    if (version == target || *version != ' ')
        return RD_HEAD_BROKEN;
    *version++ = '\0';
    verdict = read_version(head, version);
    if (verdict == RD_HEAD_BROKEN)
        return verdict;
    head->method = line;
    if (verdict != RD_HEAD_GOOD)
        return verdict;
    if (!is_known(line))
        return RD_HEAD_METHOD;
    return read_target(head, target) ? RD_HEAD_GOOD : RD_HEAD_BROKEN;
}

/* `line` has `size` bytes and a NUL behind them. */
static enum rd_head_verdict read_header(struct rd_head *head, char *line, size_t size)
{
    char *name_end = line, *value, *end = line + size;

    if (*line == ' ' || *line == '\t') /* folded */
        return RD_HEAD_MALFORMED;
    while (is_token((unsigned char)*name_end))
        name_end++;
    if (*name_end != ':')
        return name_end[strspn(name_end, " \t")] == ':' ? RD_HEAD_MALFORMED : RD_HEAD_BROKEN;
    if (name_end == line)
        return RD_HEAD_MALFORMED;
    if (head->n_headers == RD_MAX_HEADERS)
        return RD_HEAD_MANY;
    for (value = name_end + 1; value < end; value++)
        if (!is_text((unsigned char)*value))
            return RD_HEAD_BROKEN;
    for (value = name_end + 1; *value == ' ' || *value == '\t'; value++)
        ;
    while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    *name_end = *end = '\0';
    head->headers[head->n_headers++] = (struct rd_header){line, value};
    return RD_HEAD_GOOD;
}

enum rd_head_verdict rd_head_parse(struct rd_head *head, char *bytes, size_t size)
{
    char *line = bytes + skip_empty_lines(bytes, size), *end;
    enum rd_head_verdict verdict, worst = RD_HEAD_GOOD;

    head->method = "-";
    head->path = "";
    head->query = NULL;
    head->minor = 0;
    head->size = size;
    head->n_headers = 0;
    end = memchr(line, '\r', size - (size_t)(line - bytes));
    if (end == NULL || end[1] != '\n')
        return RD_HEAD_BROKEN;
    *end = '\0';
    verdict = read_request_line(head, line);
    if (verdict != RD_HEAD_GOOD)
        return verdict;
    for (line = end + 2; line[0] != '\r'; line = end + 2) {
        end = memchr(line, '\r', size - (size_t)(line - bytes));
        if (end == NULL || end[1] != '\n')
            return RD_HEAD_BROKEN;
        *end = '\0';
        verdict = read_header(head, line, (size_t)(end - line));
        if (verdict == RD_HEAD_BROKEN)
            return verdict;
        if (verdict != RD_HEAD_GOOD && worst == RD_HEAD_GOOD)
            worst = verdict;
    }
    return line[1] == '\n' ? worst : RD_HEAD_BROKEN;
}
