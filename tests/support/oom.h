/* tests/support/oom.h - out of memory at every place in turn.
 *
 * Each scenario is run once to count its allocations, then again for each of
 * them with that one failing. The call must fail with E_NOMEM and leave no
 * output and no memory behind, or succeed nevertheless; and afterwards what
 * was there before (a model that serves, a cache, a registry) must do what it
 * did. All allocations of the process count, so those that jansson, zlib and
 * OpenSSL make fail too; under sanitizers only the library's own.
 *
 * A sample of the allocations by default, all of them with RECSYS_LONG=1.
 * Each program says FAIL_ALLOC_INTERPOSE itself and calls oom_main().
 */
#ifndef TESTS_SUPPORT_OOM_H
#define TESTS_SUPPORT_OOM_H

#include <limits.h>

#include "recsys/recsys.h"
#include "tests/support/bundle.h"
#include "tests/support/check.h"
#include "tests/support/fail_alloc.h"

/* Of the bundles below. */
#define OOM_N_USERS 12
#define OOM_N_ITEMS 90
#define OOM_D 8

extern char *oom_scratch;            /* a directory for the program's files */
extern char oom_root[PATH_MAX];      /* an empty registry in it */
extern struct bundle oom_bundles[3]; /* "full", "texts" and "cosine" in it */
extern recsys_error oom_err;         /* of the last call */

/* The allocation that fails in this run, or -1; and how many there were. */
struct oom_run {
    long fail_at, n_fail, n_calls, n_spared;
    int mappings; /* mmap() fails instead of malloc() */
};
extern struct oom_run oom_run;

void oom_arm(void);
void oom_disarm(void);

/* Run one call of the library in which memory may run out. */
#define FAILING(status, call)                                                                      \
    do {                                                                                           \
        oom_arm();                                                                                 \
        (status) = (call);                                                                         \
        oom_disarm();                                                                              \
    } while (0)

/* The path of a file in oom_scratch, of the last four that were asked for. */
const char *oom_path(const char *name);
/* The path of a file in tests/fixtures/npz. */
const char *oom_fixture(const char *name);
recsys_model *oom_load_model(const char *name);
/* Does this model still answer as it did? The first user's best item says it. */
void oom_check_answers(const recsys_model *model, const struct bundle *bundle);

struct oom_scenario {
    const char *name;
    recsys_status (*run)(void);
    recsys_status other; /* a documented status beside E_NOMEM; 0 = none */
};

/* Write the bundles, run all scenarios, with malloc() failing and with mmap() failing, and say
 * what came of it: main()'s value. `interposed` is the program's FAIL_ALLOC_INTERPOSED. */
int oom_main(const struct oom_scenario *scenarios, size_t n_scenarios, int interposed);

#endif
