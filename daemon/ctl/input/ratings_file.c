/* daemon/ctl/input/ratings_file.c - see ratings_file.h.
 *
 * Twenty-five million lines are a usual size, so a line allocates nothing, and the row of a user is
 * kept for the next line, since such files are mostly sorted by user. Ratings go on in batches.
 */
#include "daemon/ctl/input/ratings_file.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/ctl/input/csv.h"
#include "lib/base/error.h"
#include "lib/base/real.h"

#define MAX_NAMES 6
#define NO_ROW UINT64_MAX

static const struct {
    const char *name, *usual[MAX_NAMES];
} fields[CTL_RATING_N_COLUMNS] = {
    [CTL_RATING_USER] = {"user", {"userId", "user_id", "user", "uid", NULL}},
    [CTL_RATING_ITEM] = {"item", {"movieId", "item_id", "itemId", "item", "movie_id", NULL}},
    [CTL_RATING_WEIGHT] = {"weight", {"rating", "weight", "score", "count", NULL}},
};

/* The file on its way to the sink. */
struct ratings {
    struct ctl_ratings_input *input;
    struct ctl_csv *csv;
    size_t at[CTL_RATING_N_COLUMNS]; /* columns */
    char last_user[RECSYS_ID_MAX_TEXT + 1];
    uint64_t last_row; /* of last_user */
    uint32_t users[CTL_RATINGS_BATCH], items[CTL_RATINGS_BATCH];
    float weights[CTL_RATINGS_BATCH];
    size_t n;
};

/* FIELD=NAME. */
static bool set_column(struct ctl_ratings_input *input, const char *given)
{
    const char *equals = strchr(given, '=');

    for (size_t i = 0; equals != NULL && i < CTL_RATING_N_COLUMNS; i++)
        if (strlen(fields[i].name) == (size_t)(equals - given) &&
            memcmp(fields[i].name, given, (size_t)(equals - given)) == 0) {
            input->columns[i] = equals + 1;
            return true;
        }
    return false;
}

void ctl_ratings_set_options(struct ctl_ratings_input *input, const struct ctl_arguments *arguments)
{
    size_t n;
    const char **columns = ctl_values(arguments, "ratings-column", &n);

    for (size_t i = 0; i < n; i++)
        if (!set_column(input, columns[i]))
            ctl_usage_error(arguments->command,
                            "--ratings-column needs FIELD=NAME with a FIELD of user, item or "
                            "weight, not '%s'",
                            columns[i]);
    free(columns);
    input->min_weight = ctl_number(arguments, "ratings-min", -1e30, 1e30, -INFINITY);
    input->strict = ctl_has(arguments, "strict");
}

static recsys_status find_columns(struct ratings *ratings, recsys_error *err)
{
    struct ctl_ratings_input *input = ratings->input;

    for (size_t i = 0; i < CTL_RATING_N_COLUMNS; i++) {
        const char *given = input->columns[i];
        ratings->at[i] = given != NULL ? ctl_csv_find(ratings->csv, given) : SIZE_MAX;
        for (size_t j = 0; given == NULL && ratings->at[i] == SIZE_MAX && fields[i].usual[j]; j++)
            ratings->at[i] = ctl_csv_find(ratings->csv, fields[i].usual[j]);
        if (ratings->at[i] == SIZE_MAX && (given != NULL || i != CTL_RATING_WEIGHT))
            return ctl_csv_refuse(ratings->csv, input->problems.path,
                                  given != NULL ? given : fields[i].usual[0], "--ratings-column",
                                  err);
    }
    input->has_weights = ratings->at[CTL_RATING_WEIGHT] != SIZE_MAX;
    return RECSYS_OK;
}

/* An integer from 0, perhaps with ".0" as pandas writes it. */
static bool read_number(const char *text, uint64_t *out)
{
    size_t n = strspn(text, "0123456789");

    *out = 0;
    if (n == 0 || n > 19)
        return false;
    for (size_t i = 0; i < n; i++)
        *out = *out * 10u + (uint64_t)(text[i] - '0');
    text += n;
    if (text[0] == '.')
        text += 1 + strspn(text + 1, "0");
    return *text == '\0' && *out <= INT64_MAX;
}

