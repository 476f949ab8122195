/* lib/base/json.c - see json.h. */
#include "lib/base/json.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>

#include "lib/base/error.h"

#define MAX_TEXT (64u << 20)

recsys_status rs_json_parse(const char *bytes, size_t size, const char *where, json_t **out,
                            recsys_error *err)
{
    json_error_t problem;
    int saved = errno;

    /* When jansson finds no memory for a token, it mostly reports an invalid token; malloc's
     * errno shows the difference. */
    errno = 0;
    *out = json_loadb(bytes, size, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &problem);
    int out_of_memory = *out == NULL && errno == ENOMEM;
    errno = saved;
    if (*out != NULL)
        return RECSYS_OK;
    if (out_of_memory || json_error_code(&problem) == json_error_out_of_memory)
        return rs_error_nomem(err, where);
    return rs_error(err, RECSYS_E_FORMAT, "%s: not valid JSON at line %d, column %d: %s", where,
                    problem.line, problem.column, problem.text);
}

static int add_piece(const char *bytes, size_t size, void *user_data)
{
    struct rs_buffer *out = user_data;

    rs_buffer_add(out, bytes, size);
    return out->status == RECSYS_OK ? 0 : -1;
}

int rs_json_write(const json_t *value, size_t flags, struct rs_buffer *out)
{
    return json_dump_callback(value, add_piece, out, flags);
}

char *rs_json_write_text(const json_t *value, size_t flags)
{
    struct rs_buffer text;

    rs_buffer_init(&text, MAX_TEXT);
    if (rs_json_write(value, flags, &text) != 0)
        rs_buffer_destroy(&text);
    return text.bytes; /* the buffer's memory, from now on the caller's */
}

/* The member, or NULL if it is absent or null; *status becomes E_FORMAT if a required one is
 * missing. */
static const json_t *find(const json_t *object, const char *key, int required, const char *where,
                          recsys_status *status, recsys_error *err)
{
    const json_t *member = json_object_get(object, key);

    *status = RECSYS_OK;
    if (member != NULL && !json_is_null(member))
        return member;
    if (required)
        *status = rs_error(err, RECSYS_E_FORMAT, "%s: \"%s\" is missing", where, key);
    return NULL;
}

recsys_status rs_json_get_text(const json_t *object, const char *key, int required,
                               const char *where, const char **out, recsys_error *err)
{
    recsys_status status;
    const json_t *member = find(object, key, required, where, &status, err);

    if (member == NULL)
        return status;
    if (!json_is_string(member))
        return rs_error(err, RECSYS_E_FORMAT, "%s: \"%s\" must be a string", where, key);
    *out = json_string_value(member);
    return RECSYS_OK;
}

int rs_json_to_integer(const json_t *value, int64_t *out)
{
    double real;

    if (json_is_integer(value)) {
        *out = (int64_t)json_integer_value(value);
        return 1;
    }
    real = json_is_real(value) ? json_real_value(value) : 0.5;
    if (!(real > -0x1p53 && real < 0x1p53))
        return 0;
    *out = (int64_t)real;
    return (double)*out == real;
}

recsys_status rs_json_get_integer(const json_t *object, const char *key, int required, int64_t min,
                                  int64_t max, const char *where, int64_t *out, recsys_error *err)
{
    recsys_status status;
    const json_t *member = find(object, key, required, where, &status, err);

    if (member == NULL)
        return status;
    int64_t value;
    if (!rs_json_to_integer(member, &value))
        return rs_error(err, RECSYS_E_FORMAT, "%s: \"%s\" must be an integer", where, key);
    if (value < min || value > max)
        return rs_error(err, RECSYS_E_FORMAT,
                        "%s: \"%s\" is %" PRId64 ", must be %" PRId64 "..%" PRId64, where, key,
                        value, min, max);
    *out = value;
    return RECSYS_OK;
}

recsys_status rs_json_get_number(const json_t *object, const char *key, int required,
                                 const char *where, double *out, recsys_error *err)
{
    recsys_status status;
    const json_t *member = find(object, key, required, where, &status, err);

    if (member == NULL)
        return status;
    if (!json_is_number(member) || !isfinite(json_number_value(member)))
        return rs_error(err, RECSYS_E_FORMAT, "%s: \"%s\" must be a number", where, key);
    *out = json_number_value(member);
    return RECSYS_OK;
}
