/* The promise: what recsys_recycling_find_nearby() answers from its cached cells equals what
 * PostGIS answers, byte for byte, for points everywhere.
 *
 * The expected answers are computed by PostGIS from all centres, by a query that shares nothing
 * with the library's. Points and centres lie around a city, densely, so that most cells are
 * asked several times and some lists are longer than what is cached; on and beside the borders
 * of cells, at the poles, at the date line, in symmetric places that are exactly as far, and
 * anywhere. 5,000 points; 100,000 with RECSYS_LONG=1. */
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
#include "tests/support/processes.h"

#define BATCH 500u

/* Centres: 3,000 in and around the city, some at one place, 500 over the earth, 300 at each
 * pole and 300 along the date line, and a square lattice whose points are symmetric. */
static const char make_centers[] =
    "SELECT setseed(0.25);"
    "INSERT INTO location_db.recycle_centers (name, lat, lon) "
    "SELECT 'city ' || n, 37.55 + (random() - 0.5) * 0.6, 127 + (random() - 0.5) * 0.8 "
    "FROM generate_series(1, 3000) n;"
    "INSERT INTO location_db.recycle_centers (name, lat, lon) "
    "SELECT 'twin ' || c.id, c.lat, c.lon FROM location_db.recycle_centers c WHERE c.id % 10 = 0;"
    "INSERT INTO location_db.recycle_centers (name, lat, lon) "
    "SELECT 'earth ' || n, asin(random() * 2 - 1) * 180 / pi(), random() * 360 - 180 "
    "FROM generate_series(1, 500) n;"
    "INSERT INTO location_db.recycle_centers (name, lat, lon) "
    "SELECT 'pole ' || n, (CASE WHEN n % 2 = 0 THEN 1 ELSE -1 END) * (90 - random() * 0.9), "
    "random() * 360 - 180 FROM generate_series(1, 600) n;"
    "INSERT INTO location_db.recycle_centers (name, lat, lon) "
    "SELECT 'line ' || n, -17 + random(), "
    "(CASE WHEN n % 2 = 0 THEN 1 ELSE -1 END) * (180 - random() * random() * 0.5) "
    "FROM generate_series(1, 300) n;"
    "INSERT INTO location_db.recycle_centers (name, lat, lon) "
    "SELECT 'lattice ' || x || ' ' || y, y * 0.01, x * 0.01 "
    "FROM generate_series(-12, 12) x, generate_series(-12, 12) y;";

/* Points: kinds in turns; cells are 45/1024 degrees wide. */
static const char make_points[] =
    "SELECT setseed(0.75);"
    "CREATE TABLE points AS SELECT n, "
    "CASE n %% 10 WHEN 0 THEN 37.55 + (random() - 0.5) * 0.7 WHEN 1 THEN 37.55 + (random() - 0.5) "
    "WHEN 2 THEN floor(37.55 * 1024 / 45 + random() * 8) * 45 / 1024 "
    "WHEN 3 THEN 37.55 + (random() - 0.5) * 0.1 "
    "WHEN 4 THEN (CASE WHEN n %% 20 = 4 THEN 1 ELSE -1 END) * (90 - random() * random()) "
    "WHEN 5 THEN (CASE n %% 40 WHEN 5 THEN 90 WHEN 15 THEN -90 ELSE 89.99999999 END) "
    "WHEN 6 THEN -17 + random() WHEN 7 THEN (CASE WHEN n %% 100 = 7 THEN -16.8 ELSE -17 + random() "
    "END) "
    "WHEN 8 THEN (floor(random() * 25) - 12) * 0.005 "
    "ELSE asin(random() * 2 - 1) * 180 / pi() END::float8 AS lat, "
    "CASE n %% 10 WHEN 0 THEN 127 + (random() - 0.5) * 0.9 WHEN 1 THEN 127 + (random() - 0.5) "
    "WHEN 2 THEN (CASE WHEN random() < 0.5 THEN floor(127 * 1024 / 45.0 + random() * 8) * 45 / "
    "1024 ELSE 127 + random() * 0.1 END) "
    "WHEN 3 THEN 127 + (random() - 0.5) * 0.1 "
    "WHEN 4 THEN random() * 360 - 180 WHEN 5 THEN random() * 360 - 180 "
    "WHEN 6 THEN (CASE WHEN random() < 0.5 THEN 1 ELSE -1 END) * (180 - random() * 0.3) "
    "WHEN 7 THEN (CASE WHEN n %% 20 = 7 THEN 180 ELSE -180 END) "
    "WHEN 8 THEN (floor(random() * 25) - 12) * 0.005 "
    "ELSE random() * 360 - 180 END::float8 AS lon, "
    "(CASE WHEN n %% 3 = 0 THEN (ARRAY[1, 2, 10, 20, 50, 100])[1 + floor(random() * 6)::int] "
    "ELSE 5 END) AS radius "
    "FROM generate_series(1, %u) n;"
    "ANALYZE location_db.recycle_centers;";

