/* Cells, distances, and when the cached cell may answer: geohashes as published, distances as
 * published and as PostGIS 3.3 (PROJ 9.1) gives them, and a fake database that tells whether it
 * was asked. tests/integration/domain_nearby.c compares with PostGIS itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <math.h>

#include "lib/recycling/geodesic.h"
#include "lib/recycling/geohash.h"
#include "recsys/recycling.h"
#include "tests/support/check.h"
#include "tests/support/fake_source.h"

#define DEGREE_OF_EQUATOR 111319.49079327358 /* pi / 180 times WGS 84's 6378137 m */

static void geohashes_are_as_published(void **state)
{
    static const struct {
        double latitude, longitude;
        const char *name;
    } points[] = {
        {42.605, -5.603, "ezs42"},
        {57.64911, 10.40744, "u4pru"},
        {37.8324, 112.5584, "ww8p1"},
        {37.5665, 126.9780, "wydm9"},
        {0, 0, "s0000"},
        {-1e-9, -1e-9, "7zzzz"},
        {90, 180, "zzzzz"},
        {-90, -180, "00000"},
        {90, -180, "bpbpb"},
        {-90, 180, "pbpbp"},
        {-25.382708, -49.265506, "6gkzw"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof points / sizeof *points; i++) {
        struct rs_cell_of_earth cell;
        rs_geohash_cell(points[i].latitude, points[i].longitude, &cell);
        assert_string_equal(cell.name, points[i].name);
        assert_true(cell.south <= points[i].latitude && points[i].latitude <= cell.north);
        assert_true(cell.west <= points[i].longitude && points[i].longitude <= cell.east);
        assert_true(cell.north - cell.south == 0.0439453125);
        assert_true(cell.east - cell.west == 0.0439453125);
    }
}

static void a_border_belongs_to_the_cell_north_and_east_of_it(void **state)
{
    struct rs_cell_of_earth cell, next;

    (void)state;
    rs_geohash_cell(37.5665, 126.9780, &cell);
    rs_geohash_cell(cell.south, cell.west, &next);
    assert_string_equal(next.name, cell.name);
    rs_geohash_cell(cell.north, cell.west, &next);
    assert_true(next.south == cell.north && next.west == cell.west);
    rs_geohash_cell(nextafter(cell.north, 0), nextafter(cell.east, 0), &next);
    assert_string_equal(next.name, cell.name);
}

static void expect_distance(double a, double b, double c, double d, double want, double tolerance)
{
    double there = rs_geodesic_distance(a, b, c, d), back = rs_geodesic_distance(c, d, a, b);

    if (!(fabs(there - want) <= tolerance) || !(fabs(back - want) <= tolerance))
        fail_msg("%.9g %.9g to %.9g %.9g: %.10f and %.10f, want %.10f", a, b, c, d, there, back,
                 want);
}

static void distances_are_as_published(void **state)
{
    (void)state;
    /* The example of GeographicLib's GeodSolve, from JFK to LHR: far beyond what is used here. */
    expect_distance(40.6, -73.8, 51.6, -0.5, 5551759.400319, 1e-5);
    /* Along the equator an ellipsoid of revolution is a circle. */
    expect_distance(0, 0, 0, 0.5, 0.5 * DEGREE_OF_EQUATOR, 1e-8);
    expect_distance(0, 179.75, 0, -179.75, 0.5 * DEGREE_OF_EQUATOR, 1e-8);
    expect_distance(0, 12, 0, 12.000001, 1e-6 * DEGREE_OF_EQUATOR, 1e-8);
}

/* The meridian's arc by its own formula, Simpson's rule with many steps. */
static double meridian_arc(double from, double to)
{
    static const double f = 1 / 298.257223563;
    const double e2 = f * (2 - f), radian = 3.14159265358979323846 / 180;
    double sum = 0, width = (to - from) * radian;

    for (int i = 0; i <= 200; i++) {
        double sine = sin((from * radian) + width * i / 200);
        double curvature = 6378137.0 * (1 - e2) / pow(1 - e2 * sine * sine, 1.5);
        sum += curvature * (i == 0 || i == 200 ? 1 : i % 2 == 1 ? 4 : 2);
    }
    return sum * width / 600;
}

static void distances_along_a_meridian_are_its_arcs(void **state)
{
    (void)state;
    for (double latitude = -90; latitude < 90; latitude += 7.5) {
        expect_distance(latitude, 33, latitude + 1, 33, meridian_arc(latitude, latitude + 1), 2e-8);
        expect_distance(latitude, 33, latitude + 5, 33, meridian_arc(latitude, latitude + 5), 2e-8);
    }
    /* Over the pole, and with the pole's longitude meaning nothing. */
    expect_distance(89.5, 10, 89.25, -170, meridian_arc(89.25, 90) + meridian_arc(89.5, 90), 2e-8);
    expect_distance(90, 77, 89.5, -12, meridian_arc(89.5, 90), 2e-8);
    expect_distance(-90, 0, -90, 120, 0, 1e-8);
    expect_distance(90, 0, 90, 180, 0, 1e-8);
}

static void distances_are_those_of_postgis(void **state)
{
    static const double pairs[][5] = {
        {37.5665, 126.9780, 37.5172, 127.0473, 8212.70484179},
        {90, 0, 89.9, 120, 11169.39784126},
        {-90, 10, -89.95, -170, 5584.69896362},
        {-16.8, 179.995, -16.8, -179.995, 1065.9813035},
        {0, 0, 0.5, 0, 55287.15200345},
        {0, 0, 0.5, 0.5, 78451.24803124},
        {60, 10, 60.0000001, 10.0000001, 0.01246047},
        {78.2232, 15.6267, 78.2, 15.5, 3881.43592058},
        {-33.9, 151.2, -37.8, 145.0, 707473.65710152},
        {89.9, 0, 89.9, 180, 22338.79568252},
        {45, -180, 45, 180, 0},
        {51.5, -0.1, 48.85, 2.35, 342761.94100456},
    };

    (void)state;
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        expect_distance(pairs[i][0], pairs[i][1], pairs[i][2], pairs[i][3], pairs[i][4], 2e-8);
    assert_true(rs_geodesic_distance(12.3, 45.6, 12.3, 45.6) == 0.0);
}

/* -- what is answered from a cell -- */

static struct fake_source fake;
static recsys_source *source;
static recsys_domains *domains;
static recsys_error err;
static struct {
    double latitude, longitude;
} centers[300];
static size_t n_centers;
static unsigned n_exact; /* how often the database was asked for one caller */

static void add_center(double latitude, double longitude)
{
    centers[n_centers].latitude = latitude;
    centers[n_centers++].longitude = longitude;
}

/* Candidates come in the order in which they were added, which the tests keep ascending. */
static recsys_status answer(void *user_data, const char *statement, const recsys_datum *parameters,
                            size_t n, recsys_rows *rows, recsys_error *error)
{
    (void)user_data;
    (void)error;
    fake_source_columns(rows, "id", "name", "lat", "lon", "distance", NULL);
    if (strstr(statement, "round(") != NULL) {
        n_exact++;
        return RECSYS_OK;
    }
    assert_int_equal(n, 4);
    for (size_t i = 0; i < n_centers && (int64_t)i < parameters[3].number; i++) {
        double distance = rs_geodesic_distance(parameters[0].real, parameters[1].real,
                                               centers[i].latitude, centers[i].longitude);
        if (distance > parameters[2].real)
            continue;
        fake_source_add(rows, recsys_datum_integer((int64_t)(n_centers - i)));
        fake_source_add(rows, recsys_datum_text("c"));
        fake_source_add(rows, recsys_datum_real(centers[i].latitude));
        fake_source_add(rows, recsys_datum_real(centers[i].longitude));
        fake_source_add(rows, recsys_datum_real(distance));
    }
    return RECSYS_OK;
}

static int set_up(void **state)
{
    recsys_domains_options options = RECSYS_DOMAINS_OPTIONS_INIT;

    (void)state;
    memset(&fake, 0, sizeof fake);
    fake.answer = answer;
    n_centers = n_exact = 0;
    source = fake_source_create(&fake);
    options.source = source;
    CHECK_OK(recsys_domains_create(&options, &domains, &err), &err);
    CHECK_OK(recsys_recycling_add_domains(domains, &err), &err);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    recsys_domains_destroy(domains);
    recsys_source_unref(source);
    return 0;
}

/* For free(). The caller stands near 0, 0, the lower left corner of its cell. */
static char *ask(double latitude, double longitude, uint32_t radius_km)
{
    recsys_value json;
    char *text;

    CHECK_OK(
        recsys_recycling_find_nearby(domains, latitude, longitude, radius_km, &json, NULL, &err),
        &err);
    text = calloc(1, json.size + 1);
    memcpy(text, json.data, json.size);
    recsys_value_release(&json);
    return text;
}

static void expect_answer(double latitude, double longitude, const char *want)
{
    char *have = ask(latitude, longitude, 1);

    assert_string_equal(have, want);
    assert_int_equal(n_exact, 0);
    free(have);
}

static void each_caller_of_a_cell_gets_its_own_order(void **state)
{
    (void)state;
    add_center(0, 0.004);
    add_center(0, 0.001);
    expect_answer(0, 0.0,
                  "[{\"id\":1,\"name\":\"c\",\"lat\":0.0,\"lon\":0.001,\"distance\":111.32},"
                  "{\"id\":2,\"name\":\"c\",\"lat\":0.0,\"lon\":0.004,\"distance\":445.28}]");
    expect_answer(0, 0.0045,
                  "[{\"id\":2,\"name\":\"c\",\"lat\":0.0,\"lon\":0.004,\"distance\":55.66},"
                  "{\"id\":1,\"name\":\"c\",\"lat\":0.0,\"lon\":0.001,\"distance\":389.62}]");
    expect_answer(0, 0.0115,
                  "[{\"id\":2,\"name\":\"c\",\"lat\":0.0,\"lon\":0.004,\"distance\":834.90}]");
    expect_answer(0, 0.02, "[]");
    assert_int_equal(fake.calls, 1);
}

static void centres_at_one_place_are_in_the_order_of_their_ids(void **state)
{
    (void)state;
    add_center(0, 0.001);
    add_center(0, 0.001);
    add_center(0, 0.001);
    expect_answer(0, 0.0,
                  "[{\"id\":1,\"name\":\"c\",\"lat\":0.0,\"lon\":0.001,\"distance\":111.32},"
                  "{\"id\":2,\"name\":\"c\",\"lat\":0.0,\"lon\":0.001,\"distance\":111.32},"
                  "{\"id\":3,\"name\":\"c\",\"lat\":0.0,\"lon\":0.001,\"distance\":111.32}]");
}

static void a_decision_that_is_too_close_is_the_databases(void **state)
{
    static const double metres[] = {1000.0, 999.99999995, 1000.00000005, /* the radius */
                                    500.005, 500.00499995};              /* the centimetre */
    unsigned n = 0;

    (void)state;
    for (size_t i = 0; i < sizeof metres / sizeof *metres; i++) {
        tear_down(NULL);
        set_up(NULL);
        add_center(0, metres[i] / DEGREE_OF_EQUATOR);
        free(ask(0, 0, 1));
        assert_int_equal(n_exact, 1);
        n++;
    }
    assert_int_equal(n, 5);
    /* The same distance to the east and to the north-west: the order. */
    tear_down(NULL);
    set_up(NULL);
    add_center(0.003, 0.001);
    add_center(0.001, 0.001);
    free(ask(0.002, 0.001, 1));
    free(ask(0.002, 0.001, 1));
    assert_int_equal(n_exact, 2);
    free(ask(0.0021, 0.001, 1));
    assert_int_equal(n_exact, 2);
}

static void a_list_that_was_cut_answers_for_those_it_is_enough_for(void **state)
{
    const double middle = 0.02197265625;

    (void)state;
    /* 210 centres on a line through the cell's middle, the nearest to it first: 200 are kept,
     * as far as 10 km. */
    for (size_t i = 0; i < 210; i++)
        add_center(middle, middle + (double)i * 0.00045);
    char *text = ask(middle, middle, 20); /* its twenty nearest are all within a kilometre */
    assert_int_equal(n_exact, 0);
    assert_non_null(strstr(text, "\"id\":210,"));
    free(text);
    text = ask(middle, 0.0439, 20); /* even for the cell's other end */
    assert_int_equal(n_exact, 0);
    free(text);
    /* Only far ones: beyond what the list is complete for. */
    tear_down(NULL);
    set_up(NULL);
    for (size_t i = 0; i < 210; i++)
        add_center(middle, middle + 0.1 + (double)i * 0.000001);
    free(ask(middle, 0.0001, 20));
    assert_int_equal(n_exact, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(geohashes_are_as_published),
        cmocka_unit_test(a_border_belongs_to_the_cell_north_and_east_of_it),
        cmocka_unit_test(distances_are_as_published),
        cmocka_unit_test(distances_along_a_meridian_are_its_arcs),
        cmocka_unit_test(distances_are_those_of_postgis),
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(each_caller_of_a_cell_gets_its_own_order),
        TEST(centres_at_one_place_are_in_the_order_of_their_ids),
        TEST(a_decision_that_is_too_close_is_the_databases),
        TEST(a_list_that_was_cut_answers_for_those_it_is_enough_for),
#undef TEST
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
