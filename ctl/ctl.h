/* What all commands share: options, the suite's folders and settings, the command table. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"
#include "programs.h"
#include "service/service.h"

#define SUPERVISOR_NAME "supervisor"
#define SUPERVISOR_SOCKET "supervisor.sock"
#define DOMAINS_MAX 64 /* on one command line */

enum ctl_status {
	STATUS_OK = 0,
	STATUS_FAILED = 1,
	STATUS_USAGE = 2,
};

enum ctl_option {
	OPTION_DOMAIN = 1 << 0,
	OPTION_PORT_OFFSET = 1 << 1,
	OPTION_DETACH = 1 << 2,
	OPTION_BEFORE = 1 << 3,
	OPTION_DAYS = 1 << 4,
	OPTION_FEDERATION = 1 << 5,
	OPTION_PROFILE = 1 << 6,
};

struct ctl {
	/* From the command line. */
	const char *dir;  /* NULL: the installed paths */
	unsigned options; /* which were given, enum ctl_option */
	const char *domains[DOMAINS_MAX];
	unsigned n_domains;
	int port_offset;
	int64_t before_us;   /* --before, --days */
	const char *profile; /* of init; NULL: none */

	char *program_folder; /* where this program lies; owned */

	/* By suite_open: see suite.h. -1: not open. */
	char *made_dir; /* dir, made absolute; owned */
	char *run_path;
	int etc_dir, run_dir;
	struct suite_file *file; /* owns the strings of suite */
	struct suite suite;
};

struct command {
	const char *noun, *verb; /* verb NULL: one word is all */
	const char *arguments;   /* for people */
	const char *help;
	int min_args, max_args;                           /* max -1: any number */
	unsigned options;                                 /* allowed beside --dir */
	int (*run)(struct ctl *c, int argc, char **argv); /* the exit status */
};

/* commands.c. Up to an entry without a noun. */
extern const struct command commands[];

/* options.c. The whole program. */
int ctl_main(int argc, char **argv);

/* options.c. "jackdawctl: text" on standard error; returns STATUS_FAILED, so that `return ctl_error(…)` reads well. */
int ctl_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
