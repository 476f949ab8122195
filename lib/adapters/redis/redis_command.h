/* lib/adapters/redis/redis_command.h - a command as the protocol of Redis has it.
 *
 * Arguments carry their lengths, so any bytes may be in them and nothing is ever formatted into a
 * command.
 */
#ifndef RS_REDIS_COMMAND_H
#define RS_REDIS_COMMAND_H

#include <stddef.h>
#include <stdint.h>

#include "lib/adapters/redis/redis_reply.h"
#include "lib/adapters/redis/redis_settings.h"
#include "lib/base/buffer.h"

#define RS_REDIS_MAX_COMMAND RS_REDIS_MAX_REPLY
#define RS_REDIS_KEEP_BYTES ((size_t)64 << 10) /* of what was sent, for the next command */
#define RS_REDIS_HEAD_BYTES 32u /* at most, of what stands around an argument */

struct rs_redis_command {
    const struct rs_redis_settings *settings;
    struct rs_buffer bytes; /* lack of memory or of room stands in its status */
};

/* Write a command of n arguments, itself included. */
void rs_redis_begin(struct rs_redis_command *command, size_t n);
void rs_redis_add(struct rs_redis_command *command, const void *bytes, size_t size);
void rs_redis_add_text(struct rs_redis_command *command, const char *text);
void rs_redis_add_number(struct rs_redis_command *command, uint64_t number);
void rs_redis_add_key(struct rs_redis_command *command, recsys_bytes key); /* prefixed */

#endif
