/* Covers lib/registry: names, URIs, publishing, aliases, listing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "recsys/model.h"
#include "recsys/registry.h"
#include "tests/support/bundle.h"

static char *root, bundle[300];
static recsys_registry *registry;
static recsys_error err;

static const char *at(const char *below)
{
    static char path[PATH_MAX];

    snprintf(path, sizeof path, "%s/%s", root, below);
    return path;
}

static int path_exists(const char *path)
{
    struct stat about;

    return lstat(path, &about) == 0;
}

static void write_text(const char *below, const char *text)
{
    bundle_write_file(root, below, text, strlen(text));
}

static int set_up(void **state)
{
    (void)state;
    struct bundle written;

    root = bundle_make_directory();
    snprintf(bundle, sizeof bundle, "%s/.bundle", root);
    bundle_write(&written, bundle, 20, 30, 8, 1, BUNDLE_CATALOG);
    bundle_free(&written);
    return recsys_registry_open(root, &registry, &err);
}

static int tear_down(void **state)
{
    (void)state;
    recsys_registry_unref(registry);
    bundle_remove_directory(root);
    free(root);
    return 0;
}

static uint64_t publish(const char *name)
{
    recsys_registry_location made = RECSYS_REGISTRY_LOCATION_INIT;
    recsys_status status = recsys_registry_publish(registry, bundle, name, &made, &err);

    if (status != RECSYS_OK)
        fail_msg("publish: %s", err.message);
    assert_string_equal(made.name, name);
    assert_true(path_exists(made.path));
    return strtoull(made.version, NULL, 10);
}

/* All but struct_size is zero, which is as the caller set it. */
static void assert_empty(const recsys_registry_location *location)
{
    const recsys_registry_location empty = RECSYS_REGISTRY_LOCATION_INIT;

    assert_memory_equal(location, &empty, sizeof empty);
}

/* The version `uri` means; 0 and the status in err.status if it means none. */
static uint64_t resolve(const char *uri)
{
    recsys_registry_location found = RECSYS_REGISTRY_LOCATION_INIT;

    memset(found.name, 'x', sizeof found - offsetof(recsys_registry_location, name));
    err.status = RECSYS_OK;
    if (recsys_registry_resolve(registry, uri, &found, &err) != RECSYS_OK) {
        assert_empty(&found);
        return 0;
    }
    assert_int_equal(err.status, RECSYS_OK); /* untouched */
    assert_true(path_exists(found.path));
    return strtoull(found.version, NULL, 10);
}

static char listed[1000];

static int32_t write_down(const recsys_registry_entry *entry, void *user_data)
{
    size_t used = strlen(listed);

    assert_int_equal(entry->struct_size, sizeof *entry);
    snprintf(listed + used, sizeof listed - used, " %s/%s%s%s", entry->name, entry->version,
             entry->alias == NULL ? "" : "@", entry->alias == NULL ? "" : entry->alias);
    return user_data != NULL ? 7 : 0;
}

static const char *list(const char *name)
{
    listed[0] = '\0';
    assert_int_equal(recsys_registry_list(registry, name, write_down, NULL, &err), RECSYS_OK);
    return listed;
}

static void a_directory_that_is_not_there_cannot_be_opened(void **state)
{
    recsys_registry *none = registry;

    (void)state;
    assert_int_equal(recsys_registry_open(at("nowhere"), &none, &err), RECSYS_E_IO);
    assert_null(none);
    assert_int_equal(recsys_registry_open(at(".bundle/recsys.json"), &none, &err), RECSYS_E_IO);
    assert_int_equal(recsys_registry_open(NULL, &none, &err), RECSYS_E_INVALID);
    assert_int_equal(recsys_registry_open(root, NULL, &err), RECSYS_E_INVALID);
    recsys_registry_unref(NULL);
}

static void versions_count_from_one_for_each_model(void **state)
{
    (void)state;
    assert_int_equal(publish("movies"), 1);
    assert_int_equal(publish("movies"), 2);
    assert_int_equal(publish("books"), 1);
    assert_int_equal(publish("movies"), 3);
    assert_string_equal(list(NULL), " books/1 movies/1 movies/2 movies/3");
    assert_string_equal(list("books"), " books/1");
}

