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

/* Whether a process of that role may go on as who it was started. */
int privs_check_user(const struct privs *p, const char *name, struct err *err);

/* chroot, bounding set, groups, user, capabilities, no_new_privs; proves that there is no way back. Before there is a second thread:
 * most of it belongs to the thread, and is inherited. */
int privs_drop(const struct privs *p, struct err *err);

/* Resource limits by the table, raised where that takes privilege, so before the drop; one that the kernel refuses is a warning. */
void privs_limit(const struct sandbox *s);

/* Keeps all memory out of the swap, where the table asks for it and the limits allow it. With privilege, before secrets are read. */
void privs_lock_memory(const struct sandbox *s);
