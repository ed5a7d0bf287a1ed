/* What the skeleton keeps beside the daemon that it runs. Private to common/service. */
#pragma once

#include "service/control.h"
#include "service/files.h"
#include "service/privs.h"
#include "service/service.h"
#include "service/suite.h"

enum options_mode {
	MODE_RUN,
	MODE_CHECK,     /* -n */
	MODE_PRINT,     /* -nn */
	MODE_LISTENERS, /* -L */
	MODE_FILES,     /* -F */
	MODE_SELF_TEST,
	MODE_SAMPLE,
	MODE_SAMPLE_SUITE,
	MODE_MAN,
	MODE_MAN_SUITE,
};

struct options {
	const char *dir; /* NULL: the installed paths */
	unsigned instance;
	enum options_mode mode;
};

enum run_state {
	RUN_STARTING,
	RUN_READY,
	RUN_DRAINING, /* the daemon finishes what it must before it stops */
	RUN_STOPPING,
};

/* One set of settings: what was read at the start, or by a reload. */
struct loaded {
	struct suite_file *suite_file;
	struct suite suite;
	struct settings_pool *pool;
	void *settings;
};

struct skeleton {
	struct daemon daemon; /* first: hooks get this, we get back */
	struct options options;
	struct loaded loaded;
	struct loaded first; /* those of the start, once others are in force */
	int pid_fd, control_fd, notify_fd;
	char *role_folder;
	struct control *control;
	struct loop_timer *watchdog;
	struct loop_signal *signals[3];
	enum run_state state;
	unsigned holds; /* service_hold */
	uint64_t started_ms;
};

/* Parses the command line; exits after --help, --version or a usage error. */
void options_parse(const struct service *s, int argc, char **argv, struct options *o);

/* What ends without a start; these return for the other modes only. */
void modes_print_tables(const struct skeleton *k);
void modes_without_start(struct skeleton *k);

/* Limits, user, capabilities, Landlock: all that holds for one thread and those it makes. From the role's folder. */
int skeleton_drop(struct skeleton *k, struct err *err);

/* Settings from their files, or from texts that came through descriptors. -1 with *err: nothing changed. */
int loaded_from_files(struct skeleton *k, struct loaded *l, struct err *err);
int loaded_from_fds(struct skeleton *k, struct loaded *l, int suite_fd, int own_fd, struct err *err);
void loaded_free(struct loaded *l);
/* Has the daemon take the files that a new set names. -1 with *err: nothing changed. */
int loaded_take_files(
    struct skeleton *k, const struct loaded *l, const int *fds, unsigned n_fds, struct err *err);
/* Puts a new set in force, and takes it from *l. The old one is freed, but that of the start is kept. */
void loaded_swap(struct skeleton *k, struct loaded *l);

/* A line on the control socket. */
void skeleton_control(void *ctx, struct str line, const int *fds, unsigned n_fds, struct buf *out);
