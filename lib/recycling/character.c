/* lib/recycling/character.c - experience: computed by the database, then written through to the
 * cache.
 *
 * character_db.gain_exp() adds, levels up and returns the state in one statement, so of two gains
 * at the same time neither is lost. It returns the same columns that a reader loads. They are
 * written through with the row's version: if the result of a later gain reached the cache first,
 * the cache keeps that.
 */

#include "lib/base/error.h"
#include "lib/domain/columns.h"
#include "lib/domain/domain.h"
#include "lib/recycling/ready_domain.h"
#include "lib/recycling/recycling_table.h"

#define MAX_ID 255u
#define MAX_AMOUNT 1000000000
#define STATE "character.state"

static const char gain[] = "SELECT " RS_STATE_COLUMNS ", leveled_up, awarded "
                           "FROM character_db.gain_exp($1::text, $2::bigint, $3::text)";
/* The columns that the statement adds to the state for its caller. */
static const char *const not_state[] = {"leveled_up", "awarded"};

struct gaining {
    recsys_domains *domains;
    const struct rs_domain *state;
    const char *user_id;
    recsys_datum parameters[3];
    int64_t note;
    recsys_rows *rows;
};

/* Write the state through. If that fails, the entry is invalidated instead, because the gain
 * itself has happened. */
static void write_through(recsys_aside_changes *changes, const recsys_rows *rows)
{
    recsys_rows *state = NULL;
    recsys_value value = {0};
    uint64_t version = 0;
    recsys_status status = rs_columns_without(rows, not_state, 2, &state, NULL);

    if (status == RECSYS_OK)
        status = recsys_rows_format(state, RECSYS_SHAPE_OBJECT, &value, NULL);
    if (status == RECSYS_OK)
        status = rs_columns_version(rows, "version", STATE, &version, NULL);
    if (status == RECSYS_OK)
        status = recsys_aside_changes_set(changes, 0, (recsys_bytes){value.data, value.size},
                                          version, NULL);
    (void)status;
    recsys_value_release(&value);
    recsys_rows_destroy(state);
}

static recsys_status run_gain(recsys_aside_changes *changes, void *user_data, recsys_error *err)
{
    struct gaining *gaining = user_data;
    recsys_status status =
        rs_noted_query(gaining->domains, gaining->state, &gaining->user_id, gain,
                        gaining->parameters, 3, &gaining->note, &gaining->rows, err);

    if (status == RECSYS_OK && recsys_rows_count(gaining->rows) > 0)
        write_through(changes, gaining->rows);
    return status;
}

recsys_status recsys_recycling_gain_experience(recsys_domains *domains, const char *user_id,
                                               int64_t amount, const char *award_id,
                                               recsys_value *json, recsys_error *err)
{
    const struct rs_domain *state;
    recsys_status status;

    status = rs_ready_begin(domains, json, NULL, "recsys_recycling_gain_experience", err);
    if (status == RECSYS_OK)
        status = rs_domain_check_text("recsys_recycling_gain_experience", "user_id", user_id, 1,
                                      MAX_ID, err);
    if (status == RECSYS_OK && award_id != NULL)
        status = rs_domain_check_text("recsys_recycling_gain_experience", "award_id", award_id, 1,
                                      MAX_ID, err);
    if (status == RECSYS_OK && (amount < 1 || amount > MAX_AMOUNT))
        status = rs_error(err, RECSYS_E_INVALID,
                          "recsys_recycling_gain_experience: amount is %lld, must be 1..%d",
                          (long long)amount, MAX_AMOUNT);
    if (status == RECSYS_OK)
        status = rs_domains_find(domains, STATE, "recsys_recycling_gain_experience", &state, err);
    if (status != RECSYS_OK)
        return status;
    struct gaining gaining = {
        domains,
        state,
        user_id,
        {recsys_datum_text(user_id), recsys_datum_integer(amount),
         award_id == NULL ? (recsys_datum){.type = RECSYS_TYPE_NULL} : recsys_datum_text(award_id)},
        0,
        NULL};
    status = rs_domains_around(&state, 1, &user_id, 1, run_gain, &gaining, err);
    rs_owed_settle(&domains->owed, gaining.note);
    if (status == RECSYS_OK && recsys_rows_count(gaining.rows) == 0)
        status =
            rs_error(err, RECSYS_E_NOT_FOUND, "there is no character of user \"%.100s\"", user_id);
    if (status == RECSYS_OK)
        status = recsys_rows_format(gaining.rows, RECSYS_SHAPE_OBJECT, json, err);
    recsys_rows_destroy(gaining.rows);
    return status;
}