static void ten_comes_after_nine(void **state)
{
    (void)state;
    for (uint64_t i = 1; i <= 11; i++)
        assert_int_equal(publish("m"), i);
    assert_int_equal(resolve("models:/m/latest"), 11);
    assert_string_equal(list("m"), " m/1 m/2 m/3 m/4 m/5 m/6 m/7 m/8 m/9 m/10 m/11");
}

static void a_published_model_loads_and_knows_its_name_and_version(void **state)
{
    recsys_model_info info = {.struct_size = (uint32_t)sizeof info};
    recsys_model_info before = info;
    recsys_registry_location found = RECSYS_REGISTRY_LOCATION_INIT;
    recsys_model *model, *original;

    (void)state;
    publish("movies");
    publish("movies");
    assert_int_equal(recsys_registry_resolve(registry, "models:/movies/latest", &found, &err),
                     RECSYS_OK);
    assert_int_equal(recsys_model_load(found.path, NULL, &model, &err), RECSYS_OK);
    assert_int_equal(recsys_model_load(bundle, NULL, &original, &err), RECSYS_OK);
    assert_int_equal(recsys_model_get_info(model, &info, &err), RECSYS_OK);
    assert_int_equal(recsys_model_get_info(original, &before, &err), RECSYS_OK);
    assert_string_equal(info.name, "movies");
    assert_string_equal(info.version, "2");
    assert_string_equal(before.version, "3");
    assert_string_equal(info.fingerprint, before.fingerprint);
    recsys_model_unref(model);
    recsys_model_unref(original);
}

static void only_listed_files_are_copied(void **state)
{
    (void)state;
    write_text(".bundle/notes.txt", "not in the manifest");
    publish("m");
    assert_true(path_exists(at("m/1/recsys.json")));
    assert_true(path_exists(at("m/1/model.safetensors")));
    assert_false(path_exists(at("m/1/notes.txt")));
}

static void hostile_names_are_refused(void **state)
{
    static const char *const names[] = {"",    ".",     "..",      "../x", "a/b",   ".hidden",
                                        "-rf", "_x",    "a b",     "a\n",  "a\\b",  "caf\xc3\xa9",
                                        "a@b", "a%2fb", "models:", "a:b",  "a\x01b"};
    char too_long[130];
    recsys_registry_location made = RECSYS_REGISTRY_LOCATION_INIT;

    (void)state;
    publish("m");
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        assert_int_equal(recsys_registry_publish(registry, bundle, names[i], &made, &err),
                         RECSYS_E_INVALID);
        assert_int_equal(recsys_registry_set_alias(registry, names[i], "a", "1", &err),
                         RECSYS_E_INVALID);
        assert_int_equal(recsys_registry_set_alias(registry, "m", names[i], "1", &err),
                         RECSYS_E_INVALID);
        assert_int_equal(recsys_registry_remove_alias(registry, "m", names[i], &err),
                         RECSYS_E_INVALID);
        assert_int_equal(recsys_registry_list(registry, names[i], write_down, NULL, &err),
                         RECSYS_E_INVALID);
    }
    memset(too_long, 'a', sizeof too_long - 1);
    too_long[129] = '\0';
    assert_int_equal(recsys_registry_publish(registry, bundle, too_long, &made, &err),
                     RECSYS_E_INVALID);
    too_long[128] = '\0';
    assert_int_equal(publish(too_long), 1);
    assert_int_equal(recsys_registry_publish(registry, bundle, NULL, &made, &err),
                     RECSYS_E_INVALID);
}

