/* lib/score/team.h - a caller and its helper threads that work together. */
#ifndef RS_SCORE_TEAM_H
#define RS_SCORE_TEAM_H

#include <stdint.h>

#include "recsys/status.h"

struct rs_team;

/* n_threads counts the caller; with 1 no thread is started. */
recsys_status rs_team_create(uint32_t n_threads, struct rs_team **out, recsys_error *err);
void rs_team_destroy(struct rs_team *team);
/* Free the team in a forked child, which does not have the helper threads. */
void rs_team_abandon(struct rs_team *team);

/* Run work(argument, member) on every member 0..n_threads-1, the caller being
 * member 0, and return when all have. One caller at a time. */
void rs_team_run(struct rs_team *team, void (*work)(void *argument, uint32_t member),
                 void *argument);

#endif
