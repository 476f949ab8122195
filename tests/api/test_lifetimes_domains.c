/* Domains, guards and what they are made of may be given back in any order: all orders are tried,
 * and what is left is used after each step. And in a forked child, where a lock of the parent's
 * may never be released, guards say so and can be destroyed. For ASan. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "recsys/recsys.h"
#include "tests/support/orders.h"

static recsys_error err;

/* -- a database of one row -- */

static int n_alive; /* sources that were not destroyed */

static recsys_status query(void *self, void *session, const char *statement,
                           const recsys_datum *parameters, size_t n, uint32_t timeout_ms,
                           recsys_rows *rows, recsys_error *problem)
{
    recsys_status status;

    (void)self;
    (void)session;
    (void)parameters;
    (void)n;
    (void)timeout_ms;
    if (strstr(statement, "auth_db") != NULL)
        return recsys_error_set(problem, RECSYS_E_IO, "this database knows no tokens");
    status = recsys_rows_add_column(rows, "id", problem);
    return status == RECSYS_OK ? recsys_rows_add(rows, recsys_datum_integer(7), problem) : status;
}

static recsys_status begin(void *self, uint32_t timeout_ms, void **session, recsys_error *problem)
{
    (void)timeout_ms;
    (void)problem;
    *session = self;
    return RECSYS_OK;
}

static recsys_status end(void *self, void *session, uint32_t commit, uint32_t timeout_ms,
                         recsys_error *problem)
{
    (void)self;
    (void)session;
    (void)commit;
    (void)timeout_ms;
    (void)problem;
    return RECSYS_OK;
}

static void destroy(void *self)
{
    (void)self;
    n_alive--;
}

/* -- everything there is -- */

enum what { STORE, SOURCE, STATS, TRANSACTION, DOMAINS, DENYLIST, LIMITER, N_WHATS };

static struct fixture {
    recsys_store *store;
    recsys_source *source;
    recsys_stats *stats;
    recsys_transaction *transaction;
    recsys_domains *domains;
    recsys_denylist *denylist;
    recsys_limiter *limiter;
} fixture;

static void add_a_domain(void)
{
    recsys_domain_definition definition = RECSYS_DOMAIN_DEFINITION_INIT;

    definition.name = "thing";
    definition.shape = RECSYS_SHAPE_OBJECT;
    definition.key = "thing:{id}";
    definition.query = "SELECT id FROM things WHERE id = $1";
    assert_int_equal(recsys_domains_add(fixture.domains, &definition, &err), RECSYS_OK);
    definition.name = "inside"; /* in a store that the set has made */
    definition.db = 3;
    assert_int_equal(recsys_domains_add(fixture.domains, &definition, &err), RECSYS_OK);
}

static void build(void)
{
    const recsys_source_driver driver = {
        (uint32_t)sizeof driver, 0, query, begin, end, NULL, destroy};
    recsys_cache_options small = RECSYS_CACHE_OPTIONS_INIT;
    recsys_domains_options domains = RECSYS_DOMAINS_OPTIONS_INIT;
    recsys_denylist_options denylist = RECSYS_DENYLIST_OPTIONS_INIT;
    recsys_limiter_options limiter = RECSYS_LIMITER_OPTIONS_INIT;

    memset(&fixture, 0, sizeof fixture);
    small.n_shards = 1;
    small.max_bytes = 1 << 16;
    limiter.max_keys = 64;
    assert_int_equal(recsys_store_create_memory("s", &small, &fixture.store, &err), RECSYS_OK);
    n_alive++;
    assert_int_equal(recsys_source_create("d", &driver, &n_alive, &fixture.source, &err),
                     RECSYS_OK);
    assert_int_equal(recsys_stats_create(&fixture.stats, &err), RECSYS_OK);
    assert_int_equal(recsys_transaction_begin(fixture.source, 0, &fixture.transaction, &err),
                     RECSYS_OK);
    domains.stores = &fixture.store;
    domains.n_stores = 1;
    domains.source = fixture.source;
    domains.stats = denylist.stats = fixture.stats;
    domains.memory_bytes = 1 << 16;
    assert_int_equal(recsys_domains_create(&domains, &fixture.domains, &err), RECSYS_OK);
    add_a_domain();
    assert_int_equal(
        recsys_denylist_create(fixture.store, fixture.source, &denylist, &fixture.denylist, &err),
        RECSYS_OK);
    assert_int_equal(recsys_limiter_create(fixture.store, &limiter, &fixture.limiter, &err),
                     RECSYS_OK);
}

