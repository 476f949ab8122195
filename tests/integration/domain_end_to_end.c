/* Every ready domain from a real PostgreSQL through a real Redis and back: what is answered,
 * under which key it is kept and for how long, and that a write is seen by the next reader. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/check.h"
#include "tests/support/database.h"
#include "tests/support/domain_fixture.h"

/* As JSON text, for free(). The read must succeed. */
static char *get(const char *name, const char *value, uint32_t limit, uint32_t want_outcome)
{
    uint32_t outcome;
    recsys_value json;
    recsys_status status =
        recsys_domains_get(domain_fixture.domains, name, &value, value == NULL ? 0 : 1, limit,
                           &json, &outcome, &domain_fixture.err);

    if (status != RECSYS_OK)
        fail_msg("%s %s: %s", name, value == NULL ? "" : value, domain_fixture.err.message);
    if (want_outcome != outcome)
        fail_msg("%s %s: outcome %u, want %u", name, value == NULL ? "" : value, outcome,
                 want_outcome);
    return domain_fixture_text(&json);
}

static void expect_text(char *have, const char *want)
{
    assert_string_equal(have, want);
    free(have);
}

static void expect_part(char *have, const char *part)
{
    if (strstr(have, part) == NULL)
        fail_msg("%s\nis not in %s", part, have);
    free(have);
}

static size_t count(const char *json, const char *part)
{
    size_t n = 0;

    for (const char *at = json; (at = strstr(at, part)) != NULL; at++)
        n++;
    return n;
}

/* Is this key there, with what is left of a time to live that was shortened by a tenth at most? */
static void expect_key(unsigned db, const char *key, long long ttl_s)
{
    char command[256];

    snprintf(command, sizeof command, "'EXISTS','%s'", key);
    if (domain_fixture_redis_number(&domain_fixture, db, command) != 1)
        fail_msg("there is no key %s in db %u", key, db);
    snprintf(command, sizeof command, "'PTTL','%s'", key);
    long long left = domain_fixture_redis_number(&domain_fixture, db, command);
    if (left < ttl_s * 900 - 60000 || left > ttl_s * 1000)
        fail_msg("%s lives for %lld ms, not about %lld s", key, left, ttl_s);
}

static void the_migration_and_the_demo_rows_can_be_applied_twice(void **state)
{
    static const char counts[] =
        "SELECT (SELECT count(*) FROM my_db.users) || ' ' || (SELECT count(*) FROM "
        "my_db.activities) || ' ' || (SELECT count(*) FROM character_db.missions) || ' ' || "
        "(SELECT count(*) FROM location_db.recycle_centers) || ' ' || (SELECT count(*) FROM "
        "info_db.recycle_guides) || ' ' || (SELECT count(*) FROM chat_db.conversations) || ' ' || "
        "(SELECT count(*) FROM scan_db.scan_results) || ' ' || (SELECT revision FROM "
        "auth_db.revocation)";
    static const char own_rule[] =
        "CREATE OR REPLACE FUNCTION character_db.exp_required(level integer) RETURNS bigint "
        "LANGUAGE sql IMMUTABLE AS 'SELECT 7::bigint'";
    char *before = database_ask(domain_fixture.conninfo, counts), *after;

    (void)state;
    /* Rows of one's own and a rule of one's own stay. */
    free(database_ask(domain_fixture.conninfo,
                      "UPDATE my_db.users SET name = 'Other' WHERE user_id = '2'"));
    char *rule = database_ask(domain_fixture.conninfo,
                              "SELECT prosrc FROM pg_proc WHERE proname = 'exp_required'");
    free(database_ask(domain_fixture.conninfo, own_rule));
    domain_fixture_apply(&domain_fixture, "0001_domains.sql");
    domain_fixture_apply(&domain_fixture, "0002_demo_rows.sql");
    after = database_ask(domain_fixture.conninfo, counts);
    assert_string_equal(before, after);
    expect_text(
        database_ask(domain_fixture.conninfo, "SELECT name FROM my_db.users WHERE user_id = '2'"),
        "Other");
    expect_text(database_ask(domain_fixture.conninfo, "SELECT character_db.exp_required(3)"), "7");
    char sql[512];
    snprintf(sql, sizeof sql,
             "CREATE OR REPLACE FUNCTION character_db.exp_required(level integer) RETURNS bigint "
             "LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS '%s'",
             rule);
    free(database_ask(domain_fixture.conninfo, sql));
    free(before);
    free(after);
    free(rule);
}