static void malformed_uris_are_refused_with_the_accepted_forms(void **state)
{
    static const char *const uris[] = {"",
                                       "m",
                                       "models:",
                                       "models:/",
                                       "models:/m",
                                       "models:/m/",
                                       "models:/m@",
                                       "models://m/1",
                                       "models:/m/0",
                                       "models:/m/01",
                                       "models:/m/-1",
                                       "models:/m/1/",
                                       "models:/m/newest",
                                       "models:/../m/1",
                                       "models:/m/../m/1",
                                       "models:/m@../1",
                                       "models:/.m/1",
                                       "models:/m/18446744073709551616",
                                       "Models:/m/1",
                                       "models:/m/1 ",
                                       "models:/@a"};

    (void)state;
    publish("m");
    for (size_t i = 0; i < sizeof uris / sizeof uris[0]; i++) {
        assert_int_equal(resolve(uris[i]), 0);
        assert_int_equal(err.status, RECSYS_E_INVALID);
        assert_non_null(strstr(err.message, "models:/NAME@ALIAS"));
    }
}

static void what_is_not_there_is_not_found(void **state)
{
    static const char *const uris[] = {"models:/other/1",      "models:/other/latest",
                                       "models:/m/2",          "models:/m@champion",
                                       "models:/m/Production", "models:/m/18446744073709551615"};

    (void)state;
    publish("m");
    for (size_t i = 0; i < sizeof uris / sizeof uris[0]; i++) {
        assert_int_equal(resolve(uris[i]), 0);
        assert_int_equal(err.status, RECSYS_E_NOT_FOUND);
    }
    assert_int_equal(recsys_registry_list(registry, "other", write_down, NULL, &err),
                     RECSYS_E_NOT_FOUND);
    assert_int_equal(recsys_registry_set_alias(registry, "m", "a", "2", &err), RECSYS_E_NOT_FOUND);
    assert_int_equal(recsys_registry_set_alias(registry, "m", "a", "0", &err), RECSYS_E_NOT_FOUND);
    assert_int_equal(recsys_registry_set_alias(registry, "x", "a", "1", &err), RECSYS_E_NOT_FOUND);
    assert_int_equal(recsys_registry_remove_alias(registry, "m", "a", &err), RECSYS_E_NOT_FOUND);
}

static void an_alias_moves_and_goes(void **state)
{
    (void)state;
    publish("m");
    publish("m");
    assert_int_equal(recsys_registry_set_alias(registry, "m", "champion", "1", &err), RECSYS_OK);
    assert_int_equal(resolve("models:/m@champion"), 1);
    assert_int_equal(recsys_registry_set_alias(registry, "m", "champion", "2", &err), RECSYS_OK);
    assert_int_equal(resolve("models:/m@champion"), 2);
    assert_int_equal(recsys_registry_set_alias(registry, "m", "Archived", "1", &err), RECSYS_OK);
    assert_string_equal(list("m"), " m/1 m/2 m/1@Archived m/2@champion");
    assert_int_equal(recsys_registry_remove_alias(registry, "m", "champion", &err), RECSYS_OK);
    assert_int_equal(resolve("models:/m@champion"), 0);
    assert_string_equal(list("m"), " m/1 m/2 m/1@Archived");
}

static void stages_are_aliases_and_latest_is_not(void **state)
{
    (void)state;
    publish("m");
    assert_int_equal(recsys_registry_set_alias(registry, "m", "Production", "1", &err), RECSYS_OK);
    assert_int_equal(resolve("models:/m/Production"), 1);
    assert_int_equal(resolve("models:/m/production"), 1);
    assert_int_equal(resolve("models:/m@Production"), 1);
    assert_int_equal(recsys_registry_set_alias(registry, "m", "latest", "1", &err), RECSYS_E_INVALID);
}

static void links_that_lead_elsewhere_are_not_followed(void **state)
{
    (void)state;
    publish("m");
    assert_int_equal(recsys_registry_set_alias(registry, "m", "good", "1", &err), RECSYS_OK);
    assert_int_equal(symlink("/etc", at("m/aliases/evil")), 0);
    assert_int_equal(symlink("../../../etc", at("m/aliases/evil2")), 0);
    assert_int_equal(symlink("../9", at("m/aliases/dangling")), 0);
    assert_int_equal(resolve("models:/m@evil"), 0);
    assert_int_equal(resolve("models:/m@evil2"), 0);
    assert_int_equal(resolve("models:/m@dangling"), 0);
    assert_string_equal(list("m"), " m/1 m/1@good");
}