/* Whatever is still there works. */
static void use(void)
{
    static const char *const names[] = {"thing", "inside"};
    recsys_denylist_verdict verdict = RECSYS_DENYLIST_VERDICT_INIT;
    recsys_limit limit = RECSYS_LIMIT_INIT;
    const char *id = "7";
    recsys_value json;
    recsys_rows *rows;

    for (int i = 0; i < 2 && fixture.domains != NULL; i++) {
        assert_int_equal(recsys_domains_invalidate(fixture.domains, names[i], &id, 1, &err),
                         RECSYS_OK);
        assert_int_equal(
            recsys_domains_get(fixture.domains, names[i], &id, 1, 0, &json, NULL, &err), RECSYS_OK);
        assert_int_equal(json.size, 8);
        assert_memory_equal(json.data, "{\"id\":7}", 8);
        recsys_value_release(&json);
    }
    if (fixture.denylist != NULL) {
        assert_int_equal(
            recsys_denylist_check(fixture.denylist, (recsys_bytes){"t", 1}, &verdict, &err),
            RECSYS_OK);
        assert_int_equal(verdict.verdict, RECSYS_TOKEN_UNKNOWN);
        assert_int_equal(verdict.problem.status, RECSYS_E_IO);
        assert_non_null(strstr(verdict.problem.message, "knows no tokens"));
    }
    if (fixture.limiter != NULL) {
        assert_int_equal(
            recsys_limiter_allow(fixture.limiter, (recsys_bytes){"k", 1}, 1, &limit, &err),
            RECSYS_OK);
        assert_int_equal(limit.allowed, 1);
        assert_int_equal(limit.local, 0);
    }
    if (fixture.transaction != NULL) {
        assert_int_equal(recsys_transaction_query(fixture.transaction, "Q", NULL, 0, &rows, &err),
                         RECSYS_OK);
        recsys_rows_destroy(rows);
    }
}

static void give_back(enum what what)
{
    switch (what) {
    case STORE:
        recsys_store_unref(fixture.store);
        break;
    case SOURCE:
        recsys_source_unref(fixture.source);
        break;
    case STATS:
        recsys_stats_unref(fixture.stats);
        break;
    case TRANSACTION:
        recsys_transaction_rollback(fixture.transaction);
        fixture.transaction = NULL;
        break;
    case DOMAINS:
        recsys_domains_destroy(fixture.domains);
        fixture.domains = NULL;
        break;
    case DENYLIST:
        recsys_denylist_destroy(fixture.denylist);
        fixture.denylist = NULL;
        break;
    default:
        recsys_limiter_destroy(fixture.limiter);
        fixture.limiter = NULL;
        break;
    }
}

static void try_order(const unsigned *order, size_t n)
{
    build();
    for (size_t i = 0; i < n; i++) {
        give_back((enum what)order[i]);
        use();
    }
    assert_int_equal(n_alive, 0);
}

static void everything_may_be_given_back_in_any_order(void **state)
{
    (void)state;
    assert_int_equal(orders_try_all(N_WHATS, try_order), 5040);
}

/* 0 if all is as it should be. */
static int child(void)
{
    recsys_denylist_verdict verdict = RECSYS_DENYLIST_VERDICT_INIT;
    recsys_denylist_stats stats = RECSYS_DENYLIST_STATS_INIT;
    recsys_limit limit = RECSYS_LIMIT_INIT;
    recsys_bytes text = {"t", 1};
    recsys_value json;
    int wrong = 0;

    verdict.verdict = RECSYS_TOKEN_CLEAR;
    wrong |= recsys_denylist_check(fixture.denylist, text, &verdict, &err) != RECSYS_E_STATE;
    wrong |= verdict.verdict != 0 || strstr(err.message, "fork()") == NULL;
    wrong |= recsys_denylist_revoke(fixture.denylist, text, NULL, NULL, 1, &err) != RECSYS_E_STATE;
    wrong |= recsys_denylist_get(fixture.denylist, text, &json, &err) != RECSYS_E_STATE;
    wrong |= recsys_denylist_sync(fixture.denylist, &err) != RECSYS_E_STATE;
    wrong |= recsys_denylist_get_stats(fixture.denylist, &stats, &err) != RECSYS_E_STATE;
    limit.allowed = 1;
    wrong |= recsys_limiter_allow(fixture.limiter, text, 1, &limit, &err) != RECSYS_E_STATE;
    wrong |= limit.allowed != 0;
    give_back(DENYLIST);
    give_back(LIMITER);
    return wrong;
}

static void in_a_forked_child_guards_say_so_and_can_be_destroyed(void **state)
{
    int result;

    (void)state;
    build();
    pid_t process = fork();
    assert_true(process >= 0);
    if (process == 0)
        _exit(child());
    assert_int_equal(waitpid(process, &result, 0), process);
    assert_true(WIFEXITED(result));
    assert_int_equal(WEXITSTATUS(result), 0);
    use();
    for (int i = 0; i < N_WHATS; i++)
        give_back((enum what)i);
    assert_int_equal(n_alive, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_may_be_given_back_in_any_order),
        cmocka_unit_test(in_a_forked_child_guards_say_so_and_can_be_destroyed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
