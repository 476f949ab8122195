/* lib/registry/uri.c - models:/ URIs, and the names of models and their versions.
 *
 * A URI may have any name that some registry can have. A name that becomes part of a path is
 * checked against a list of allowed characters: letters, digits, `_`, `.` and `-`, beginning with a
 * letter or digit. So no name can leave a registry's directory, be hidden in it, or be taken for
 * one of the library's temporary files.
 */
#include <stddef.h>
#include <string.h>

#include "lib/base/error.h"
#include "lib/base/text.h"
#include "lib/base/utf8.h"
#include "lib/registry/registry.h"

static int is_alphanumeric(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static int is_name(const char *name, size_t length)
{
    if (length < 1 || length > RS_REGISTRY_MAX_NAME || !is_alphanumeric(name[0]))
        return 0;
    for (size_t i = 1; i < length; i++)
        if (!is_alphanumeric(name[i]) && name[i] != '_' && name[i] != '.' && name[i] != '-')
            return 0;
    return 1;
}

recsys_status rs_registry_check_name(const char *name, const char *what, recsys_error *err)
{
    if (name == NULL)
        return rs_error(err, RECSYS_E_INVALID, "registry: the %s is NULL", what);
    if (!is_name(name, strnlen(name, RS_REGISTRY_MAX_NAME + 1)))
        return rs_error(err, RECSYS_E_INVALID,
                        "registry: %s \"%.140s\" is not 1..128 characters of A-Z a-z 0-9 _ . - "
                        "that begin with a letter or digit",
                        what, name);
    return RECSYS_OK;
}

uint64_t rs_registry_parse_version(const char *text)
{
    uint64_t number = 0;

    if (text[0] < '1' || text[0] > '9')
        return 0;
    for (; *text != '\0'; text++) {
        if (*text < '0' || *text > '9' || __builtin_mul_overflow(number, 10u, &number) ||
            __builtin_add_overflow(number, (uint64_t)(*text - '0'), &number))
            return 0;
    }
    return number;
}

int rs_uri_is_registry(const char *source)
{
    return strncmp(source, "models:", strlen("models:")) == 0;
}

/* Any name but those that would be read as something else in a URI, or change its meaning in an
 * HTTP request or a log. */
static int is_text(const char *text, size_t length)
{
    if (length < 1 || length >= RS_REGISTRY_NAME_SIZE || !rs_utf8_is_valid(text, length))
        return 0;
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)text[i] < ' ' || text[i] == 127 || strchr("/:@", text[i]) != NULL)
            return 0;
    return 1;
}

recsys_status rs_registry_check_text(const char *name, const char *what, recsys_error *err)
{
    if (name == NULL)
        return rs_error(err, RECSYS_E_INVALID, "registry: the %s is NULL", what);
    if (!is_text(name, strnlen(name, RS_REGISTRY_NAME_SIZE)))
        return rs_error(err, RECSYS_E_INVALID,
                        "registry: %s \"%.140s\" is not 1..255 bytes of UTF-8 without / : @ and "
                        "control characters",
                        what, name);
    return RECSYS_OK;
}

/* The part after the slash: a number, `latest`, or a stage by its old name. */
static int parse_selector(const char *selector, struct rs_uri *out)
{
    static const char *const stages[] = {"Staging", "Production", "Archived"};

    if (rs_registry_parse_version(selector) != 0) {
        memcpy(out->version, selector, strlen(selector) + 1);
        return 1;
    }
    if (strcmp(selector, "latest") == 0)
        return 1;
    for (size_t i = 0; i < sizeof stages / sizeof stages[0]; i++) {
        if (rs_text_equal(selector, stages[i])) { /* as MLflow takes them */
            out->stage = stages[i];
            return 1;
        }
    }
    return 0;
}

recsys_status rs_uri_refuse(const char *uri, recsys_error *err)
{
    return rs_error(err, RECSYS_E_INVALID,
                    "registry: cannot understand \"%.200s\"; write models:/NAME/3, "
                    "models:/NAME/latest, models:/NAME@ALIAS or models:/NAME/Production",
                    uri);
}

recsys_status rs_uri_parse(const char *uri, struct rs_uri *out, recsys_error *err)
{
    const char *name = uri + strlen(RS_REGISTRY_URI_SCHEME);

    memset(out, 0, sizeof *out);
    if (strncmp(uri, RS_REGISTRY_URI_SCHEME, strlen(RS_REGISTRY_URI_SCHEME)) != 0)
        return rs_uri_refuse(uri, err);
    size_t length = strcspn(name, "/@");
    const char *selector = name + length;
    if (*selector == '\0' || !is_text(name, length))
        return rs_uri_refuse(uri, err);
    memcpy(out->name, name, length);
    selector++;
    if (name[length] == '/')
        return parse_selector(selector, out) ? RECSYS_OK : rs_uri_refuse(uri, err);
    size_t alias_length = strnlen(selector, RS_REGISTRY_NAME_SIZE);
    if (!is_text(selector, alias_length))
        return rs_uri_refuse(uri, err);
    memcpy(out->alias, selector, alias_length);
    return RECSYS_OK;
}
