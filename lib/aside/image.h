/* lib/aside/image.h - a value in memory in the store's form, shared by all callers that get it. */
#ifndef RS_ASIDE_IMAGE_H
#define RS_ASIDE_IMAGE_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/aside/envelope.h"

/* ONE THREAD AT A TIME until it is handed to another one, then IMMUTABLE. */
struct rs_image {
    _Atomic uint32_t refs;
    size_t offset;         /* of the value: behind head and identity */
    size_t size;           /* of head, identity and value */
    size_t shown_size;     /* of what other programs shall see instead; it follows the value */
    int is_shown;          /* is there such a thing? */
    unsigned char bytes[]; /* the head is written when it goes to the store */
};

/* With a copy of `value` and one reference; NULL if there is no memory. */
struct rs_image *rs_image_create(const struct rs_identity *identity, recsys_bytes value);
/* The same, with a copy of `shown` for other programs. */
struct rs_image *rs_image_create_shown(const struct rs_identity *identity, recsys_bytes value,
                                       recsys_bytes shown);
struct rs_image *rs_image_ref(struct rs_image *image);
void rs_image_unref(struct rs_image *image); /* NULL is allowed */
/* Hand the value out, with the caller's reference. */
recsys_value rs_image_hand_out(struct rs_image *image);

#endif
