/* lib/recycling/recycling_table.c - see recycling_table.h.
 *
 * A row is a domain: its logical db, its key, its time to live and the query that reads the
 * truth. Queries name their columns, so that a new column of a table changes no entry. They order
 * by id last, so that each order is complete. Parameters are cast from text: text that is no number
 * fails in the database and never reads another entry. The tables are in sql/0001_domains.sql.
 */
#include "lib/recycling/recycling_table.h"

#include "lib/base/error.h"
#include "lib/domain/domain.h"

#define MINUTE 60u
#define HOUR 3600u
#define DAY 86400u

static const struct {
    recsys_domain_definition definition;
    const struct rs_domain_way *way;
} table[] = {
    {{.name = "user.profile",
      .db = 2,
      .flags = RECSYS_DOMAIN_PER_USER,
      .shape = RECSYS_SHAPE_OBJECT,
      .ttl_s = HOUR,
      .key = "user:profile:{user_id}",
      .query = "SELECT " RS_USER_COLUMNS " FROM my_db.users WHERE user_id = $1::text"},
     NULL},
    {{.name = "user.activity",
      .db = 2,
      .flags = RECSYS_DOMAIN_PER_USER,
      .shape = RECSYS_SHAPE_LIST,
      .ttl_s = 5 * MINUTE,
      .max_rows = 100,
      .key = "user:activity:{user_id}",
      .query = "SELECT id, user_id, kind, detail, points, created_at FROM my_db.activities "
               "WHERE user_id = $1::text ORDER BY created_at DESC, id DESC LIMIT $2::bigint"},
     NULL},
    {{.name = "character.state",
      .db = 3,
      .flags = RECSYS_DOMAIN_PER_USER,
      .shape = RECSYS_SHAPE_OBJECT,
      .ttl_s = 10 * MINUTE,
      .version_column = "version",
      .key = "character:state:{user_id}",
      .query = "SELECT " RS_STATE_COLUMNS " FROM character_db.states WHERE user_id = $1::text"},
     NULL},
    {{.name = "character.missions",
      .db = 3,
      .flags = RECSYS_DOMAIN_PER_USER,
      .shape = RECSYS_SHAPE_LIST,
      .ttl_s = 10 * MINUTE,
      .max_rows = 1000,
      .key = "character:missions:{user_id}",
      .query = "SELECT id, user_id, title, status, reward_exp, created_at, completed_at "
               "FROM character_db.missions WHERE user_id = $1::text "
               "ORDER BY created_at DESC, id DESC LIMIT $2::bigint"},
     NULL},
    /* "007" must not find the row of "7": it would stay under its own key when "7" is
     * invalidated. */
    {{.name = "location.center",
      .db = 4,
      .shape = RECSYS_SHAPE_OBJECT,
      .ttl_s = DAY,
      .key = "location:center:{id}",
      .query = "SELECT " RS_CENTER_COLUMNS ", created_at, updated_at "
               "FROM location_db.recycle_centers "
               "WHERE id = $1::text::bigint AND id::text = $1::text"},
     NULL},
    /* $1 latitude and $2 longitude of the cell's centre, $3 metres, $4 rows */
    {{.name = "location.nearby",
      .db = 4,
      .flags = RECSYS_DOMAIN_WARM,
      .shape = RECSYS_SHAPE_LIST,
      .ttl_s = DAY,
      .key = "location:nearby:{geohash}:{radius_km}",
      .query = "SELECT " RS_CENTER_COLUMNS ", ST_Distance(geog, middle) AS distance "
               "FROM location_db.recycle_centers, "
               "CAST(ST_SetSRID(ST_MakePoint($2::float8, $1::float8), 4326) AS geography) "
               "AS middle "
               "WHERE ST_DWithin(geog, middle, $3::float8) ORDER BY distance, id "
               "LIMIT $4::bigint",
      .warm_query = "SELECT lat, lon, radius_km FROM location_db.popular_places ORDER BY name"},
     &rs_nearby_way},
    {{.name = "info.guide",
      .db = 5,
      .flags = RECSYS_DOMAIN_WARM,
      .shape = RECSYS_SHAPE_OBJECT,
      .ttl_s = 7 * DAY,
      .key = "info:guide:{category}",
      .query = "SELECT " RS_GUIDE_COLUMNS " FROM info_db.recycle_guides WHERE category = $1::text",
      .warm_query = "SELECT category FROM info_db.recycle_guides ORDER BY category"},
     NULL},
    {{.name = "info.categories",
      .db = 5,
      .flags = RECSYS_DOMAIN_WARM,
      .shape = RECSYS_SHAPE_COLUMN,
      .ttl_s = 7 * DAY,
      .key = "info:categories:all",
      .query = "SELECT category FROM info_db.recycle_guides ORDER BY category"},
     NULL},
    /* $1 a pattern made of the keyword */
    {{.name = "info.search",
      .db = 5,
      .shape = RECSYS_SHAPE_LIST,
      .ttl_s = HOUR,
      .key = "info:search:{keyword}",
      .query = "SELECT " RS_GUIDE_COLUMNS " FROM info_db.recycle_guides "
               "WHERE info_db.folded(title) LIKE info_db.folded($1::text) "
               "OR info_db.folded(content) LIKE info_db.folded($1::text) ORDER BY id LIMIT 50"},
     &rs_guides_way},
    {{.name = "chat.history",
      .db = 6,
      .flags = RECSYS_DOMAIN_PER_USER,
      .shape = RECSYS_SHAPE_LIST,
      .ttl_s = 30 * MINUTE,
      .max_rows = 100,
      .key = "chat:history:{user_id}",
      .query = "SELECT " RS_CHAT_COLUMNS " FROM chat_db.conversations WHERE user_id = $1::text "
               "ORDER BY created_at DESC, id DESC LIMIT $2::bigint"},
     NULL},
    /* A task that is unknown or not finished will change soon. */
    {{.name = "scan.result",
      .db = 7,
      .flags = RECSYS_DOMAIN_NO_NEGATIVE,
      .shape = RECSYS_SHAPE_OBJECT,
      .ttl_s = HOUR,
      .settled_column = "settled",
      .key = "scan:result:{task_id}",
      .query = "SELECT task_id, user_id, status, category, confidence, result, created_at, "
               "completed_at, status IN ('completed', 'failed') AS settled "
               "FROM scan_db.scan_results WHERE task_id = $1::text"},
     NULL},
    {{.name = "scan.history",
      .db = 7,
      .flags = RECSYS_DOMAIN_PER_USER,
      .shape = RECSYS_SHAPE_LIST,
      .ttl_s = HOUR,
      .max_rows = 100,
      .settled_column = "settled",
      .key = "scan:history:{user_id}",
      .query = "SELECT task_id, user_id, status, category, confidence, result, created_at, "
               "completed_at, status IN ('completed', 'failed') AS settled "
               "FROM scan_db.scan_results WHERE user_id = $1::text "
               "ORDER BY created_at DESC, id DESC LIMIT $2::bigint"},
     NULL},
};

recsys_status recsys_recycling_add_domains(recsys_domains *domains, recsys_error *err)
{
    if (domains == NULL)
        return rs_error(err, RECSYS_E_INVALID, "recsys_recycling_add_domains: domains is NULL");
    size_t n_before = domains->n_domains;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        recsys_domain_definition definition = table[i].definition;
        definition.struct_size = (uint32_t)sizeof definition;
        recsys_status status = rs_domains_add(domains, &definition, table[i].way, err);
        if (status != RECSYS_OK) {
            rs_domains_shrink(domains, n_before);
            return status;
        }
    }
    return RECSYS_OK;
}
