/* daemon/ctl/recsysctl.c - shows, makes, tries and publishes models; prepares databases and caches.
 *
 * The program for an operator's terminal and scripts. Each subcommand is a file, ctl_*.c, with a
 * table of its options; this one finds the subcommand and checks that the output has been written.
 * librecsys does the work, and its messages are printed without change.
 *
 * Exit status: 0 done, 1 failed, 2 the command line is wrong.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/ctl/ctl_command.h"

static const struct ctl_command *const commands[] = {
    &ctl_inspect,   &ctl_verify,  &ctl_catalog, &ctl_upgrade,  &ctl_diff,    &ctl_import,
    &ctl_recommend, &ctl_similar, &ctl_explain, &ctl_evaluate, &ctl_publish, &ctl_alias,
    &ctl_list,      &ctl_migrate, &ctl_warm,    &ctl_revoke, &ctl_feedback,
};

enum { N_COMMANDS = sizeof commands / sizeof commands[0] };

static const struct ctl_command *find_command(const char *name)
{
    for (size_t i = 0; i < N_COMMANDS; i++)
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    ctl_usage_error(NULL, "there is no command '%s'", name);
}

static int help(const char *name)
{
    if (name != NULL) {
        ctl_help(find_command(name));
        return CTL_OK;
    }
    puts("usage: recsysctl COMMAND ...\n");
    for (size_t i = 0; i < N_COMMANDS; i++)
        printf("  %-11s %s\n", commands[i]->name, commands[i]->summary);
    puts("\n'recsysctl help COMMAND' shows its options. PATH is a bundle directory, an .npz or\n"
         ".safetensors file, or with --registry a URI: models:/NAME/3, models:/NAME/latest,\n"
         "models:/NAME@ALIAS.\n\n"
         "Exit status: 0 done, 1 failed, 2 the command line is wrong.");
    return CTL_OK;
}

/* A full disk or a closed pipe must not look like success. */
static int finish(int status)
{
    if ((fflush(stdout) != 0 || ferror(stdout)) && status == CTL_OK)
        return ctl_failed("cannot write the output: %s", strerror(errno));
    return status;
}

int main(int argc, char **argv)
{
    struct ctl_arguments arguments;
    const struct ctl_command *command;
    int status;

    if (argc < 2)
        ctl_usage_error(NULL, "a command is needed");
    if (strcmp(argv[1], "help") == 0 || strcmp(argv[1], "--help") == 0 ||
        strcmp(argv[1], "-h") == 0)
        return finish(help(argc > 2 ? argv[2] : NULL));
    if (strcmp(argv[1], "--version") == 0) {
        printf("recsysctl %s\n", recsys_version_string());
        return finish(CTL_OK);
    }
    command = find_command(argv[1]);
    if (argc > 2 && strcmp(argv[2], "--help") == 0)
        return finish(help(command->name));
    ctl_arguments_parse(&arguments, command, argc - 2, argv + 2);
    status = command->run(&arguments);
    ctl_arguments_free(&arguments);
    return finish(status);
}
