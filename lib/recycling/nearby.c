/* lib/recycling/nearby.c - the nearest centres of a point, from the cached value of its cell.
 *
 * An answer cannot be cached: in a cell 5 km wide each caller has another list of the nearest
 * twenty. So the candidates are cached: all centres within radius + d of the cell's middle, where
 * no point of the cell is farther than d from the middle. Every centre within the radius of a
 * caller is one of them. The distances from the caller are computed here.
 *
 * The candidates are more than the design's services keep under this key. In the plain format
 * these see their list there, as for a caller in the middle of the cell, and the candidates are in
 * the companion. A list of such a service that is trusted has an answer for one of its callers
 * only; then the database answers here.
 *
 * The answer must be PostGIS's. The cached candidates are used only if the answer is certain.
 * First, no centre outside the list can belong to the answer (by the triangle inequality, with the
 * caller's own distance from the middle). Second, no decision (within the radius or not, which of
 * two is nearer, to which centimetre to round) is closer than MARGIN. Else the database answers
 * this one caller.
 */
#include <math.h>
#include <stdio.h>

#include "lib/aside/load_again.h"
#include "lib/aside/load_shown.h"
#include "lib/base/alloc.h"
#include "lib/base/buffer.h"
#include "lib/base/error.h"
#include "lib/domain/domain.h"
#include "lib/recycling/candidates.h"
#include "lib/recycling/geodesic.h"
#include "lib/recycling/geohash.h"
#include "lib/recycling/ready_domain.h"
#include "lib/recycling/recycling_table.h"

#define MAX_RADIUS_KM 100u
#define ANSWERS 20u
/* More than ten times the largest difference between rs_geodesic_distance() and PostGIS, which
 * rounds to 1e-8 m: 1.2e-8 m in 300,000 pairs. */
#define MARGIN 2e-7
#define CELL_MARGIN 1.0

/* The query whose result the cached answer must equal: in the order of the exact distance, then
 * rounded. */
static const char exact[] =
    "SELECT " RS_CENTER_COLUMNS ", round(metres::numeric, 2) AS distance "
    "FROM (SELECT " RS_CENTER_COLUMNS ", ST_Distance(geog, caller) AS metres "
    "FROM location_db.recycle_centers, "
    "CAST(ST_SetSRID(ST_MakePoint($2::float8, $1::float8), 4326) AS geography) AS caller "
    "WHERE ST_DWithin(geog, caller, $3::float8)) AS near ORDER BY metres, id LIMIT 20";

struct cell {
    recsys_domains *domains;
    const struct rs_domain *domain;
    struct rs_cell_of_earth area;
    double latitude, longitude; /* of its middle */
    uint32_t radius_km;
    double ttl_share;
    int is_again; /* cached candidates are loaded again */
};

struct found {
    const struct rs_candidate *candidate;
    double metres;
};

static void find_cell(recsys_domains *domains, const struct rs_domain *domain, double latitude,
                      double longitude, uint32_t radius_km, double ttl_share, struct cell *cell)
{
    *cell = (struct cell){
        .domains = domains, .domain = domain, .radius_km = radius_km, .ttl_share = ttl_share};
    rs_geohash_cell(latitude, longitude, &cell->area);
    cell->latitude = 0.5 * (cell->area.south + cell->area.north);
    cell->longitude = 0.5 * (cell->area.west + cell->area.east);
}

/* The farthest point of a cell is one of its corners; east and west are at the same distance. */
static double cell_radius(const struct cell *cell)
{
    double south =
        rs_geodesic_distance(cell->latitude, cell->longitude, cell->area.south, cell->area.east);
    double north =
        rs_geodesic_distance(cell->latitude, cell->longitude, cell->area.north, cell->area.east);

    return fmax(south, north) + CELL_MARGIN;
}

static recsys_status load_candidates(recsys_aside_load *load, void *user_data, recsys_error *err)
{
    const struct cell *cell = user_data;
    const struct rs_domain *domain = cell->domain;
    double searched_m = 1000.0 * cell->radius_km + cell_radius(cell);
    const recsys_datum parameters[] = {
        recsys_datum_real(cell->latitude), recsys_datum_real(cell->longitude),
        recsys_datum_real(searched_m), recsys_datum_integer(RS_CANDIDATES_MAX + 1)};
    struct rs_buffer value;
    recsys_value shown = {0};
    recsys_rows *rows = NULL;
    recsys_status status =
        recsys_source_query(cell->domains->source, domain->definition.query, parameters, 4,
                            cell->domains->timeout_ms, &rows, err);

    if (status != RECSYS_OK)
        return status;
    rs_buffer_init(&value, RS_DOMAIN_MAX_BYTES);
    status = rs_candidates_format(rows, searched_m, &value, err);
    if (status == RECSYS_OK && domain->is_plain)
        status = rs_candidates_format_shown(rows, ANSWERS, 1000.0 * cell->radius_km, &shown, err);
    if (status == RECSYS_OK)
        status = rs_aside_load_set_shown(
            load, (recsys_bytes){value.bytes, value.size}, (recsys_bytes){shown.data, shown.size},
            0, rs_domain_ttl_ms(domain, cell->ttl_share),
            value.size <= domain->definition.max_bytes ? 0 : RECSYS_ASIDE_UNCACHED, err);
    recsys_value_release(&shown);
    rs_buffer_destroy(&value);
    recsys_rows_destroy(rows);
    return status;
}

