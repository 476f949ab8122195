/* daemon/ctl/ctl_arguments.c - parses the command line of a subcommand.
 *
 * Every subcommand has a table of its options; the parser, the checks and the help are made from
 * it. It accepts --name VALUE, --name=VALUE, -k 10, -k10 and, after --, operands that begin with a
 * dash. A wrong command line ends the program at once with status 2, before anything has been done.
 */
#include "daemon/ctl/ctl_command.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void ctl_usage_error(const struct ctl_command *command, const char *format, ...)
{
    va_list arguments;

    fputs("recsysctl: ", stderr);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fprintf(stderr, "\n('recsysctl help%s%s' shows how)\n", command != NULL ? " " : "",
            command != NULL ? command->name : "");
    exit(CTL_USAGE);
}

int ctl_failed(const char *format, ...)
{
    va_list arguments;

    fputs("recsysctl: ", stderr);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    return CTL_FAILED;
}

void *ctl_allocate(size_t count, size_t size)
{
    void *memory = calloc(count + 1u, size); /* + 1: never a request for nothing */

    if (memory == NULL)
        exit(ctl_failed("out of memory"));
    return memory;
}

static const char *dashes(const char *name)
{
    return name[1] == '\0' ? "-" : "--";
}

/* The option that `word` names; *value is set if the word holds the value too. */
static const struct ctl_option *find_option(const struct ctl_command *command, const char *word,
                                            const char **value)
{
    bool is_long = word[1] == '-';
    const char *name = word + 1 + is_long;
    size_t length = is_long ? strcspn(name, "=") : 1u;

    *value = NULL;
    if (name[length] != '\0')
        *value = name + length + is_long;
    for (const struct ctl_option *option = command->options; option->name != NULL; option++)
        if (strlen(option->name) == length && memcmp(option->name, name, length) == 0 &&
            is_long == (length > 1u))
            return option;
    ctl_usage_error(command, "%s has no option '%s'", command->name, word);
}

static void add_option(struct ctl_arguments *out, const struct ctl_option *option,
                       const char *value)
{
    if (option->kind != CTL_MANY && ctl_has(out, option->name))
        ctl_usage_error(out->command, "%s%s is given twice", dashes(option->name), option->name);
    out->given[out->n_given] = option;
    out->values[out->n_given++] = value;
}

void ctl_arguments_parse(struct ctl_arguments *out, const struct ctl_command *command, int argc,
                         char **argv)
{
    bool options_end = false;

    out->command = command;
    out->operands = ctl_allocate((size_t)argc, sizeof *out->operands);
    out->given = ctl_allocate((size_t)argc, sizeof(void *));
    out->values = ctl_allocate((size_t)argc, sizeof *out->values);
    out->n_operands = out->n_given = 0u;
    for (int i = 0; i < argc; i++) {
        const struct ctl_option *option;
        const char *value;

        if (!options_end && strcmp(argv[i], "--") == 0) {
            options_end = true;
            continue;
        }
        if (options_end || argv[i][0] != '-' || argv[i][1] == '\0') {
            out->operands[out->n_operands++] = argv[i];
            continue;
        }
        option = find_option(command, argv[i], &value);
        if (option->kind == CTL_SWITCH && value != NULL)
            ctl_usage_error(command, "%s%s takes no value", dashes(option->name), option->name);
        if (option->kind != CTL_SWITCH && value == NULL) {
            if (++i == argc)
                ctl_usage_error(command, "%s%s needs a value", dashes(option->name), option->name);
            value = argv[i];
        }
        add_option(out, option, value);
    }
    if (out->n_operands < command->min_operands)
        ctl_usage_error(command, "%s needs %s", command->name, command->operands);
    if (out->n_operands > command->max_operands)
        ctl_usage_error(command, "%s: unexpected operand '%s'", command->name,
                        out->operands[command->max_operands]);
}

void ctl_arguments_free(struct ctl_arguments *arguments)
{
    free(arguments->operands);
    free(arguments->given);
    free(arguments->values);
}

bool ctl_has(const struct ctl_arguments *arguments, const char *option)
{
    for (size_t i = 0; i < arguments->n_given; i++)
        if (strcmp(arguments->given[i]->name, option) == 0)
            return true;
    return false;
}

const char *ctl_value(const struct ctl_arguments *arguments, const char *option)
{
    for (size_t i = 0; i < arguments->n_given; i++)
        if (strcmp(arguments->given[i]->name, option) == 0)
            return arguments->values[i];
    return NULL;
}

const char *ctl_required(const struct ctl_arguments *arguments, const char *option)
{
    const char *value = ctl_value(arguments, option);

    if (value == NULL)
        ctl_usage_error(arguments->command, "%s needs %s%s", arguments->command->name,
                        dashes(option), option);
    return value;
}

double ctl_number(const struct ctl_arguments *arguments, const char *option, double low,
                  double high, double absent)
{
    const char *text = ctl_value(arguments, option);
    char *end;
    double value;

    if (text == NULL)
        return absent;
    value = strtod(text, &end);
    if (end == text || *end != '\0' || !(value >= low && value <= high))
        ctl_usage_error(arguments->command, "%s%s must be a number from %.10g to %.10g, not '%s'",
                        dashes(option), option, low, high, text);
    return value;
}

uint32_t ctl_whole_number(const struct ctl_arguments *arguments, const char *option, uint32_t low,
                          uint32_t high, uint32_t absent)
{
    double value = ctl_number(arguments, option, low, high, absent);

    if (value != floor(value))
        ctl_usage_error(arguments->command, "%s%s must be a whole number", dashes(option), option);
    return (uint32_t)value;
}

const char **ctl_values(const struct ctl_arguments *arguments, const char *option, size_t *n)
{
    const char **values = ctl_allocate(arguments->n_given, sizeof *values);

    *n = 0u;
    for (size_t i = 0; i < arguments->n_given; i++)
        if (strcmp(arguments->given[i]->name, option) == 0)
            values[(*n)++] = arguments->values[i];
    return values;
}

void ctl_help(const struct ctl_command *command)
{
    printf("usage: recsysctl %s%s%s%s\n\n%s\n", command->name, command->operands[0] ? " " : "",
           command->operands, command->options->name != NULL ? " [options]" : "", command->summary);
    if (command->options->name != NULL)
        putchar('\n');
    for (const struct ctl_option *option = command->options; option->name != NULL; option++) {
        char left[40];

        snprintf(left, sizeof left, "%s%s%s%s", dashes(option->name), option->name,
                 option->value != NULL ? " " : "", option->value != NULL ? option->value : "");
        printf("  %-26s %s%s\n", left, option->help,
               option->kind == CTL_MANY ? "; may be repeated" : "");
    }
}
