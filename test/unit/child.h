/* What a test does in a process of its own, because it cannot be taken back. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* An empty folder, which is the working directory afterwards; removed by scratch_leave. */
void scratch_enter(void);
void scratch_leave(void);
const char *scratch_path(void);
void scratch_write(const char *name, const char *text);

/* Runs fn in a child; its exit status, or -SIGNAL. What it wrote to stderr stands in child_errors. */
int child_run(void (*fn)(void *arg), void *arg);
extern char child_errors[8192];

/* In the child: ends it with status 1 and says where. */
#define CHILD_CHECK(condition) child_check(condition, #condition, __LINE__)
void child_check(bool ok, const char *what, int line);

/* In the child, of every thread of it: the value of a line of /proc/self/task/N/status. False when one has another. */
bool child_every_thread(const char *key, const char *value);

/* Whether we may become this user: root, where the user is mapped. */
bool child_may_become(unsigned uid);
