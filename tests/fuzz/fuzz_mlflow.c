/* tests/fuzz/fuzz_mlflow.c - any bytes as MLflow's replies, and as the manifest of a bundle that
 * comes from there. The first byte says which reply it is. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "lib/adapters/mlflow/mlflow_place.h"
#include "lib/adapters/mlflow/mlflow_replies.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define EXPECT(condition)                                                                          \
    do {                                                                                           \
        if (!(condition))                                                                          \
            __builtin_trap();                                                                      \
    } while (0)

/* Wherever a version says that it is, a URL stays on its server and a path does not climb. */
static void check_place(const char *uri, const struct rs_mlflow_version *version)
{
    char origin[] = "http://mlflow:5000", prefix[] = "/ml", url[RS_MLFLOW_MAX_URL];
    struct rs_mlflow_settings settings = {.origin = origin, .prefix = prefix};
    struct rs_mlflow_place place;
    recsys_error err;

    if (rs_mlflow_place_read(&settings, uri, version, &place, &err) != RECSYS_OK)
        return;
    EXPECT(strstr(place.path, "/../") == NULL && strncmp(place.path, "../", 3) != 0);
    if (place.way == RS_MLFLOW_LOCAL ||
        rs_mlflow_place_url(&settings, &place, "recsys.json", url, &err) != RECSYS_OK)
        return;
    EXPECT(strncmp(url, "http://mlflow:5000/ml/", 22) == 0);
    for (const char *at = url; *at != '\0'; at++)
        EXPECT(*at > ' ' && *at < 127 && *at != '"' && *at != '#');
}

static void check_version(const struct rs_mlflow_version *version)
{
    EXPECT(version->name[0] != '\0' && strspn(version->number, "0123456789") > 0);
    check_place(version->source, version);
}

static void check_manifest(const char *text, size_t size)
{
    struct rs_mlflow_manifest manifest;
    recsys_error err;

    if (rs_mlflow_parse_manifest(text, size, &manifest, &err) == RECSYS_OK)
        for (size_t i = 0; i < manifest.n_files; i++) {
            const char *name = manifest.files[i].name;
            EXPECT(strchr(name, '/') == NULL && *name != '\0' && *name != '.');
            EXPECT(strlen(manifest.files[i].sha256) == 64);
            EXPECT(manifest.files[i].size <= manifest.n_bytes);
        }
    rs_mlflow_manifest_destroy(&manifest);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rs_mlflow_version version;
    struct rs_mlflow_origin origin;
    struct rs_mlflow_listing listing;
    char uri[RS_MLFLOW_MAX_URI];
    recsys_error err;

    if (size == 0)
        return 0;
    const char *text = (const char *)data + 1;
    size--;
    switch (data[0]) {
    case 'v':
        if (rs_mlflow_parse_version(text, size, &version, &err) == RECSYS_OK)
            check_version(&version);
        break;
    case 's':
        if (rs_mlflow_parse_first(text, size, &version, &err) == RECSYS_OK)
            check_version(&version);
        break;
    case 'u':
        memset(&version, 0, sizeof version);
        if (rs_mlflow_parse_uri(text, size, uri, &err) == RECSYS_OK)
            check_place(uri, &version);
        break;
    case 'r':
        (void)rs_mlflow_parse_run(text, size, &origin, &err);
        rs_mlflow_origin_destroy(&origin);
        break;
    case 'l':
        (void)rs_mlflow_parse_logged(text, size, &origin, &err);
        rs_mlflow_origin_destroy(&origin);
        break;
    case 'f':
        (void)rs_mlflow_parse_files(text, size, &listing, &err);
        break;
    default:
        check_manifest(text, size);
    }
    return 0;
}
