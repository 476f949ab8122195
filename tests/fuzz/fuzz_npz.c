/* tests/fuzz/fuzz_npz.c - any bytes as an .npz archive, or as a .npy file.
 *
 * An accepted array must keep its promises: sizes agree with shapes and every
 * byte that is given can be read, at an address that suits its type. An
 * unpacked archive stays within its bound.
 */
#include <stddef.h>
#include <stdint.h>

#include "lib/bundle/implicit.h"
#include "lib/formats/tensors.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(struct rs_tensors *tensors)
{
    for (size_t i = 0; i < tensors->n; i++) {
        const struct rs_tensor *tensor = &tensors->list[i];
        size_t unit = rs_dtype_size(tensor->dtype), n = unit;
        volatile uint8_t sum = 0;
        if (tensor->dtype == 0)
            continue;
        for (uint32_t k = 0; k < tensor->n_dims; k++)
            n *= (size_t)tensor->shape[k];
        if ((uintptr_t)tensor->data % unit != 0 || n != tensor->n_bytes)
            __builtin_trap();
        for (size_t b = 0; b < tensor->n_bytes; b++)
            sum = (uint8_t)(sum + ((const uint8_t *)tensor->data)[b]);
    }
    rs_tensors_close(tensors);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rs_tensors tensors;
    struct rs_implicit implicit;
    recsys_error err;

    if (rs_npz_parse(data, size, "fuzz", &tensors, &err) == RECSYS_OK) {
        (void)(rs_implicit_detect(&tensors, "fuzz", &implicit, &err) == RECSYS_OK);
        check(&tensors);
    }
    if (rs_npy_parse(data, size, "fuzz", &tensors, &err) == RECSYS_OK)
        check(&tensors);
    return 0;
}
