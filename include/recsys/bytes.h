/* recsys/bytes.h - bytes that the caller gives, and values that the library gives. */
#ifndef RECSYS_BYTES_H
#define RECSYS_BYTES_H

#include <stddef.h>

#include "export.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Bytes of the caller: a key, a value, a part of a key. The struct is passed by
 * value; the bytes are BORROWED for the call, unless a function says COPIED.
 * `data` may be NULL only if `size` is 0. Frozen.
 */
typedef struct recsys_bytes {
    const void *data;
    size_t size;
} recsys_bytes;

/*
 * A value that the library gives: BORROWED until recsys_value_release(), which
 * must be called once for each value, by any thread. Until then the value stays
 * valid, whatever happens to its key, its cache or its store.
 * `data` is NULL if there is no value; an empty value has a `data` and size 0.
 * Frozen.
 */
typedef struct recsys_value {
    const void *data;
    size_t size;
    void *hold;                  /* the object that holds the bytes */
    void (*release)(void *hold); /* NULL: nothing to give back */
} recsys_value;

/* Give a value back and make it empty. NULL and an empty value are allowed. Since: 0.1 */
RECSYS_API void recsys_value_release(recsys_value *value);

#ifdef __cplusplus
}
#endif

#endif