static recsys_status get_candidates(struct cell *cell, recsys_value *value, uint32_t *outcome,
                                    recsys_error *err)
{
    char radius[16], key[RECSYS_KEY_MAX + 1];
    const char *const values[] = {cell->area.name, radius};
    recsys_bytes bytes;

    snprintf(radius, sizeof radius, "%u", cell->radius_km);
    recsys_status status = rs_domain_key(cell->domain, values, 2, key, &bytes, err);
    if (status != RECSYS_OK)
        return status;
    return cell->is_again ? rs_aside_load_again(cell->domain->aside, bytes, load_candidates, cell,
                                                value, outcome, err)
                          : recsys_aside_get_or_load(cell->domain->aside, bytes, load_candidates,
                                                     cell, 0, value, outcome, err);
}

static int is_before(const struct found *a, const struct found *b)
{
    return a->metres < b->metres || (a->metres == b->metres && a->candidate->id < b->candidate->id);
}

/* At the same place their distances are equal for PostGIS, too, and ids decide. */
static int is_together(const struct found *a, const struct found *b)
{
    return a->candidate->latitude == b->candidate->latitude &&
           a->candidate->longitude == b->candidate->longitude;
}

static int is_certain_in_centimetres(double metres)
{
    double hundredths = metres * 100.0;

    return fabs(hundredths - floor(hundredths) - 0.5) > 100.0 * MARGIN;
}

/* Put the nearest ANSWERS + 1 into `best`. The one that is not returned shows whether the last
 * place is certain. Returns 0 if any decision is too close. */
static int choose(const struct rs_candidates *candidates, double latitude, double longitude,
                  double radius_m, double reach, struct found *best, size_t *n_best)
{
    size_t n = 0;

    for (size_t i = 0; i < candidates->n; i++) {
        struct found next = {&candidates->items[i], 0.0};
        double worst = n > ANSWERS ? best[ANSWERS].metres : radius_m;
        if (next.candidate->from_middle - reach > worst + MARGIN)
            break; /* at least as far from the caller, as are all that follow */
        next.metres = rs_geodesic_distance(latitude, longitude, next.candidate->latitude,
                                           next.candidate->longitude);
        if (fabs(next.metres - radius_m) <= MARGIN)
            return 0;
        if (next.metres > radius_m || (n > ANSWERS && !is_before(&next, &best[ANSWERS])))
            continue;
        size_t at = n > ANSWERS ? ANSWERS : n++;
        for (; at > 0 && is_before(&next, &best[at - 1]); at--)
            best[at] = best[at - 1];
        best[at] = next;
    }
    *n_best = n;
    for (size_t i = 0; i < n; i++) {
        if (i + 1 < n && best[i + 1].metres - best[i].metres <= MARGIN &&
            !is_together(&best[i], &best[i + 1]))
            return 0;
        if (i < ANSWERS && !is_certain_in_centimetres(best[i].metres))
            return 0;
    }
    return 1;
}

/* 1 if no centre outside the list can belong to the answer. */
static int is_complete(const struct rs_candidates *candidates, double radius_m, double reach,
                       const struct found *best, size_t n_best)
{
    double nothing_nearer_than = candidates->complete_m - reach - MARGIN;

    return nothing_nearer_than >= radius_m ||
           (n_best >= ANSWERS && best[ANSWERS - 1].metres + MARGIN < nothing_nearer_than);
}

static recsys_status format_answer(const struct found *best, size_t n, recsys_value *json,
                                   recsys_error *err)
{
    struct rs_buffer out;

    rs_buffer_init(&out, RS_DOMAIN_MAX_BYTES);
    rs_buffer_add(&out, "[", 1);
    for (size_t i = 0; i < n; i++) {
        struct rs_span text = best[i].candidate->text;
        long long centimetres = llround(best[i].metres * 100.0);
        rs_buffer_add(&out, ",", i > 0);
        rs_buffer_add(&out, text.text, text.size - 1); /* without its closing brace */
        rs_buffer_format(&out, ",\"distance\":%lld.%02lld}", centimetres / 100, centimetres % 100);
    }
    rs_buffer_add(&out, "]", 1);
    if (out.status != RECSYS_OK) {
        rs_buffer_destroy(&out);
        return rs_error_nomem(err, "nearby centres");
    }
    rs_value_own(json, out.bytes, out.size);
    return RECSYS_OK;
}

