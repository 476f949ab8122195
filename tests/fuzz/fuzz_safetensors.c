/* tests/fuzz/fuzz_safetensors.c - any bytes as a .safetensors file.
 *
 * An accepted file must keep its promises: every byte of every tensor that is
 * given can be read, at an address that suits its type.
 */
#include <stddef.h>
#include <stdint.h>

#include "lib/formats/tensors.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rs_tensors tensors;
    recsys_error err;

    if (rs_safetensors_parse(data, size, "fuzz", &tensors, &err) != RECSYS_OK)
        return 0;
    for (size_t i = 0; i < tensors.n; i++) {
        const struct rs_tensor *tensor = &tensors.list[i];
        volatile uint8_t sum = 0;
        if (tensor->dtype == 0)
            continue;
        if ((uintptr_t)tensor->data % rs_dtype_size(tensor->dtype) != 0 || tensor->n_bytes > size)
            __builtin_trap();
        for (size_t b = 0; b < tensor->n_bytes; b++)
            sum = (uint8_t)(sum + ((const uint8_t *)tensor->data)[b]);
    }
    rs_tensors_close(&tensors);
    return 0;
}
