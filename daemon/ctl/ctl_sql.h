/* daemon/ctl/ctl_sql.h - the files of sql/, put into the program by CMake; each ends with a NUL. */
#ifndef RECSYSCTL_SQL_H
#define RECSYSCTL_SQL_H

#include <stddef.h>

extern const unsigned char ctl_domains_sql[], ctl_demo_sql[], ctl_feedback_sql[], ctl_outbox_sql[];
extern const size_t ctl_domains_sql_size, ctl_demo_sql_size, ctl_feedback_sql_size,
    ctl_outbox_sql_size;

#endif
