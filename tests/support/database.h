/* tests/support/database.h - a PostgreSQL server of a test's own, and fresh databases on any.
 *
 * A server listens on a free port of 127.0.0.1, runs without fsync as a user
 * that is not root, has its data in a new folder and ends with the test, even
 * if that is killed. A failure in here ends the test.
 */
#ifndef TESTS_SUPPORT_DATABASE_H
#define TESTS_SUPPORT_DATABASE_H

struct database_server;

/* `settings` are "name=value", the last one NULL; NULL = none. Returns when it answers. */
struct database_server *database_server_start(const char *const *settings);
/* NULL is allowed. */
void database_server_stop(struct database_server *server);

/* "host=127.0.0.1 port=… user=… dbname=postgres", of a superuser. BORROWED. */
const char *database_server_get_conninfo(const struct database_server *server);
unsigned database_server_get_port(const struct database_server *server);

/* Shut down as for maintenance: connections are ended, nothing is lost. start_again waits. */
void database_server_shut_down(struct database_server *server);
void database_server_start_again(struct database_server *server);
/* Every process of it stops where it is, and goes on. */
void database_server_freeze(struct database_server *server);
void database_server_thaw(struct database_server *server);

/* A new, empty database in UTF-8 on the server of RECSYS_TEST_POSTGRES or, without
 * that, on one that is started now and ends with the program. Returns its
 * conninfo, for free(). Drop it when all its connections are closed. */
char *database_create(void);
void database_drop(char *conninfo);

/* Run SQL with psql, outside of everything that is tested; returns the answer
 * without its last newline, for free(). */
char *database_ask(const char *conninfo, const char *sql);

/* The text of this file of sql/, for free(). */
char *database_read_script(const char *file);

#endif
