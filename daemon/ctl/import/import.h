/* daemon/ctl/import/import.h - the steps of recsysctl import.
 *
 * Each step looks at its own options of the command line, and fills what they name into the
 * builder. ctl_import.c has the table of all options and the order of the steps; a new kind of
 * input is a line in each and a file here.
 */
#ifndef RECSYSCTL_IMPORT_H
#define RECSYSCTL_IMPORT_H

#include "daemon/ctl/ctl_command.h"

/* Whole models: --model, --npz, --safetensors, --bundle. */
recsys_status ctl_import_models(const struct ctl_arguments *arguments, recsys_builder *builder,
                                recsys_error *err);
/* Single arrays: --user-factors and the like. */
recsys_status ctl_import_arrays(const struct ctl_arguments *arguments, recsys_builder *builder,
                                recsys_error *err);
/* Names, one a line: --item-ids-text and the like. */
recsys_status ctl_import_texts(const struct ctl_arguments *arguments, recsys_builder *builder,
                               recsys_error *err);
/* Seen lists: --ratings and --seen-matrix. */
recsys_status ctl_import_seen(const struct ctl_arguments *arguments, recsys_builder *builder,
                              recsys_error *err);
/* --catalog and --catalog-query. */
recsys_status ctl_import_catalog(const struct ctl_arguments *arguments, recsys_builder *builder,
                                 recsys_error *err);
/* Fields of the manifest: --name, --link, --set and the like. */
recsys_status ctl_import_fields(const struct ctl_arguments *arguments, recsys_builder *builder,
                                recsys_error *err);

/* An option whose value fills one part of the model, or one field. */
struct ctl_import_target {
    const char *option, *part;
};

#endif