static void a_profile_is_read_and_changed(void **state)
{
    static const char members[] = "{\"name\":\"O'Neill \\u00e9\",\"phone\":null,"
                                  "\"preferences\":{\"a\":[1,2.50]}}";
    uint32_t outcome;
    recsys_value json;
    const char *nobody = "nobody";

    (void)state;
    expect_part(get("user.profile", "1", 0, RECSYS_ASIDE_MISS),
                "{\"user_id\":\"1\",\"name\":\"Kim Minji\",\"email\":\"minji@example.com\",");
    expect_key(2, "user:profile:1", 3600);
    free(get("user.profile", "1", 0, RECSYS_ASIDE_HIT));
    CHECK_OK(recsys_recycling_update_user(domain_fixture.domains, "1",
                                          (recsys_bytes){members, sizeof members - 1}, &json,
                                          &domain_fixture.err),
             &domain_fixture.err);
    char *now = domain_fixture_text(&json);
    assert_non_null(strstr(now, "\"name\":\"O'Neill é\",\"email\":\"minji@example.com\",\"phone\":"
                                "null,\"avatar_url\":null,"));
    assert_non_null(strstr(now, "2.50"));
    expect_text(get("user.profile", "1", 0, RECSYS_ASIDE_MISS), now);
    expect_text(get("user.profile", "1", 0, RECSYS_ASIDE_HIT), now);
    free(now);
    /* Somebody else's address. */
    assert_int_equal(
        recsys_recycling_update_user(domain_fixture.domains, "1",
                                     (recsys_bytes){"{\"email\":\"alex@example.com\"}", 28}, &json,
                                     &domain_fixture.err),
        RECSYS_E_EXISTS);
    assert_int_equal(recsys_recycling_update_user(domain_fixture.domains, nobody,
                                                  (recsys_bytes){"{\"name\":\"x\"}", 12}, &json,
                                                  &domain_fixture.err),
                     RECSYS_E_NOT_FOUND);
    assert_int_equal(recsys_domains_get(domain_fixture.domains, "user.profile", &nobody, 1, 0,
                                        &json, &outcome, &domain_fixture.err),
                     RECSYS_E_NOT_FOUND);
    expect_key(2, "~{user:profile:nobody}", 30);
}

static void activities_are_the_newest_hundred(void **state)
{
    (void)state;
    char *all = get("user.activity", "1", 0, RECSYS_ASIDE_MISS);
    assert_int_equal(count(all, "{\"id\":"), 100);
    assert_non_null(strstr(all, "{\"step\": 120}"));
    assert_null(strstr(all, "{\"step\": 20}"));
    free(all);
    expect_key(2, "user:activity:1", 300);
    all = get("user.activity", "1", 1000, RECSYS_ASIDE_MISS);
    assert_int_equal(count(all, "{\"id\":"), 120);
    free(all);
}

