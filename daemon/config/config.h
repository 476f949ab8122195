/* daemon/config/config.h - the daemon's settings: flags over environment over file. */
#ifndef RECSYSD_CONFIG_H
#define RECSYSD_CONFIG_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <recsys/status.h>

#include "daemon/config/config_table.h"

enum rd_config_type { RD_TEXT, RD_SECRET, RD_NUMBER, RD_SWITCH, RD_CHOICE };

#define RD_MEMBER_TEXT char *
#define RD_MEMBER_SECRET char *
#define RD_MEMBER_NUMBER uint64_t
#define RD_MEMBER_SWITCH uint64_t
#define RD_MEMBER_CHOICE uint64_t

/* One member a setting, by its name. A CHOICE holds min + the word's place in the list. */
struct rd_config {
#define RD_MEMBER(name, type, min, max, preset, unit, help) RD_MEMBER_##type name;
    RD_CONFIG_TABLE(RD_MEMBER)
#undef RD_MEMBER
};

/* The next step after the settings were read. */
enum rd_config_verdict {
    RD_CONFIG_RUN,      /* serve */
    RD_CONFIG_HELP,     /* print and exit with 0: --help, */
    RD_CONFIG_MARKDOWN, /* --help-markdown */
    RD_CONFIG_VERSION,  /* --version */
    RD_CONFIG_PRINT,    /* --print-config, with every setting read */
    RD_CONFIG_CHECK,    /* --check, with every setting read */
    RD_CONFIG_WRONG     /* `err` says why, exit 2 */
};

enum { RD_PRODUCTION = 1 }; /* of the setting env */
enum { RD_FORWARDED = 1 };  /* of the setting proxy_header */
enum { RD_GRANTS_USERS = 1 }; /* of the setting grants */
enum { RD_ENVELOPE = 1 };   /* of the setting cache_format */

/* Read everything. */
enum rd_config_verdict rd_config_load(struct rd_config *config, int argc, char **argv,
                                      recsys_error *err);
void rd_config_free(struct rd_config *config);

/* One row of the table, for those who print it. */
struct rd_setting {
    const char *name;
    enum rd_config_type type;
    size_t offset;
    uint64_t min, max;
    const char *preset, *unit, *help;
};

const struct rd_setting *rd_config_settings(size_t *n_settings);

/* config_print.c */
void rd_config_print_help(FILE *out);
void rd_config_print_markdown(FILE *out);
void rd_config_print(FILE *out, const struct rd_config *config); /* secrets are not shown */

#endif
