/* See place.h. */
#include "place.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME_SIZE 1200
#define READ_MAX (1024 * 1024)

static void
temporary_name(char out[NAME_SIZE], const char *name)
{
	snprintf(out, NAME_SIZE, ".%s.new", name);
}

void
place_abandon(int dir, const char *name)
{
	char temporary[NAME_SIZE];

	temporary_name(temporary, name);
	unlinkat(dir, temporary, 0);
}

/* Like the file that it takes the place of, else like its folder. */
static int
give_away(int dir, const char *name, int fd, mode_t mode)
{
	struct stat st;
	bool is_there = fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode);

	if (fchmod(fd, is_there ? st.st_mode & 07777 : mode) != 0)
		return -1;
	if (geteuid() != 0 || (!is_there && fstat(dir, &st) != 0))
		return 0;
	return fchown(fd, st.st_uid, st.st_gid);
}

int
place_begin(int dir, const char *name, mode_t mode, struct err *err)
{
	char temporary[NAME_SIZE];

	place_abandon(dir, name); /* of a run that was interrupted */
	temporary_name(temporary, name);
	int fd = openat(dir, temporary, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd >= 0 && give_away(dir, name, fd, mode) == 0)
		return fd;
	err_set(err, "cannot write %s: %s", name, strerror(errno));
	if (fd >= 0)
		close(fd);
	return -1;
}

int
place_seal(const char *name, int fd, struct err *err)
{
	int rc = fsync(fd) == 0 ? 0 : err_set(err, "cannot write %s: %s", name, strerror(errno));

	close(fd);
	return rc;
}

int
place_commit(int dir, const char *name, struct err *err)
{
	char temporary[NAME_SIZE];

	temporary_name(temporary, name);
	if (renameat(dir, temporary, dir, name) == 0 && fsync(dir) == 0)
		return 0;
	return err_set(err, "cannot write %s: %s", name, strerror(errno));
}

int
place_finish(int dir, const char *name, int fd, struct err *err)
{
	if (place_seal(name, fd, err) == 0 && place_commit(dir, name, err) == 0)
		return 0;
	place_abandon(dir, name);
	return -1;
}

int
place_file(int dir, const char *name, struct str text, mode_t mode, struct err *err)
{
	int fd = place_begin(dir, name, mode, err);

	if (fd < 0)
		return -1;
	while (!str_empty(text)) {
		ssize_t n = write(fd, text.p, text.n);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			err_set(err, "cannot write %s: %s", name, strerror(n < 0 ? errno : ENOSPC));
			close(fd);
			place_abandon(dir, name);
			return -1;
		}
		text = str_from(text, (size_t)n);
	}
	return place_finish(dir, name, fd, err);
}

int
place_read(int dir, const char *name, struct buf *out, struct err *err)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	ssize_t n = 1;

	if (fd < 0)
		return err_set(err, "%s: %s", name, strerror(errno));
	/* Made large enough at once: it may be a key, and growing leaves copies behind. */
	buf_reserve(out, READ_MAX + 1);
	while (n > 0 && buf_len(out) < READ_MAX) {
		n = read(fd, buf_reserve(out, 1), READ_MAX - buf_len(out));
		if (n > 0)
			buf_commit(out, (size_t)n);
	}
	int rc = n < 0 ? err_set(err, "%s: %s", name, strerror(errno)) : 0;
	if (n > 0)
		rc = err_set(err, "%s: larger than %d bytes", name, READ_MAX);
	close(fd);
	*buf_reserve(out, 1) = 0;
	return rc;
}
