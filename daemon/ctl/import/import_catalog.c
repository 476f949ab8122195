/* daemon/ctl/import/import_catalog.c - the catalogue, from a file or a query.
 *
 * It replaces the one of --bundle. All problems of the input are listed before the command fails.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/ctl/ctl_database.h"
#include "daemon/ctl/ctl_progress.h"
#include "daemon/ctl/import/import.h"
#include "daemon/ctl/input/catalog_input.h"
#include "lib/base/error.h"

/* FIELD=NAME: in which column or member a field stands. */
static void set_column(const struct ctl_arguments *arguments, struct ctl_catalog_input *input,
                       const char *given)
{
    const char *equals = strchr(given, '='), *name;
    size_t size = equals != NULL ? (size_t)(equals - given) : 0;

    for (unsigned field = 0; (name = ctl_catalog_field_name(field)) != NULL; field++)
        if (size > 0 && strlen(name) == size && memcmp(name, given, size) == 0) {
            input->columns[field] = equals + 1;
            return;
        }
    ctl_usage_error(arguments->command,
                    "--catalog-column needs FIELD=NAME with a FIELD of id, title, genres, year, "
                    "rating, poster, language, adult; not '%s'",
                    given);
}

static void set_options(const struct ctl_arguments *arguments, struct ctl_catalog_input *input)
{
    size_t n;
    const char **columns = ctl_values(arguments, "catalog-column", &n);
    const char *separator = ctl_value(arguments, "genre-separator");

    for (size_t i = 0; i < n; i++)
        set_column(arguments, input, columns[i]);
    free(columns);
    input->genre_separators = separator != NULL ? separator : "|,";
    input->poster_base = ctl_value(arguments, "poster-base");
    input->strict = ctl_has(arguments, "strict");
}

static recsys_status read_input(const struct ctl_arguments *arguments,
                                struct ctl_catalog_input *input, recsys_error *err)
{
    const char *path = ctl_value(arguments, "catalog");
    const char *query = ctl_value(arguments, "catalog-query");
    recsys_source *source;
    recsys_status status;

    if (path != NULL)
        return ctl_catalog_read_file(input, path, err);
    source = ctl_open_database(arguments);
    if (source == NULL)
        exit(CTL_FAILED);
    status = ctl_catalog_read_query(input, source, query, err);
    recsys_source_unref(source);
    return status;
}

/* Say what was wrong, or what was left out. */
static recsys_status judge(const struct ctl_catalog_input *input, bool skip_broken,
                           recsys_error *err)
{
    const struct ctl_problems *problems = &input->problems;

    if (problems->count > 0 || input->n_unknown > 0)
        ctl_progress_end();
    ctl_problems_print(problems);
    if (problems->count > 0 && !skip_broken)
        return rs_error(err, RECSYS_E_FORMAT,
                        "%s: %" PRIu64 " problem%s; nothing was written (--skip-broken leaves such "
                        "entries out)",
                        problems->path, problems->count, problems->count == 1 ? "" : "s");
    if (input->n_unknown > 0 && input->n_unknown == input->n_entries)
        return rs_error(err, RECSYS_E_FORMAT,
                        "%s: none of the %" PRIu64 " entries is of an item that the model has "
                        "(--catalog-column id=NAME says where their ids are)",
                        problems->path, input->n_entries);
    if (input->n_unknown > 0)
        fprintf(stderr,
                "recsysctl: %s: %" PRIu64 " of %" PRIu64 " entries are left out, since the model "
                "does not have their items\n",
                problems->path, input->n_unknown, input->n_entries);
    return RECSYS_OK;
}

recsys_status ctl_import_catalog(const struct ctl_arguments *arguments, recsys_builder *builder,
                                 recsys_error *err)
{
    struct ctl_catalog_input *input;
    const char *path = ctl_value(arguments, "catalog");
    recsys_status status;

    if (path == NULL && !ctl_has(arguments, "catalog-query"))
        return RECSYS_OK;
    if (path != NULL && ctl_has(arguments, "catalog-query"))
        ctl_usage_error(arguments->command,
                        "only one of --catalog and --catalog-query can be given");
    input = ctl_allocate(1, sizeof *input);
    input->builder = builder;
    set_options(arguments, input);
    status = recsys_builder_remove(builder, "catalog", err);
    if (status == RECSYS_OK)
        status = ctl_catalog_begin(input, path != NULL ? path : "--catalog-query", err);
    if (status == RECSYS_OK)
        status = read_input(arguments, input, err);
    if (status == RECSYS_OK)
        status = judge(input, ctl_has(arguments, "skip-broken"), err);
    ctl_catalog_end(input);
    free(input);
    return status;
}
