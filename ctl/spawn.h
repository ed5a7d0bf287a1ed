/* Starting programs: a daemon that goes on by itself, or a helper whose output is wanted. */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"

#define SPAWN_LISTENERS_MAX 32

/* What a daemon is given beside its arguments. */
struct spawn {
	const char *const *argv;  /* argv[0]: path of the program */
	int log_fd;               /* its standard output and error */
	const char *notify;       /* NOTIFY_SOCKET; NULL: none */
	const int *listen_fds;    /* become 3, 4, … */
	const char *listen_names; /* separated by colons */
	unsigned n_listen_fds;
};

/* The daemon runs in a session of its own and inherits nothing else. The pid, or -1 with *err filled, also when the
 * program could not be executed. */
pid_t spawn_daemon(const struct spawn *s, struct err *err);

/* A helper's standard input (-1: empty), output and error. */
struct spawn_files {
	int in, out, errors;
};

/* Starts a helper, which inherits nothing else. The pid, or -1 with *err filled. */
pid_t spawn_helper(const char *const *argv, const struct spawn_files *files, struct err *err);
/* Its exit status when it has ended; killed when that takes too long. -1 with *err filled. */
int spawn_wait(pid_t pid, const char *name, unsigned timeout_ms, struct err *err);

/* A file in memory for what a helper prints, and what stands in it (at most 1 MiB). */
int spawn_scratch(struct err *err);
void spawn_read_scratch(int fd, struct buf *out);

/* Runs a program to its end and collects what it prints. The exit status, or -1 with *err filled. */
int spawn_capture(const char *const *argv, unsigned timeout_ms, struct buf *out, struct buf *errors,
    struct err *err);
