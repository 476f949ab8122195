/* lib/adapters/redis/redis_scripts.c - see redis_scripts.h.
 *
 * The texts are constants: nothing from outside is ever part of one. They run
 * on Redis 6 and newer. Numbers beyond Lua's 14 printed digits are passed as
 * decimal text in both directions; Lua's own are doubles, exact up to 2^53,
 * which is why redis_store.c bounds what it hands to the rate limit.
 *
 * A script that the server does not know is sent and run with EVAL, with the time-out of a
 * command of its own; nothing has been executed then, so nothing happens twice.
 */
#include "lib/adapters/redis/redis_scripts.h"

#include <openssl/evp.h>
#include <string.h>

#include "lib/adapters/redis/redis_refusal.h"
#include "lib/base/error.h"
#include "lib/base/hex.h"

/* ARGV: value, milliseconds to live (0 = no expiry). Returns the present value, or nil: now set. */
static const char get_or_set[] = "local v = redis.call('GET', KEYS[1])\n"
                                 "if v then return v end\n"
                                 "if ARGV[2] == '0' then redis.call('SET', KEYS[1], ARGV[1])\n"
                                 "else redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2]) end\n"
                                 "return false\n";

/* ARGV: prefix, and unless it is to be removed value, milliseconds. 1 if it was
 * replaced. A key that is not there begins with nothing, not even with "". */
static const char replace[] =
    "if #ARGV[1] == 0 then\n"
    "  if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end\n"
    "elseif redis.call('GETRANGE', KEYS[1], 0, #ARGV[1] - 1) ~= ARGV[1] then return 0 end\n"
    "if not ARGV[2] then redis.call('UNLINK', KEYS[1])\n"
    "elseif ARGV[3] == '0' then redis.call('SET', KEYS[1], ARGV[2])\n"
    "else redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3]) end\n"
    "return 1\n";

/* GCRA as lib/base/gcra.c has it, by the server's clock. ARGV: microseconds an
 * item, burst, cost. Allowed, remaining, microseconds to retry and to be full.
 * The key expires when the bucket is full again, rounded up: not before, and
 * not much later. Text that is no number counts as nothing, and a time beyond the
 * burst, which a clock that was set back leaves, as an empty bucket. */
static const char rate_limit[] =
    "local t = redis.call('TIME')\n"
    "local now = t[1] * 1000000 + t[2]\n"
    "local emission, burst, cost = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])\n"
    "local room = emission * burst\n"
    "local function keep(ahead)\n"
    "  redis.call('SET', KEYS[1], string.format('%.0f', now + ahead),\n"
    "             'PX', string.format('%.0f', math.ceil(ahead / 1000)))\n"
    "end\n"
    "local ahead = (tonumber(redis.call('GET', KEYS[1]) or now) or now) - now\n"
    "if not (ahead > 0) then ahead = 0 end\n"
    "if ahead > room then ahead = room; keep(ahead) end\n"
    "local wanted = ahead + emission * cost\n"
    "local allowed, retry = 0, 0\n"
    "if cost <= burst and wanted <= room then\n"
    "  allowed = 1\n"
    "  ahead = wanted\n"
    "  if cost > 0 then keep(ahead) end\n"
    "else retry = wanted - math.min(wanted, room) end\n"
    "local left = math.floor(math.max(room - ahead, 0) / emission)\n"
    "return {allowed, string.format('%.0f', math.min(left, burst)),\n"
    "        string.format('%.0f', retry), string.format('%.0f', ahead)}\n";

/* KEYS: the companion's, the value's. ARGV: '1' = only if what follows is there; what the companion
 * begins with; SHA-1 of the value, '' = none; milliseconds; the companion or '' = remove it; and
 * unless it is to be removed the value. Values of other types count as none, as MGET has it. */
