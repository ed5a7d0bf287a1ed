/* One way down (DESIGN.md §5): users, capabilities, limits. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "service/service.h"

enum privs_kind {
	PRIVS_KEEP,   /* an ordinary user, or started as the right one */
	PRIVS_SWITCH, /* root: change to uid and gid */
};

struct privs {
	enum privs_kind kind;
	bool confined; /* chroot to the working directory */
	bool reduced;  /* every role runs as the same user: said once in the log */
	uid_t uid;
	gid_t gid;
};

/* Who a role's processes are: by numeric uid (root with --dir), by system user (installed), else ourselves. -1 with *err when a
 * system user is missing. */
int privs_plan(struct privs *p, const char *dir, enum role role, int64_t uid_base, struct err *err);

/* What the kernel keeps for each thread alone and a new thread inherits: no_new_privs, capabilities, their bounding set. Before
 * there is a second thread. */
int privs_prepare(const struct privs *p, struct err *err);

/* chroot, groups, user; proves that there is no way back. Concerns all threads. */
int privs_drop(const struct privs *p, struct err *err);

/* Resource limits by the table; one that the kernel refuses is a warning. */
void privs_limit(const struct sandbox *s);
