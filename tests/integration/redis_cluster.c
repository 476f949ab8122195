/* Covers librecsys-redis on a Redis Cluster of two nodes while a slot moves from one to the other:
 * keys that are there already are found by ASK, and MOVED is followed at the end. With a
 * connection for each call and with shared writes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <poll.h>
#include <stdio.h>

#include "tests/support/redis_case.h"

#define IN_CLUSTER                                                                                 \
    "cluster-enabled yes\ncluster-config-file nodes.conf\ncluster-require-full-coverage no"
#define PREFIX "{t}:"
#define VALUE "value"

static struct redis_server other;
static char slot[16], ids[2][64];

static void ask_id(const struct redis_server *of, char id[64])
{
    char *answer = redis_server_ask(of, "CLUSTER", "MYID", NULL);

    assert_int_equal(sscanf(answer, "$40\r\n%40s", id), 1);
    free(answer);
}

/* Until both know each other and the three slots. */
static void wait_for_cluster(const struct redis_server *of)
{
    for (int i = 0;; i++) {
        char *answer = redis_server_ask(of, "CLUSTER", "INFO", NULL);
        int is_well = strstr(answer, "cluster_state:ok") != NULL &&
                      strstr(answer, "cluster_slots_assigned:3") != NULL;
        free(answer);
        if (is_well)
            return;
        assert_true(i < 3000);
        poll(NULL, 0, 20);
    }
}

static int set_up(void **state)
{
    char port[16], *answer;

    (void)state;
    redis_server_start(&server, IN_CLUSTER);
    redis_server_start(&other, IN_CLUSTER);
    answer = redis_server_ask(&server, "CLUSTER", "KEYSLOT", PREFIX, NULL);
    assert_int_equal(sscanf(answer, ":%15[0-9]", slot), 1);
    free(answer);
    /* Each keeps one: a node that loses its last slot becomes a replica. */
    assert_answer(&server, "+OK", "CLUSTER", "ADDSLOTS", "0", slot);
    assert_answer(&other, "+OK", "CLUSTER", "ADDSLOTS", "1");
    snprintf(port, sizeof port, "%u", other.port);
    assert_answer(&server, "+OK", "CLUSTER", "MEET", "127.0.0.1", port);
    wait_for_cluster(&server);
    wait_for_cluster(&other);
    ask_id(&server, ids[0]);
    ask_id(&other, ids[1]);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    redis_server_end(&server);
    redis_server_end(&other);
    return 0;
}

static void set(recsys_store *store, const char *key)
{
    assert_ok(recsys_store_set(store, text(key), text(VALUE), 0, RECSYS_STORE_ALWAYS, &err));
}

static int32_t ignore(recsys_bytes key, void *user_data)
{
    (void)key;
    (void)user_data;
    return 0;
}

static void move_a_slot(struct redis_server *from, const char *from_id, struct redis_server *to,
                        const char *to_id, uint32_t share_from)
{
    recsys_redis_options options = patient_options(from);
    const recsys_bytes everything[2] = {text(""), text("")};
    uint64_t cursor = 0, n, incarnation;
    recsys_value value;

    options.prefix = PREFIX;
    options.share_from = share_from;
    recsys_store *store = open_store(&options);
    assert_answer(from, "+OK", "FLUSHALL");
    set(store, "stays");
    assert_answer(to, "+OK", "CLUSTER", "SETSLOT", slot, "IMPORTING", from_id);
    assert_answer(from, "+OK", "CLUSTER", "SETSLOT", slot, "MIGRATING", to_id);
    assert_value(store, text("stays"), VALUE, strlen(VALUE));
    assert_value(store, text("went"), NULL, 0);
    set(store, "went");
    assert_value(store, text("went"), VALUE, strlen(VALUE));
    /* A script, whose text the other node does not know. */
    assert_ok(
        recsys_store_get_or_set(store, text("script"), text(VALUE), 0, &value, &incarnation, &err));
    assert_null(value.data);
    assert_value(store, text("script"), VALUE, strlen(VALUE));
    assert_ok(recsys_store_remove(store, (recsys_bytes[]){text("went")}, 1, &n, &err));
    assert_int_equal(n, 1);
    assert_value(store, text("went"), NULL, 0);
    set(store, "went");
    /* No node has all keys now: none may be missed. */
    assert_fails(recsys_store_scan(store, everything, 2, &cursor, ignore, NULL, &err),
                 RECSYS_E_BACKEND);
    assert_non_null(strstr(err.message, "moves the slot"));
    assert_true(pool_stats(store).open <= 2);
    /* The move ends; what stayed is gone, as after a failed migration. */
    assert_answer(from, ":1", "UNLINK", PREFIX "stays");
    assert_answer(to, "+OK", "CLUSTER", "SETSLOT", slot, "NODE", to_id);
    assert_answer(from, "+OK", "CLUSTER", "SETSLOT", slot, "NODE", to_id);
    recsys_status status =
        recsys_store_get(store, (recsys_bytes[]){text("went")}, 1, &value, &incarnation, &err);
    if (status == RECSYS_OK) /* a connection that was idle may have been told before */
        recsys_value_release(&value);
    else
        assert_int_equal(status, RECSYS_E_IO);
    assert_value(store, text("went"), VALUE, strlen(VALUE));
    recsys_store_unref(store);
}

static void a_slot_that_moves_is_followed_by_calls_alone(void **state)
{
    (void)state;
    move_a_slot(&server, ids[0], &other, ids[1], RECSYS_NEVER_32);
}

static void a_slot_that_moves_is_followed_by_shared_writes(void **state)
{
    (void)state;
    move_a_slot(&other, ids[1], &server, ids[0], 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_slot_that_moves_is_followed_by_calls_alone),
        cmocka_unit_test(a_slot_that_moves_is_followed_by_shared_writes),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
