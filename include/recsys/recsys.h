/*
 * recsys/recsys.h - librecsys: an embeddable library that serves recommendations.
 *
 * Includes the headers of four groups. Each group needs only what stands above it;
 * docs/abi.md says what is promised for each. In the order in which to read them:
 *
 *   Common    version.h status.h    which library this is; how calls fail
 *             log.h alloc.h stats.h hooks, silent by default; metrics for Prometheus
 *
 *   Core      array.h               numbers in memory, with strides
 *             model.h catalog.h     what is loaded: vectors, ids, seen lists, items
 *             recommend.h           ask for recommendations - start here
 *             scorer.h              exact top-K for vectors of your own
 *             slot.h                swap a model while serving
 *             registry.h            a directory of published versions
 *             deployment.h          load, check, use, roll back
 *             builder.h             write a model bundle
 *
 *   Cache     bytes.h cache.h       bytes; a bounded in-process cache
 *             store.h               a key-value store: in-process, Redis, your own
 *             aside.h               cache-aside over a store
 *
 *   Domains   source.h              a database: statements, parameters, rows, JSON
 *             domain.h              caches over a database: the engine
 *
 *   Guards    denylist.h limiter.h  revoked tokens; rate limits
 *
 * Not included: recycling.h (the ready domains of one service) and the headers of
 * libraries of their own, redis.h (librecsys-redis), postgres.h
 * (librecsys-postgres) and mlflow.h (librecsys-mlflow).
 *
 * The smallest program (examples/01_recommend.c) loads a model, asks for
 * recommendations and prints them.
 *
 * Rules that hold everywhere:
 *
 *   Errors      A call that can fail returns a recsys_status, 0 or negative, and
 *               describes a failure in the recsys_error that the caller gives as
 *               last argument; NULL is allowed. A call that returns RECSYS_OK
 *               does not change that record. After a failure all outputs are
 *               NULL or zero.
 *   Structs     A struct that begins with struct_size can grow. Before use, set it
 *               to its _INIT macro, or set all of it to zero and struct_size to
 *               sizeof. Zero in any other field means the default. The library
 *               fills a result of this kind as far as the caller has room, and
 *               writes to struct_size how far that is. A reserved field, or a bit
 *               of a flags field, that this library does not know must be zero;
 *               otherwise the call fails with E_UNSUPPORTED.
 *   Ownership   OWNED: the caller gives the object back with the named function.
 *               SHARED: the object is counted; call its _unref once for each
 *               reference. An object that uses another one holds a reference of
 *               its own, so references may be given back in any order. BORROWED:
 *               the pointer points into another object; the comment says until
 *               when it is valid. COPIED: the caller may reuse its memory at once.
 *               Functions that give something back accept NULL.
 *   Threads     IMMUTABLE: any number of threads may use the object at once.
 *               SYNCHRONIZED: any thread at any time; the library locks. ONE
 *               THREAD AT A TIME: make one object for each thread.
 *   Callbacks   The library calls them on the calling thread and without holding a
 *               lock, unless their description says otherwise. The error record
 *               that they receive is zeroed and never NULL. They return a status
 *               of the table; any other number becomes E_CALLBACK. A callback that
 *               receives one element after the other returns 0 to go on; any other
 *               number stops, and the call fails with E_STOPPED. No exception and
 *               no longjmp may leave a callback.
 *   Times       The unit is in the name (_ms, _s). 0 means the default that stands
 *               beside the field.
 *   fork()      In a child, models and filters go on working, and so do recommenders
 *               and scorers without helper threads. An object that has threads or
 *               connections of the parent fails with E_STATE there; the child may
 *               only give it back.
 *   The library never exits the process, never prints, starts no thread unless the
 *   caller asks for one, and never changes signals or BLAS settings.
 */
#ifndef RECSYS_RECSYS_H
#define RECSYS_RECSYS_H

/* clang-format off */
#include "version.h"
#include "status.h"
#include "log.h"
#include "alloc.h"
#include "stats.h"

#include "array.h"
#include "model.h"
#include "catalog.h"
#include "recommend.h"
#include "scorer.h"
#include "split.h"
#include "slot.h"
#include "batcher.h"
#include "registry.h"
#include "ranking.h"
#include "comparison.h"
#include "deployment.h"
#include "builder.h"

#include "bytes.h"
#include "cache.h"
#include "store.h"
#include "aside.h"

#include "source.h"
#include "domain.h"

#include "denylist.h"
#include "limiter.h"
/* clang-format on */

#endif
