/* See privs.h. Failing to drop is fatal to the start; a limit that the kernel refuses is a warning that names it. */
#include "service/privs.h"

#include <dirent.h>
#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/log.h"

#define LOCKED_MIN (64 * 1024 * 1024) /* what a daemon without threads may come to */

/* In a user namespace only the mapped users exist. */
static bool
uid_is_mapped(uid_t uid)
{
	unsigned long first, outside, n;
	FILE *f = fopen("/proc/self/uid_map", "re");
	bool mapped = !f;

	while (f && !mapped && fscanf(f, "%lu %lu %lu", &first, &outside, &n) == 3)
		mapped = uid >= first && uid - first < n;
	if (f)
		fclose(f);
	return mapped;
}

static int
plan_installed(struct privs *p, enum role role, struct err *err)
{
	char name[64];
	struct passwd *pw;

	snprintf(name, sizeof(name), "jackdaw-%s", role_name(role));
	errno = 0;
	pw = getpwnam(name);
	if (!pw)
		return err_set(err,
		    "there is no user %s; run \"make install\" as root, or etc/users, or use --dir",
		    name);
	p->uid = pw->pw_uid;
	p->gid = pw->pw_gid;
	p->kind = geteuid() == 0 ? PRIVS_SWITCH : PRIVS_KEEP;
	return 0;
}

int
privs_plan(struct privs *p, const char *dir, enum role role, int64_t uid_base, struct err *err)
{
	*p = (struct privs){.kind = PRIVS_KEEP, .uid = geteuid(), .gid = getegid()};
	if (!dir)
		return plan_installed(p, role, err);
	if (geteuid() != 0 || !uid_is_mapped((uid_t)(uid_base + role))) {
		p->reduced = true;
		return 0;
	}
	p->kind = PRIVS_SWITCH;
	p->confined = true;
	p->uid = (uid_t)(uid_base + role);
	p->gid = (gid_t)(uid_base + role);
	return 0;
}

int
privs_check_user(const struct privs *p, const char *name, struct err *err)
{
	if (p->kind == PRIVS_SWITCH || geteuid() == p->uid)
		return 0;
	return err_set(err,
	    "%s was started as user %u, but its own is %u; start it as root, as its own user, or with --dir",
	    name, (unsigned)geteuid(), (unsigned)p->uid);
}

/* ---- down ---- */

/* Capabilities, the bounding set and Landlock belong to the thread: one that runs already would keep its own. */
static int
check_alone(struct err *err)
{
	DIR *d = opendir("/proc/self/task");
	unsigned n = 0;

	if (!d)
		return 0;
	for (struct dirent *e; (e = readdir(d));)
		n += e->d_name[0] != '.';
	closedir(d);
	return n == 1 ? 0 : err_set(err, "%u threads run already; they would keep their rights", n);
}

/* An ordinary user cannot, and has no use for what would be left. */
static int
drop_bounding_set(struct err *err)
{
	for (int cap = 0; cap <= 63; cap++) {
		if (prctl(PR_CAPBSET_READ, cap, 0, 0, 0) != 1)
			continue;
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) != 0 && geteuid() == 0)
			return err_set(err, "cannot drop capability %d: %s", cap, strerror(errno));
	}
	return 0;
}

static int
drop_capabilities(struct err *err)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[2] = {{0}};

	if (syscall(SYS_capset, &header, none) != 0)
		return err_set(err, "cannot drop capabilities: %s", strerror(errno));
	return 0;
}

static int
switch_user(const struct privs *p, struct err *err)
{
	if (setgroups(0, NULL) != 0 || setresgid(p->gid, p->gid, p->gid) != 0 ||
	    setresuid(p->uid, p->uid, p->uid) != 0)
		return err_set(err, "cannot become user %u: %s", (unsigned)p->uid, strerror(errno));
	if (setresuid((uid_t)-1, 0, (uid_t)-1) == 0 || setuid(0) == 0 || setgid(0) == 0)
		return err_set(
		    err, "root could be regained after the change to user %u", (unsigned)p->uid);
	return 0;
}

int
privs_drop(const struct privs *p, struct err *err)
{
	if (check_alone(err) != 0)
		return -1;
	if (p->confined && (chroot(".") != 0 || chdir("/") != 0))
		return err_set(err, "cannot chroot to the own folder: %s", strerror(errno));
	if (drop_bounding_set(err) != 0)
		return -1;
	if (p->kind == PRIVS_SWITCH && switch_user(p, err) != 0)
		return -1;
	/* Also of a root that stays one: in a user namespace of its own, say. */
	if (drop_capabilities(err) != 0)
		return -1;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return err_set(err, "cannot set no_new_privs: %s", strerror(errno));
	/* Behind the change of user, which sets it; also keeps others of our user from tracing us. */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
		return err_set(err, "cannot make the process undumpable: %s", strerror(errno));
	return 0;
}

/* ---- limits ---- */

static void
limit(int resource, const char *name, uint64_t value)
{
	struct rlimit want = {.rlim_cur = value, .rlim_max = value}, have;
	int error;

	if (setrlimit(resource, &want) == 0)
		return;
	error = errno;
	if (getrlimit(resource, &have) == 0 && have.rlim_max < value) {
		have.rlim_cur = have.rlim_max;
		if (setrlimit(resource, &have) == 0) {
			log_warn("the limit %s is %llu and cannot be raised to %llu", name,
			    (unsigned long long)have.rlim_max, (unsigned long long)value);
			return;
		}
	}
	log_warn("the kernel refuses the limit %s = %llu: %s", name, (unsigned long long)value,
	    strerror(error));
}

static bool
is_regular_file(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
}

void
privs_limit(const struct sandbox *s)
{
	limit(RLIMIT_CORE, "RLIMIT_CORE", 0);
	if (s->max_files)
		limit(RLIMIT_NOFILE, "RLIMIT_NOFILE", s->max_files);
	if (s->max_file_size == UINT64_MAX)
		return;
	if (is_regular_file(STDERR_FILENO) || is_regular_file(STDOUT_FILENO))
		log_info("the log is a file, so RLIMIT_FSIZE is not set");
	else
		limit(RLIMIT_FSIZE, "RLIMIT_FSIZE", s->max_file_size);
}

#ifndef JACKDAW_SANITIZE
/* Every stack and arena of a thread counts whole, so with threads only no limit at all leaves room. Where room is missing,
 * locking would turn into running out of memory, so then it is left. */
static bool
may_lock_memory(const struct sandbox *s)
{
	struct rlimit r = {.rlim_cur = RLIM_INFINITY, .rlim_max = RLIM_INFINITY};

	if (setrlimit(RLIMIT_MEMLOCK, &r) == 0)
		return true;
	if (getrlimit(RLIMIT_MEMLOCK, &r) != 0)
		return false;
	return r.rlim_cur == RLIM_INFINITY || (s->threads == 0 && r.rlim_cur >= LOCKED_MIN);
}

void
privs_lock_memory(const struct sandbox *s)
{
	if (!s->lock_memory)
		return;
	if (!may_lock_memory(s))
		log_info("secrets may be swapped out: the limit of locked memory is too low%s",
		    s->threads ? "; only without a limit there is room for threads" : "");
	else if (mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) != 0)
		log_info("secrets may be swapped out: mlockall: %s", strerror(errno));
}
#else
/* Their shadow memory is larger than any machine. */
void
privs_lock_memory(const struct sandbox *s)
{
	(void)s;
}
#endif