static void a_characters_state_follows_its_missions(void **state)
{
    static const char *const touched[] = {"character.state", "character.missions"};
    const char *user = "demo";
    recsys_datum parameter = recsys_datum_text(user);

    (void)state;
    expect_part(get("character.state", user, 0, RECSYS_ASIDE_MISS),
                "\"name\":\"Leaf\",\"level\":7,\"exp\":42,\"exp_required\":1852,");
    expect_part(get("character.state", user, 0, RECSYS_ASIDE_HIT),
                "\"total_missions\":4,\"completed_missions\":2,");
    expect_key(3, "character:state:demo", 600);
    char *missions = get("character.missions", user, 0, RECSYS_ASIDE_MISS);
    assert_true(strstr(missions, "deposit bottles") < strstr(missions, "first bottle"));
    free(missions);
    expect_key(3, "character:missions:demo", 600);
    CHECK_OK(recsys_domains_write(domain_fixture.domains, touched, 2, &user, 1,
                                  "UPDATE character_db.missions SET status = 'completed' "
                                  "WHERE user_id = $1::text",
                                  &parameter, 1, NULL, &domain_fixture.err),
             &domain_fixture.err);
    expect_part(get("character.state", user, 0, RECSYS_ASIDE_MISS), "\"completed_missions\":4,");
    expect_part(get("character.missions", user, 1, RECSYS_ASIDE_MISS), "\"status\":\"completed\"");
    /* A statement that changes missions gives the state a version of its own, whatever it is. */
    free(get("character.state", "1", 0, RECSYS_ASIDE_MISS));
    char *before = database_ask(domain_fixture.conninfo, "SELECT version FROM character_db.states "
                                                         "WHERE user_id = '1'");
    static const char *const changes[] = {
        "INSERT INTO character_db.missions (user_id, title) VALUES ('1', 'x'), ('1', 'y')",
        "UPDATE character_db.missions SET title = 'z' WHERE title = 'x'",
        "DELETE FROM character_db.missions WHERE title IN ('y', 'z')",
        "UPDATE character_db.missions SET user_id = 'demo' WHERE user_id = '1'",
        "TRUNCATE character_db.missions",
    };
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        free(database_ask(domain_fixture.conninfo, changes[i]));
        char *after =
            database_ask(domain_fixture.conninfo, "SELECT version FROM character_db.states "
                                                  "WHERE user_id = '1'");
        assert_true(strtoll(after, NULL, 10) > strtoll(before, NULL, 10));
        free(before);
        before = after;
    }
    free(before);
}

static void centres_are_found_by_their_number_as_it_is_written(void **state)
{
    const char *values[] = {"007", "999999", "abc", "99999999999999999999"};
    const recsys_status want[] = {RECSYS_E_NOT_FOUND, RECSYS_E_NOT_FOUND, RECSYS_E_INVALID,
                                  RECSYS_E_INVALID};
    recsys_value json;

    (void)state;
    expect_part(get("location.center", "7", 0, RECSYS_ASIDE_MISS), "{\"id\":7,\"name\":\"Yongsan ");
    expect_part(get("location.center", "7", 0, RECSYS_ASIDE_HIT), "\"accepts\":[\"");
    expect_key(4, "location:center:7", 86400);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(recsys_domains_get(domain_fixture.domains, "location.center", &values[i],
                                            1, 0, &json, NULL, &domain_fixture.err),
                         want[i]);
}

static char *search(const char *keyword, uint32_t want_outcome)
{
    uint32_t outcome;
    recsys_value json;

    CHECK_OK(recsys_recycling_search_guides(domain_fixture.domains, keyword, &json, &outcome,
                                            &domain_fixture.err),
             &domain_fixture.err);
    assert_int_equal(outcome, want_outcome);
    return domain_fixture_text(&json);
}

