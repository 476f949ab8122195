/* tests/support/processes.h - children of this process and memory that they share.
 *
 * For tests of what several processes do at once. Children are made before the
 * parent starts threads, and each makes its own connections. Every failure
 * ends the program.
 */
#ifndef TESTS_SUPPORT_PROCESSES_H
#define TESTS_SUPPORT_PROCESSES_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Zeroed memory that is the same in all processes forked from now on. */
void *processes_share(size_t size);

/* A child that runs body(number) and ends with success if that returns. */
pid_t process_start(void (*body)(unsigned number), unsigned number);
/* Wait until it ends, which must be with success. */
void process_expect_success(pid_t child);
/* Wait until it ends, which must be by this signal. */
void process_expect_signal(pid_t child, int number);

/* n threads that run body(number), numbers from 0; returns when all have returned. */
void threads_run(void (*body)(unsigned number), unsigned n);

/* A starting line in shared memory: n threads of any process go on together. */
void line_init(pthread_barrier_t *line, unsigned n);
void line_wait(pthread_barrier_t *line);

void rest_ms(unsigned ms);
uint64_t now_us(void); /* that only goes on */

/* `short_one`, or with RECSYS_LONG=1 `long_one`. */
unsigned figure_length(unsigned short_one, unsigned long_one);

#endif
