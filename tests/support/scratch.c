/* tests/support/scratch.c - see scratch.h. */
#include "tests/support/scratch.h"

#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/support/bundle.h"

char *scratch;

int scratch_set_up(void **state)
{
    (void)state;
    scratch = bundle_make_directory();
    return 0;
}

int scratch_tear_down(void **state)
{
    (void)state;
    bundle_remove_directory(scratch);
    free(scratch);
    scratch = NULL;
    return 0;
}

const char *path_in(const char *folder, const char *name)
{
    static char paths[4][PATH_MAX];
    static unsigned next;
    char *path = paths[next++ % 4];

    snprintf(path, PATH_MAX, "%s/%s", folder, name);
    return path;
}

const char *in_scratch(const char *name)
{
    return path_in(scratch, name);
}
