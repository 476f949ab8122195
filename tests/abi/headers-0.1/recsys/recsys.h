/*
 * recsys/recsys.h - librecsys: an embeddable library that serves recommendations.
 *
 * Includes every header of the library, in the order in which to read them:
 *
 *   version.h status.h    which library this is; how calls fail
 *   log.h alloc.h         hooks, both silent by default
 *   model.h catalog.h     what is loaded: vectors, ids, seen lists, items
 *   recommend.h           ask for recommendations - start here
 *   scorer.h              exact top-K for vectors of your own
 *   slot.h                swap a model while serving
 *   registry.h            a directory of published versions
 *   deployment.h          load, check, use, roll back
 *   builder.h             write a model bundle
 *   cache.h               bounded in-process cache, one loader a key
 *   store.h               a key-value store: in-process, Redis, your own
 *   source.h              a database: statements, parameters, rows, JSON
 *   aside.h               cache-aside over a store
 *   domain.h              ready caches over a database, and your own
 *   denylist.h limiter.h  revoked tokens; rate limits
 *   stats.h               counters and histograms for Prometheus
 *
 * redis.h and postgres.h belong to librecsys-redis and librecsys-postgres and
 * are included by those who link them.
 *
 * The smallest program loads a model, asks, prints (examples/01_recommend.c).
 *
 * Rules that hold everywhere:
 *
 *   Errors      Fallible calls return recsys_status, 0 or negative, and describe
 *               a failure in the recsys_error given as last argument, if any.
 *               Outputs are NULL or zero after a failure.
 *   Options     Structs that begin with struct_size: set it (or call _init), zero
 *               in any other field means the default.
 *   Ownership   OWNED: give back with the named function. SHARED: counted.
 *               BORROWED: points into something; until when is said. COPIED: the
 *               caller may reuse his at once. Destructors accept NULL.
 *   Threads     IMMUTABLE: any number of threads at once. SYNCHRONIZED: any
 *               thread, the library locks. ONE THREAD AT A TIME: one per worker.
 *   The library never exits, prints, starts a thread unasked, touches signals or
 *   changes BLAS settings. After fork() a child may only exec or exit.
 */
#ifndef RECSYS_RECSYS_H
#define RECSYS_RECSYS_H

/* clang-format off */
#include "version.h"
#include "status.h"
#include "log.h"
#include "alloc.h"
#include "model.h"
#include "catalog.h"
#include "recommend.h"
#include "scorer.h"
#include "slot.h"
#include "registry.h"
#include "deployment.h"
#include "builder.h"
#include "cache.h"
#include "stats.h"
#include "store.h"
#include "source.h"
#include "aside.h"
#include "domain.h"
#include "denylist.h"
#include "limiter.h"
/* clang-format on */

#endif
