/* See privs.h. Failing to drop is fatal to the start; a limit that the kernel refuses is a warning that names it. */
#include "service/privs.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/log.h"

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
	if (!pw && geteuid() != 0) {
		p->reduced = true;
		return 0;
	}
	if (!pw)
		return err_set(
		    err, "there is no user %s; run \"make install\" as root, or etc/users", name);
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

static int
drop_bounding_set(struct err *err)
{
	for (int cap = 0; cap <= 63; cap++)
		if (prctl(PR_CAPBSET_READ, cap, 0, 0, 0) == 1 &&
		    prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) != 0)
			return err_set(err, "cannot drop capability %d: %s", cap, strerror(errno));
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

int
privs_prepare(const struct privs *p, struct err *err)
{
	if (geteuid() == 0 && drop_bounding_set(err) != 0)
		return -1;
	/* Whoever changes the user still needs them, and loses them by that, in all threads. */
	if (p->kind == PRIVS_KEEP && drop_capabilities(err) != 0)
		return -1;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return err_set(err, "cannot set no_new_privs: %s", strerror(errno));
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
	return drop_capabilities(err);
}

/* Started by an init system as what should be the right user. */
static int
check_user(const struct privs *p, struct err *err)
{
	if (geteuid() == p->uid)
		return 0;
	return err_set(err,
	    "started as user %u, but its own user is %u: start it as root, as its own user, or with --dir",
	    (unsigned)geteuid(), (unsigned)p->uid);
}

int
privs_drop(const struct privs *p, struct err *err)
{
	if (p->confined && (chroot(".") != 0 || chdir("/") != 0))
		return err_set(err, "cannot chroot to the own folder: %s", strerror(errno));
	if ((p->kind == PRIVS_SWITCH ? switch_user(p, err) : check_user(p, err)) != 0)
		return -1;
	/* Behind the change of user, which sets it; also keeps others of our user from tracing us. */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
		return err_set(err, "cannot make the process undumpable: %s", strerror(errno));
	return 0;
}

static void
limit(int resource, const char *name, uint64_t value)
{
	struct rlimit r = {.rlim_cur = value, .rlim_max = value}, old;

	if (getrlimit(resource, &old) == 0 && old.rlim_max != RLIM_INFINITY && value > old.rlim_max)
		r.rlim_cur = r.rlim_max = old.rlim_max;
	if (r.rlim_max < value)
		log_warn("the limit %s is %llu and cannot be raised to %llu", name,
		    (unsigned long long)r.rlim_max, (unsigned long long)value);
	if (setrlimit(resource, &r) != 0)
		log_warn("the kernel refuses the limit %s = %llu: %s", name,
		    (unsigned long long)value, strerror(errno));
}

void
privs_limit(const struct sandbox *s)
{
	limit(RLIMIT_CORE, "RLIMIT_CORE", 0);
	if (s->max_files)
		limit(RLIMIT_NOFILE, "RLIMIT_NOFILE", s->max_files);
	if (s->max_file_size != UINT64_MAX)
		limit(RLIMIT_FSIZE, "RLIMIT_FSIZE", s->max_file_size);
}