static void guides_are_read_listed_and_searched(void **state)
{
    (void)state;
    expect_part(get("info.guide", "vinyl", 0, RECSYS_ASIDE_MISS), "\"title\":\"비닐류\"");
    expect_key(5, "info:guide:vinyl", 604800);
    expect_text(get("info.categories", NULL, 0, RECSYS_ASIDE_MISS),
                "[\"battery\",\"clothes\",\"electronics\",\"food\",\"furniture\",\"glass\","
                "\"metal\",\"paper\",\"paper_pack\",\"plastic\",\"styrofoam\",\"vinyl\"]");
    expect_key(5, "info:categories:all", 604800);

    char *found = search("LITHIUM", RECSYS_ASIDE_MISS);
    assert_int_equal(count(found, "{\"id\":"), 1);
    expect_text(search("lithium", RECSYS_ASIDE_HIT), found);
    free(found);
    expect_key(5, "info:search:lithium", 3600);
    /* % and _ mean themselves; so does a backslash. */
    found = search("100%", RECSYS_ASIDE_MISS);
    assert_int_equal(count(found, "{\"id\":"), 1);
    free(found);
    expect_text(search("1%0", RECSYS_ASIDE_MISS), "[]");
    found = search("L_bag", RECSYS_ASIDE_MISS);
    assert_int_equal(count(found, "{\"id\":"), 1);
    free(found);
    expect_text(search("vin_l", RECSYS_ASIDE_MISS), "[]");
    expect_text(search("\\", RECSYS_ASIDE_MISS), "[]");
    expect_text(search("' OR true --", RECSYS_ASIDE_MISS), "[]");
    /* Case beyond ASCII, in a database whose own locale knows none. */
    free(database_ask(domain_fixture.conninfo,
                      "INSERT INTO info_db.recycle_guides (category, title, "
                      "content) VALUES ('kork', 'Östlicher KORK', 'ΟΔΟΣ')"));
    found = search("östLICHER", RECSYS_ASIDE_MISS);
    assert_int_equal(count(found, "{\"id\":"), 1);
    expect_text(search("ÖSTLICHER", RECSYS_ASIDE_HIT), found);
    expect_text(search("οδος", RECSYS_ASIDE_MISS), found);
    expect_text(search("ΟΔΟΣ", RECSYS_ASIDE_HIT), found);
    free(found);
}

static void a_search_gives_fifty_guides_at_most(void **state)
{
    (void)state;
    free(database_ask(domain_fixture.conninfo,
                      "INSERT INTO info_db.recycle_guides (category, title, content) "
                      "SELECT 'many ' || n, 'many', '' FROM generate_series(1, 60) n"));
    char *found = search("many", RECSYS_ASIDE_MISS);
    assert_int_equal(count(found, "{\"id\":"), 50);
    free(found);
    free(database_ask(domain_fixture.conninfo,
                      "DELETE FROM info_db.recycle_guides WHERE title = 'many'"));
}

static void a_conversation_is_seen_by_the_next_reader(void **state)
{
    recsys_value json;

    (void)state;
    char *two = get("chat.history", "1", 0, RECSYS_ASIDE_MISS);
    assert_int_equal(count(two, "{\"id\":"), 2);
    free(two);
    expect_key(6, "chat:history:1", 1800);
    CHECK_OK(recsys_recycling_add_message(domain_fixture.domains, "1", "[\"]\\ 안녕", "", &json,
                                          &domain_fixture.err),
             &domain_fixture.err);
    char *added = domain_fixture_text(&json);
    char *one = get("chat.history", "1", 1, RECSYS_ASIDE_MISS);
    assert_int_equal(strlen(one), strlen(added) + 2);
    assert_memory_equal(one + 1, added, strlen(added));
    free(one);
    free(added);
    char *three = get("chat.history", "1", 50, RECSYS_ASIDE_HIT);
    assert_int_equal(count(three, "{\"id\":"), 3);
    free(three);
}