/* NO_ROW: a problem, or the model does not have it. */
static uint64_t find_row(struct ratings *ratings, const char *text, int field)
{
    struct ctl_ratings_input *input = ratings->input;
    bool is_user = field == CTL_RATING_USER;
    recsys_id id = {NULL, 0};
    uint64_t row = 0;

    text += strspn(text, " ");
    if (input->kinds[field] == RECSYS_ID_KIND_TEXT) {
        id = (recsys_id){text, strlen(text)};
        while (id.number > 0 && text[id.number - 1] == ' ')
            id.number--;
    }
    if (id.text == NULL ? !read_number(text, &id.number)
                        : id.number < 1 || id.number > RECSYS_ID_MAX_TEXT) {
        ctl_problems_add(&input->problems, ratings->csv->line, "the %s is \"%.80s\", must be %s",
                         fields[field].name, text,
                         id.text != NULL ? "a text of 1 to 255 bytes"
                                         : "an integer from 0, as the model's ids are");
        return NO_ROW;
    }
    if (recsys_builder_find(input->builder, is_user ? "user_ids" : "item_ids", id, &row, NULL) ==
        RECSYS_OK)
        return row;
    *(is_user ? &input->n_unknown_users : &input->n_unknown_items) += 1;
    if (input->strict)
        ctl_problems_add(&input->problems, ratings->csv->line, "no %s %.255s", fields[field].name,
                         text);
    return NO_ROW;
}

static uint64_t find_user(struct ratings *ratings)
{
    const char *text = ctl_csv_field(ratings->csv, ratings->at[CTL_RATING_USER]);

    if (ratings->last_row == NO_ROW || strcmp(ratings->last_user, text) != 0) {
        ratings->last_row = find_row(ratings, text, CTL_RATING_USER);
        if (strlen(text) < sizeof ratings->last_user)
            memcpy(ratings->last_user, text, strlen(text) + 1);
        else
            ratings->last_user[0] = '\0';
    }
    return ratings->last_row;
}

/* "4.5": both numbers are exact, so their quotient is the nearest one. */
static bool read_short_decimal(const char *text, double *out)
{
    double value = 0.0, scale = 1.0;
    size_t n = 0;

    for (; *text >= '0' && *text <= '9'; n++)
        value = value * 10.0 + (*text++ - '0');
    if (*text == '.' && n > 0)
        for (text++; *text >= '0' && *text <= '9'; n++, scale *= 10.0)
            value = value * 10.0 + (*text++ - '0');
    *out = value / scale;
    return n > 0 && n <= 15 && *text == '\0';
}

static bool read_weight(struct ratings *ratings, double *out)
{
    const char *text;

    *out = 1.0;
    if (!ratings->input->has_weights)
        return true;
    text = ctl_csv_field(ratings->csv, ratings->at[CTL_RATING_WEIGHT]);
    text += strspn(text, " ");
    if (read_short_decimal(text, out) ||
        (rs_real_read(text, strlen(text), out) != 0 && isfinite((float)*out)))
        return true;
    ctl_problems_add(&ratings->input->problems, ratings->csv->line,
                     "the %s is \"%.80s\", must be a number",
                     ctl_csv_name(ratings->csv, ratings->at[CTL_RATING_WEIGHT]), text);
    return false;
}

static recsys_status flush_batch(struct ratings *ratings, recsys_error *err)
{
    struct ctl_ratings_input *input = ratings->input;
    size_t n = ratings->n;

    ratings->n = 0;
    input->n_taken += n;
    return input->sink(input->self, ratings->users, ratings->items,
                       input->has_weights ? ratings->weights : NULL, n, err);
}

static recsys_status take_record(struct ratings *ratings, recsys_error *err)
{
    struct ctl_ratings_input *input = ratings->input;
    const char *item_id = ctl_csv_field(ratings->csv, ratings->at[CTL_RATING_ITEM]);
    double weight;
    uint64_t user = find_user(ratings);
    uint64_t item = user == NO_ROW ? NO_ROW : find_row(ratings, item_id, CTL_RATING_ITEM);

    input->n_ratings++;
    if (!read_weight(ratings, &weight) || item == NO_ROW)
        return RECSYS_OK;
    if (weight < input->min_weight) {
        input->n_below++;
        return RECSYS_OK;
    }
    ratings->users[ratings->n] = (uint32_t)user;
    ratings->items[ratings->n] = (uint32_t)item;
    ratings->weights[ratings->n] = (float)weight;
    return ++ratings->n == CTL_RATINGS_BATCH ? flush_batch(ratings, err) : RECSYS_OK;
}

