/* lib/bundle/hashing.c - see hashing.h.
 *
 * A thread that is free takes the next file of the list; a sum cannot be divided. If a helper
 * cannot be started there is one helper less, and no failure.
 */
#include "lib/bundle/hashing.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"

/* Below this a helper would hardly have started before the caller is done. */
#define HELPERS_FROM ((size_t)1 << 22)

struct rs_hashed {
    const void *bytes;
    size_t size, number; /* number: in the order in which they were added */
    const char *want;
    char *sum;
    recsys_status status;
    char own_sum[RS_DIGEST_SIZE];
    char name[RS_HASHING_NAME_SIZE];
};

recsys_status rs_hashing_create(struct rs_hashing *hashing, size_t n, recsys_error *err)
{
    hashing->files = rs_alloc_array(n, sizeof *hashing->files);
    if (hashing->files == NULL)
        return rs_error_nomem(err, "SHA-256 of files");
    hashing->room = n;
    return RECSYS_OK;
}

void rs_hashing_add(struct rs_hashing *hashing, const void *bytes, size_t size, const char *want,
                    char *sum, const char *name)
{
    struct rs_hashed *file = &hashing->files[hashing->n];

    file->bytes = bytes;
    file->size = size;
    file->number = hashing->n++;
    file->want = want;
    file->sum = sum;
    snprintf(file->name, sizeof file->name, "%s", name);
}

static void work(struct rs_hashing *hashing)
{
    for (;;) {
        size_t i = atomic_fetch_add_explicit(&hashing->next, 1, memory_order_relaxed);
        if (i >= hashing->n)
            return;
        struct rs_hashed *file = &hashing->files[i];
        file->status = rs_digest(file->bytes, file->size, file->own_sum, NULL);
    }
}

static void *help(void *argument)
{
    rs_thread_name("recsys-load");
    work(argument);
    return NULL;
}

/* There are few files. */
static void sort_by_size(struct rs_hashing *hashing)
{
    for (size_t i = 1; i < hashing->n; i++) {
        struct rs_hashed moving = hashing->files[i];
        size_t at = i;
        for (; at > 0 && hashing->files[at - 1].size < moving.size; at--)
            hashing->files[at] = hashing->files[at - 1];
        hashing->files[at] = moving;
    }
}

void rs_hashing_start(struct rs_hashing *hashing, uint32_t n_threads)
{
    size_t n_large = 0;

    sort_by_size(hashing);
    while (n_large < hashing->n && hashing->files[n_large].size >= HELPERS_FROM)
        n_large++;
    while (hashing->n_helpers + 1 < n_threads && hashing->n_helpers < n_large &&
           hashing->n_helpers < RS_HASHING_MAX_HELPERS &&
           rs_thread_start(&hashing->helpers[hashing->n_helpers], help, hashing) == 0)
        hashing->n_helpers++;
}

static void join(struct rs_hashing *hashing)
{
    while (hashing->n_helpers > 0)
        rs_thread_join(hashing->helpers[--hashing->n_helpers]);
}

static recsys_status compare(const struct rs_hashed *file, recsys_error *err)
{
    if (file->status != RECSYS_OK)
        return rs_error_nomem(err, "SHA-256 of a file");
    if (file->want == NULL) {
        memcpy(file->sum, file->own_sum, RS_DIGEST_SIZE);
        return RECSYS_OK;
    }
    if (strcmp(file->own_sum, file->want) == 0)
        return RECSYS_OK;
    return rs_error(err, RECSYS_E_FORMAT, "%s: has SHA-256 %s, the manifest says %s", file->name,
                    file->own_sum, file->want);
}

recsys_status rs_hashing_finish(struct rs_hashing *hashing, recsys_error *err)
{
    recsys_status status = RECSYS_OK;
    size_t first = SIZE_MAX;

    work(hashing);
    join(hashing);
    for (size_t i = 0; i < hashing->n; i++) {
        if (hashing->files[i].number > first)
            continue;
        recsys_status other = compare(&hashing->files[i], err);
        if (other != RECSYS_OK) {
            status = other;
            first = hashing->files[i].number;
        }
    }
    return status;
}

void rs_hashing_destroy(struct rs_hashing *hashing)
{
    atomic_store_explicit(&hashing->next, hashing->n, memory_order_relaxed);
    join(hashing);
    rs_free(hashing->files);
    memset(hashing, 0, sizeof *hashing);
}