/* "id:metres id:metres ..." of the nearest twenty. */
static const char expected[] =
    "SELECT p.n, p.lat, p.lon, p.radius, coalesce(a.answer, '') AS answer FROM points p "
    "LEFT JOIN LATERAL (SELECT string_agg(id || ':' || metres, ' ' ORDER BY place) AS answer FROM "
    "(SELECT c.id, round(d.d::numeric, 2) AS metres, row_number() OVER (ORDER BY d.d, c.id) AS "
    "place "
    "FROM location_db.recycle_centers c, LATERAL (SELECT ST_Distance("
    "ST_SetSRID(ST_MakePoint(c.lon, c.lat), 4326)::geography, "
    "ST_SetSRID(ST_MakePoint(p.lon, p.lat), 4326)::geography) AS d) d "
    "WHERE ST_DWithin(c.geog, ST_SetSRID(ST_MakePoint(p.lon, p.lat), 4326)::geography, "
    "p.radius * 1000) "
    "ORDER BY d.d, c.id LIMIT 20) AS nearest) AS a ON true "
    "WHERE p.n > $1 AND p.n <= $2 ORDER BY p.n";

/* The library's answer in the same short form; every centre must be complete. */
static char *shorten(const char *json, char *out, size_t room)
{
    size_t used = 0;

    out[0] = '\0';
    for (const char *at = json; (at = strstr(at, "{\"id\":")) != NULL; at++) {
        const char *distance = strstr(at, ",\"distance\":");
        assert_non_null(distance);
        assert_non_null(strstr(at, "\"name\":\""));
        used += (size_t)snprintf(out + used, room - used, "%s%.*s:%.*s", used == 0 ? "" : " ",
                                 (int)strcspn(at + 6, ","), at + 6,
                                 (int)strcspn(distance + 12, "}"), distance + 12);
        assert_true(used < room);
    }
    return out;
}

static const char *const kinds[] = {
    "in the city",         "around it", "on borders of cells", "in its middle",
    "near a pole",         "at a pole", "near the date line",  "on the date line",
    "as far from several", "anywhere",
};

static unsigned long long count_loads(void)
{
    recsys_aside_stats stats = {.struct_size = sizeof stats};

    CHECK_OK(recsys_aside_get_stats(recsys_domains_get_aside(domain_fixture.domains, 4), &stats,
                                    &domain_fixture.err),
             &domain_fixture.err);
    return stats.loads;
}

