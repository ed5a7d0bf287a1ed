/* A daemon that says in which of its hooks it is, run through service_main in a child, in a suite of its own whose path is longer
 * than a socket's name may be. Settings: number (at most limit), hold (not ready until it is told "release"), quit (in start). */
#pragma once

#include <sys/types.h>

/* For cmocka. The working directory is the suite's folder. */
int dummy_setup(void **state);
int dummy_teardown(void **state);

/* The one that runs in the background; 0: none. */
extern pid_t dummy_pid;
/* What was said so far by the last one that was started. */
extern char dummy_said[16384];

void dummy_start_it(void);
/* Fails the test when it never says that. */
void dummy_wait_for(const char *text);
/* All these, one behind the other; up to NULL. */
void dummy_expect_order(const char *const *texts);
/* Its exit status, or -SIGNAL. */
int dummy_wait_end(void);
/* One with these arguments (NULL: none) that ends by itself, maybe beside the one that runs; its exit status. */
int dummy_run(const char *a, const char *b);

/* A line on the control socket, and its whole answer (static). */
const char *dummy_ask(const char *line, const int *fds, unsigned n_fds);
/* As jackdawctl does, with these settings. */
const char *dummy_reload(const char *text);
