/* Out of memory in domains: a call that fails leaves no output, and whatever happened, the next
 * reader gets what the database has now; see oom.h. */
#include <stdio.h>
#include <string.h>

#include "tests/support/check.h"
#include "tests/support/oom.h"

#include <locale.h>

#include "recsys/recycling.h"
#include "tests/support/fake_source.h"

FAIL_ALLOC_INTERPOSE;

/* In place of the C library's: glibc's (seen in 2.36) loses a block when memory runs out in it,
 * which its caller cannot prevent. So this system has no such locale. */
locale_t newlocale(int categories, const char *name, locale_t base)
{
    (void)categories;
    (void)name;
    (void)base;
    return (locale_t)0;
}

/* The database has one number, which every statement that changes something raises. */
static int64_t revision;
static struct fake_source fake;

static recsys_status fill(recsys_rows *rows, const char *const *names, const recsys_datum *values,
                          size_t n, size_t n_rows, recsys_error *error)
{
    for (size_t i = 0; i < n; i++)
        TRY(recsys_rows_add_column(rows, names[i], error));
    for (size_t i = 0; i < n * n_rows; i++)
        TRY(recsys_rows_add(rows, values[i % n], error));
    return RECSYS_OK;
}

static recsys_status answer(void *user_data, const char *statement, const recsys_datum *parameters,
                            size_t n, recsys_rows *rows, recsys_error *error)
{
    static const char *const plain[] = {"id", "version", "settled", "leveled_up", "awarded"};
    static const char *const places[] = {"id", "lat", "lon", "distance"};
    static const char *const popular[] = {"lat", "lon", "radius_km"};
    static const char *const category = "category";
    const recsys_datum yes = {.type = RECSYS_TYPE_BOOL, .number = 1};

    (void)user_data;
    (void)parameters;
    (void)n;
    if (strstr(statement, "gain_exp") != NULL || strncmp(statement, "UPDATE", 6) == 0 ||
        strncmp(statement, "INSERT", 6) == 0)
        revision++;
    const recsys_datum values[] = {recsys_datum_integer(revision), recsys_datum_integer(revision),
                                   yes, recsys_datum_integer(0), yes};
    if (strstr(statement, "popular_places") != NULL) {
        const recsys_datum place[] = {recsys_datum_real(1.0), recsys_datum_real(2.0),
                                      recsys_datum_integer(5)};
        return fill(rows, popular, place, 3, 1, error);
    }
    if (strstr(statement, "recycle_centers") != NULL) {
        const recsys_datum place[] = {recsys_datum_integer(7), recsys_datum_real(0.01),
                                      recsys_datum_real(0.01), recsys_datum_real(2000.0)};
        return fill(rows, places, place, 4, 3, error);
    }
    if (strncmp(statement, "SELECT category", 15) == 0) {
        const recsys_datum glass = recsys_datum_text("glass");
        return fill(rows, &category, &glass, 1, 1, error);
    }
    int is_list = strstr(statement, "LIMIT") != NULL;
    return fill(rows, plain, values, strstr(statement, "gain_exp") != NULL ? 5 : 3,
                is_list ? 120 : 1, error);
}

static recsys_source *source;
static recsys_store *stores[RECSYS_DOMAIN_DBS];
static recsys_domains *domains;
static const char *const user = "1";

static void open_fixture(recsys_domains_options *options)
{
    memset(&fake, 0, sizeof fake);
    fake.answer = answer;
    revision = 1;
    source = fake_source_create(&fake);
    *options = (recsys_domains_options)RECSYS_DOMAINS_OPTIONS_INIT;
    options->stores = stores;
    options->n_stores = RECSYS_DOMAIN_DBS;
    options->source = source;
    for (size_t db = 2; db < 10; db++) {
        CHECK_OK(recsys_store_create_memory("db", NULL, &stores[db], &oom_err), &oom_err);
    }
}

static void close_fixture(void)
{
    recsys_domains_destroy(domains);
    domains = NULL;
    for (size_t db = 2; db < 10; db++)
        recsys_store_unref(stores[db]);
    recsys_source_unref(source);
}

static void open_domains(void)
{
    recsys_domains_options options;

    open_fixture(&options);
    CHECK_OK(recsys_domains_create(&options, &domains, &oom_err), &oom_err);
    CHECK_OK(recsys_recycling_add_domains(domains, &oom_err), &oom_err);
}

