/* daemon/ctl/ctl_upgrade.c - recsysctl upgrade: write a bundle again, in the newest format.
 *
 * The old bundle stays as it is. The new one gives the same answers; it is loaded once before it is
 * reported. Files that the old manifest lists and no format knows are not taken over, which the
 * command says.
 */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/ctl/ctl_command.h"
#include "daemon/ctl/ctl_progress.h"

static const struct ctl_option options[] = {CTL_END};

static bool is_known_file(const char *name)
{
    static const char *const known[] = {"model.safetensors", "seen.safetensors",
                                        "catalog.safetensors", "codes.safetensors",
                                        "catalog.jsonl"};

    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strcmp(known[i], name) == 0)
            return true;
    return false;
}

/* The bundle has just been read, so its manifest is there. */
static void name_other_files(const char *path)
{
    size_t room = strlen(path) + sizeof "/recsys.json", i;
    char *name = ctl_allocate(room, 1u);
    json_t *manifest, *file;

    snprintf(name, room, "%s/recsys.json", path);
    manifest = json_load_file(name, 0, NULL);
    json_array_foreach(json_object_get(manifest, "files"), i, file)
    {
        const char *listed = json_string_value(json_object_get(file, "name"));
        if (listed != NULL && !is_known_file(listed))
            fprintf(stderr, "recsysctl: %s is not part of a model and stays behind\n", listed);
    }
    json_decref(manifest);
    free(name);
}

static recsys_status rewrite(const char *from, const char *to, recsys_error *err)
{
    recsys_builder *builder = NULL;
    recsys_status status = recsys_builder_create(&builder, err);

    if (status == RECSYS_OK)
        status = recsys_builder_import_model(builder, from, err);
    if (status == RECSYS_OK)
        status = recsys_builder_write(builder, to, err);
    recsys_builder_destroy(builder);
    return status;
}

static int run_upgrade(const struct ctl_arguments *arguments)
{
    const char *from = arguments->operands[0], *to = arguments->operands[1];
    recsys_model_info info = RECSYS_MODEL_INFO_INIT;
    recsys_model *model = NULL;
    recsys_error err;

    ctl_progress_begin("writing", to);
    recsys_status status = rewrite(from, to, &err);
    if (status == RECSYS_OK)
        status = recsys_model_load(to, NULL, &model, &err);
    ctl_progress_end();
    if (status == RECSYS_OK)
        status = recsys_model_get_info(model, &info, &err);
    if (status == RECSYS_OK) {
        name_other_files(from);
        printf("%s: %s %s, fingerprint %s\n", to, info.name, info.version, info.fingerprint);
    }
    recsys_model_unref(model);
    return status == RECSYS_OK ? CTL_OK : ctl_failed("%s", err.message);
}

const struct ctl_command ctl_upgrade = {
    "upgrade", "OLD NEW", 2, 2, "write a bundle again in the newest format", options, run_upgrade};
