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
 * libraries of their own, redis.h (librecsys-redis) and postgres.h
 * (librecsys-postgres).
 *
 * The smallest program loads a model, asks, prints (examples/01_recommend.c).
 *
 * Rules that hold everywhere:
 *
 *   Errors      Fallible calls return recsys_status, 0 or negative, and describe
 *               a failure in the recsys_error given as last argument, if any. A
 *               call that returns RECSYS_OK leaves that record as it was.
 *               Outputs are NULL or zero after a failure, whatever failed.
 *   Structs     Those that begin with struct_size can grow: begin with the struct's
 *               _INIT macro, or zero it and set struct_size to sizeof. Zero in any
 *               other field means the default. Results of this kind are filled
 *               as far as the caller has room; struct_size then says how far. A
 *               reserved field, or a bit of a flags field, that this library
 *               does not know is E_UNSUPPORTED unless it is zero.
 *   Ownership   OWNED: give back with the named function. SHARED: counted, one
 *               _unref for each reference; what uses an object holds a reference of
 *               its own, so references may be given back in any order. BORROWED:
 *               points into something; until when is said. COPIED: the caller may
 *               reuse his memory at once. Functions that give back accept NULL.
 *   Threads     IMMUTABLE: any number of threads at once. SYNCHRONIZED: any
 *               thread, the library locks. ONE THREAD AT A TIME: one per worker.
 *   Callbacks   Run on the calling thread, without locks of the library held,
 *               unless their description says otherwise. The error record they are
 *               given is zeroed and never NULL. They return a status of the table
 *               (another number is E_CALLBACK) or, where the library walks through
 *               something, 0 to go on; anything else stops, and the call
 *               returns E_STOPPED. No exception and no longjmp may leave one.
 *   Times       Units are in the name (_ms, _s). 0 means the default that is
 *               written beside it.
 *   fork()      In a child, models, filters, and recommenders and scorers without
 *               helper threads go on working. What has threads or connections of
 *               the parent says E_STATE there and may only be given back.
 *   The library never exits, prints, starts a thread unasked, touches signals or
 *   changes BLAS settings.
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
#include "slot.h"
#include "registry.h"
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
