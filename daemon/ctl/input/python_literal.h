/* daemon/ctl/input/python_literal.h - lists and dictionaries as Python prints them. */
#ifndef RECSYSCTL_PYTHON_LITERAL_H
#define RECSYSCTL_PYTHON_LITERAL_H

#include <jansson.h>

/* [{'id': 28, 'name': "Rock 'n' Roll"}] as JSON, which the caller gives back with json_decref().
 * NULL if it is something else. */
json_t *ctl_python_parse(const char *text);

#endif
