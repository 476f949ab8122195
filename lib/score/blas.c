/* lib/score/blas.c - the only file that includes cblas.h.
 *
 * Any CBLAS works. Functions that only OpenBLAS has (for its name and its thread count) are found
 * at run time through weak symbols. The thread count is reported, and only
 * recsys_blas_set_threads() changes it.
 *
 * OpenBLAS built for one thread (Debian's "serial" flavour) gives the same buffer to two threads
 * that call it at the same time, and both get wrong numbers. With it the library's calls wait for
 * each other: each holds the lock `door` until it ends, which it only takes and releases with other
 * flavours. The host's own calls to BLAS are not protected; see docs/pitfalls.md.
 */
#include "lib/score/blas.h"

#include <cblas.h>
#include <limits.h>
#include <stdatomic.h>

#include "lib/base/error.h"
#include "lib/base/fork.h"
#include "lib/base/lock.h"
#include "lib/base/structs.h"
#include "recsys/scorer.h"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wredundant-decls"
extern char *openblas_get_config(void) __attribute__((weak));
extern char *openblas_get_corename(void) __attribute__((weak));
extern int openblas_get_parallel(void) __attribute__((weak));
extern int openblas_get_num_threads(void) __attribute__((weak));
extern void openblas_set_num_threads(int n_threads) __attribute__((weak));
#pragma GCC diagnostic pop

static struct rs_lock door = RS_LOCK_INIT;
static atomic_uint n_inside;

/* OpenBLAS has locks and threads of its own. If another thread of the parent uses one at the
 * fork, the child waits for it without end. */
__attribute__((constructor)) static void watch_forks(void)
{
    rs_fork_protect(&door, &n_inside);
}

static void begin_call(void)
{
    rs_lock_take(&door);
    atomic_fetch_add_explicit(&n_inside, 1u, memory_order_relaxed);
    if (openblas_get_parallel == NULL || openblas_get_parallel() != 0)
        rs_lock_give(&door);
}

static void end_call(void)
{
    atomic_fetch_sub_explicit(&n_inside, 1u, memory_order_release);
    if (openblas_get_parallel != NULL && openblas_get_parallel() == 0)
        rs_lock_give(&door);
}

void rs_blas_one(const float *items, uint32_t n_items, uint32_t stride, uint32_t dimensions,
                 const float *query, float *out)
{
    begin_call();
    cblas_sgemv(CblasRowMajor, CblasNoTrans, (int)n_items, (int)dimensions, 1.0f, items,
                (int)stride, query, 1, 0.0f, out, 1);
    end_call();
}

void rs_blas_tile(const float *items, uint32_t n_items, uint32_t stride, uint32_t dimensions,
                  const float *queries, uint32_t n_queries, float *out, uint32_t out_stride)
{
    begin_call();
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)n_queries, (int)n_items,
                (int)dimensions, 1.0f, queries, (int)stride, items, (int)stride, 0.0f, out,
                (int)out_stride);
    end_call();
}

recsys_status recsys_blas_get_info(recsys_blas_info *info, recsys_error *err)
{
    recsys_blas_info seen = RECSYS_BLAS_INFO_INIT;
    recsys_status status =
        rs_struct_begin(info, RECSYS_BLAS_INFO_SIZE_V1, "recsys_blas_get_info: info", err);

    if (status != RECSYS_OK)
        return status;
    seen.n_threads = openblas_get_num_threads != NULL ? openblas_get_num_threads() : 0;
    seen.config = openblas_get_config != NULL ? openblas_get_config() : "";
    seen.core = openblas_get_corename != NULL ? openblas_get_corename() : "";
    rs_struct_write(info, &seen, sizeof seen);
    return RECSYS_OK;
}

recsys_status recsys_blas_set_threads(uint32_t n_threads, recsys_error *err)
{
    if (n_threads == 0 || n_threads > INT_MAX)
        return rs_error(err, RECSYS_E_INVALID,
                        "recsys_blas_set_threads: %u threads, want 1 or more", n_threads);
    if (openblas_set_num_threads == NULL)
        return rs_error(err, RECSYS_E_UNSUPPORTED,
                        "recsys_blas_set_threads: this BLAS is not OpenBLAS; set its threads by "
                        "its own means, e.g. MKL_NUM_THREADS or BLIS_NUM_THREADS");
    openblas_set_num_threads((int)n_threads);
    return RECSYS_OK;
}
