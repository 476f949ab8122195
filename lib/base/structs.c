/* lib/base/structs.c - see structs.h. */
#include "lib/base/structs.h"

#include <inttypes.h>
#include <string.h>

#include "lib/base/error.h"
#include "recsys/version.h"

static uint32_t size_of(const void *sized)
{
    uint32_t size;

    memcpy(&size, sized, sizeof size);
    return size;
}

static recsys_status check_size(uint32_t size, size_t v1_size, const char *what, recsys_error *err)
{
    if (size >= v1_size && size <= RS_STRUCT_MAX_SIZE)
        return RECSYS_OK;
    return rs_error(err, RECSYS_E_INVALID,
                    "%s: struct_size is %" PRIu32
                    ", must be at least %zu; set it to sizeof, as the "
                    "_INIT macro does",
                    what, size, v1_size);
}

recsys_status rs_struct_read(void *dst, size_t dst_size, const void *src, size_t v1_size,
                             const char *what, recsys_error *err)
{
    uint32_t own = (uint32_t)dst_size;

    memset(dst, 0, dst_size);
    if (src == NULL) {
        memcpy(dst, &own, sizeof own);
        return RECSYS_OK;
    }
    uint32_t size = size_of(src);
    recsys_status status = check_size(size, v1_size, what, err);
    if (status != RECSYS_OK)
        return status;
    for (size_t i = dst_size; i < size; i++)
        if (((const unsigned char *)src)[i] != 0)
            return rs_error(err, RECSYS_E_UNSUPPORTED,
                            "%s: a field is set that is newer than this library (%s)", what,
                            recsys_version_string());
    memcpy(dst, src, size < dst_size ? size : dst_size);
    memcpy(dst, &own, sizeof own);
    return RECSYS_OK;
}

recsys_status rs_struct_begin(void *out, size_t v1_size, const char *what, recsys_error *err)
{
    if (out == NULL)
        return rs_error(err, RECSYS_E_INVALID, "%s is NULL", what);
    uint32_t size = size_of(out);
    recsys_status status = check_size(size, v1_size, what, err);
    if (status != RECSYS_OK)
        return status;
    memset((unsigned char *)out + sizeof size, 0, size - sizeof size);
    return RECSYS_OK;
}

void rs_struct_write(void *out, const void *src, size_t src_size)
{
    uint32_t room = size_of(out);
    uint32_t filled = room < src_size ? room : (uint32_t)src_size;

    memcpy(out, src, filled);
    memcpy(out, &filled, sizeof filled);
}

recsys_status rs_reserved(uint64_t value, const char *what, recsys_error *err)
{
    if (value == 0)
        return RECSYS_OK;
    return rs_error(err, RECSYS_E_UNSUPPORTED,
                    "%s is 0x%" PRIx64 ": not known to this library (%s)", what, value,
                    recsys_version_string());
}