static void cached_answers_equal_postgis(void **state)
{
    unsigned n = figure_length(5000, 100000);
    unsigned long long hits = 0, different = 0, centres = 0, empty = 0, loads = 0;
    unsigned long long asked[10] = {0}, of_kind[10] = {0}, n_asked = 0;
    char sql[sizeof make_points + 32];
    recsys_rows *rows;

    (void)state;
    free(database_ask(domain_fixture.conninfo, make_centers));
    snprintf(sql, sizeof sql, make_points, n);
    free(database_ask(domain_fixture.conninfo, sql));
    for (unsigned from = 0; from < n; from += BATCH) {
        const recsys_datum range[] = {recsys_datum_integer(from),
                                      recsys_datum_integer(from + BATCH)};
        CHECK_OK(recsys_source_query(domain_fixture.source, expected, range, 2, 60000, &rows,
                                     &domain_fixture.err),
                 &domain_fixture.err);
        for (size_t row = 0; row < recsys_rows_count(rows); row++) {
            double latitude = recsys_rows_find(rows, row, "lat").real;
            double longitude = recsys_rows_find(rows, row, "lon").real;
            recsys_datum want = recsys_rows_find(rows, row, "answer");
            uint32_t radius = (uint32_t)recsys_rows_find(rows, row, "radius").number, outcome;
            char have[1024];
            recsys_value value;
            CHECK_OK(recsys_recycling_find_nearby(domain_fixture.domains, latitude, longitude,
                                                  radius, &value, &outcome, &domain_fixture.err),
                     &domain_fixture.err);
            char *json = domain_fixture_text(&value);
            shorten(json, have, sizeof have);
            if (strcmp(have, want.text) != 0 && ++different <= 5)
                print_message("%.17g %.17g within %u km:\n  cached  %s\n  PostGIS %s\n", latitude,
                              longitude, radius, have, want.text);
            for (const char *at = have; *at != '\0'; at++)
                centres += *at == ':';
            empty += have[0] == '\0';
            unsigned long long loads_now = count_loads();
            of_kind[(from + row + 1) % 10]++;
            if (outcome == RECSYS_ASIDE_HIT)
                hits++;
            else if (loads_now == loads) /* the cell was there, and not enough */
                asked[(from + row + 1) % 10]++;
            loads = loads_now;
            free(json);
        }
        recsys_rows_destroy(rows);
    }
    for (unsigned kind = 0; kind < 10; kind++) {
        print_message("  %-34s %5llu of %5llu asked of PostGIS\n", kinds[kind], asked[kind],
                      of_kind[kind]);
        n_asked += asked[kind];
    }
    print_message("%u points: %llu different; %llu centres in all, %llu empty answers; %llu from "
                  "the cache, %llu with loading a cell, %llu (%.2f %%) asked of PostGIS\n",
                  n, different, centres, empty, hits, loads, n_asked, 100.0 * (double)n_asked / n);
    assert_int_equal(different, 0);
    assert_true(hits > n / 5); /* otherwise nothing was tested */
    assert_true(centres > n);
    assert_true(empty > 0);
}

static void an_answer_of_the_cache_and_one_of_the_database_are_the_same_text(void **state)
{
    /* In the middle of the lattice four centres are exactly as far: too close to call. */
    uint32_t outcome;
    recsys_value value;

    (void)state;
    for (int turn = 0; turn < 2; turn++) {
        CHECK_OK(recsys_recycling_find_nearby(domain_fixture.domains, 0.005, 0.005, 1, &value,
                                              &outcome, &domain_fixture.err),
                 &domain_fixture.err);
        char *json = domain_fixture_text(&value);
        if (turn == 1) /* cached, but uncertain */
            assert_int_equal(outcome, RECSYS_ASIDE_MISS);
        assert_int_equal(strncmp(json, "[{\"id\":", 7), 0);
        assert_non_null(strstr(json, ",\"lat\":0.0,\"lon\":0.0,\"distance\":"));
        free(json);
        CHECK_OK(recsys_recycling_find_nearby(domain_fixture.domains, 0.0049, 0.0047, 1, &value,
                                              &outcome, &domain_fixture.err),
                 &domain_fixture.err);
        json = domain_fixture_text(&value);
        assert_int_equal(outcome, RECSYS_ASIDE_HIT);
        assert_int_equal(strncmp(json, "[{\"id\":", 7), 0);
        assert_non_null(strstr(json, ",\"lat\":0.0,\"lon\":0.0,\"distance\":"));
        free(json);
    }
    assert_int_equal(
        domain_fixture_redis_number(&domain_fixture, 4, "'EXISTS','location:nearby:s0000:1'"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cached_answers_equal_postgis),
        cmocka_unit_test(an_answer_of_the_cache_and_one_of_the_database_are_the_same_text),
    };

    return cmocka_run_group_tests(tests, domain_fixture_set_up, domain_fixture_tear_down);
}
