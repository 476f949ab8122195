/* daemon/openapi/schema.h - JSON schemas of the tables of daemon/http/shape.h. */
#ifndef RECSYSD_SCHEMA_H
#define RECSYSD_SCHEMA_H

#include <stdbool.h>

#include <jansson.h>

#include "daemon/http/shape.h"

/* A document that is being made. */
struct rd_document {
    const json_t *words; /* the file words.json */
    json_t *document, *schemas, *paths;
    const char *error_paths; /* errors of paths that begin like this are those of inference */
    bool failed;             /* there was not enough memory */
};

/* Sets a member. Takes `value`, which may be NULL if there was no memory for it. */
void rd_document_put(struct rd_document *to, json_t *object, const char *name, json_t *value);
/* {"$ref": "#/components/KIND/NAME"} */
json_t *rd_document_ref(const char *kind, const char *name);
/* Adds the words about a member: those for it in this place, else those for it anywhere. */
void rd_document_describe(struct rd_document *to, const char *place, const char *name,
                          json_t *schema);

/* A reference to the shape, whose schema is added to the document. */
json_t *rd_schema_of_shape(struct rd_document *to, const struct rd_shape *shape);
/* The schema of a member, without words and never null. */
json_t *rd_schema_of_member(struct rd_document *to, const struct rd_member *member);

#endif
