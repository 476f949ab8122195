/* tests/fuzz/fuzz_envelope.c - any bytes in the store where a cached value should be.
 *
 * Even inputs are the store's bytes as they are; odd ones are changes to what
 * the cache itself has stored. Either way: a value is handed out only if it is
 * the one that was stored, and loading goes on whatever was found.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "recsys/aside.h"
#include "tests/support/scripted_store.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const recsys_bytes key = {"user:profile:1", 14};
static const char truth[] = "{\"name\":\"Ada\",\"level\":7}";

static recsys_status load(recsys_aside_load *into, void *user_data, recsys_error *err)
{
    recsys_bytes value = {truth, sizeof truth - 1};

    ++*(int *)user_data;
    return recsys_aside_load_set(into, value, 3, 0, 0, err);
}

static int is_truth(const recsys_value *value)
{
    return value->size == sizeof truth - 1 && memcmp(value->data, truth, value->size) == 0;
}

static void must(int condition)
{
    if (!condition)
        __builtin_trap();
}

/* Two bytes each: where, and what to flip there. */
static void change(recsys_store *store, const uint8_t *data, size_t size)
{
    recsys_value stored;
    recsys_error err;
    uint64_t incarnation;
    size_t cut;
    uint8_t *bytes;

    must(recsys_store_get(store, &key, 1, &stored, &incarnation, &err) == RECSYS_OK);
    must(stored.size > 64);
    bytes = malloc(stored.size);
    must(bytes != NULL);
    memcpy(bytes, stored.data, stored.size);
    for (size_t i = 1; i + 1 < size; i += 2)
        bytes[data[i] % stored.size] ^= data[i + 1];
    cut = size % 5 == 0 ? stored.size - size % stored.size : stored.size;
    recsys_value_release(&stored);
    recsys_bytes changed = {bytes, cut};
    must(recsys_store_set(store, key, changed, 60000, RECSYS_STORE_ALWAYS, &err) == RECSYS_OK);
    free(bytes);
}

static void open_cache(recsys_store **store, recsys_aside **cache)
{
    static struct scripted_store script;
    recsys_aside_options options = RECSYS_ASIDE_OPTIONS_INIT;
    recsys_error err;

    options.wait_ms = 1; /* bytes that look like a lease must not be waited for */
    *store = scripted_store_create(&script, 0); /* a store that others can write to, too */
    must(recsys_aside_create(*store, &options, cache, &err) == RECSYS_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static recsys_store *store;
    static recsys_aside *cache;
    recsys_value value;
    recsys_error err;
    uint32_t outcome;
    int loads = 0;

    if (store == NULL)
        open_cache(&store, &cache);
    must(recsys_aside_invalidate(cache, &key, 1, &err) == RECSYS_OK);
    must(recsys_aside_get_or_load(cache, key, load, &loads, 0, &value, &outcome, &err) ==
         RECSYS_OK);
    must(outcome == RECSYS_ASIDE_MISS && is_truth(&value));
    recsys_value_release(&value);
    if (size > 0 && data[0] % 2 == 1) {
        change(store, data, size);
    } else {
        recsys_bytes raw = {data, size};
        must(recsys_store_set(store, key, raw, 60000, RECSYS_STORE_ALWAYS, &err) == RECSYS_OK);
    }
    if (recsys_aside_get(cache, key, &value, &outcome, &err) == RECSYS_OK)
        must(is_truth(&value) && outcome == RECSYS_ASIDE_HIT);
    recsys_value_release(&value);
    must(recsys_aside_get_or_load(cache, key, load, &loads, 1, &value, &outcome, &err) ==
         RECSYS_OK);
    must(is_truth(&value));
    recsys_value_release(&value);
    return 0;
}
