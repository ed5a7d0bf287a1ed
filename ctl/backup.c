/* jackdawctl backup: settings, keys, and copies of the databases that their daemons make themselves while they run (line `backup`
 * on the control socket, an empty file for each database with it; a daemon whose copy takes long answers "running" and
 * is asked `backup state` until it says "done"). The file comes into place when it is whole. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive.h"
#include "commands.h"
#include "place.h"
#include "service/paths.h"
#include "suite.h"
#include "tar.h"

#define DATABASES_MAX 4
#define BACKUP_ANSWER_MS 600000
#define STATE_PAUSE_US 100000

/* One run. */
struct backup {
	struct ctl *ctl;
	int folder;       /* where the file will lie; scratch files too */
	const char *name; /* of the file there */
	int tar_fd;
};

static int
add_file(struct backup *b, int dir, const char *prefix, const char *name, struct err *err)
{
	char member[TAR_NAME_MAX + 1];
	int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return err_set(err, "%s: %s", name, strerror(errno));
	snprintf(member, sizeof(member), "%s%s", prefix, name);
	int rc = tar_write_file(b->tar_fd, member, fd, err);
	close(fd);
	return rc;
}

static int
add_entries(struct backup *b, const char *prefix, DIR *d, struct err *err)
{
	struct stat st;

	for (struct dirent *e; (e = readdir(d));) {
		if (e->d_name[0] == '.' ||
		    fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
		    !S_ISREG(st.st_mode))
			continue;
		if (add_file(b, dirfd(d), prefix, e->d_name, err) != 0)
			return -1;
	}
	return 0;
}

/* All regular files of a folder (settings, keys); hidden ones are leftovers. */
static int
add_folder(struct backup *b, const struct archive_place *place, struct err *err)
{
	char *path = place->path(b->ctl);
	DIR *d = opendir(path);
	int rc = d ? add_entries(b, place->prefix, d, err)
		   : err_set(err, "%s: %s", path, strerror(errno));

	if (d)
		closedir(d);
	free(path);
	return rc;
}

/* ---- databases ---- */

static int
await_done(const struct ctl *c, const struct program *p, struct err *err)
{
	const struct control_call call = {.program = p, .line = "backup state"};
	bool running = true;
	int rc = 0;

	while (rc == 0 && running) {
		struct buf out = {0};

		rc = suite_control(c, &call, &out, err);
		running = str_starts(buf_str(&out), S("running"));
		buf_deinit(&out);
		if (running)
			usleep(STATE_PAUSE_US);
	}
	return rc;
}

static int
ask_for_copies(
    const struct ctl *c, const struct program *p, const int *fds, unsigned n, struct err *err)
{
	const struct control_call call = {
	    .program = p, .line = "backup", .fds = fds, .n_fds = n, .timeout_ms = BACKUP_ANSWER_MS};
	struct buf out = {0};
	int rc = suite_control(c, &call, &out, err);

	if (rc == 0 && str_starts(buf_str(&out), S("running")))
		rc = await_done(c, p, err);
	buf_deinit(&out);
	return rc == 0 ? 0 : err_prefix(err, "%s", p->name);
}

static int
add_scratch(struct backup *b, const struct archive_store *store, unsigned i, int fd, struct err *err)
{
	char member[TAR_NAME_MAX + 1];

	snprintf(member, sizeof(member), "%s%s", store->prefix, store->databases[i]);
	if (lseek(fd, 0, SEEK_SET) != 0)
		return err_set(err, "%s: %s", member, strerror(errno));
	return tar_write_file(b->tar_fd, member, fd, err);
}

static int
add_running(struct backup *b, const struct archive_store *store, struct err *err)
{
	int fds[DATABASES_MAX], rc = 0;
	unsigned n = 0;

	while (store->databases[n] && rc == 0) {
		fds[n] = openat(b->folder, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
		if (fds[n] < 0)
			rc = err_set(err, "cannot make a file for the copy: %s", strerror(errno));
		else
			n++;
	}
	if (rc == 0)
		rc = ask_for_copies(b->ctl, program_of(store->role), fds, n, err);
	for (unsigned i = 0; i < n && rc == 0; i++)
		rc = add_scratch(b, store, i, fds[i], err);
	while (n > 0)
		close(fds[--n]);
	return rc;
}

/* Of a suite that is down the files themselves will do, with the log that a killed daemon has left. */
static int
add_stopped(struct backup *b, const struct archive_store *store, int dir, struct err *err)
{
	int rc = 0;

	for (unsigned i = 0; store->databases[i] && rc == 0; i++) {
		char wal[64];

		snprintf(wal, sizeof(wal), "%s-wal", store->databases[i]);
		if (faccessat(dir, store->databases[i], F_OK, 0) != 0)
			continue; /* never started */
		rc = add_file(b, dir, store->prefix, store->databases[i], err);
		if (rc == 0 && faccessat(dir, wal, F_OK, 0) == 0)
			rc = add_file(b, dir, store->prefix, wal, err);
	}
	return rc;
}

static int
add_store(struct backup *b, const struct archive_store *store, bool is_up, struct err *err)
{
	char *path = path_data(b->ctl->dir, store->role);
	int rc = 0;

	int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		rc = err_set(err, "%s: %s", path, strerror(errno));
	for (unsigned i = 0; rc == 0 && store->files[i]; i++)
		rc = add_file(b, dir, store->prefix, store->files[i], err);
	if (rc == 0)
		rc = is_up ? add_running(b, store, err) : add_stopped(b, store, dir, err);
	if (dir >= 0)
		close(dir);
	free(path);
	return rc;
}

/* ---- all of it ---- */

static int
add_all(struct backup *b, struct err *err)
{
	bool is_up = suite_is_up(b->ctl);
	int rc = tar_write_text(b->tar_fd, ARCHIVE_MARK, S(ARCHIVE_MARK_TEXT), err);

	for (const struct archive_place *p = archive_places; p->prefix && rc == 0; p++)
		if (strcmp(p->prefix, "etc/") == 0 || strcmp(p->prefix, "keys/") == 0)
			rc = add_folder(b, p, err);
	for (unsigned i = 0; i < 2 && rc == 0; i++)
		rc = add_store(b, &archive_stores[i], is_up, err);
	return rc == 0 ? tar_write_end(b->tar_fd, err) : -1;
}

static int
open_folder_of(const char *file, struct err *err)
{
	char *copy = str_dup(str_z(file));
	int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		err_set(err, "%s: %s", file, strerror(errno));
	free(copy);
	return fd;
}

int
backup_run(struct ctl *c, int argc, char **argv)
{
	struct err err;
	struct backup b = {.ctl = c, .name = basename(argv[0])};

	(void)argc;
	umask(077);
	if (suite_open(c, &err) != 0)
		return ctl_error("%s", err.text);
	b.folder = open_folder_of(argv[0], &err);
	if (b.folder < 0)
		return ctl_error("%s", err.text);
	b.tar_fd = place_begin(b.folder, b.name, 0600, &err);
	int rc = b.tar_fd < 0 ? -1 : add_all(&b, &err);
	if (rc == 0) {
		rc = place_finish(b.folder, b.name, b.tar_fd, &err);
	} else if (b.tar_fd >= 0) {
		close(b.tar_fd);
		place_abandon(b.folder, b.name);
	}
	close(b.folder);
	return rc == 0 ? STATUS_OK : ctl_error("%s: %s", argv[0], err.text);
}
