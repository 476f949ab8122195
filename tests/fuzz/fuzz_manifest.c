/* tests/fuzz/fuzz_manifest.c - any bytes as recsys.json. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/bundle/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rs_manifest manifest;
    recsys_error err;
    char *dump;

    if (rs_manifest_parse((const char *)data, size, "fuzz", &manifest, &err) != RECSYS_OK)
        return 0;
    if (manifest.n_items == 0 || manifest.dimensions == 0 ||
        rs_metric_name(manifest.metric) == NULL || rs_link_name(manifest.link) == NULL ||
        rs_manifest_find(&manifest, RS_FILE_MODEL) == NULL)
        __builtin_trap();
    for (size_t i = 0; i < manifest.n_files; i++)
        if (strchr(manifest.files[i].name, '/') != NULL || strlen(manifest.files[i].sha256) != 64)
            __builtin_trap();
    if (rs_manifest_dump(&manifest, "hyperparameters", &dump, &err) == RECSYS_OK)
        rs_free(dump);
    rs_manifest_destroy(&manifest);
    return 0;
}
