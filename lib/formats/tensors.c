/* lib/formats/tensors.c - open, close and search tensors; shared by all readers. */
#include "lib/formats/tensors.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/alloc.h"

recsys_status rs_tensors_open(const char *path, const char *name, rs_tensors_parse parse,
                              struct rs_tensors *out, recsys_error *err)
{
    struct rs_map map;

    memset(out, 0, sizeof *out);
    recsys_status status = rs_map_open(path, name, UINT64_MAX, &map, err);
    if (status != RECSYS_OK)
        return status;
    status = parse(map.bytes, map.size, name, out, err);
    if (status != RECSYS_OK)
        rs_map_close(&map);
    else
        out->map = map;
    return status;
}

void rs_tensors_close(struct rs_tensors *tensors)
{
    for (size_t i = 0; i < tensors->n; i++) {
        rs_free(tensors->list[i].name);
        rs_free_aligned(tensors->list[i].copy);
    }
    rs_free(tensors->list);
    rs_map_close(&tensors->map);
    tensors->list = NULL;
    tensors->n = 0;
}

const struct rs_tensor *rs_tensors_find(const struct rs_tensors *tensors, const char *name)
{
    for (size_t i = 0; i < tensors->n; i++)
        if (strcmp(tensors->list[i].name, name) == 0)
            return &tensors->list[i];
    return NULL;
}

void rs_dtype_show(uint32_t dtype, char out[RS_TYPE_SIZE])
{
    static const char *const names[] = {
        [RECSYS_DTYPE_F32] = "F32",   [RECSYS_DTYPE_F64] = "F64", [RECSYS_DTYPE_F16] = "F16",
        [RECSYS_DTYPE_BF16] = "BF16", [RECSYS_DTYPE_I32] = "I32", [RECSYS_DTYPE_U32] = "U32",
        [RECSYS_DTYPE_I64] = "I64",   [RECSYS_DTYPE_U64] = "U64", [RECSYS_DTYPE_U8] = "U8",
    };
    const char *name = dtype < sizeof names / sizeof *names ? names[dtype] : NULL;

    snprintf(out, RS_TYPE_SIZE, "%s", name == NULL ? "?" : name);
}

size_t rs_dtype_size(uint32_t dtype)
{
    switch (dtype) {
    case RECSYS_DTYPE_F64:
    case RECSYS_DTYPE_I64:
    case RECSYS_DTYPE_U64:
        return 8;
    case RECSYS_DTYPE_F32:
    case RECSYS_DTYPE_I32:
    case RECSYS_DTYPE_U32:
        return 4;
    case RECSYS_DTYPE_F16:
    case RECSYS_DTYPE_BF16:
        return 2;
    case RECSYS_DTYPE_U8:
        return 1;
    default:
        return 0;
    }
}
