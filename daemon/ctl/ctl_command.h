/* daemon/ctl/ctl_command.h - what a subcommand of recsysctl is made of. */
#ifndef RECSYSCTL_COMMAND_H
#define RECSYSCTL_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

#include <recsys/recsys.h>

enum { CTL_OK = 0, CTL_FAILED = 1, CTL_USAGE = 2 }; /* exit statuses */

enum ctl_option_kind {
    CTL_SWITCH, /* takes no value */
    CTL_ONE,    /* takes a value, at most once */
    CTL_MANY    /* takes a value each time */
};

struct ctl_option {
    const char *name; /* without its dashes; one letter is -k, more are --registry */
    enum ctl_option_kind kind;
    const char *value; /* the name of the value in the help; NULL for a switch */
    const char *help;
};

struct ctl_arguments;

struct ctl_command {
    const char *name;
    const char *operands; /* as the help shows them */
    size_t min_operands, max_operands;
    const char *summary;
    const struct ctl_option *options; /* ends with a NULL name */
    int (*run)(const struct ctl_arguments *arguments);
};

extern const struct ctl_command ctl_inspect, ctl_verify, ctl_diff, ctl_import, ctl_recommend,
    ctl_similar, ctl_explain, ctl_evaluate, ctl_catalog, ctl_upgrade, ctl_publish, ctl_alias,
    ctl_list, ctl_migrate, ctl_warm, ctl_revoke, ctl_feedback;

/* The parsed command line of one subcommand. */
struct ctl_arguments {
    const struct ctl_command *command;
    const char **operands;
    size_t n_operands;
    const struct ctl_option **given; /* given[i] was given with the value values[i] */
    const char **values;
    size_t n_given;
};

/* Ends the program with CTL_USAGE if the command line is wrong. */
void ctl_arguments_parse(struct ctl_arguments *out, const struct ctl_command *command, int argc,
                         char **argv);
void ctl_arguments_free(struct ctl_arguments *arguments);

bool ctl_has(const struct ctl_arguments *arguments, const char *option);

/* The value of an option that may be given once; NULL if it was not. */
const char *ctl_value(const struct ctl_arguments *arguments, const char *option);

/* The same; ends the program with CTL_USAGE if it was not given. */
const char *ctl_required(const struct ctl_arguments *arguments, const char *option);

/* The same as a number in [low, high], or `absent`. */
double ctl_number(const struct ctl_arguments *arguments, const char *option, double low,
                  double high, double absent);
uint32_t ctl_whole_number(const struct ctl_arguments *arguments, const char *option, uint32_t low,
                          uint32_t high, uint32_t absent);

/* All values of an option, in order. The caller frees the array; the texts are BORROWED. */
const char **ctl_values(const struct ctl_arguments *arguments, const char *option, size_t *n);

void ctl_help(const struct ctl_command *command);

/* Print "recsysctl: ..." and a hint at the help; end with CTL_USAGE. */
_Noreturn void ctl_usage_error(const struct ctl_command *command, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Print "recsysctl: ..."; returns CTL_FAILED. */
int ctl_failed(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* calloc() that ends the program with CTL_FAILED when memory runs out. */
void *ctl_allocate(size_t count, size_t size);

/* Load the operand `path`: a bundle, a model file, or a models:/ URI with
 * --registry. The command has CTL_LOAD_OPTIONS. `doing` is shown as progress. */
recsys_status ctl_load(const struct ctl_arguments *arguments, const char *path, const char *doing,
                       recsys_model **out, recsys_error *err);

/* Open the registry that --registry and the options of a server say. */
recsys_status ctl_open_registry(const struct ctl_arguments *arguments, recsys_registry **out,
                                recsys_error *err);

/* Of commands that may ask an MLflow server. */
#define CTL_SERVER_OPTIONS                                                                         \
    {"registry-cache", CTL_ONE, "DIR", "for models of a server; default /var/cache/recsysd"},      \
        {"registry-user", CTL_ONE, "USER", "user for a server with passwords"},                    \
        {"registry-password-file", CTL_ONE, "FILE", "file with the user's password"},              \
        {"registry-token-file", CTL_ONE, "FILE", "file with a token, instead of a user"},          \
        {"registry-ca-file", CTL_ONE, "FILE", "certificates for https://; default the system's"},  \
    {                                                                                              \
        "registry-workspace", CTL_ONE, "NAME", "workspace of the server"                           \
    }

/* Of commands that call ctl_load(). */
#define CTL_LOAD_OPTIONS                                                                           \
    {"registry", CTL_ONE, "DIR|URL",                                                               \
     "directory of published models, or an MLflow server, for models:/NAME/3 and the like"},       \
        CTL_SERVER_OPTIONS,                                                                        \
        {"metric", CTL_ONE, "METRIC", "of a single file: inner_product or cosine"},                \
    {                                                                                              \
        "link", CTL_ONE, "LINK", "of a single file: sigmoid, clip or linear:MIN:MAX"               \
    }
#define CTL_JSON_OPTION                                                                            \
    {                                                                                              \
        "json", CTL_SWITCH, NULL, "print JSON"                                                     \
    }
#define CTL_END                                                                                    \
    {                                                                                              \
        NULL, CTL_SWITCH, NULL, NULL                                                               \
    }

#endif
