/* daemon/config/config_print.c - prints the settings of config_table.h.
 *
 * Three forms of one table: --help for the terminal, --help-markdown for
 * docs/daemon.md (a test compares the page with it), --print-config as a
 * configuration file with the present settings.
 */
#include "daemon/config/config.h"

#include <string.h>

#include <recsys/version.h>

#define LINE_COLUMNS 78
#define INDENT 6

static void print_flag(FILE *out, const char *name)
{
    for (; *name != '\0'; name++)
        (void)fputc(*name == '_' ? '-' : *name, out);
}

static void print_values(FILE *out, const struct rd_setting *setting, const char *bar)
{
    switch (setting->type) {
    case RD_TEXT:
    case RD_SECRET:
        (void)fputs("text", out);
        break;
    case RD_NUMBER:
        (void)fprintf(out, "%llu to %llu %s", (unsigned long long)setting->min,
                      (unsigned long long)setting->max, setting->unit);
        break;
    case RD_SWITCH:
        (void)fprintf(out, "on%soff", bar);
        break;
    case RD_CHOICE:
        for (const char *c = setting->unit; *c != '\0'; c++)
            (void)(*c == '|' ? fputs(bar, out) : fputc(*c, out));
        break;
    }
}

/* In lines of at most LINE_COLUMNS, indented. */
static void print_wrapped(FILE *out, const char *text)
{
    size_t column = 0;

    while (*text != '\0') {
        size_t size = strcspn(text, " ");

        if (column > 0 && column + 1 + size > LINE_COLUMNS) {
            (void)fputc('\n', out);
            column = 0;
        }
        column += (size_t)fprintf(out, "%*s%.*s", column == 0 ? INDENT : 1, "", (int)size, text);
        text += size + strspn(text + size, " ");
    }
    (void)fputc('\n', out);
}

void rd_config_print_help(FILE *out)
{
    size_t n;
    const struct rd_setting *setting = rd_config_settings(&n);

    (void)fprintf(out,
                  "recsysd %s - serves recommendations over HTTP\n\n"
                  "  recsysd --model DIRECTORY\n"
                  "  recsysd --model models:/NAME@ALIAS --registry DIRECTORY\n"
                  "  recsysd --model models:/NAME@ALIAS --registry http://MLFLOW:5000\n\n"
                  "Settings come from flags (--name value), environment (RECSYSD_NAME) and a file\n"
                  "(--config FILE: name = value lines, # comments); the first of these wins.\n\n",
                  recsys_version_string());
    for (; n-- > 0; setting++) {
        (void)fputs("  --", out);
        print_flag(out, setting->name);
        (void)fputs("  ", out);
        print_values(out, setting, "|");
        if (setting->preset[0] != '\0')
            (void)fprintf(out, "  [%s]", setting->preset);
        (void)fputc('\n', out);
        print_wrapped(out, setting->help);
    }
    (void)fputs("\n  --config FILE\n"
                "      Read settings from FILE, too.\n"
                "  --print-config\n"
                "      Print all settings as such a file, without passwords and tokens, and exit.\n"
                "  --check\n"
                "      Check all settings and the files of keys that they name, and exit.\n"
                "  --help, --version\n"
                "      Print this text or the version, and exit.\n"
                "  --help-markdown\n"
                "      Print the settings as the table of docs/daemon.md, and exit.\n\n"
                "Exit status: 0 stopped as asked, 1 could not start or serve, 2 wrong settings.\n",
                out);
}

void rd_config_print_markdown(FILE *out)
{
    size_t n;
    const struct rd_setting *setting = rd_config_settings(&n);

    (void)fputs("| setting | values | default | meaning |\n|---|---|---|---|\n", out);
    for (; n-- > 0; setting++) {
        (void)fprintf(out, "| `%s` | ", setting->name);
        print_values(out, setting, ", ");
        (void)fputs(" | ", out);
        if (setting->preset[0] != '\0')
            (void)fprintf(out, "`%s`", setting->preset);
        (void)fprintf(out, " | %s |\n", setting->help);
    }
}

static void print_choice(FILE *out, const struct rd_setting *setting, uint64_t value)
{
    const char *word = setting->unit;

    for (uint64_t i = setting->min; i < value; i++)
        word += strcspn(word, "|") + 1;
    (void)fprintf(out, "%.*s\n", (int)strcspn(word, "|"), word);
}

void rd_config_print(FILE *out, const struct rd_config *config)
{
    size_t n;
    const struct rd_setting *setting = rd_config_settings(&n);

    for (; n-- > 0; setting++) {
        const char *member = (const char *)config + setting->offset;

        if (setting->type == RD_SECRET) {
            (void)fprintf(out, "# %s is %s\n", setting->name,
                          **(char *const *)(const void *)member != '\0' ? "set, and not shown"
                                                                        : "not set");
            continue;
        }
        (void)fprintf(out, "%s = ", setting->name);
        if (setting->type == RD_TEXT) {
            (void)fprintf(out, "%s\n", *(char *const *)(const void *)member);
        } else {
            uint64_t value = *(const uint64_t *)(const void *)member;

            if (setting->type == RD_CHOICE)
                print_choice(out, setting, value);
            else if (setting->type == RD_SWITCH)
                (void)fprintf(out, "%s\n", value != 0 ? "on" : "off");
            else
                (void)fprintf(out, "%llu\n", (unsigned long long)value);
        }
    }
}
