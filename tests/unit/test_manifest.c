/* Covers lib/bundle/manifest.c: what a manifest must say, and how errors name it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/bundle/manifest.h"
#include "recsys/builder.h"
#include "recsys/model.h"

#define HASH "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define MODEL "{\"name\":\"model.safetensors\",\"size\":10,\"sha256\":\"" HASH "\"}"
#define COUNTS "\"dimensions\":4,\"n_users\":2,\"n_items\":3"
#define BEGIN "{\"format\":\"recsys-bundle\",\"format_version\":1,\"dtype\":\"F32\"," COUNTS
#define END ",\"files\":[" MODEL "]}"

static void everything_a_manifest_says_is_read(void **state)
{
    static const char json[] =
        BEGIN ",\"name\":\"movies\",\"version\":\"3\",\"algorithm\":\"als\","
              "\"training_date\":\"2026-11-21\",\"item_name\":\"book\",\"metric\":\"cosine\","
              "\"similar_by\":\"vector_bias_one\","
              "\"link\":{\"kind\":\"linear\",\"min\":0.5,\"max\":5},"
              "\"metrics\":{\"b\":0.5,\"a\":1},\"hyperparameters\":null,\"owner\":[1,{}]" END;
    struct rs_manifest manifest;
    char *dump;

    (void)state;
    assert_int_equal(rs_manifest_parse(json, strlen(json), "m", &manifest, NULL), RECSYS_OK);
    assert_string_equal(manifest.name, "movies");
    assert_string_equal(manifest.version, "3");
    assert_string_equal(manifest.algorithm, "als");
    assert_string_equal(manifest.training_date, "2026-11-21");
    assert_string_equal(manifest.item_name, "book");
    assert_int_equal(manifest.similar_by, RECSYS_SIMILAR_VECTOR_BIAS_ONE);
    assert_int_equal(manifest.dtype, RECSYS_DTYPE_F32);
    assert_int_equal(manifest.dimensions, 4);
    assert_int_equal(manifest.n_users, 2);
    assert_int_equal(manifest.n_items, 3);
    assert_int_equal(manifest.metric, RECSYS_METRIC_COSINE);
    assert_int_equal(manifest.link, RECSYS_LINK_LINEAR);
    assert_true(manifest.link_min == 0.5f && manifest.link_max == 5.0f);
    assert_int_equal(manifest.n_files, 1);
    assert_int_equal(rs_manifest_find(&manifest, "model.safetensors")->size, 10);
    assert_string_equal(rs_manifest_find(&manifest, "model.safetensors")->sha256, HASH);
    assert_null(rs_manifest_find(&manifest, "catalog.jsonl"));
    assert_int_equal(rs_manifest_dump(&manifest, "metrics", &dump, NULL), RECSYS_OK);
    assert_string_equal(dump, "{\"a\":1,\"b\":0.5}");
    rs_free(dump);
    assert_int_equal(rs_manifest_dump(&manifest, "hyperparameters", &dump, NULL), RECSYS_OK);
    assert_string_equal(dump, "{}");
    rs_free(dump);
    rs_manifest_destroy(&manifest);
}

static void what_is_optional_has_defaults(void **state)
{
    static const char json[] = BEGIN END;
    struct rs_manifest manifest;

    (void)state;
    assert_int_equal(rs_manifest_parse(json, strlen(json), "m", &manifest, NULL), RECSYS_OK);
    assert_string_equal(manifest.name, "");
    assert_string_equal(manifest.version, "");
    assert_string_equal(manifest.item_name, "");
    assert_int_equal(manifest.similar_by, RECSYS_SIMILAR_VECTOR);
    assert_int_equal(manifest.metric, RECSYS_METRIC_INNER_PRODUCT);
    assert_int_equal(manifest.link, RECSYS_LINK_SIGMOID);
    rs_manifest_destroy(&manifest);
}

static void what_is_wrong_is_named(void **state)
{
    static const struct {
        const char *json, *message;
        recsys_status status;
    } cases[] = {
        {"", "m: is empty", 0},
        {"[]", "m: must be a JSON object", 0},
        {"{}", "m: \"format\" is missing", 0},
        {"{\"format\":1}", "m: \"format\" must be a string", 0},
        {"{\"format\":\"zip\"}", "m: \"format\" is not \"recsys-bundle\"", 0},
        {"{\"format\":\"recsys-bundle\",\"format_version\":3}",
         "m: format_version is 3, this library reads up to 2", RECSYS_E_UNSUPPORTED},
        {"{\"format\":\"recsys-bundle\",\"format_version\":0}",
         "m: \"format_version\" is 0, must be 1..9223372036854775807", 0},
        {"{\"format\":\"recsys-bundle\",\"format_version\":1,\"dtype\":\"I8\"}",
         "m: \"dtype\" must be \"F32\", \"F64\", \"F16\" or \"BF16\"", RECSYS_E_UNSUPPORTED},
        {"{\"format\":\"recsys-bundle\",\"format_version\":1,\"dtype\":\"F32\",\"dimensions\":0}",
         "m: \"dimensions\" is 0, must be 1..65536", 0},
        {"{\"format\":\"recsys-bundle\",\"format_version\":1,\"dtype\":\"F32\",\"dimensions\":1,"
         "\"n_users\":-1}",
         "m: \"n_users\" is -1, must be 0..4294967295", 0},
        {"{\"format\":\"recsys-bundle\",\"format_version\":1,\"dtype\":\"F32\",\"dimensions\":1,"
         "\"n_users\":0,\"n_items\":4294967296}",
         "m: \"n_items\" is 4294967296, must be 1..4294967295", 0},
        {BEGIN ",\"version\":3" END, "m: \"version\" must be a string", 0},
        {BEGIN ",\"metric\":\"l2\"" END, "m: \"metric\" must be \"inner_product\" or \"cosine\"",
         RECSYS_E_UNSUPPORTED},
        {BEGIN ",\"similar_by\":\"bias\"" END,
         "m: \"similar_by\" must be \"vector\", \"vector_bias\" or \"vector_bias_one\"",
         RECSYS_E_UNSUPPORTED},
        {BEGIN ",\"link\":\"sigmoid\"" END, "m: \"link\" must be an object", 0},
        {BEGIN ",\"link\":{\"kind\":\"tanh\"}" END,
         "m: \"link.kind\" must be \"sigmoid\", \"linear\" or \"clip\"", RECSYS_E_UNSUPPORTED},
        {BEGIN ",\"link\":{\"kind\":\"linear\"}" END, "m: \"min\" is missing", 0},
        {BEGIN ",\"link\":{\"kind\":\"linear\",\"min\":5,\"max\":5}" END,
         "m: a linear link needs min < max", 0},
        {BEGIN ",\"link\":{\"kind\":\"linear\",\"min\":0,\"max\":1e300}" END,
         "m: a linear link needs min < max", 0},
        {BEGIN ",\"metrics\":[]" END, "m: \"metrics\" must be an object", 0},
        {BEGIN "}", "m: \"files\" must be an array of at most 256", 0},
        {BEGIN ",\"files\":[]}", "m: \"files\" does not list model.safetensors", 0},
        {BEGIN ",\"files\":[7]}", "m: \"files\" must hold objects", 0},
        {BEGIN ",\"files\":[{\"name\":\"../x\",\"size\":1,\"sha256\":\"" HASH "\"}]}",
         "m: \"files\" names \"../x\", which is no plain name of another file", 0},
        {BEGIN ",\"files\":[{\"name\":\"..\",\"size\":1,\"sha256\":\"" HASH "\"}]}",
         "m: \"files\" names \"..\", which is no plain name of another file", 0},
        {BEGIN ",\"files\":[{\"name\":\"recsys.json\",\"size\":1,\"sha256\":\"" HASH "\"}]}",
         "m: \"files\" names \"recsys.json\", which is no plain name of another file", 0},
        {BEGIN ",\"files\":[" MODEL "," MODEL "]}", "m: \"files\" names model.safetensors twice",
         0},
        {BEGIN ",\"files\":[{\"name\":\"a\",\"size\":-1,\"sha256\":\"" HASH "\"}]}",
         "m: \"size\" is -1, must be 0..9223372036854775807", 0},
        {BEGIN ",\"files\":[{\"name\":\"a\",\"size\":1,\"sha256\":\"ABC\"}]}",
         "m: \"sha256\" of a must be 64 lower-case hex digits", 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rs_manifest manifest;
        recsys_error err = {0};
        recsys_status want = cases[i].status == 0 ? RECSYS_E_FORMAT : cases[i].status;
        recsys_status status =
            rs_manifest_parse(cases[i].json, strlen(cases[i].json), "m", &manifest, &err);
        assert_string_equal(err.message, cases[i].message);
        assert_int_equal(status, want);
    }
}

static void a_manifest_beyond_its_limits_is_refused(void **state)
{
    size_t size = RS_MANIFEST_MAX_BYTES + 1;
    char *json = malloc(size);
    struct rs_manifest manifest;
    recsys_error err;

    (void)state;
    memset(json, ' ', size);
    memcpy(json, BEGIN END, sizeof BEGIN END - 1);
    assert_int_equal(rs_manifest_parse(json, size - 1, "m", &manifest, &err), RECSYS_OK);
    rs_manifest_destroy(&manifest);
    assert_int_equal(rs_manifest_parse(json, size, "m", &manifest, &err), RECSYS_E_FORMAT);
    assert_string_equal(err.message, "m: has 1048577 bytes, at most 1048576 are allowed");
    free(json);
}

static void a_name_of_256_bytes_is_refused(void **state)
{
    char json[1024], name[257];
    struct rs_manifest manifest;
    recsys_error err;

    (void)state;
    memset(name, 'x', 256);
    name[256] = '\0';
    snprintf(json, sizeof json, BEGIN ",\"name\":\"%s\"" END, name);
    assert_int_equal(rs_manifest_parse(json, strlen(json), "m", &manifest, &err), RECSYS_E_FORMAT);
    assert_string_equal(err.message, "m: \"name\" is longer than 255 bytes");
    snprintf(json, sizeof json, BEGIN ",\"name\":\"%s\"" END, name + 1);
    assert_int_equal(rs_manifest_parse(json, strlen(json), "m", &manifest, &err), RECSYS_OK);
    rs_manifest_destroy(&manifest);
}

static void words_and_numbers_are_translated_both_ways(void **state)
{
    (void)state;
    for (uint32_t i = 1; i <= 2; i++)
        assert_int_equal(rs_metric_find(rs_metric_name(i)), i);
    for (uint32_t i = 1; i <= 3; i++)
        assert_int_equal(rs_link_find(rs_link_name(i)), i);
    assert_null(rs_metric_name(0));
    assert_null(rs_metric_name(3));
    assert_null(rs_link_name(4));
    assert_int_equal(rs_metric_find("dot"), 0);
    assert_int_equal(rs_link_find(""), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_a_manifest_says_is_read),
        cmocka_unit_test(what_is_optional_has_defaults),
        cmocka_unit_test(what_is_wrong_is_named),
        cmocka_unit_test(a_manifest_beyond_its_limits_is_refused),
        cmocka_unit_test(a_name_of_256_bytes_is_refused),
        cmocka_unit_test(words_and_numbers_are_translated_both_ways),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