static void strangers_in_the_directory_are_ignored(void **state)
{
    (void)state;
    publish("m");
    assert_int_equal(mkdir(at("m/02"), 0777), 0);
    assert_int_equal(mkdir(at("m/0"), 0777), 0);
    assert_int_equal(recsys_registry_set_alias(registry, "m", "a", "0", &err), RECSYS_E_NOT_FOUND);
    assert_int_equal(mkdir(at("m/x"), 0777), 0);
    write_text("m/3", "a file");
    write_text("README", "a file");
    assert_int_equal(mkdir(at("empty"), 0777), 0);
    assert_string_equal(list(NULL), " m/1");
    assert_int_equal(resolve("models:/m/latest"), 1);
    assert_int_equal(publish("m"), 2);
}

static void who_publishes_need_not_ask_for_the_version(void **state)
{
    (void)state;
    assert_int_equal(recsys_registry_publish(registry, bundle, "m", NULL, &err), RECSYS_OK);
    assert_int_equal(resolve("models:/m/1"), 1);
}

static void outputs_are_zero_after_bad_arguments(void **state)
{
    recsys_registry_location found = RECSYS_REGISTRY_LOCATION_INIT;

    (void)state;
    publish("m");
    found.path[0] = found.version[3] = 'x';
    assert_int_equal(recsys_registry_resolve(NULL, "models:/m/1", &found, &err), RECSYS_E_INVALID);
    assert_empty(&found);
    found.path[0] = 'x';
    assert_int_equal(recsys_registry_resolve(registry, NULL, &found, &err), RECSYS_E_INVALID);
    assert_empty(&found);
    found.path[0] = 'x';
    assert_int_equal(recsys_registry_publish(NULL, bundle, "m", &found, &err), RECSYS_E_INVALID);
    assert_empty(&found);
    found.path[0] = 'x';
    assert_int_equal(recsys_registry_publish(registry, NULL, "m", &found, &err), RECSYS_E_INVALID);
    assert_empty(&found);
    assert_int_equal(recsys_registry_resolve(registry, "models:/m/1", NULL, &err),
                     RECSYS_E_INVALID);
    found.struct_size = RECSYS_REGISTRY_LOCATION_SIZE_V1 - 1;
    assert_int_equal(recsys_registry_resolve(registry, "models:/m/1", &found, &err),
                     RECSYS_E_INVALID);
    assert_int_equal(recsys_registry_publish(registry, bundle, "m", &found, &err),
                     RECSYS_E_INVALID);
    assert_int_equal(recsys_registry_set_alias(registry, "m", "a", NULL, &err), RECSYS_E_INVALID);
    assert_string_equal(list("m"), " m/1");
}

static void a_registry_lives_until_the_last_reference_is_given_back(void **state)
{
    (void)state;
    assert_ptr_equal(recsys_registry_ref(registry), registry);
    recsys_registry_unref(registry);
    assert_int_equal(publish("m"), 1);
    assert_null(recsys_registry_ref(NULL));
}

static void a_callback_may_stop_the_list(void **state)
{
    (void)state;
    publish("m");
    publish("m");
    listed[0] = '\0';
    assert_int_equal(recsys_registry_list(registry, NULL, write_down, listed, &err),
                     RECSYS_E_STOPPED);
    assert_string_equal(listed, " m/1");
    listed[0] = '\0';
    assert_int_equal(recsys_registry_list(registry, "m", write_down, listed, &err),
                     RECSYS_E_STOPPED);
    assert_string_equal(listed, " m/1");
}