static recsys_status ask_database(const struct cell *cell, double latitude, double longitude,
                                  recsys_value *json, recsys_error *err)
{
    const recsys_datum parameters[] = {recsys_datum_real(latitude), recsys_datum_real(longitude),
                                       recsys_datum_real(1000.0 * cell->radius_km)};
    recsys_rows *rows = NULL;
    recsys_status status = recsys_source_query(cell->domains->source, exact, parameters, 3,
                                               cell->domains->timeout_ms, &rows, err);

    if (status == RECSYS_OK)
        status = recsys_rows_format(rows, RECSYS_SHAPE_LIST, json, err);
    recsys_rows_destroy(rows);
    return status;
}

static recsys_status answer(const struct cell *cell, const recsys_value *value, double latitude,
                            double longitude, recsys_value *json, uint32_t *outcome,
                            recsys_error *err)
{
    double reach = rs_geodesic_distance(cell->latitude, cell->longitude, latitude, longitude);
    double radius_m = 1000.0 * cell->radius_km;
    struct found best[ANSWERS + 1];
    struct rs_candidates candidates;
    size_t n = 0;
    recsys_status status = rs_candidates_read(value->data, value->size, &candidates, err);

    if (status != RECSYS_OK && status != RECSYS_E_FORMAT)
        return status;
    if (status == RECSYS_OK &&
        choose(&candidates, latitude, longitude, radius_m, reach, best, &n) &&
        is_complete(&candidates, radius_m, reach, best, n))
        status = format_answer(best, n < ANSWERS ? n : ANSWERS, json, err);
    else {
        status = ask_database(cell, latitude, longitude, json, err);
        if (outcome != NULL)
            *outcome = RECSYS_ASIDE_MISS;
    }
    rs_free(candidates.items);
    return status;
}

recsys_status recsys_recycling_find_nearby(recsys_domains *domains, double latitude,
                                           double longitude, uint32_t radius_km, recsys_value *json,
                                           uint32_t *outcome, recsys_error *err)
{
    const struct rs_domain *domain;
    recsys_value value = {0};
    struct cell cell;
    recsys_status status;

    status = rs_ready_begin(domains, json, outcome, "recsys_recycling_find_nearby", err);
    if (status != RECSYS_OK)
        return status;
    if (!(latitude >= -90.0 && latitude <= 90.0) || !(longitude >= -180.0 && longitude <= 180.0))
        return rs_error(
            err, RECSYS_E_INVALID,
            "recsys_recycling_find_nearby: %.6g, %.6g is no point: latitude must be -90..90, "
            "longitude -180..180",
            latitude, longitude);
    if (radius_km < 1 || radius_km > MAX_RADIUS_KM)
        return rs_error(err, RECSYS_E_INVALID,
                        "recsys_recycling_find_nearby: radius_km is %u, must be 1..%u", radius_km,
                        MAX_RADIUS_KM);
    status = rs_ready_domain_find(domains, "location.nearby", &rs_nearby_way, &domain, err);
    if (status != RECSYS_OK)
        return status;
    find_cell(domains, domain, latitude, longitude, radius_km, 1.0, &cell);
    cell.is_again = 0;
    status = get_candidates(&cell, &value, outcome, err);
    if (status == RECSYS_OK)
        status = answer(&cell, &value, latitude, longitude, json, outcome, err);
    recsys_value_release(&value);
    return status;
}

/* One row of the warm query. */
static recsys_status warm(recsys_domains *domains, const struct rs_domain *domain,
                          const recsys_rows *rows, size_t row, double ttl_share, int is_again,
                          uint32_t *outcome, recsys_error *err)
{
    recsys_datum latitude = recsys_rows_get(rows, row, 0);
    recsys_datum longitude = recsys_rows_get(rows, row, 1);
    recsys_datum radius = recsys_rows_get(rows, row, 2);
    recsys_value value = {0};
    struct cell cell;

    if (latitude.type != RECSYS_TYPE_REAL || longitude.type != RECSYS_TYPE_REAL ||
        radius.type != RECSYS_TYPE_INTEGER || !(fabs(latitude.real) <= 90.0) ||
        !(fabs(longitude.real) <= 180.0) || radius.number < 1 || radius.number > MAX_RADIUS_KM)
        return rs_error(err, RECSYS_E_FORMAT,
                        "domain %s: its warm_query must give latitude, longitude and radius in km",
                        domain->definition.name);
    find_cell(domains, domain, latitude.real, longitude.real, (uint32_t)radius.number, ttl_share,
              &cell);
    cell.is_again = is_again;
    recsys_status status = get_candidates(&cell, &value, outcome, err);
    recsys_value_release(&value);
    return status;
}

const struct rs_domain_way rs_nearby_way = {.read_by = "recsys_recycling_find_nearby",
                                            .warm = warm};
