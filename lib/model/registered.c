/* lib/model/registered.c - gives a model the name and the version that its registry knows it by. */
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/buffer.h"
#include "lib/base/error.h"
#include "lib/model/model.h"

#define MAX_REGISTERED ((size_t)16 << 20)

recsys_status rs_model_set_registered(struct recsys_model *model, const char *name,
                                      const char *version, recsys_bytes description,
                                      recsys_error *err)
{
    struct rs_buffer text;
    char *own_name = rs_copy_text(name), *own_version = rs_copy_text(version);

    rs_buffer_init(&text, MAX_REGISTERED);
    rs_buffer_add(&text, model->metadata, strlen(model->metadata) - 1); /* without its last brace */
    rs_buffer_add_text(&text, ",\"registry\":");
    rs_buffer_add(&text, description.data, description.size);
    rs_buffer_add_text(&text, "}");
    if (own_name == NULL || own_version == NULL || text.status != RECSYS_OK) {
        rs_free(own_name);
        rs_free(own_version);
        rs_buffer_destroy(&text);
        return rs_error_nomem(err, "description of the model");
    }
    rs_free(model->name);
    rs_free(model->version);
    rs_free(model->metadata);
    model->name = own_name;
    model->version = own_version;
    model->metadata = text.bytes; /* the buffer's memory, from now on the model's */
    return RECSYS_OK;
}
