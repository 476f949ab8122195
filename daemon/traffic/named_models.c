/* daemon/traffic/named_models.c - reads the names and sources of models.
 *
 * A name stands in labels of metrics, in paths and in the settings, so it has only characters that
 * need no quoting in any of them.
 */
#include "daemon/traffic/named_models.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/error.h"

static bool is_name(const char *text, size_t size)
{
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-";

    return size > 0 && size <= RD_MODEL_NAME_MAX && strspn(text, allowed) >= size;
}

static bool wrong(recsys_error *err, const char *text, size_t size, const char *what)
{
    (void)rs_error(err, RECSYS_E_INVALID, "%s, not '%.*s'", what, (int)(size < 200 ? size : 200),
                   text);
    return false;
}

static bool add(struct rd_named_models *named, const char *name, size_t name_size,
                const char *source, size_t source_size, recsys_error *err)
{
    struct rd_named_model *model = &named->all[named->n];

    if (!is_name(name, name_size))
        return wrong(err, name, name_size,
                     "the name of a model must be 1 to 64 characters of A-Z a-z 0-9 _ . -");
    if (named->n == RD_MODELS_MAX)
        return wrong(err, name, name_size, "models: at most 16 models can be served at once");
    memcpy(model->name, name, name_size);
    model->name[name_size] = '\0';
    if (rd_named_models_find(named, model->name) < named->n)
        return wrong(err, name, name_size, "models: every model needs a name of its own");
    model->source = strndup(source, source_size);
    if (model->source == NULL)
        return rs_error_nomem(err, "models") == RECSYS_OK;
    named->n++;
    return true;
}

static size_t trim(const char **text, size_t size)
{
    static const char spaces[] = " \t";

    while (size > 0 && strchr(spaces, **text) != NULL) {
        (*text)++;
        size--;
    }
    while (size > 0 && strchr(spaces, (*text)[size - 1]) != NULL)
        size--;
    return size;
}

/* One NAME=SOURCE. */
static bool read_entry(struct rd_named_models *named, const char *entry, size_t size,
                       recsys_error *err)
{
    const char *equals, *source;
    size_t name_size, source_size;

    size = trim(&entry, size);
    equals = memchr(entry, '=', size);
    if (equals == NULL)
        return wrong(err, entry, size,
                     "models: expected NAME=SOURCE, separated by commas (a source with a comma "
                     "needs a link to it)");
    source = equals + 1;
    source_size = trim(&source, (size_t)(entry + size - source));
    name_size = trim(&entry, (size_t)(equals - entry));
    if (source_size == 0)
        return wrong(err, entry, name_size, "models: every name needs a source behind its '='");
    return add(named, entry, name_size, source, source_size, err);
}

bool rd_named_models_read(struct rd_named_models *named, const char *model, const char *model_name,
                          const char *models, recsys_error *err)
{
    const char *rest = models + strspn(models, " \t");

    if (model[0] != '\0' && !add(named, model_name, strlen(model_name), model, strlen(model), err))
        return false;
    while (*rest != '\0') {
        size_t size = strcspn(rest, ",");

        if (!read_entry(named, rest, size, err))
            return false;
        rest += size + (rest[size] == ',');
    }
    if (named->n == 0)
        (void)rs_error(err, RECSYS_E_INVALID, "no model to serve: give --model; see --help");
    return named->n > 0;
}

void rd_named_models_free(struct rd_named_models *named)
{
    for (size_t i = 0; i < named->n; i++) {
        recsys_deployment_destroy(named->all[i].deployment);
        free(named->all[i].source);
    }
    named->n = 0;
}

size_t rd_named_models_find(const struct rd_named_models *named, const char *name)
{
    size_t place = 0;

    while (place < named->n && strcmp(named->all[place].name, name) != 0)
        place++;
    return place;
}
