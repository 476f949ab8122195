/* lib/recycling/chat.c - add to a conversation: write the row, then invalidate the history.
 */

#include "lib/domain/domain.h"
#include "lib/recycling/ready_domain.h"
#include "lib/recycling/recycling_table.h"

#define MAX_USER_ID 255u
#define MAX_TEXT 65536u

static const char insert[] = "INSERT INTO chat_db.conversations (user_id, message, response) "
                             "VALUES ($1::text, $2::text, $3::text) RETURNING " RS_CHAT_COLUMNS;

recsys_status recsys_recycling_add_message(recsys_domains *domains, const char *user_id,
                                           const char *message, const char *response,
                                           recsys_value *json, recsys_error *err)
{
    recsys_rows *rows = NULL;
    recsys_status status;

    status = rs_ready_begin(domains, json, NULL, "recsys_recycling_add_message", err);
    if (status == RECSYS_OK)
        status = rs_domain_check_text("recsys_recycling_add_message", "user_id", user_id, 1,
                                      MAX_USER_ID, err);
    if (status == RECSYS_OK)
        status = rs_domain_check_text("recsys_recycling_add_message", "message", message, 1,
                                      MAX_TEXT, err);
    if (status == RECSYS_OK)
        status = rs_domain_check_text("recsys_recycling_add_message", "response", response, 0,
                                      MAX_TEXT, err);
    if (status != RECSYS_OK)
        return status;
    const recsys_datum parameters[] = {recsys_datum_text(user_id), recsys_datum_text(message),
                                       recsys_datum_text(response)};
    status =
        rs_domains_write_noted(domains, "chat.history", &user_id, 1, insert, parameters, 3, &rows,
                               err);
    if (status == RECSYS_OK)
        status = recsys_rows_format(rows, RECSYS_SHAPE_OBJECT, json, err);
    recsys_rows_destroy(rows);
    return status;
}
