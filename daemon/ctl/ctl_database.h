/* daemon/ctl/ctl_database.h - the PostgreSQL that a subcommand works with. */
#ifndef RECSYSCTL_DATABASE_H
#define RECSYSCTL_DATABASE_H

#include "daemon/ctl/ctl_command.h"

/* The database of --database or RECSYSD_DATABASE; the program ends if neither is given. NULL: the
 * reason was printed. */
recsys_source *ctl_open_database(const struct ctl_arguments *arguments);

#define CTL_DATABASE_OPTION                                                                        \
    {                                                                                              \
        "database", CTL_ONE, "CONNINFO", "PostgreSQL, as libpq takes it; else RECSYSD_DATABASE"    \
    }

#endif