static void a_pending_scan_is_seen_as_soon_as_it_is_done(void **state)
{
    const char *unknown = "scan-9999";
    recsys_value json;

    (void)state;
    expect_part(get("scan.result", "scan-0004", 0, RECSYS_ASIDE_MISS), "\"status\":\"pending\"");
    assert_int_equal(
        domain_fixture_redis_number(&domain_fixture, 7, "'EXISTS','scan:result:scan-0004'"), 0);
    assert_int_equal(recsys_domains_get(domain_fixture.domains, "scan.result", &unknown, 1, 0,
                                        &json, NULL, &domain_fixture.err),
                     RECSYS_E_NOT_FOUND);
    assert_int_equal(
        domain_fixture_redis_number(&domain_fixture, 7, "'EXISTS','scan:result:scan-9999'"), 0);
    free(database_ask(domain_fixture.conninfo,
                      "INSERT INTO scan_db.scan_results (task_id, user_id, status) VALUES "
                      "('scan-9999', '1', 'processing'); UPDATE scan_db.scan_results SET status = "
                      "'completed', completed_at = now() WHERE task_id = 'scan-0004'"));
    expect_part(get("scan.result", unknown, 0, RECSYS_ASIDE_MISS), "\"status\":\"processing\"");
    char *done = get("scan.result", "scan-0004", 0, RECSYS_ASIDE_MISS);
    assert_non_null(strstr(done, "\"status\":\"completed\""));
    assert_null(strstr(done, "settled"));
    expect_text(get("scan.result", "scan-0004", 0, RECSYS_ASIDE_HIT), done);
    free(done);
    expect_key(7, "scan:result:scan-0004", 3600);
    expect_part(get("scan.history", "demo", 1, RECSYS_ASIDE_MISS), "scan-0004");
    expect_key(7, "scan:history:demo", 3600);
}

static void a_users_entries_are_forgotten_together(void **state)
{
    (void)state;
    free(get("user.profile", "2", 0, RECSYS_ASIDE_MISS));
    free(get("chat.history", "2", 0, RECSYS_ASIDE_MISS));
    free(get("user.profile", "3", 0, RECSYS_ASIDE_MISS));
    CHECK_OK(recsys_domains_invalidate_user(domain_fixture.domains, "2", &domain_fixture.err),
             &domain_fixture.err);
    assert_int_equal(domain_fixture_redis_number(&domain_fixture, 2, "'EXISTS','user:profile:2'"),
                     0);
    assert_int_equal(domain_fixture_redis_number(&domain_fixture, 6, "'EXISTS','chat:history:2'"),
                     0);
    free(get("user.profile", "3", 0, RECSYS_ASIDE_HIT));
}

static void warming_spreads_its_times_to_live(void **state)
{
    static const char *const categories[] = {"battery", "clothes", "food",   "glass",
                                             "metal",   "paper",   "plastic"};
    recsys_warming warming = {.struct_size = sizeof warming};
    long long least = INT64_MAX, most = 0;
    uint32_t outcome;
    recsys_value json;

    (void)state;
    CHECK_OK(recsys_domains_warm(domain_fixture.domains, NULL, 0, &warming, &domain_fixture.err),
             &domain_fixture.err);
    assert_int_equal(warming.failed, 0);
    assert_int_equal(warming.skipped, 0);
    /* A guide and the list of categories were read above; two of three places are in one cell. */
    assert_int_equal(warming.present, 3);
    assert_int_equal(warming.loaded, 12 + 2);
    for (size_t i = 0; i < sizeof categories / sizeof *categories; i++) {
        char command[64];
        snprintf(command, sizeof command, "'TTL','info:guide:%s'", categories[i]);
        long long left = domain_fixture_redis_number(&domain_fixture, 5, command);
        least = left < least ? left : least;
        most = left > most ? left : most;
        CHECK_BETWEEN(left, 604800 * 45 / 100, 604800);
    }
    assert_true(most - least > 3600);
    assert_int_equal(domain_fixture_redis_number(&domain_fixture, 5, "'EXISTS','~warm'"), 0);
    CHECK_OK(recsys_recycling_find_nearby(domain_fixture.domains, 37.5665, 126.9780, 5, &json,
                                          &outcome, &domain_fixture.err),
             &domain_fixture.err);
    assert_int_equal(outcome, RECSYS_ASIDE_HIT);
    recsys_value_release(&json);
    assert_int_equal(
        domain_fixture_redis_number(&domain_fixture, 4, "'EXISTS','location:nearby:wydm9:5'"), 1);
    CHECK_OK(recsys_domains_warm(domain_fixture.domains, NULL, 0, &warming, &domain_fixture.err),
             &domain_fixture.err);
    assert_int_equal(warming.loaded, 0);
    assert_int_equal(warming.present, 17);
}

