/* See folders.h. Called by init.c and up.c.
 *
 *   below D, as root         installed                    owner, mode
 *   etc                      /etc/jackdaw                 root 0700, installed 0755
 *   run                      /run/jackdaw                 root 0700, installed 0755
 *   ctl                      /run/jackdaw/ctl             root 0700
 *   log                      /var/log/jackdaw             root 0700
 *   keys                     /var/lib/jackdaw/keys        keyd 0700
 *   ROLE                     /run/jackdaw/ROLE            root, the role's group 0710; installed: the role 0700
 *   ROLE/data                /var/lib/jackdaw/ROLE        the role 0700; installed, ROLE/data is a link to it
 *
 * Without root everything is ours, 0700. The members of admin_group use the folder of jackdawctl (its locks are made there; sticky,
 * so that nobody takes away the socket or another's lock), and below D read etc and run (0750) and jackdaw.conf (0640). The socket
 * is the router's to share. */
#include "folders.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "place.h"
#include "service/files.h"
#include "service/paths.h"
#include "service/privs.h"
#include "suite.h"
#include "tool.h"

#define PUBLIC_KEY "authd.pub"

struct owner {
	uid_t uid;
	gid_t gid;
	mode_t mode;
	bool is_shared; /* the group is one that was asked for, not just that of our process */
	bool is_advice; /* for a new folder; one that is there stays as the operator has it */
};

static int
set_owner(int fd, const struct owner *o)
{
	if ((geteuid() == 0 || o->is_shared) && fchown(fd, o->uid, o->gid) != 0)
		return -1;
	return fchmod(fd, o->mode);
}

/* Takes the path. A folder that is there gets this owner and mode too, unless they are advice. */
static int
make_folder(char *path, const struct owner *o, struct err *err)
{
	int rc = 0, fd = -1;
	bool is_new = mkdir(path, o->mode) == 0;

	if (!is_new && errno != EEXIST)
		rc = err_set(err, "cannot make %s: %s", path, strerror(errno));
	else if ((fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)) < 0)
		rc = err_set(err, "%s: %s", path, strerror(errno));
	else if ((is_new || !o->is_advice) && set_owner(fd, o) != 0)
		rc = err_set(err, "cannot set the owner of %s: %s", path, strerror(errno));
	else if (is_new && folder_keep(fd) != 0)
		rc = err_set(err, "cannot make %s: %s", path, strerror(errno));
	if (fd >= 0)
		close(fd);
	free(path);
	return rc;
}

/* What is ours, and may be read by the group that may administer. (One that does not exist the router warns of.) */
static struct owner
shared_owner(const struct ctl *c)
{
	const char *name = c->file ? c->suite.admin_group : "";
	const struct group *g = name && name[0] ? getgrnam(name) : NULL;

	return (struct owner){.uid = geteuid(),
	    .gid = g ? g->gr_gid : getegid(),
	    .mode = g ? 0750 : 0700,
	    .is_shared = g != NULL};
}

static int
role_owner(const struct ctl *c, enum role role, int64_t uid_base, struct owner *o_r, struct err *err)
{
	struct privs p;

	*o_r = (struct owner){.uid = geteuid(), .gid = getegid(), .mode = 0700};
	if (role == ROLE_CTL) {
		*o_r = shared_owner(c);
		o_r->mode = o_r->is_shared ? 03770 : 0700;
		return 0;
	}
	if (privs_plan(&p, c->dir, role, uid_base, err) != 0)
		return -1;
	if (p.kind == PRIVS_SWITCH) {
		o_r->uid = p.uid;
		o_r->gid = p.gid;
	}
	return 0;
}

/* The folder that a role sees as its own. Below D the role only passes through: its sockets are made by root. */
static int
make_role_folder(const struct ctl *c, enum role role, const struct owner *role_is, struct err *err)
{
	struct owner o = *role_is;

	if (c->dir && o.uid != geteuid()) {
		o.uid = geteuid();
		o.mode = 0710;
	}
	return make_folder(path_role(c->dir, role), &o, err);
}

/* Files that another user has left there: the suite is now started by root, say. */
static int
own_files(const char *path, const struct owner *o, struct err *err)
{
	DIR *d = geteuid() == 0 ? opendir(path) : NULL;
	int rc = 0;

	if (!d)
		return 0;
	for (struct dirent *e; (e = readdir(d)) && rc == 0;) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		if (fchownat(dirfd(d), e->d_name, o->uid, o->gid, AT_SYMLINK_NOFOLLOW) != 0)
			rc = err_set(err, "cannot set the owner of %s/%s: %s", path, e->d_name,
			    strerror(errno));
	}
	closedir(d);
	return rc;
}

static int
link_data(const struct ctl *c, enum role role, const char *data, struct err *err)
{
	int dir = suite_role_dir(c, role, err);
	int rc = 0;

	if (dir < 0)
		return -1;
	if (symlinkat(data, dir, "data") != 0 && errno != EEXIST)
		rc = err_set(err, "cannot link %s into the folder of %s: %s", data, role_name(role),
		    strerror(errno));
	close(dir);
	return rc;
}

static int
make_data_folder(const struct ctl *c, enum role role, const struct owner *o, struct err *err)
{
	char *path = path_data(c->dir, role);
	int rc = make_folder(str_dup(str_z(path)), o, err);

	if (rc == 0)
		rc = own_files(path, o, err);
	if (rc == 0 && !c->dir)
		rc = link_data(c, role, path, err);
	free(path);
	return rc;
}

