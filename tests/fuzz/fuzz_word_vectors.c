/* tests/fuzz/fuzz_word_vectors.c - any bytes as a file of word2vec's (text or binary) or
 * fastText's.
 *
 * An accepted file must keep its promises: as many words as vectors, offsets that lie in the bytes
 * of the words, words of 1 to 255 bytes, and numbers that can all be read.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "lib/formats/word_vectors.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(struct rs_tensors *tensors)
{
    const struct rs_tensor *items = rs_tensors_find(tensors, "item_factors");
    const struct rs_tensor *words = rs_tensors_find(tensors, "item_ids");
    const uint64_t *ends = rs_tensors_find(tensors, "item_ids_offsets")->data;
    volatile uint8_t sum = 0;

    for (size_t b = 0; b < items->n_bytes; b++)
        sum = (uint8_t)(sum + ((const uint8_t *)items->data)[b]);
    for (uint64_t i = 0; i < items->shape[0]; i++) {
        uint64_t length = ends[i + 1] - ends[i];
        if (length < 2 || length > 256 || ends[i + 1] > words->n_bytes ||
            strlen((const char *)words->data + ends[i]) + 1 != length)
            __builtin_trap();
    }
    if (items->n_bytes != items->shape[0] * items->shape[1] * sizeof(float))
        __builtin_trap();
    rs_tensors_close(tensors);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rs_tensors tensors;
    recsys_error err;

    if (rs_word2vec_parse(data, size, "fuzz", &tensors, &err) == RECSYS_OK)
        check(&tensors);
    if (rs_fasttext_parse(data, size, "fuzz", &tensors, &err) == RECSYS_OK)
        check(&tensors);
    return 0;
}
