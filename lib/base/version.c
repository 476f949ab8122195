/* lib/base/version.c - the version that was built. */
#include "recsys/version.h"

uint32_t recsys_version_number(void)
{
    return RECSYS_VERSION_NUMBER;
}

const char *recsys_version_string(void)
{
    return RECSYS_VERSION_STRING;
}
