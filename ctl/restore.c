/* jackdawctl restore: reads the whole backup once before anything is touched, then writes every file beside its place, then
 * puts them all into place. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "archive.h"
#include "base/mem.h"
#include "commands.h"
#include "folders.h"
#include "place.h"
#include "suite.h"
#include "tar.h"

#define MEMBERS_MAX 10000

/* A file that has been written and is not in its place yet. */
struct written {
	const struct archive_place *place;
	char name[256];
};

struct restore {
	struct ctl *ctl;
	int tar_fd;
	struct written *v;
	unsigned n;
};

static int
open_place(const struct ctl *c, const struct archive_place *place, struct err *err)
{
	char *path = place->path(c);
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		err_set(err, "%s: %s", path, strerror(errno));
	free(path);
	return fd;
}

/* ---- the first reading ---- */

static int
check_first(struct restore *r, struct err *err)
{
	struct tar_member m;

	if (tar_read_member(r->tar_fd, &m, err) != 1 || strcmp(m.name, ARCHIVE_MARK) != 0)
		return err_set(err, "it is no backup of this program");
	return tar_read_content(r->tar_fd, &m, -1, err);
}

static int
check_all(struct restore *r, struct err *err)
{
	struct tar_member m;
	const char *name;
	unsigned n = 0;
	int rc = check_first(r, err);

	while (rc == 0 && (rc = tar_read_member(r->tar_fd, &m, err)) == 1) {
		if (!archive_find(m.name, &name) || ++n > MEMBERS_MAX)
			return err_set(err, "%s in it has no place in a suite", m.name);
		rc = tar_read_content(r->tar_fd, &m, -1, err);
	}
	return rc;
}

/* ---- the second ---- */

static int
write_member(struct restore *r, const struct tar_member *m, struct err *err)
{
	const char *name;
	const struct archive_place *place = archive_find(m->name, &name);
	int dir = open_place(r->ctl, place, err);

	if (dir < 0)
		return -1;
	int fd = place_begin(dir, name, m->mode & 0744, err);
	close(dir);
	if (fd < 0)
		return -1;
	r->v[r->n].place = place;
	str_copy(r->v[r->n].name, sizeof(r->v->name), str_z(name));
	r->n++;
	int rc = tar_read_content(r->tar_fd, m, fd, err);
	return place_seal(name, fd, rc == 0 ? err : NULL) == 0 ? rc : -1;
}

static int
write_all_members(struct restore *r, struct err *err)
{
	struct tar_member m;
	int rc = lseek(r->tar_fd, 0, SEEK_SET) == 0 ? 0 : err_set(err, "%s", strerror(errno));

	r->v = mem_new_array(MEMBERS_MAX, sizeof(*r->v));
	if (rc == 0)
		rc = check_first(r, err);
	while (rc == 0 && (rc = tar_read_member(r->tar_fd, &m, err)) == 1)
		rc = write_member(r, &m, err);
	return rc;
}

/* A log of the old database must not be taken for one of the new, nor what is said of its damage (db/damage.h). */
static void
remove_old(struct ctl *c)
{
	static const char *const tails[] = {"", "-wal", "-shm", "-journal", ".damaged"};

	for (unsigned i = 0; i < 2; i++) {
		const struct archive_store *store = &archive_stores[i];
		const char *name;
		char member[128], file[96];
		struct err ignored;

		snprintf(member, sizeof(member), "%s%s", store->prefix, store->databases[0]);
		int dir = open_place(c, archive_find(member, &name), &ignored);
		for (unsigned d = 0; dir >= 0 && store->databases[d]; d++) {
			for (unsigned t = 0; t < COUNT(tails); t++) {
				snprintf(file, sizeof(file), "%s%s", store->databases[d], tails[t]);
				unlinkat(dir, file, 0);
			}
		}
		if (dir >= 0)
			close(dir);
	}
}

static int
put_all(struct restore *r, struct err *err)
{
	int rc = 0;

	for (unsigned i = 0; i < r->n && rc == 0; i++) {
		int dir = open_place(r->ctl, r->v[i].place, err);

		rc = dir < 0 ? -1 : place_commit(dir, r->v[i].name, err);
		if (dir >= 0)
			close(dir);
	}
	return rc;
}

static void
throw_away(struct restore *r)
{
	struct err ignored;

	for (unsigned i = 0; i < r->n; i++) {
		int dir = open_place(r->ctl, r->v[i].place, &ignored);

		if (dir < 0)
			continue;
		place_abandon(dir, r->v[i].name);
		close(dir);
	}
}

static int
put_back(struct restore *r, struct err *err)
{
	if (write_all_members(r, err) != 0) {
		throw_away(r);
		return -1;
	}
	remove_old(r->ctl);
	if (put_all(r, err) != 0)
		return -1;
	/* The users of the daemons may have other numbers here. */
	if (suite_load(r->ctl, err) != 0 || folders_make(r->ctl, err) != 0)
		return -1;
	return folders_share_key(r->ctl, err);
}

int
restore_run(struct ctl *c, int argc, char **argv)
{
	struct restore r = {.ctl = c};
	struct err err;

	(void)argc;
	if (suite_open_folders(c, &err) != 0)
		return ctl_error("%s", err.text);
	if (suite_load(c, &err) != 0)
		ctl_error("%s", err.text); /* it will be replaced */
	if (suite_is_up(c))
		return ctl_error("the suite is running; jackdawctl down first");
	r.tar_fd = open(argv[0], O_RDONLY | O_CLOEXEC);
	if (r.tar_fd < 0)
		return ctl_error("%s: %s", argv[0], strerror(errno));
	int rc = check_all(&r, &err);
	if (rc == 0)
		rc = put_back(&r, &err);
	close(r.tar_fd);
	free(r.v);
	return rc == 0 ? STATUS_OK : ctl_error("%s: %s", argv[0], err.text);
}
