/* recsys/bytes.h - bytes that are handed over, and bytes that are handed out. */
#ifndef RECSYS_BYTES_H
#define RECSYS_BYTES_H

#include <stddef.h>

#include "export.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Bytes of the caller's: a key, a value, part of a key. Passed by value; what
 * they point to is BORROWED for the call, unless a function says COPIED.
 * `data` may be NULL only if `size` is 0. Frozen.
 */
typedef struct recsys_bytes {
    const void *data;
    size_t size;
} recsys_bytes;

/*
 * A value as it is handed out: BORROWED until recsys_value_release(), which
 * must be called once for each value, by any thread. It stays valid until then,
 * whatever happens to the key, the cache or the store it came from.
 * `data` is NULL if there is none; an empty value has a `data` and size 0. Frozen.
 */
typedef struct recsys_value {
    const void *data;
    size_t size;
    void *hold;                  /* whatever keeps the bytes */
    void (*release)(void *hold); /* NULL: nothing to give back */
} recsys_value;

/* Give a value back and make it empty. NULL and an empty value are allowed. Since: 0.1 */
RECSYS_API void recsys_value_release(recsys_value *value);

#ifdef __cplusplus
}
#endif

#endif
