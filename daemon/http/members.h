/* daemon/http/members.h - reads members of a body as their rows in a table say. */
#ifndef RECSYSD_MEMBERS_H
#define RECSYSD_MEMBERS_H

#include "daemon/http/fields.h"
#include "daemon/http/shape.h"

/*
 * All of them: *out becomes the row's preset, if it has one, and then the value of the member of
 * `body`, which stands at `outer`. A value that does not fit is added to `problems`, and so is a
 * member that is missing or null and must not be. Text is BORROWED from `body`.
 */
void rd_member_int(struct rd_problems *problems, const struct rd_place *outer, const json_t *body,
                   const struct rd_member *member, int64_t *out);
void rd_member_float(struct rd_problems *problems, const struct rd_place *outer, const json_t *body,
                     const struct rd_member *member, float *out);
void rd_member_double(struct rd_problems *problems, const struct rd_place *outer,
                      const json_t *body, const struct rd_member *member, double *out);
void rd_member_text(struct rd_problems *problems, const struct rd_place *outer, const json_t *body,
                    const struct rd_member *member, const char **out);
void rd_member_bool(struct rd_problems *problems, const struct rd_place *outer, const json_t *body,
                    const struct rd_member *member, bool *out);
void rd_member_decade(struct rd_problems *problems, const struct rd_place *outer,
                      const json_t *body, const struct rd_member *member, int32_t *out);
void rd_member_words(struct rd_problems *problems, const struct rd_place *outer, const json_t *body,
                     const struct rd_member *member, struct rd_words *out);
/* False: it is not there. */
bool rd_member_ids(struct rd_problems *problems, const struct rd_place *outer, const json_t *body,
                   const struct rd_member *member, uint32_t kind, recsys_id *out, size_t *n_out);

bool rd_shape_has(const struct rd_shape *shape, const char *name);

/* Is there a value that is not null? If the row does not allow that there is none, a problem is
 * added. */
bool rd_member_is_there(struct rd_problems *problems, const struct rd_place *outer,
                        const json_t *body, const struct rd_member *member);

#endif
