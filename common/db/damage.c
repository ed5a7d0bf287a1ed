/* See damage.h. */
#include "db/damage.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "db/db.h"

bool
damage_is(int rc)
{
	return (rc & 0xff) == SQLITE_CORRUPT || (rc & 0xff) == SQLITE_NOTADB;
}

/* ---- the note ---- */

static void
note_path(const char *path, char out[DAMAGE_PATH_MAX])
{
	snprintf(out, DAMAGE_PATH_MAX, "%s" DAMAGE_NOTE, path);
}

/* One line. SQLite's check begins with one that says nothing ("*** in database main ***"). */
static void
write_text(int fd, const char *what)
{
	const char *line = strncmp(what, "***", 3) == 0 ? strchr(what, '\n') : NULL;

	what = line ? line + 1 : what;
	(void)!write(fd, what, strcspn(what, "\n"));
}

/* Its existence is what counts: what the disk has no room for is missing in the text. */
void
damage_note(sqlite3 *db, const char *what)
{
	const char *path = sqlite3_db_filename(db, "main");
	char note[DAMAGE_PATH_MAX];
	int fd;

	if (!path || !path[0])
		return;
	sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	note_path(path, note);
	fd = open(note, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return;
	write_text(fd, what);
	(void)!fsync(fd);
	close(fd);
	db_sync_folder(note, NULL);
}

void
damage_met(sqlite3 *db, int rc)
{
	if (damage_is(rc))
		damage_note(db, sqlite3_errmsg(db));
}

bool
damage_is_noted(const char *path)
{
	char note[DAMAGE_PATH_MAX];

	note_path(path, note);
	return access(note, F_OK) == 0;
}

void
damage_text(const char *path, char out[128])
{
	char note[DAMAGE_PATH_MAX];
	ssize_t n = -1;
	int fd;

	note_path(path, note);
	fd = open(note, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		n = read(fd, out, 127);
		close(fd);
	}
	out[n > 0 ? n : 0] = 0;
}

void
damage_end(const char *path)
{
	char what[128];

	if (!damage_is_noted(path))
		return;
	damage_text(path, what);
	bug("%s is damaged (%s); stopping, as it must not be written to any more", path, what);
}

/* ---- set aside ---- */

/* By the time of the note, so that who does it again after a death does the same. */
static int
aside_path(const char *path, char out[DAMAGE_PATH_MAX], struct err *err)
{
	char note[DAMAGE_PATH_MAX], when[32];
	struct stat st;
	struct tm tm;

	note_path(path, note);
	if (stat(note, &st) != 0)
		return err_set(err, "%s: %s", note, strerror(errno));
	strftime(when, sizeof(when), "%Y%m%dT%H%M%S", gmtime_r(&st.st_mtim.tv_sec, &tm));
	if (snprintf(out, DAMAGE_PATH_MAX - 8, "%s-%s.%03ldZ", note, when,
		st.st_mtim.tv_nsec / 1000000) >= DAMAGE_PATH_MAX - 8)
		return err_set(err, "%s: the name is too long to be set aside", path);
	return 0;
}

/* "" or "-wal" or "-shm" of both. */
static int
move(const char *path, const char *to, const char *tail, struct err *err)
{
	char a[DAMAGE_PATH_MAX], b[DAMAGE_PATH_MAX];

	snprintf(a, sizeof(a), "%s%s", path, tail);
	if (to)
		snprintf(b, sizeof(b), "%s%s", to, tail);
	if ((to ? rename(a, b) : unlink(a)) == 0 || errno == ENOENT)
		return 0;
	return err_set(err, "%s cannot be set aside: %s", a, strerror(errno));
}

int
damage_set_aside(const char *path, char aside_r[DAMAGE_PATH_MAX], struct err *err)
{
	const char *to;

	if (aside_path(path, aside_r, err) != 0)
		return -1;
	/* The file itself is moved last, so that it says whether all of it has been. */
	to = access(aside_r, F_OK) == 0 ? NULL : aside_r;
	if (move(path, to, "-wal", err) != 0 || move(path, NULL, "-shm", err) != 0 ||
	    move(path, to, "", err) != 0)
		return -1;
	return db_sync_folder(path, err);
}

int
damage_settle(const char *path, struct err *err)
{
	char note[DAMAGE_PATH_MAX];

	note_path(path, note);
	if (unlink(note) != 0)
		return err_set(err, "%s cannot be removed: %s", note, strerror(errno));
	return db_sync_folder(note, err);
}
