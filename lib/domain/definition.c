/* lib/domain/definition.c - check a domain's definition and copy it.
 *
 * All errors that can be found without a database are found when a domain is added: above all, that
 * its key and its query have the same parameters. Else a query with a $3 without a value would fail
 * at the first request.
 */
#include <stddef.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/structs.h"
#include "lib/domain/domain.h"
#include "lib/domain/pattern.h"

#define MAX_NAME 64u
#define MAX_TTL_S (UINT32_MAX / 1000u)
#define DEFAULT_TTL_S 300u
#define KNOWN_FLAGS                                                                                \
    ((uint32_t)(RECSYS_DOMAIN_PER_USER | RECSYS_DOMAIN_WARM | RECSYS_DOMAIN_NO_NEGATIVE))

static int is_domain_name(const char *name)
{
    size_t n = 0;

    for (; name[n] != '\0' && n <= MAX_NAME; n++)
        if (!((name[n] >= 'a' && name[n] <= 'z') || (name[n] >= '0' && name[n] <= '9') ||
              name[n] == '.' || name[n] == '_'))
            return 0;
    return n > 0 && n <= MAX_NAME;
}

/* The parameters $1..$31 of a statement, as bits. Text in quotes does not count. */
static uint32_t find_parameters(const char *statement)
{
    uint32_t found = 0;
    char quote = '\0';

    for (const char *at = statement; *at != '\0'; at++) {
        if (quote != '\0')
            quote = *at == quote ? '\0' : quote;
        else if (*at == '\'' || *at == '"')
            quote = *at;
        else if (*at == '$' && at[1] >= '1' && at[1] <= '9') {
            unsigned number = 0;
            for (; at[1] >= '0' && at[1] <= '9'; at++)
                number = number > 31 ? number : number * 10 + (unsigned)(at[1] - '0');
            found |= 1u << (number > 31 ? 0 : number);
        }
    }
    return found;
}

static recsys_status check_query(const recsys_domain_definition *definition, size_t n_parameters,
                                 recsys_error *err)
{
    size_t n = n_parameters + (definition->max_rows > 0 ? 1 : 0);
    uint32_t want = (1u << (n + 1)) - 2u, have = find_parameters(definition->query);

    if (have != want)
        return rs_error(err, RECSYS_E_INVALID,
                        "domain %s: its query must use %s$1..$%zu and no other: its key has %zu "
                        "parameters%s",
                        definition->name, n == 0 ? "no parameter, that is none of " : "all of ",
                        n == 0 ? (size_t)9 : n, n_parameters,
                        definition->max_rows > 0 ? ", and max_rows adds one" : "");
    return RECSYS_OK;
}

static recsys_status check(const recsys_domain_definition *definition, int has_own_way,
                           size_t *n_parameters, recsys_error *err)
{
    const char *wrong = NULL;
    char what[MAX_NAME + 16] = "domain ";
    recsys_status status;

    if (definition->name == NULL || !is_domain_name(definition->name))
        return rs_error(err, RECSYS_E_INVALID,
                        "recsys_domains_add: a domain's name is 1..%u of a-z 0-9 . _", MAX_NAME);
    strncat(what, definition->name, MAX_NAME);
    status = rs_pattern_check(definition->key, what, n_parameters, err);
    if (status != RECSYS_OK)
        return status;
    if (definition->flags & ~KNOWN_FLAGS)
        return rs_error(err, RECSYS_E_UNSUPPORTED, "%s: flags 0x%x are not known to this library",
                        what, definition->flags & ~KNOWN_FLAGS);
    if (definition->db >= RECSYS_DOMAIN_DBS)
        wrong = "db must be 0..15";
    else if (definition->shape < RECSYS_SHAPE_OBJECT || definition->shape > RECSYS_SHAPE_COLUMN)
        wrong = "shape must be one of RECSYS_SHAPE_*";
    else if (definition->ttl_s > MAX_TTL_S || definition->negative_ttl_s > MAX_TTL_S)
        wrong = "ttl_s and negative_ttl_s must be at most 4294967";
    else if (definition->negative_ttl_s > 0 && (definition->flags & RECSYS_DOMAIN_NO_NEGATIVE))
        wrong = "with NO_NEGATIVE it cannot have a negative_ttl_s";
    else if (definition->max_bytes > RS_DOMAIN_MAX_BYTES)
        wrong = "max_bytes must be at most 67108864";
    else if (definition->max_rows > 0 && definition->shape == RECSYS_SHAPE_OBJECT)
        wrong = "max_rows is for lists";
    else if (definition->version_column != NULL && definition->shape != RECSYS_SHAPE_OBJECT)
        wrong = "version_column is for objects";
    else if (definition->query == NULL || *definition->query == '\0')
        wrong = "it has no query";
    else if ((definition->flags & RECSYS_DOMAIN_PER_USER) && *n_parameters == 0)
        wrong = "PER_USER needs the user as its key's first parameter";
    else if ((definition->flags & RECSYS_DOMAIN_WARM) && *n_parameters > 0 &&
             definition->warm_query == NULL)
        wrong = "WARM needs a warm_query, one row for each key";
    if (wrong != NULL)
        return rs_error(err, RECSYS_E_INVALID, "%s: %s", what, wrong);
    return has_own_way ? RECSYS_OK : check_query(definition, *n_parameters, err);
}

/* Replace a borrowed text by a copy; NULL stays NULL. 0: no memory. */
static int own(const char **text)
{
    if (*text == NULL)
        return 1;
    *text = rs_copy_text(*text);
    return *text != NULL;
}

recsys_status rs_definition_copy(struct rs_domain *domain,
                                 const recsys_domain_definition *definition, recsys_error *err)
{
    recsys_domain_definition given, *copy = &domain->definition;

    if (definition == NULL)
        return rs_error(err, RECSYS_E_INVALID, "recsys_domains_add: definition is NULL");
    recsys_status status =
        rs_struct_read(&given, sizeof given, definition, RECSYS_DOMAIN_DEFINITION_SIZE_V1,
                       "recsys_domains_add: definition", err);
    if (status != RECSYS_OK)
        return status;
    status = check(&given, domain->way != NULL, &domain->n_parameters, err);
    if (status != RECSYS_OK)
        return status;
    *copy = given;
    copy->struct_size = (uint32_t)sizeof *copy;
    if (copy->max_bytes == 0)
        copy->max_bytes = 1u << 20;
    if (copy->ttl_s == 0)
        copy->ttl_s = DEFAULT_TTL_S;
    const char **texts[] = {&copy->name,           &copy->key,
                            &copy->query,          &copy->warm_query,
                            &copy->version_column, &copy->settled_column};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (own(texts[i]))
            continue;
        for (size_t j = i; j < sizeof texts / sizeof *texts; j++)
            *texts[j] = NULL; /* not copied, so not freed */
        rs_definition_destroy(domain);
        return rs_error_nomem(err, "domain");
    }
    return RECSYS_OK;
}

void rs_definition_destroy(struct rs_domain *domain)
{
    recsys_domain_definition *copy = &domain->definition;
    const char **texts[] = {&copy->name,           &copy->key,
                            &copy->query,          &copy->warm_query,
                            &copy->version_column, &copy->settled_column};

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        rs_free((char *)(uintptr_t)*texts[i]);
        *texts[i] = NULL;
    }
}
