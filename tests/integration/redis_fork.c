/* Covers librecsys-redis in a forked child: it may neither use nor disturb what its parent has
 * connected, and may have a store of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/redis_case.h"

#define SECONDS 300u

static recsys_status get(recsys_store *store, const char *key)
{
    const recsys_bytes bytes = text(key);
    recsys_value value;
    recsys_status status = recsys_store_get(store, &bytes, 1, &value, NULL, &err);

    recsys_value_release(&value);
    return status;
}

/* Everything a child may try; the number of the first thing that went wrong. */
static int child(recsys_store *store)
{
    recsys_redis_options options = patient_options(&server);
    recsys_redis_stats stats = RECSYS_REDIS_STATS_INIT;
    const recsys_bytes key = text("a");
    recsys_store *own = NULL;

    alarm(SECONDS);
    if (get(store, "a") != RECSYS_E_STATE || strstr(err.message, "fork()") == NULL)
        return 1;
    if (recsys_store_set(store, key, key, 0, RECSYS_STORE_ALWAYS, &err) != RECSYS_E_STATE ||
        recsys_store_remove(store, &key, 1, NULL, &err) != RECSYS_E_STATE)
        return 2;
    if (recsys_redis_get_stats(store, &stats, &err) != RECSYS_E_STATE)
        return 3;
    recsys_store_unref(store);
    if (recsys_redis_create("child", &options, NULL, &own, &err) != RECSYS_OK ||
        get(own, "a") != RECSYS_OK)
        return 4;
    recsys_store_unref(own);
    return 0;
}

static void a_child_is_refused_and_its_parent_goes_on(void **state)
{
    recsys_redis_options options = patient_options(&server);
    recsys_store *store = open_store(&options);
    int result;

    (void)state;
    assert_ok(recsys_store_set(store, text("a"), text("value"), 0, RECSYS_STORE_ALWAYS, &err));
    for (int i = 0; i < 3; i++) {
        pid_t process = fork();
        assert_true(process >= 0);
        if (process == 0)
            _exit(child(store));
        assert_int_equal(waitpid(process, &result, 0), process);
        assert_true(WIFEXITED(result));
        assert_int_equal(WEXITSTATUS(result), 0);
        assert_value(store, text("a"), "value", 5);
    }
    assert_int_equal(pool_stats(store).connected, 1); /* the first one still */
    assert_int_equal(pool_stats(store).closed_broken, 0);
    recsys_store_unref(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_child_is_refused_and_its_parent_goes_on),
    };
    return cmocka_run_group_tests(tests, server_set_up, server_tear_down);
}
