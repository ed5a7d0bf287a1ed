/* Landlock: no file by name, but those below `data` for the daemons that have one. It holds for the calling thread and those that it
 * makes from then on, so it comes before the threads. A kernel without it is named in the log. */
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/log.h"
#include "service/sandbox_private.h"

/* Bits that came after Debian 12's header. */
#define FS_REFER (1ULL << 13)
#define FS_TRUNCATE (1ULL << 14)
#define FS_IOCTL_DEV (1ULL << 15)
#define FS_ALL_V1 ((1ULL << 13) - 1)
#define NET_TCP_ALL 3ULL
#define SCOPE_ALL 3ULL

/* As newer kernels know it; older ones take the shorter form. */
struct landlock_rules {
	uint64_t handled_fs, handled_net, scoped;
};

static size_t
landlock_size(long abi)
{
	return abi >= 6 ? 24 : abi >= 4 ? 16 : 8;
}

static struct landlock_rules
landlock_rules_for(long abi, const struct sandbox *s)
{
	struct landlock_rules r = {.handled_fs = FS_ALL_V1};

	if (abi >= 2)
		r.handled_fs |= FS_REFER;
	if (abi >= 3)
		r.handled_fs |= FS_TRUNCATE;
	if (abi >= 4 && !s->inet_connect)
		r.handled_net = NET_TCP_ALL;
	if (abi >= 5)
		r.handled_fs |= FS_IOCTL_DEV;
	if (abi >= 6)
		r.scoped = SCOPE_ALL;
	return r;
}

static int
landlock_allow_data(int ruleset, uint64_t rights, struct err *err)
{
	struct landlock_path_beneath_attr beneath = {
	    .allowed_access = rights & ~(uint64_t)LANDLOCK_ACCESS_FS_EXECUTE};
	int rc;

	/* Installed, `data` is a link to the state folder: the rule is on what it leads to. */
	beneath.parent_fd = open("data", O_PATH | O_CLOEXEC | O_DIRECTORY);
	if (beneath.parent_fd < 0)
		return err_set(err, "the folder data cannot be opened: %s", strerror(errno));
	rc = (int)syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0);
	close(beneath.parent_fd);
	return rc == 0 ? 0 : err_set(err, "Landlock refuses the data folder: %s", strerror(errno));
}

int
sandbox_landlock(const struct sandbox *s, struct err *err)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	struct landlock_rules rules = landlock_rules_for(abi, s);
	int fd;

	if (abi < 1) {
		log_warn(
		    "this kernel has no Landlock: files are guarded by user, chroot and seccomp only");
		return 0;
	}
	fd = (int)syscall(SYS_landlock_create_ruleset, &rules, landlock_size(abi), 0);
	if (fd < 0)
		return err_set(err, "Landlock: %s", strerror(errno));
	if (s->files && landlock_allow_data(fd, rules.handled_fs, err) != 0) {
		close(fd);
		return -1;
	}
	if (syscall(SYS_landlock_restrict_self, fd, 0) != 0) {
		close(fd);
		return err_set(err, "Landlock: %s", strerror(errno));
	}
	close(fd);
	log_debug("Landlock version %ld", abi);
	return 0;
}