static const char exchange[] =
    "if ARGV[1] == '1' then\n"
    "  if #ARGV[2] == 0 then\n"
    "    if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end\n"
    "  elseif redis.call('GETRANGE', KEYS[1], 0, #ARGV[2] - 1) ~= ARGV[2] then return 0 end\n"
    "  local seen = redis.pcall('GET', KEYS[2])\n"
    "  if type(seen) ~= 'string' then seen = '' else seen = redis.sha1hex(seen) end\n"
    "  if seen ~= ARGV[3] then return 0 end\n"
    "end\n"
    "local function put(key, value)\n"
    "  if not value then redis.call('UNLINK', key)\n"
    "  elseif ARGV[4] == '0' then redis.call('SET', key, value)\n"
    "  else redis.call('SET', key, value, 'PX', ARGV[4]) end\n"
    "end\n"
    "put(KEYS[1], ARGV[5] ~= '' and ARGV[5])\n"
    "put(KEYS[2], ARGV[6])\n"
    "return 1\n";

static const char *const sources[RS_N_SCRIPTS] = {[RS_SCRIPT_GET_OR_SET] = get_or_set,
                                                  [RS_SCRIPT_REPLACE] = replace,
                                                  [RS_SCRIPT_RATE_LIMIT] = rate_limit,
                                                  [RS_SCRIPT_EXCHANGE] = exchange};

const char *rs_redis_script_source(uint32_t script)
{
    return sources[script];
}

recsys_status rs_redis_sha1(recsys_bytes bytes, char out[41], recsys_error *err)
{
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned size = 0;

    if (EVP_Digest(bytes.data, bytes.size, hash, &size, EVP_sha1(), NULL) != 1 || size != 20)
        return rs_error_nomem(err, "SHA-1");
    rs_hex_write(hash, size, out);
    return RECSYS_OK;
}

recsys_status rs_redis_scripts_init(struct rs_redis_scripts *scripts, recsys_error *err)
{
    recsys_status status = RECSYS_OK;

    for (uint32_t i = 0; i < RS_N_SCRIPTS && status == RECSYS_OK; i++)
        status =
            rs_redis_sha1((recsys_bytes){sources[i], strlen(sources[i])}, scripts->hashes[i], err);
    return status;
}

static void write_call(struct rs_redis_command *command, const char *verb, const char *text,
                       const struct rs_redis_script *script)
{
    rs_redis_begin(command, 3 + script->n_keys + script->n);
    rs_redis_add_text(command, verb);
    rs_redis_add_text(command, text);
    rs_redis_add_number(command, script->n_keys);
    for (size_t i = 0; i < script->n_keys; i++)
        rs_redis_add_key(command, script->keys[i]);
    for (size_t i = 0; i < script->n; i++)
        rs_redis_add(command, script->arguments[i].data, script->arguments[i].size);
}

recsys_status rs_redis_run(struct rs_redis_ways *ways, const struct rs_redis_scripts *scripts,
                           const struct rs_redis_script *script,
                           const struct rs_redis_question *question, struct rs_redis_reply *reply,
                           uint64_t *incarnation, recsys_error *err)
{
    size_t n_bytes = strlen(sources[script->number]); /* longer than the hash */
    struct rs_redis_question again = *question;
    struct rs_redis_call call;

    for (size_t i = 0; i < script->n; i++) {
        size_t size = script->arguments[i].size;
        n_bytes += size < RS_REDIS_MAX_COMMAND ? size : RS_REDIS_MAX_COMMAND;
    }
    rs_redis_call_begin(&call, ways, script->keys, script->n_keys, 4 + script->n, n_bytes, err);
    write_call(call.command, "EVALSHA", scripts->hashes[script->number], script);
    recsys_status status = rs_redis_call_ask(&call, question, reply, err);
    if (status == RECSYS_OK && reply->type == RS_REDIS_ERROR) {
        rs_redis_reply_clear(reply);
        again.types &= ~RS_REDIS_NOSCRIPT;
        write_call(call.command, "EVAL", sources[script->number], script);
        status = rs_redis_call_ask(&call, &again, reply, err);
    }
    *incarnation = call.incarnation;
    rs_redis_call_end(&call);
    return status;
}
