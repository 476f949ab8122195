/* daemon/config/link.c - see link.h. */
#include "daemon/config/link.h"

#include <math.h>
#include <string.h>

#include "daemon/config/wrong.h"
#include "lib/base/real.h"

static bool read_limit(const char *text, size_t size, float *out)
{
    double value;

    if (!rs_real_read(text, size, &value))
        return false;
    *out = (float)value;
    return isfinite(*out);
}

/* "0.5:5" */
static bool read_range(const char *text, recsys_model_options *out)
{
    const char *colon = strchr(text, ':');

    return colon != NULL && read_limit(text, (size_t)(colon - text), &out->link_min) &&
           read_limit(colon + 1, strlen(colon + 1), &out->link_max) &&
           out->link_min < out->link_max;
}

bool rd_link_read(const char *text, const char *name, recsys_model_options *out, recsys_error *err)
{
    static const char linear[] = "linear:";

    out->link = 0u;
    if (text[0] == '\0')
        return true;
    if (strcmp(text, "sigmoid") == 0)
        out->link = RECSYS_LINK_SIGMOID;
    else if (strcmp(text, "clip") == 0)
        out->link = RECSYS_LINK_CLIP;
    else if (strncmp(text, linear, sizeof linear - 1u) == 0 &&
             read_range(text + sizeof linear - 1u, out))
        out->link = RECSYS_LINK_LINEAR;
    else
        return rd_wrong(err, "%s must be sigmoid, clip or linear:MIN:MAX with MIN < MAX, not '%s'",
                        name, text);
    return true;
}