static void a_bad_bundle_leaves_nothing_behind(void **state)
{
    recsys_registry_location made = RECSYS_REGISTRY_LOCATION_INIT;

    (void)state;
    publish("m");
    size_t size;
    unsigned char *bytes = bundle_read_file(root, ".bundle/model.safetensors", &size);
    bytes[size - 1] ^= 1u;
    bundle_write_file(root, ".bundle/model.safetensors", bytes, size);
    free(bytes);
    assert_int_equal(recsys_registry_publish(registry, bundle, "m", &made, &err),
                     RECSYS_E_FORMAT);
    assert_empty(&made);
    assert_non_null(strstr(err.message, ".bundle"));
    assert_string_equal(list("m"), " m/1");
    assert_int_equal(unlink(at(".bundle/model.safetensors")), 0);
    assert_int_equal(recsys_registry_publish(registry, bundle, "m", &made, &err), RECSYS_E_IO);
    write_text(".bundle/recsys.json", "{\"files\": [{\"name\": \"../m/1/recsys.json\"}]}");
    assert_int_equal(recsys_registry_publish(registry, bundle, "m", &made, &err),
                     RECSYS_E_FORMAT);
    write_text(".bundle/recsys.json", "[]");
    assert_int_equal(recsys_registry_publish(registry, bundle, "m", &made, &err),
                     RECSYS_E_FORMAT);
    assert_int_equal(
        recsys_registry_publish(registry, at(".bundle/recsys.json"), "m", &made, &err),
        RECSYS_E_INVALID);
    bundle_remove_directory(at("m/1"));
    assert_int_equal(rmdir(at("m")), 0); /* so it was empty */
}

static void a_pipe_in_a_bundle_does_not_keep_the_publisher_waiting(void **state)
{
    recsys_registry_location made = RECSYS_REGISTRY_LOCATION_INIT;

    (void)state;
    assert_int_equal(unlink(at(".bundle/model.safetensors")), 0);
    assert_int_equal(mkfifo(at(".bundle/model.safetensors"), 0666), 0);
    assert_int_equal(recsys_registry_publish(registry, bundle, "m", &made, &err),
                     RECSYS_E_FORMAT);
}

static void leftovers_go_and_publishers_at_work_are_left_alone(void **state)
{
    (void)state;
    publish("m");
    assert_int_equal(mkdir(at("m/.tmp-1-a"), 0777), 0);
    write_text("m/.tmp-1-a/model.safetensors", "half of it");
    assert_int_equal(mkdir(at("m/.tmp-2-b"), 0777), 0);
    write_text("m/.tmp-2-b/model.safetensors", "half of it");
    int owner = open(at("m/.tmp-2-b"), O_RDONLY | O_DIRECTORY);
    assert_int_equal(flock(owner, LOCK_EX), 0);
    assert_int_equal(symlink("../1", at("m/.tmp-link")), 0);

    assert_string_equal(list("m"), " m/1");
    assert_int_equal(publish("m"), 2);
    assert_false(path_exists(at("m/.tmp-1-a")));
    assert_true(path_exists(at("m/.tmp-2-b/model.safetensors")));
    close(owner);
    assert_int_equal(publish("m"), 3);
    assert_false(path_exists(at("m/.tmp-2-b")));
}

#define T(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_directory_that_is_not_there_cannot_be_opened),
        T(versions_count_from_one_for_each_model),
        T(ten_comes_after_nine),
        T(a_published_model_loads_and_knows_its_name_and_version),
        T(only_listed_files_are_copied),
        T(hostile_names_are_refused),
        T(malformed_uris_are_refused_with_the_accepted_forms),
        T(what_is_not_there_is_not_found),
        T(an_alias_moves_and_goes),
        T(stages_are_aliases_and_latest_is_not),
        T(links_that_lead_elsewhere_are_not_followed),
        T(strangers_in_the_directory_are_ignored),
        T(who_publishes_need_not_ask_for_the_version),
        T(outputs_are_zero_after_bad_arguments),
        T(a_registry_lives_until_the_last_reference_is_given_back),
        T(a_callback_may_stop_the_list),
        T(a_bad_bundle_leaves_nothing_behind),
        T(a_pipe_in_a_bundle_does_not_keep_the_publisher_waiting),
        T(leftovers_go_and_publishers_at_work_are_left_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