static recsys_status read_records(struct ratings *ratings, recsys_error *err)
{
    struct ctl_problems *problems = &ratings->input->problems;
    enum ctl_csv_result result = CTL_CSV_RECORD;
    recsys_status status = RECSYS_OK;

    while (status == RECSYS_OK &&
           ((result = ctl_csv_next(ratings->csv)) == CTL_CSV_RECORD || result == CTL_CSV_BROKEN)) {
        if (result == CTL_CSV_RECORD)
            status = take_record(ratings, err);
        else
            ctl_problems_add(problems, ratings->csv->line, "%s", ratings->csv->problem);
    }
    if (result == CTL_CSV_FAILED)
        ctl_problems_add(problems, ratings->csv->line, "%s; the lines behind it were not read",
                         ratings->csv->problem);
    return status == RECSYS_OK ? flush_batch(ratings, err) : status;
}

static recsys_status read_file(struct ratings *ratings, FILE *file, recsys_error *err)
{
    const char *path = ratings->input->problems.path;
    enum ctl_csv_result result = ctl_csv_begin(ratings->csv, file, 0);
    recsys_status status;

    if (result == CTL_CSV_END)
        return rs_error(err, RECSYS_E_FORMAT, "%s: the file is empty", path);
    if (result != CTL_CSV_RECORD)
        return rs_error(err, RECSYS_E_FORMAT, "%s:%" PRIu64 ": %s", path, ratings->csv->line,
                        ratings->csv->problem);
    status = find_columns(ratings, err);
    return status == RECSYS_OK ? read_records(ratings, err) : status;
}

recsys_status ctl_ratings_read(struct ctl_ratings_input *input, const char *path, recsys_error *err)
{
    struct ratings *ratings = ctl_allocate(1, sizeof *ratings);
    FILE *file = fopen(path, "rb");
    uint64_t n;
    recsys_status status;

    input->problems.path = path;
    ratings->input = input;
    ratings->last_row = NO_ROW;
    ratings->csv = ctl_allocate(1, sizeof *ratings->csv);
    if (file == NULL)
        status = rs_error_sys(err, errno, "%s", path);
    else if ((status = recsys_builder_get_ids(input->builder, "user_ids", &n, &input->kinds[0],
                                              err)) == RECSYS_OK &&
             (status = recsys_builder_get_ids(input->builder, "item_ids", &n, &input->kinds[1],
                                              err)) == RECSYS_OK)
        status = read_file(ratings, file, err);
    ctl_csv_end(ratings->csv);
    free(ratings->csv);
    free(ratings);
    if (file != NULL)
        fclose(file);
    return status;
}

/* How many were left out, and why. */
static void print_left_out(const struct ctl_ratings_input *input)
{
    const struct {
        uint64_t n;
        const char *why;
    } counts[] = {{input->n_unknown_users, "of users that the model does not have"},
                  {input->n_unknown_items, "of items that it does not have"},
                  {input->n_below, "below the limit"}};

    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        if (counts[i].n > 0)
            fprintf(stderr, "recsysctl: %s: left out %" PRIu64 " of %" PRIu64 " ratings, %s\n",
                    input->problems.path, counts[i].n, input->n_ratings, counts[i].why);
}

recsys_status ctl_ratings_judge(const struct ctl_ratings_input *input, bool skip_broken,
                                recsys_error *err)
{
    const struct ctl_problems *problems = &input->problems;

    ctl_problems_print(problems);
    if (problems->count > 0 && !skip_broken)
        return rs_error(err, RECSYS_E_FORMAT,
                        "%s: %" PRIu64 " problem%s (--skip-broken leaves such lines out)",
                        problems->path, problems->count, problems->count == 1 ? "" : "s");
    print_left_out(input);
    if (input->n_taken == 0)
        return rs_error(err, RECSYS_E_FORMAT,
                        "%s: none of the %" PRIu64 " ratings is of a user and an item that the "
                        "model has (--ratings-column FIELD=NAME says where their ids are)",
                        problems->path, input->n_ratings);
    return RECSYS_OK;
}
