/* daemon/ctl/import/import_seen.c - seen lists from ratings or from scipy's matrix.
 *
 * They replace those of --bundle. A rating that is there again is the newer one; without a column
 * of weights, ratings are counted.
 */
#include <math.h>
#include <stdlib.h>

#include "daemon/ctl/ctl_progress.h"
#include "daemon/ctl/import/import.h"
#include "daemon/ctl/input/ratings_file.h"

static recsys_status add_seen(void *self, const uint32_t *users, const uint32_t *items,
                              const float *weights, size_t n, recsys_error *err)
{
    return recsys_builder_add_seen(self, users, items, weights, n,
                                   weights == NULL ? RECSYS_SEEN_SUM : 0u, err);
}

static recsys_status import_ratings(const struct ctl_arguments *arguments, const char *path,
                                    recsys_builder *builder, recsys_error *err)
{
    struct ctl_ratings_input *input = ctl_allocate(1, sizeof *input);
    recsys_status status;

    input->builder = input->self = builder;
    input->sink = add_seen;
    ctl_ratings_set_options(input, arguments);
    status = ctl_ratings_read(input, path, err);
    if (status == RECSYS_OK) {
        ctl_progress_end();
        status = ctl_ratings_judge(input, ctl_has(arguments, "skip-broken"), err);
    }
    free(input);
    return status;
}

recsys_status ctl_import_seen(const struct ctl_arguments *arguments, recsys_builder *builder,
                              recsys_error *err)
{
    static const char *const others[] = {"seen-offsets", "seen-items", "seen-weights"};
    const char *ratings = ctl_value(arguments, "ratings");
    const char *matrix = ctl_value(arguments, "seen-matrix");
    recsys_status status;

    if (ratings == NULL && matrix == NULL)
        return RECSYS_OK;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if ((ratings != NULL && matrix != NULL) || ctl_has(arguments, others[i]))
            ctl_usage_error(arguments->command, "seen lists come from --ratings, from "
                                                "--seen-matrix or from --seen-offsets, only one "
                                                "of them");
    status = recsys_builder_remove(builder, "seen", err);
    if (status == RECSYS_OK && matrix != NULL)
        status = recsys_builder_import_seen(builder, matrix, err);
    else if (status == RECSYS_OK)
        status = import_ratings(arguments, ratings, builder, err);
    return status;
}