static void celerys_results_are_read_as_they_are(void **state)
{
    recsys_value json;

    (void)state;
    free(
        domain_fixture_redis(&domain_fixture, 9,
                             "'SET','celery-task-meta-8e1f','{\"status\": \"SUCCESS\", \"result\": "
                             "{\"x\": 0.1}, \"traceback\": null, \"children\": [], \"date_done\": "
                             "\"2026-01-01T00:00:00+00:00\", \"task_id\": \"8e1f\"}'"));
    CHECK_OK(recsys_recycling_get_task(domain_fixture.domains, "8e1f", &json, &domain_fixture.err),
             &domain_fixture.err);
    expect_text(domain_fixture_text(&json),
                "{\"task_id\":\"8e1f\",\"status\":\"SUCCESS\",\"ready\":true,\"successful\":true,"
                "\"result\":{\"x\": 0.1},\"traceback\":null,\"date_done\":"
                "\"2026-01-01T00:00:00+00:00\",\"children\":[]}");
    assert_int_equal(
        recsys_recycling_get_task(domain_fixture.domains, "other", &json, &domain_fixture.err),
        RECSYS_E_NOT_FOUND);
}

static void a_redis_that_is_gone_fails_no_read(void **state)
{
    (void)state;
    redis_server_kill(&domain_fixture.redis);
    expect_part(get("user.profile", "demo", 0, RECSYS_ASIDE_UNKNOWN), "\"name\":\"Demo\"");
    expect_part(get("chat.history", "demo", 1, RECSYS_ASIDE_UNKNOWN), "Hello!");
    redis_server_restart(&domain_fixture.redis);
}

/* Tables, columns and types are there: whatever is asked for is found or is not, and nothing else
 * happens. Places and guides are searched by functions of their own, above. */
static void every_ready_domain_can_be_read_after_the_migration(void **state)
{
    const recsys_domain_definition *definition;
    size_t n = 0;

    (void)state;
    for (; (definition = recsys_domains_list(domain_fixture.domains, n)) != NULL; n++) {
        const char *value = "999";
        recsys_value json = {0};

        if (strcmp(definition->name, "location.nearby") == 0 ||
            strcmp(definition->name, "info.search") == 0)
            continue;
        recsys_status status = recsys_domains_get(domain_fixture.domains, definition->name, &value,
                                                  strchr(definition->key, '{') != NULL, 0, &json,
                                                  NULL, &domain_fixture.err);
        recsys_value_release(&json);
        if (status != RECSYS_OK && status != RECSYS_E_NOT_FOUND)
            fail_msg("%s: %s: %s", definition->name, recsys_status_name(status),
                     domain_fixture.err.message);
    }
    assert_true(n > 10);
}

int main(void)
{
    /* In this order: some count what those before them have left in the cache. */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_migration_and_the_demo_rows_can_be_applied_twice),
        cmocka_unit_test(a_profile_is_read_and_changed),
        cmocka_unit_test(activities_are_the_newest_hundred),
        cmocka_unit_test(a_characters_state_follows_its_missions),
        cmocka_unit_test(centres_are_found_by_their_number_as_it_is_written),
        cmocka_unit_test(guides_are_read_listed_and_searched),
        cmocka_unit_test(a_search_gives_fifty_guides_at_most),
        cmocka_unit_test(a_conversation_is_seen_by_the_next_reader),
        cmocka_unit_test(a_pending_scan_is_seen_as_soon_as_it_is_done),
        cmocka_unit_test(a_users_entries_are_forgotten_together),
        cmocka_unit_test(warming_spreads_its_times_to_live),
        cmocka_unit_test(celerys_results_are_read_as_they_are),
        cmocka_unit_test(every_ready_domain_can_be_read_after_the_migration),
        cmocka_unit_test(a_redis_that_is_gone_fails_no_read),
    };

    return cmocka_run_group_tests(tests, domain_fixture_set_up, domain_fixture_tear_down);
}
