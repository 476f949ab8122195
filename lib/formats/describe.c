/* lib/formats/describe.c - see describe.h. */
#include "lib/formats/describe.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/buffer.h"

#define MAX_NAME 90 /* bytes shown of one */

const char *rs_tensor_show(const struct rs_tensor *tensor, char out[RS_TENSOR_SHOWN_SIZE])
{
    struct rs_buffer text = {out, 0, RS_TENSOR_SHOWN_SIZE, RS_TENSOR_SHOWN_SIZE - 1, RECSYS_OK};

    rs_buffer_format(&text, "%.*s%s", MAX_NAME, tensor->name,
                     strlen(tensor->name) > MAX_NAME ? "..." : "");
    rs_buffer_format(&text, "%s%s [", tensor->name[0] == '\0' ? "" : " ", tensor->type);
    for (uint32_t i = 0; i < tensor->n_dims && text.status == RECSYS_OK; i++)
        rs_buffer_format(&text, "%s%" PRIu64, i > 0 ? "," : "", tensor->shape[i]);
    rs_buffer_add_text(&text, "]");
    return out;
}

const char *rs_tensors_show(const struct rs_tensors *tensors, char *out, size_t size)
{
    const size_t rest = sizeof " and 18446744073709551615 more";
    char one[RS_TENSOR_SHOWN_SIZE];
    size_t used = 0, i = 0;

    snprintf(out, size, "no arrays");
    for (; i < tensors->n; i++) {
        size_t length = strlen(rs_tensor_show(&tensors->list[i], one));
        if (used + length + 2 + rest > size)
            break;
        used += (size_t)snprintf(out + used, size - used, "%s%s", i > 0 ? ", " : "", one);
    }
    if (i < tensors->n)
        snprintf(out + used, size - used, " and %zu more", tensors->n - i);
    return out;
}

const char *rs_tensor_refusal(const struct rs_tensor *tensor)
{
    switch (tensor->type[1]) {
    case 'O':
        return "pickled objects, which could run programs when they are read; save numbers with "
               ".astype(\"float32\") or .astype(\"int64\"), texts with .astype(str)";
    case 'V':
        return "a type that NumPy did not know (bfloat16 or float8?); save it as float32";
    case 'U':
    case 'S':
        return "texts, which are read in one dimension only";
    case 'c':
        return "complex numbers";
    case 'M':
    case 'm':
        return "dates or times";
    default:
        return "a type that is not read; save it as float32, or ids as int64";
    }
}