/* A reader gets the database's revision. Closes the fixture. */
static recsys_status finish(const char *name, recsys_status status, recsys_value *json)
{
    char want[32];

    CHECK(status == RECSYS_OK ? json->data != NULL : json->data == NULL && json->release == NULL);
    recsys_value_release(json);
    recsys_error kept = oom_err;
    CHECK_OK(recsys_domains_get(domains, name, &user, 1, 0, json, NULL, &oom_err), &oom_err);
    snprintf(want, sizeof want, "{\"id\":%lld,", (long long)revision);
    CHECK(strstr(json->data, want) != NULL);
    recsys_value_release(json);
    oom_err = kept;
    close_fixture();
    return status;
}

static recsys_status create_domains(void)
{
    recsys_domains_options options;
    recsys_status status;

    open_fixture(&options);
    FAILING(status, recsys_domains_create(&options, &domains, &oom_err));
    CHECK((domains != NULL) == (status == RECSYS_OK));
    close_fixture();
    return status;
}

static recsys_status add_the_ready_domains(void)
{
    recsys_domains_options options;
    recsys_status status;

    open_fixture(&options);
    CHECK_OK(recsys_domains_create(&options, &domains, &oom_err), &oom_err);
    FAILING(status, recsys_recycling_add_domains(domains, &oom_err));
    CHECK((recsys_domains_list(domains, 0) != NULL) == (status == RECSYS_OK));
    close_fixture();
    return status;
}

static recsys_status add_a_domain(void)
{
    recsys_domain_definition definition = RECSYS_DOMAIN_DEFINITION_INIT;
    recsys_status status;

    open_domains();
    definition.name = "own";
    definition.db = 12;
    definition.shape = RECSYS_SHAPE_OBJECT;
    definition.ttl_s = 60;
    definition.key = "own:{a}";
    definition.query = "SELECT $1";
    FAILING(status, recsys_domains_add(domains, &definition, &oom_err));
    if (status != RECSYS_OK) { /* as if it had not been tried */
        recsys_error kept = oom_err;
        CHECK(recsys_domains_list(domains, 12) == NULL);
        CHECK_OK(recsys_domains_add(domains, &definition, &oom_err), &oom_err);
        oom_err = kept;
    }
    CHECK(recsys_domains_list(domains, 12) != NULL);
    close_fixture();
    return status;
}

static recsys_status get_one(const char *name, uint32_t limit, int is_cached)
{
    recsys_value json = {0};
    recsys_status status;

    open_domains();
    if (is_cached) {
        CHECK_OK(recsys_domains_get(domains, name, &user, 1, 0, &json, NULL, &oom_err), &oom_err);
        recsys_value_release(&json);
    }
    FAILING(status, recsys_domains_get(domains, name, &user, 1, limit, &json, NULL, &oom_err));
    return finish(name, status, &json);
}

static recsys_status get_a_row(void)
{
    return get_one("character.state", 0, 0);
}

static recsys_status get_a_kept_row(void)
{
    return get_one("character.state", 0, 1);
}

static recsys_status get_a_row_that_may_settle(void)
{
    return get_one("scan.result", 0, 0);
}

static recsys_status get_a_part_of_a_list(void)
{
    return get_one("chat.history", 5, 0);
}

static recsys_status get_more_than_is_kept(void)
{
    return get_one("chat.history", 500, 1);
}

/* Cached, then changed. */
static void open_and_read(const char *name)
{
    recsys_value json;

    open_domains();
    CHECK_OK(recsys_domains_get(domains, name, &user, 1, 0, &json, NULL, &oom_err), &oom_err);
    recsys_value_release(&json);
}

static recsys_status update_a_user(void)
{
    static const char members[] = "{\"name\":\"x\"}";
    recsys_value json = {0};
    recsys_status status;

    open_and_read("user.profile");
    FAILING(status,
            recsys_recycling_update_user(domains, user, (recsys_bytes){members, sizeof members - 1},
                                         &json, &oom_err));
    return finish("user.profile", status, &json);
}

