/* daemon/ctl/ctl_registry.c - recsysctl publish, alias and list: a directory of models.
 *
 * publish copies a bundle into the registry as the next version and prints its
 * URI; alias moves or removes a name for a version; list shows what is there.
 * Every step is atomic in the library, so these may run beside a server that
 * reads the registry and beside each other.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/ctl/ctl_command.h"
#include "daemon/ctl/ctl_progress.h"

static int run_publish(const struct ctl_arguments *arguments)
{
    const char *root = ctl_required(arguments, "registry");
    const char *name = ctl_required(arguments, "name");
    const char *alias = ctl_value(arguments, "alias");
    recsys_registry *registry = NULL;
    recsys_status status;
    recsys_registry_location made = RECSYS_REGISTRY_LOCATION_INIT;
    recsys_error err;

    status = recsys_registry_open(root, &registry, &err);
    if (status == RECSYS_OK) {
        ctl_progress_begin("publishing", arguments->operands[0]);
        status = recsys_registry_publish(registry, arguments->operands[0], name, &made, &err);
        ctl_progress_end();
    }
    if (status == RECSYS_OK)
        printf("models:/%s/%s\n", made.name, made.version);
    if (status == RECSYS_OK && alias != NULL) {
        status = recsys_registry_set_alias(registry, name, alias, made.version, &err);
        if (status == RECSYS_OK)
            printf("models:/%s@%s\n", name, alias);
    }
    recsys_registry_unref(registry);
    return status == RECSYS_OK ? CTL_OK : ctl_failed("%s", err.message);
}

static int run_alias(const struct ctl_arguments *arguments)
{
    const char *root = ctl_required(arguments, "registry");
    const char *name = ctl_required(arguments, "name");
    const char *alias = arguments->operands[0];
    bool take_away = ctl_has(arguments, "remove");
    recsys_registry *registry = NULL;
    const char *version = NULL;
    recsys_status status;
    recsys_error err;

    if (take_away == (arguments->n_operands == 2u))
        ctl_usage_error(arguments->command, "alias needs either a VERSION or --remove");
    if (!take_away)
        version = arguments->operands[1];
    status = recsys_registry_open(root, &registry, &err);
    if (status == RECSYS_OK)
        status = take_away ? recsys_registry_remove_alias(registry, name, alias, &err)
                           : recsys_registry_set_alias(registry, name, alias, version, &err);
    recsys_registry_unref(registry);
    if (status != RECSYS_OK)
        return ctl_failed("%s", err.message);
    if (take_away)
        printf("removed models:/%s@%s\n", name, alias);
    else
        printf("models:/%s@%s is version %s\n", name, alias, version);
    return CTL_OK;
}

struct entry {
    char *name, *version;
    char *alias; /* NULL for a version itself */
};

struct registry_listing {
    struct entry *entries;
    size_t n, capacity;
};

static char *copy_text(const char *text)
{
    return text == NULL ? NULL : strcpy(ctl_allocate(strlen(text), 1u), text);
}

static int32_t collect(const recsys_registry_entry *found, void *user_data)
{
    struct registry_listing *listing = user_data;

    if (listing->n == listing->capacity) {
        size_t capacity = listing->capacity * 2u + 64u;
        struct entry *grown = realloc(listing->entries, capacity * sizeof *grown);

        if (grown == NULL)
            return 1;
        listing->entries = grown;
        listing->capacity = capacity;
    }
    listing->entries[listing->n++] =
        (struct entry){copy_text(found->name), copy_text(found->version), copy_text(found->alias)};
    return 0;
}

/* The aliases of entry `i`, which is a version: as words, or added to `array`. */
static void aliases_of(const struct registry_listing *listing, size_t i, json_t *array)
{
    const struct entry *version = &listing->entries[i];

    for (size_t j = 0; j < listing->n; j++) {
        const struct entry *entry = &listing->entries[j];

        if (entry->alias == NULL || strcmp(entry->version, version->version) != 0 ||
            strcmp(entry->name, version->name) != 0)
            continue;
        if (array != NULL)
            json_array_append_new(array, json_string(entry->alias));
        else
            printf(" %s", entry->alias);
    }
}

static int print_listing(const struct registry_listing *listing, bool as_json)
{
    json_t *array = json_array();
    int status = CTL_OK;

    for (size_t i = 0; i < listing->n; i++) {
        const struct entry *entry = &listing->entries[i];
        json_t *aliases;

        if (entry->alias != NULL)
            continue;
        if (!as_json) {
            printf("models:/%s/%s", entry->name, entry->version);
            aliases_of(listing, i, NULL);
            putchar('\n');
            continue;
        }
        aliases = json_array();
        aliases_of(listing, i, aliases);
        json_array_append_new(array, json_pack("{s:s, s:s, s:o}", "name", entry->name, "version",
                                               entry->version, "aliases", aliases));
    }
    if (as_json && (json_dumpf(array, stdout, JSON_INDENT(2)) != 0 || putchar('\n') == EOF))
        status = ctl_failed("cannot show the list as JSON");
    json_decref(array);
    return status;
}

static int run_list(const struct ctl_arguments *arguments)
{
    const char *name = arguments->n_operands > 0u ? arguments->operands[0] : NULL;
    struct registry_listing listing = {NULL, 0u, 0u};
    recsys_registry *registry = NULL;
    recsys_error err;
    int status;

    (void)ctl_required(arguments, "registry");
    if (ctl_open_registry(arguments, &registry, &err) != RECSYS_OK ||
        recsys_registry_list(registry, name, collect, &listing, &err) != RECSYS_OK)
        status = ctl_failed("%s", err.message);
    else
        status = print_listing(&listing, ctl_has(arguments, "json"));
    recsys_registry_unref(registry);
    for (size_t i = 0; i < listing.n; i++) {
        free(listing.entries[i].name);
        free(listing.entries[i].version);
        free(listing.entries[i].alias);
    }
    free(listing.entries);
    return status;
}

#define REGISTRY_OPTION                                                                            \
    {                                                                                              \
        "registry", CTL_ONE, "DIR", "directory of published models; needed"                        \
    }
#define NAME_OPTION                                                                                \
    {                                                                                              \
        "name", CTL_ONE, "NAME", "the model's name in the registry; needed"                        \
    }

static const struct ctl_option publish_options[] = {
    REGISTRY_OPTION,
    NAME_OPTION,
    {"alias", CTL_ONE, "ALIAS", "point this alias at the new version"},
    CTL_END,
};
static const struct ctl_option alias_options[] = {
    REGISTRY_OPTION,
    NAME_OPTION,
    {"remove", CTL_SWITCH, NULL, "remove the alias"},
    CTL_END,
};
static const struct ctl_option list_options[] = {
    {"registry", CTL_ONE, "DIR|URL", "directory of published models, or an MLflow server; needed"},
    CTL_SERVER_OPTIONS,
    CTL_JSON_OPTION,
    CTL_END,
};

const struct ctl_command ctl_publish = {
    "publish",       "BUNDLE",   1, 1, "copy a bundle into a registry as the next version",
    publish_options, run_publish};
const struct ctl_command ctl_alias = {
    "alias",       "ALIAS [VERSION]", 1, 2, "point an alias, for example production, at a version",
    alias_options, run_alias};
const struct ctl_command ctl_list = {"list",       "[NAME]", 0, 1, "list the models of a registry",
                                     list_options, run_list};
