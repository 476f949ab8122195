/* lib/adapters/redis/redis_refusal.c - see redis_refusal.h.
 *
 * A server that answers with an error has answered: the connection stays in use
 * (except a replica's: see rs_redis_refuse()). Some errors count as failures of the store: out of
 * memory, read-only, loading, no permission, moved to another node. The next call would get the
 * same, so these are E_BACKEND and count for the circuit breaker.
 * WRONGTYPE does not: another program wrote one key with another command, and
 * all other keys still work. NOSCRIPT does not come here: redis_scripts.c answers
 * it by sending the script.
 *
 * An error raised inside a script may carry its code in the middle of the text
 * (Redis 6) instead of at the beginning (Redis 7).
 */
#include "lib/adapters/redis/redis_refusal.h"

#include <string.h>

#include "lib/base/error.h"

#define MAX_WORDS 200

static const struct {
    const char *words, *hint;
} hints[] = {
    {"OOM", "; raise maxmemory or choose a policy that evicts"},
    {"READONLY", "; this is a replica: connect to the primary"},
    {"LOADING", "; it has just started and will be ready soon"},
    {"MISCONF", "; its disk is full or broken: see the server's log"},
    {"BUSY", "; another client's script has been running for long"},
    {"NOAUTH", "; give a password"},
    {"WRONGPASS", "; check user and password"},
    {"NOPERM", "; the server's ACL must allow this user the commands and the prefix"},
    {"MOVED", "; this is a Redis Cluster: begin the prefix with a hash tag, as {app}, so that one "
              "node has all keys"},
    {"ASK", "; this is a Redis Cluster that moves the slot to another node; it will be over soon"},
    {"TRYAGAIN", "; this is a Redis Cluster that moves the slot to another node; it will be over soon"},
    {"CROSSSLOT", "; this is a Redis Cluster: begin the prefix with a hash tag, as {app}, so that one "
                  "node has all keys"},
    {"SELECT is not allowed", "; this is a Redis Cluster, which has db 0 alone: use a prefix instead, "
                              "with a hash tag as {app}"},
    {"CLUSTERDOWN", "; this is a Redis Cluster some of whose slots have no node: see CLUSTER INFO"},
    {"MASTERDOWN", "; this is a replica without its primary: connect to the primary"},
    {"NOREPLICAS", "; it wants more replicas than it has: see min-replicas-to-write"},
    {"max number of clients reached", "; raise its maxclients or lower pool_size"},
    {"WRONGTYPE", "; another program keeps another kind of value there: use a prefix of your own"},
};

static int are_at(const char *at, const char *words, size_t size)
{
    return strncmp(at, words, size) == 0 && (at[size] == ' ' || at[size] == '\0');
}

int rs_redis_refusal_is(const struct rs_redis_reply *reply, const char *words)
{
    return reply->type == RS_REDIS_ERROR && are_at(reply->bytes, words, strlen(words));
}

/* At the beginning, or after a space or a '-'. */
int rs_redis_refusal_has(const struct rs_redis_reply *reply, const char *words)
{
    size_t size = strlen(words);

    if (rs_redis_refusal_is(reply, words))
        return 1;
    for (size_t i = 1; i + size <= reply->size; i++)
        if ((reply->bytes[i - 1] == ' ' || reply->bytes[i - 1] == '-') &&
            are_at(reply->bytes + i, words, size))
            return 1;
    return 0;
}

/* The server's text for a message: ASCII, one line, not too long. */
static void copy_words(const struct rs_redis_reply *reply, const char *secret,
                       char words[MAX_WORDS + 1])
{
    size_t n = 0;

    if (secret != NULL && strstr(reply->bytes, secret) != NULL) {
        /* "unknown command 'AUTH', with args beginning with: ..." */
        memcpy(words, "(its words repeat the password)", sizeof "(its words repeat the password)");
        return;
    }
    for (; n < reply->size && n < MAX_WORDS; n++)
        words[n] = reply->bytes[n] >= ' ' && reply->bytes[n] <= '~' ? reply->bytes[n] : '?';
    words[n] = '\0';
}

recsys_status rs_redis_refusal(const struct rs_redis_reply *reply, const char *where,
                               const char *command, const char *secret, recsys_error *err)
{
    const char *hint = "";
    char words[MAX_WORDS + 1];

    for (size_t i = 0; i < sizeof hints / sizeof hints[0] && *hint == '\0'; i++)
        if (rs_redis_refusal_has(reply, hints[i].words))
            hint = hints[i].hint;
    copy_words(reply, secret, words);
    return rs_error(err,
                    rs_redis_refusal_has(reply, "WRONGTYPE") ? RECSYS_E_FORMAT : RECSYS_E_BACKEND,
                    "%s: %s was refused: %s%s", where, command, words, hint);
}
