/* lib/base/options.c - the four rules by which old and new callers meet. */
#include "lib/base/options.h"

#include <stdint.h>
#include <string.h>

#include "lib/base/error.h"
#include "recsys/version.h"

recsys_status rs_options_copy(void *dst, size_t dst_size, const void *src, size_t v1_size)
{
    uint32_t src_size;

    memset(dst, 0, dst_size);
    if (src == NULL)
        return RECSYS_OK;

    memcpy(&src_size, src, sizeof src_size);
    if (src_size < v1_size || src_size > RS_OPTIONS_MAX_SIZE)
        return RECSYS_E_INVALID;

    for (size_t i = dst_size; i < src_size; i++)
        if (((const unsigned char *)src)[i] != 0)
            return RECSYS_E_UNSUPPORTED;

    memcpy(dst, src, src_size < dst_size ? src_size : dst_size);
    return RECSYS_OK;
}

recsys_status rs_options_error(recsys_error *err, recsys_status status, const char *function)
{
    if (status == RECSYS_E_UNSUPPORTED)
        return rs_error(err, status,
                        "%s: the options use a field that is newer than this library (%s)",
                        function, recsys_version_string());
    return rs_error(err, status, "%s: options->struct_size is not set; call the _init function",
                    function);
}
