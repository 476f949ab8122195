/* tests/fuzz/fuzz_head.c - any bytes as the head of a request: however they are cut, the same end is
 * found; what is accepted has no control characters, and its texts lie within the head. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/http/head.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum rd_head_verdict find_in_pieces(const char *bytes, size_t size, size_t piece, size_t *end)
{
    enum rd_head_verdict verdict = RD_HEAD_MORE;
    size_t there = 0, seen = 0;

    while (verdict == RD_HEAD_MORE && there < size) {
        there = size - there < piece ? size : there + piece;
        verdict = rd_head_find_end(bytes, there, seen, end);
        seen = there;
    }
    return verdict;
}

static void check_text(const char *text, const char *bytes, size_t size)
{
    if (strcmp(text, "/") != 0 && (text < bytes || text + strlen(text) >= bytes + size))
        abort();
    for (; *text != '\0'; text++)
        if (((unsigned char)*text < 0x20 && *text != '\t') || *text == 0x7f)
            abort();
}

static void check_head(const struct rd_head *head, const char *bytes)
{
    check_text(head->method, bytes, head->size);
    check_text(head->path, bytes, head->size);
    if (head->path[0] != '/' || strpbrk(head->path, " ?#") != NULL || head->minor > 1)
        abort();
    if (head->query != NULL)
        check_text(head->query, bytes, head->size);
    for (size_t i = 0; i < head->n_headers; i++) {
        check_text(head->headers[i].name, bytes, head->size);
        check_text(head->headers[i].value, bytes, head->size);
        if (head->headers[i].name[0] == '\0' || strpbrk(head->headers[i].name, " \t:") != NULL)
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *bytes = malloc(size + 1); /* of this size, so that a sanitizer sees what is read behind */
    struct rd_head head;
    size_t whole = 0, end = 0;
    enum rd_head_verdict verdict;

    if (bytes == NULL)
        return 0;
    memcpy(bytes, data, size);
    verdict = rd_head_find_end(bytes, size, 0, &whole);
    for (size_t piece = 1; piece < 8; piece += 3)
        if (size > 0 && (find_in_pieces(bytes, size, piece, &end) != verdict ||
                         (verdict == RD_HEAD_GOOD && end != whole)))
            abort();
    if (verdict == RD_HEAD_GOOD && rd_head_parse(&head, bytes, whole) == RD_HEAD_GOOD)
        check_head(&head, bytes);
    free(bytes);
    return 0;
}
