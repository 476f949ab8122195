/* lib/aside/image.c - see image.h. One allocation holds it all, so a loaded
 * value is copied once, however many callers get it. */
#include "lib/aside/image.h"

#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/refs.h"

struct rs_image *rs_image_create_shown(const struct rs_identity *identity, recsys_bytes value,
                                       recsys_bytes shown)
{
    size_t size = rs_envelope_size(identity, value.size), all;

    if (size == 0 || __builtin_add_overflow(size, sizeof(struct rs_image), &all) ||
        __builtin_add_overflow(all, shown.size, &all))
        return NULL;
    struct rs_image *image = rs_alloc(all);
    if (image == NULL)
        return NULL;
    atomic_init(&image->refs, 1u);
    image->offset = rs_envelope_offset(identity);
    image->size = size;
    if (value.size > 0)
        memcpy(image->bytes + image->offset, value.data, value.size);
    image->is_shown = shown.data != NULL;
    image->shown_size = shown.size;
    if (shown.size > 0)
        memcpy(image->bytes + size, shown.data, shown.size);
    return image;
}

struct rs_image *rs_image_create(const struct rs_identity *identity, recsys_bytes value)
{
    return rs_image_create_shown(identity, value, (recsys_bytes){NULL, 0});
}

struct rs_image *rs_image_ref(struct rs_image *image)
{
    rs_refs_take(&image->refs);
    return image;
}

void rs_image_unref(struct rs_image *image)
{
    if (image != NULL && rs_refs_drop(&image->refs))
        rs_free(image);
}

static void release(void *hold)
{
    rs_image_unref(hold);
}

recsys_value rs_image_hand_out(struct rs_image *image)
{
    return (recsys_value){image->bytes + image->offset, image->size - image->offset, image,
                          release};
}
