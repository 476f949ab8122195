/* daemon/ctl/import/import_catalog.c - the catalogue, one item a line. */
#include "daemon/ctl/import/import.h"

recsys_status ctl_import_catalog(const struct ctl_arguments *arguments, recsys_builder *builder,
                                 recsys_error *err)
{
    const char *path = ctl_value(arguments, "catalog");

    return path == NULL ? RECSYS_OK : recsys_builder_import_catalog(builder, path, err);
}