static int
make_roles(const struct ctl *c, int64_t uid_base, struct err *err)
{
	struct owner o;

	for (enum role role = 0; role < ROLE_COUNT; role++) {
		if (role_owner(c, role, uid_base, &o, err) != 0 ||
		    make_role_folder(c, role, &o, err) != 0)
			return -1;
		bool has_data = role == ROLE_AUTHD || role == ROLE_STORAGED;
		if (has_data && make_data_folder(c, role, &o, err) != 0)
			return -1;
	}
	return 0;
}

/* As an empty jackdaw.conf has it, before there is one. */
static int64_t
uid_base_of(const struct ctl *c)
{
	struct suite suite;
	struct err err;

	if (c->file)
		return suite_uid_base(c->file);
	struct suite_file *file = suite_parse("", "", &suite, &err);
	if (!file)
		bug("an empty jackdaw.conf is refused: %s", err.text);
	int64_t base = suite_uid_base(file);
	suite_free(&file);
	return base;
}

/* jackdawctl reads it whoever calls it; installed everybody may. */
static int
share_settings(const struct ctl *c, const struct owner *shared, struct err *err)
{
	char *etc = path_etc(c->dir);
	int rc = 0, dir = open(etc, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int fd = openat(dir, "jackdaw.conf", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	free(etc);
	if (dir >= 0)
		close(dir);
	if (fd < 0)
		return err_set(err, "jackdaw.conf: %s", strerror(errno));
	if (fchown(fd, (uid_t)-1, shared->gid) != 0 || fchmod(fd, 0640) != 0)
		rc = err_set(err, "cannot let the group %s read jackdaw.conf: %s",
		    c->suite.admin_group, strerror(errno));
	close(fd);
	return rc;
}

int
folders_make(const struct ctl *c, struct err *err)
{
	const int64_t uid_base = uid_base_of(c);
	const struct owner ours = {
	    .uid = geteuid(), .gid = getegid(), .mode = 0700, .is_advice = true};
	struct owner passable = shared_owner(c), keyd;

	if (c->dir && passable.is_shared && share_settings(c, &passable, err) != 0)
		return -1;
	if (!c->dir)
		passable = (struct owner){
		    .uid = geteuid(), .gid = getegid(), .mode = 0755, .is_advice = true};
	if (!c->dir && make_folder(str_dup(str_z(JACKDAW_STATEDIR)), &passable, err) != 0)
		return -1;
	if (make_folder(path_etc(c->dir), &passable, err) != 0 ||
	    make_folder(path_run(c->dir), &passable, err) != 0 ||
	    make_folder(path_log(c->dir), &ours, err) != 0 ||
	    role_owner(c, ROLE_KEYD, uid_base, &keyd, err) != 0)
		return -1;
	char *keys = path_keys(c->dir);
	int rc = make_folder(str_dup(str_z(keys)), &keyd, err);
	if (rc == 0)
		rc = own_files(keys, &keyd, err);
	free(keys);
	return rc == 0 ? make_roles(c, uid_base, err) : -1;
}

static int
copy_key(const struct ctl *c, enum role to, struct str key, struct err *err)
{
	int dir = suite_role_dir(c, to, err);

	if (dir < 0)
		return -1;
	int rc = place_file(dir, PUBLIC_KEY, key, 0444, err);
	close(dir);
	return rc;
}

/* authd makes them, as its own user. */
static int
have_keys_made(const struct ctl *c, struct err *err)
{
	struct buf ignored = {0};
	int rc = tool_ask(c, program_of(ROLE_AUTHD), "--make-keys", &ignored, err);

	buf_deinit(&ignored);
	return rc;
}

int
folders_share_key(const struct ctl *c, struct err *err)
{
	char *path = path_data(c->dir, ROLE_AUTHD);
	struct buf key = {0};
	int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc = dir >= 0 ? 0 : err_set(err, "%s: %s", path, strerror(errno));

	if (rc == 0 && faccessat(dir, PUBLIC_KEY, F_OK, 0) != 0)
		rc = have_keys_made(c, err);
	if (rc == 0)
		rc = place_read(dir, PUBLIC_KEY, &key, err);
	if (rc == 0)
		rc = copy_key(c, ROLE_C2SD, buf_str(&key), err);
	if (rc == 0)
		rc = copy_key(c, ROLE_CTL, buf_str(&key), err);
	if (dir >= 0)
		close(dir);
	free(path);
	buf_deinit(&key);
	return rc;
}

int
folders_hide_settings(const struct ctl *c, const struct program *p, struct err *err)
{
	char name[64];
	struct owner o;
	int rc = 0, fd;

	if (!p->has_secrets)
		return 0;
	if (role_owner(c, p->role, uid_base_of(c), &o, err) != 0)
		return -1;
	/* It is read before the daemon becomes its user, or by that user: then its group lets it. */
	o.uid = geteuid();
	o.gid = c->dir ? getegid() : o.gid;
	o.mode = c->dir ? 0600 : 0640;
	snprintf(name, sizeof(name), "%s.conf", p->name);
	fd = openat(c->etc_dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || set_owner(fd, &o) != 0)
		rc = err_set(err, "%s: %s", name, strerror(errno));
	if (fd >= 0)
		close(fd);
	return rc;
}
