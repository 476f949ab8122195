/* lib/base/refs.h - the references of a SHARED object: an atomic count, 1 when it is made. */
#ifndef RS_BASE_REFS_H
#define RS_BASE_REFS_H

#include <stdatomic.h>

static inline void rs_refs_take(atomic_uint *refs)
{
    atomic_fetch_add_explicit(refs, 1u, memory_order_relaxed);
}

/* 1 if it was the last reference: the caller destroys the object. Release: what this thread did
 * with the object comes before. Acquire: the thread that destroys it has seen all of that. */
static inline int rs_refs_drop(atomic_uint *refs)
{
    return atomic_fetch_sub_explicit(refs, 1u, memory_order_acq_rel) == 1u;
}

#endif
