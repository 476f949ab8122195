/* Hashes are computed by helper threads while a model is read: the model is the same, and a file
 * that is not the manifest's is refused, whatever else is wrong with it. For TSan. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "recsys/recsys.h"
#include "tests/support/bundle.h"
#include "tests/support/check.h"

/* Files below some megabytes get no helper: vectors of 6 MB, and columns and codes that stay with
 * the caller. */
#define N_USERS 20
#define N_ITEMS 24000
#define D 64

static recsys_error err;

static recsys_status load(const char *path, uint32_t n_threads, recsys_model **out)
{
    recsys_model_options options = RECSYS_MODEL_OPTIONS_INIT;

    options.n_threads = n_threads;
    return recsys_model_load(path, &options, out, &err);
}

static void check_same(const char *path)
{
    recsys_model_info want = RECSYS_MODEL_INFO_INIT, got = RECSYS_MODEL_INFO_INIT;
    recsys_model *one = NULL, *many = NULL;

    CHECK_OK(load(path, 1, &one), &err);
    CHECK_OK(recsys_model_get_info(one, &want, &err), &err);
    for (uint32_t n_threads = 2; n_threads <= 32; n_threads *= 4) {
        CHECK_OK(load(path, n_threads, &many), &err);
        CHECK_OK(recsys_model_get_info(many, &got, &err), &err);
        CHECK(strcmp(got.fingerprint, want.fingerprint) == 0);
        recsys_model_unref(many);
    }
    recsys_model_unref(one);
}

/* Change one byte of a file and leave the manifest as it is. */
static void damage(const char *path, const char *file, size_t at, unsigned char to)
{
    size_t size;
    unsigned char *bytes = bundle_read_file(path, file, &size);

    bytes[at] = to;
    bundle_write_file(path, file, bytes, size);
    free(bytes);
}

static void check_refused(const char *path, const char *file)
{
    for (uint32_t n_threads = 1; n_threads <= 4; n_threads++) {
        recsys_model *model = (recsys_model *)&err;
        CHECK(load(path, n_threads, &model) == RECSYS_E_FORMAT && model == NULL);
        CHECK(strstr(err.message, file) != NULL && strstr(err.message, "has SHA-256") != NULL);
    }
}

int main(void)
{
    char *parent = bundle_make_directory(), path[PATH_MAX];
    struct bundle bundle;

    snprintf(path, sizeof path, "%s/bundle", parent);
    bundle_write(&bundle, path, N_USERS, N_ITEMS, D, 7,
                 BUNDLE_CATALOG | BUNDLE_SEEN | BUNDLE_FORMAT_2 | BUNDLE_CODES);
    check_same(path);
    /* Not JSON any more: reading it fails at once, while its sum is being computed. */
    damage(path, "model.safetensors", 20, 0);
    check_refused(path, "model.safetensors");
    damage(path, "catalog.safetensors", 20, 0);
    check_refused(path, "model.safetensors"); /* which the manifest lists first */
    bundle_free(&bundle);
    bundle_remove_directory(parent);
    free(parent);
    return 0;
}