static recsys_status gain_experience(void)
{
    recsys_value json = {0};
    recsys_status status;

    open_and_read("character.state");
    FAILING(status, recsys_recycling_gain_experience(domains, user, 5, "award", &json, &oom_err));
    return finish("character.state", status, &json);
}

static recsys_status add_to_a_chat(void)
{
    recsys_value json = {0};
    recsys_status status;

    open_and_read("chat.history");
    FAILING(status, recsys_recycling_add_message(domains, user, "a", "b", &json, &oom_err));
    return finish("chat.history", status, &json);
}

static recsys_status forget_a_user(void)
{
    recsys_status status;

    open_and_read("user.profile");
    FAILING(status, recsys_domains_invalidate_user(domains, user, &oom_err));
    close_fixture();
    return status;
}

static recsys_status search_guides(void)
{
    recsys_value json = {0};
    recsys_status status;

    open_domains();
    FAILING(status, recsys_recycling_search_guides(domains, "Word", &json, NULL, &oom_err));
    return finish("info.guide", status, &json);
}

static recsys_status look_around(int is_cached)
{
    recsys_value json = {0};
    recsys_status status;

    open_domains();
    if (is_cached) {
        CHECK_OK(recsys_recycling_find_nearby(domains, 0.01, 0.0101, 5, &json, NULL, &oom_err),
                 &oom_err);
        recsys_value_release(&json);
    }
    FAILING(status, recsys_recycling_find_nearby(domains, 0.01, 0.0101, 5, &json, NULL, &oom_err));
    CHECK(status != RECSYS_OK || strstr(json.data, "\"distance\":11.13}") != NULL);
    return finish("info.guide", status, &json);
}

static recsys_status look_around_a_new_cell(void)
{
    return look_around(0);
}

static recsys_status look_around_a_kept_cell(void)
{
    return look_around(1);
}

static recsys_status warm_everything(void)
{
    recsys_warming warming = {.struct_size = (uint32_t)sizeof warming};
    recsys_status status;

    open_domains();
    FAILING(status, recsys_domains_warm(domains, NULL, 0, &warming, &oom_err));
    CHECK_EQ(warming.skipped, 0);
    CHECK(warming.failed + warming.loaded <= 3); /* what found no room in the store has failed */
    recsys_error kept = oom_err;
    /* The lock was given back. */
    CHECK_OK(recsys_domains_warm(domains, NULL, 0, &warming, &oom_err), &oom_err);
    CHECK_EQ(warming.skipped, 0);
    CHECK_EQ(warming.loaded + warming.present, 3);
    oom_err = kept;
    close_fixture();
    return status;
}

static recsys_status read_a_task(void)
{
    static const char result[] = "{\"status\":\"SUCCESS\",\"result\":[1],\"task_id\":\"t\"}";
    recsys_bytes key = {"celery-task-meta-t", 18}, value = {result, sizeof result - 1};
    recsys_value json = {0};
    recsys_status status;

    open_domains();
    CHECK_OK(recsys_store_set(stores[9], key, value, 0, RECSYS_STORE_ALWAYS, &oom_err), &oom_err);
    FAILING(status, recsys_recycling_get_task(domains, "t", &json, &oom_err));
    return finish("info.guide", status, &json);
}

static const struct oom_scenario scenarios[] = {
    {"create a set of domains", create_domains, 0},
    {"add the ready domains", add_the_ready_domains, 0},
    {"add a domain", add_a_domain, 0},
    {"get a row", get_a_row, 0},
    {"get a kept row", get_a_kept_row, 0},
    {"get a row that may settle", get_a_row_that_may_settle, 0},
    {"get a part of a list", get_a_part_of_a_list, 0},
    {"get more than is kept", get_more_than_is_kept, 0},
    {"update a user", update_a_user, 0},
    {"gain experience", gain_experience, 0},
    {"add to a chat", add_to_a_chat, 0},
    {"forget a user", forget_a_user, 0},
    {"search guides", search_guides, 0},
    {"look around a new cell", look_around_a_new_cell, 0},
    {"look around a kept cell", look_around_a_kept_cell, 0},
    {"warm everything", warm_everything, 0},
    {"read a task", read_a_task, 0},
};

int main(void)
{
    return oom_main(scenarios, sizeof scenarios / sizeof *scenarios, FAIL_ALLOC_INTERPOSED);
}
