/* lib/recycling/recycling_table.h - columns and functions that the ready table shares with other
 * files. */
#ifndef RS_RECYCLING_RECYCLING_TABLE_H
#define RS_RECYCLING_RECYCLING_TABLE_H

#include "lib/domain/domain.h"
#include "recsys/recycling.h"

/* The columns of a row for its readers. A write returns the same columns, so its result equals
 * the cached value. */
#define RS_USER_COLUMNS                                                                            \
    "user_id, name, email, phone, avatar_url, preferences, created_at, updated_at"
#define RS_STATE_COLUMNS                                                                           \
    "id, user_id, name, level, exp, exp_required, version, total_missions, completed_missions, "   \
    "created_at, updated_at"
#define RS_CHAT_COLUMNS "id, user_id, message, response, created_at"
#define RS_CENTER_COLUMNS "id, name, address, phone, opening_hours, accepts, lat, lon"
#define RS_GUIDE_COLUMNS "id, category, title, content, tips, updated_at"

/* nearby.c and guides.c read their domains themselves. */
extern const struct rs_domain_way rs_nearby_way, rs_guides_way;

#endif
