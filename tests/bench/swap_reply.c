/* swap_reply.c - reads a reply of POST /api/v1/predict just far enough to judge it.
 *
 * A JSON parser would cost the client more than the answer costs the server.
 * The members that matter are found by name with their quotes, which cannot
 * occur inside a string, because there a quote has a backslash before it.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "swap_load.h"

size_t reply_size(const char *bytes, size_t size)
{
    const char *end = strstr(bytes, "\r\n\r\n"), *line;
    unsigned long long body;
    size_t head;

    if (end == NULL)
        return 0;
    head = (size_t)(end - bytes) + 4;
    for (line = strstr(bytes, "\r\n"); line < end; line = strstr(line + 2, "\r\n")) {
        if (strncasecmp(line + 2, "Content-Length:", 15) == 0) {
            body = strtoull(line + 17, NULL, 10);
            return head + body <= size ? head + (size_t)body : 0;
        }
    }
    return SIZE_MAX;
}

/* The version a reply says it is from; n_versions if there is no such. */
static size_t find_version(const struct expectation *e, const char *body)
{
    static const char name[] = "\"model_version\":\"";
    const char *value = strstr(body, name);
    size_t size, v;

    if (value == NULL)
        return e->n_versions;
    value += sizeof name - 1;
    size = strcspn(value, "\"");
    for (v = 0; v < e->n_versions; v++)
        if (strlen(e->versions[v].name) == size && strncmp(e->versions[v].name, value, size) == 0)
            break;
    return v;
}

/* Move *at behind the next member of this name; 0 if there is none. */
static int find_member(const char **at, const char *name)
{
    const char *found = strstr(*at, name);

    if (found == NULL)
        return 0;
    *at = found + strlen(name);
    return 1;
}

enum verdict reply_judge(const struct expectation *e, size_t user, const char *reply,
                         size_t *version)
{
    const char *at = strstr(reply, "\r\n\r\n");
    const struct expected *expected;

    if (strncmp(reply, "HTTP/1.1 200 ", 13) != 0 || at == NULL)
        return ANSWER_FAILED;
    *version = find_version(e, at);
    if (*version == e->n_versions || !find_member(&at, "\"user_id\":") ||
        strtoull(at, NULL, 10) != e->users[user])
        return ANSWER_WRONG;
    expected = &e->versions[*version].answers[user];
    for (uint32_t i = 0; i < expected->count; i++) {
        if (!find_member(&at, "\"movie_id\":") || strtoull(at, NULL, 10) != expected->items[i] ||
            !find_member(&at, "\"score\":") ||
            fabs(strtod(at, NULL) - (double)expected->scores[i]) > 1e-6)
            return ANSWER_WRONG;
    }
    return find_member(&at, "\"movie_id\":") ? ANSWER_WRONG : ANSWER_RIGHT;
}
