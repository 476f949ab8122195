/* daemon/config/config.c - reads the settings of config_table.h.
 *
 * There is one way to set a value, assign(), and four places it is called from: the defaults, the
 * configuration file, the environment and the flags, in this order, so that a later one wins. A
 * name that is not in the table is an error that names the nearest one, because a misspelt limit
 * that is silently ignored is no limit. A flag may be written with dashes: --cache-bytes is
 * cache_bytes.
 *
 * Runs once, on the main thread, before any other part exists.
 */
#include "daemon/config/config.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/config/wrong.h"
#include "lib/base/utf8.h"

#define MAX_FILE_BYTES 65536u
#define MAX_NAME 64u
#define PRINT_FLAG "--print-config"
#define CHECK_FLAG "--check"

extern char **environ;

static const struct rd_setting settings[] = {
#define ROW(name, type, min, max, preset, unit, help)                                              \
    {#name, RD_##type, offsetof(struct rd_config, name), (min), (max), preset, unit, help},
    RD_CONFIG_TABLE(ROW)
#undef ROW
};
#define N_SETTINGS (sizeof settings / sizeof settings[0])

struct reader {
    struct rd_config *config;
    recsys_error *err;
};

const struct rd_setting *rd_config_settings(size_t *n_settings)
{
    *n_settings = N_SETTINGS;
    return settings;
}

/* Levenshtein's distance, of names no longer than MAX_NAME. */
static size_t distance(const char *a, const char *b)
{
    size_t row[MAX_NAME + 1], n = strlen(b);

    for (size_t j = 0; j <= n; j++)
        row[j] = j;
    for (size_t i = 0; a[i] != '\0'; i++) {
        size_t corner = row[0];

        row[0] = i + 1;
        for (size_t j = 0; j < n; j++) {
            size_t best = corner + (a[i] != b[j]);

            corner = row[j + 1];
            if (row[j] + 1 < best)
                best = row[j] + 1;
            if (corner + 1 < best)
                best = corner + 1;
            row[j + 1] = best;
        }
    }
    return row[n];
}

static const char *nearest(const char *name)
{
    const struct rd_setting *best = &settings[0];
    size_t best_distance = (size_t)-1;

    for (size_t i = 0; i < N_SETTINGS; i++) {
        size_t d = distance(name, settings[i].name);

        if (d < best_distance) {
            best_distance = d;
            best = &settings[i];
        }
    }
    return best->name;
}

/* The table's spelling of `name`: dashes become underscores, capitals small letters. */
static bool canonical(const char *name, size_t size, char out[MAX_NAME + 1])
{
    if (size == 0 || size > MAX_NAME)
        return false;
    for (size_t i = 0; i < size; i++)
        out[i] = name[i] == '-' ? '_' : (char)tolower((unsigned char)name[i]);
    out[size] = '\0';
    return true;
}

static const struct rd_setting *find(const char *name)
{
    for (size_t i = 0; i < N_SETTINGS; i++)
        if (strcmp(settings[i].name, name) == 0)
            return &settings[i];
    return NULL;
}

static bool parse_number(const struct rd_setting *setting, const char *value, uint64_t *out)
{
    char *end;

    if (!isdigit((unsigned char)value[0]))
        return false;
    errno = 0;
    *out = strtoull(value, &end, 10);
    return errno == 0 && *end == '\0' && *out >= setting->min && *out <= setting->max;
}

static bool parse_switch(const char *value, uint64_t *out)
{
    static const char *const on[] = {"on", "true", "yes", "1"};
    static const char *const off[] = {"off", "false", "no", "0"};

    for (size_t i = 0; i < 4; i++) {
        if (strcmp(value, on[i]) == 0 || strcmp(value, off[i]) == 0) {
            *out = strcmp(value, on[i]) == 0;
            return true;
        }
    }
    return false;
}

static bool parse_choice(const struct rd_setting *setting, const char *value, uint64_t *out)
{
    const char *word = setting->unit;
    size_t size = strlen(value);

    for (*out = setting->min; *word != '\0'; (*out)++) {
        size_t n = strcspn(word, "|");

        if (n == size && strncmp(word, value, n) == 0)
            return true;
        word += n + (word[n] == '|');
    }
    return false;
}

/* The one place where a value gets into the configuration. `place` says where it comes from. */
static bool assign(struct reader *reader, const struct rd_setting *setting, const char *value,
                   const char *place)
{
    char *member = (char *)reader->config + setting->offset;
    uint64_t number = 0;
    char *copy;

    switch (setting->type) {
    case RD_TEXT:
    case RD_SECRET:
        if (strlen(value) < setting->min || strlen(value) > setting->max)
            return rd_wrong(reader->err, "%s: %s must have %llu to %llu characters", place,
                            setting->name, (unsigned long long)setting->min,
                            (unsigned long long)setting->max);
        copy = strdup(value);
        if (copy == NULL)
            return rd_wrong(reader->err, "out of memory");
        free(*(char **)(void *)member);
        *(char **)(void *)member = copy;
        return true;
    case RD_NUMBER:
        if (!parse_number(setting, value, &number))
            return rd_wrong(reader->err, "%s: %s must be an integer from %llu to %llu, not '%s'",
                            place, setting->name, (unsigned long long)setting->min,
                            (unsigned long long)setting->max, value);
        break;
    case RD_SWITCH:
        if (!parse_switch(value, &number))
            return rd_wrong(reader->err, "%s: %s must be on or off, not '%s'", place, setting->name,
                            value);
        break;
    case RD_CHOICE:
        if (!parse_choice(setting, value, &number))
            return rd_wrong(reader->err, "%s: %s must be one of %s, not '%s'", place, setting->name,
                            setting->unit, value);
        break;
    }
    *(uint64_t *)(void *)member = number;
    return true;
}

static bool assign_by_name(struct reader *reader, const char *name, size_t name_size,
                           const char *value, const char *place)
{
    char spelt[MAX_NAME + 1];
    const struct rd_setting *setting;

    if (!canonical(name, name_size, spelt))
        return rd_wrong(reader->err, "%s: '%.*s' is not a name", place, (int)MAX_NAME, name);
    setting = find(spelt);
    if (setting == NULL)
        return rd_wrong(reader->err, "%s: there is no setting '%s'; did you mean '%s'?", place,
                        spelt, nearest(spelt));
    return assign(reader, setting, value, place);
}

static char *trim(char *text)
{
    size_t size;

    while (isspace((unsigned char)*text))
        text++;
    for (size = strlen(text); size > 0 && isspace((unsigned char)text[size - 1]);)
        text[--size] = '\0';
    return text;
}

static bool read_line(struct reader *reader, char *line, const char *place)
{
    char *equals, *name;

    line = trim(line);
    if (line[0] == '\0' || line[0] == '#')
        return true;
    equals = strchr(line, '=');
    if (equals == NULL)
        return rd_wrong(reader->err, "%s: expected 'key = value'", place); /* it may be a secret */
    *equals = '\0';
    name = trim(line);
    return assign_by_name(reader, name, strlen(name), trim(equals + 1), place);
}

static bool read_lines(struct reader *reader, char *text, const char *path)
{
    char place[512];
    unsigned number = 0;

    while (*text != '\0') {
        char *end = text + strcspn(text, "\n");
        char *next = *end == '\n' ? end + 1 : end;

        *end = '\0';
        (void)snprintf(place, sizeof place, "%.400s:%u", path, ++number);
        if (!read_line(reader, text, place))
            return false;
        text = next;
    }
    return true;
}

static bool read_file(struct reader *reader, const char *path)
{
    FILE *file = fopen(path, "re");
    char *text;
    size_t size;
    bool ok;

    if (file == NULL)
        return rd_wrong(reader->err, "cannot open configuration %s: %s", path, strerror(errno));
    text = malloc(MAX_FILE_BYTES + 1);
    if (text == NULL) {
        (void)fclose(file);
        return rd_wrong(reader->err, "out of memory");
    }
    size = fread(text, 1, MAX_FILE_BYTES + 1, file);
    if (ferror(file))
        ok = rd_wrong(reader->err, "cannot read configuration %s: %s", path, strerror(errno));
    else if (size > MAX_FILE_BYTES)
        ok =
            rd_wrong(reader->err, "configuration %s is larger than %u bytes", path, MAX_FILE_BYTES);
    else {
        text[size] = '\0';
        ok = read_lines(reader, text + rs_utf8_mark_size(text, size), path);
    }
    free(text);
    (void)fclose(file);
    return ok;
}

/* Kubernetes sets such variables in every container if a service is called recsysd. */
static bool is_service_variable(const char *name)
{
    return strncmp(name, "PORT", 4) == 0 || strncmp(name, "SERVICE_", 8) == 0;
}

static bool read_environment(struct reader *reader)
{
    static const char prefix[] = "RECSYSD_";

    for (char **entry = environ; entry != NULL && *entry != NULL; entry++) {
        const char *name = *entry + sizeof prefix - 1, *equals;
        char spelt[MAX_NAME + 1];

        if (strncmp(*entry, prefix, sizeof prefix - 1) != 0)
            continue;
        equals = strchr(name, '=');
        if (equals == NULL || ((size_t)(equals - name) == 6 && strncmp(name, "CONFIG", 6) == 0))
            continue;
        if (canonical(name, (size_t)(equals - name), spelt) && find(spelt) == NULL &&
            is_service_variable(name))
            continue;
        if (!assign_by_name(reader, name, (size_t)(equals - name), equals + 1, "environment"))
            return false;
    }
    return true;
}

/* The flag at argv[*i] as name and value; moves *i over a value of its own. */
static bool split_flag(struct reader *reader, int argc, char **argv, int *i, size_t *name_size,
                       const char **value)
{
    const char *name = argv[*i] + 2, *equals = strchr(name, '=');
    char spelt[MAX_NAME + 1];
    const struct rd_setting *setting;

    if (strncmp(argv[*i], "--", 2) != 0 || name[0] == '\0')
        return rd_wrong(reader->err, "command line: argument %d is not a flag; see --help", *i);
    *name_size = equals != NULL ? (size_t)(equals - name) : strlen(name);
    if (equals != NULL) {
        *value = equals + 1;
        return true;
    }
    setting = canonical(name, *name_size, spelt) ? find(spelt) : NULL;
    if (setting != NULL && setting->type == RD_SWITCH) {
        uint64_t ignored;

        *value = *i + 1 < argc && parse_switch(argv[*i + 1], &ignored) ? argv[++*i] : "on";
        return true;
    }
    if (setting == NULL && strcmp(name, "config") != 0)
        return assign_by_name(reader, name, *name_size, "", "command line");
    if (*i + 1 >= argc)
        return rd_wrong(reader->err, "command line: --%s needs a value", name);
    *value = argv[++*i];
    return true;
}

/* Two passes: the file a flag names is read before the flags that outrank it. */
static bool read_flags(struct reader *reader, int argc, char **argv, const char **file)
{
    for (int i = 1; i < argc; i++) {
        const char *name = argv[i] + 2, *value = "";
        size_t size = 0;

        if (strcmp(argv[i], PRINT_FLAG) == 0 || strcmp(argv[i], CHECK_FLAG) == 0)
            continue;
        if (!split_flag(reader, argc, argv, &i, &size, &value))
            return false;
        if (size == 6 && strncmp(name, "config", 6) == 0) {
            if (file != NULL)
                *file = value;
        } else if (file == NULL && !assign_by_name(reader, name, size, value, "command line")) {
            return false;
        }
    }
    return true;
}

static bool read_all(struct reader *reader, int argc, char **argv)
{
    const char *file = getenv("RECSYSD_CONFIG");

    for (size_t i = 0; i < N_SETTINGS; i++)
        if (!assign(reader, &settings[i], settings[i].preset, "default"))
            return false;
    return read_flags(reader, argc, argv, &file) && (file == NULL || read_file(reader, file)) &&
           read_environment(reader) && read_flags(reader, argc, argv, NULL);
}

/* The flag that asks for output instead of a server; RD_CONFIG_RUN if none is given. */
static enum rd_config_verdict find_question(int argc, char **argv)
{
    static const struct {
        const char *flag;
        enum rd_config_verdict verdict;
    } questions[] = {
        {"--help", RD_CONFIG_HELP},
        {"-h", RD_CONFIG_HELP},
        {"--help-markdown", RD_CONFIG_MARKDOWN},
        {"--version", RD_CONFIG_VERSION},
    };
    enum rd_config_verdict verdict = RD_CONFIG_RUN;

    for (int i = 1; i < argc; i++) {
        for (size_t q = 0; q < sizeof questions / sizeof questions[0]; q++)
            if (strcmp(argv[i], questions[q].flag) == 0)
                return questions[q].verdict;
        if (strcmp(argv[i], PRINT_FLAG) == 0)
            verdict = RD_CONFIG_PRINT;
        if (strcmp(argv[i], CHECK_FLAG) == 0)
            verdict = RD_CONFIG_CHECK;
    }
    return verdict;
}

enum rd_config_verdict rd_config_load(struct rd_config *config, int argc, char **argv,
                                      recsys_error *err)
{
    struct reader reader = {config, err};
    enum rd_config_verdict verdict = find_question(argc, argv);

    memset(config, 0, sizeof *config);
    if (verdict != RD_CONFIG_RUN && verdict != RD_CONFIG_PRINT && verdict != RD_CONFIG_CHECK)
        return verdict;
    return read_all(&reader, argc, argv) ? verdict : RD_CONFIG_WRONG;
}

void rd_config_free(struct rd_config *config)
{
    for (size_t i = 0; i < N_SETTINGS; i++)
        if (settings[i].type == RD_TEXT || settings[i].type == RD_SECRET)
            free(*(char **)(void *)((char *)config + settings[i].offset));
    memset(config, 0, sizeof *config);
}
