/* Reads and makes the files of the keys folder, with the privilege and the names of the start. A file is made whole or
 * not at all (temporary name, fsync, rename), the key before the certificate; a key without a certificate, which a
 * crash between the two leaves, gets one at the next start. Made as root, files go to the folder's owner. */

#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "selfsigned.h"
#include "service/files.h"
#include "tls/keywire.h"

#define NAME_SIZE 1100

int
files_open(struct key_folder *f_r, const char *name, struct err *err)
{
	bool is_new = mkdir(name, 0700) == 0;

	if (!is_new && errno != EEXIST)
		return err_set(err, "%s: %s", name, strerror(errno));
	int fd = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || (is_new && folder_keep(fd) != 0)) {
		err_set(err, "%s: %s", name, strerror(errno));
		if (fd >= 0)
			close(fd);
		return -1;
	}
	*f_r = (struct key_folder){.fd = fd, .name = name};
	return 0;
}

void
files_close(struct key_folder *f)
{
	close(f->fd);
	f->fd = -1;
}

int
files_read(int fd, const char *name, struct buf *out, struct err *err)
{
	uint8_t *p = buf_reserve(out, PAIR_FILE_MAX + 1);
	size_t n = 0;
	ssize_t got = 1;
	struct stat st;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return err_set(err, "%s: not a regular file", name);
	while (got > 0 && n <= PAIR_FILE_MAX) {
		got = read(fd, p + n, PAIR_FILE_MAX + 1 - n);
		if (got < 0 && errno != EINTR)
			return err_set(err, "%s: %s", name, strerror(errno));
		n += got > 0 ? (size_t)got : 0;
	}
	buf_commit(out, n);
	if (n > PAIR_FILE_MAX)
		return err_set(err, "%s: larger than %d bytes", name, PAIR_FILE_MAX);
	return 0;
}

int
files_write(int fd, const char *name, struct str content, struct err *err)
{
	while (content.n > 0) {
		ssize_t n = write(fd, content.p, content.n);
		if (n < 0 && errno != EINTR)
			return err_set(err, "%s: %s", name, strerror(errno));
		content = str_from(content, n > 0 ? (size_t)n : 0);
	}
	return 0;
}

/* To whom the folder belongs, if we may decide that. */
static int
give_to_owner(const struct key_folder *f, int fd)
{
	struct stat st;

	if (geteuid() != 0)
		return 0;
	return fstat(f->fd, &st) < 0 ? -1 : fchown(fd, st.st_uid, st.st_gid);
}

static int
write_new(const struct key_folder *f, const char *temporary, const char *name, mode_t mode,
    struct str content, struct err *err)
{
	int fd =
	    openat(f->fd, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return err_set(err, "%s/%s: %s", f->name, temporary, strerror(errno));
	int rc = files_write(fd, name, content, err);
	if (rc == 0 && (fchmod(fd, mode) < 0 || give_to_owner(f, fd) < 0 || fsync(fd) < 0))
		rc = err_set(err, "%s/%s: %s", f->name, name, strerror(errno));
	close(fd);
	if (rc == 0 && (renameat(f->fd, temporary, f->fd, name) < 0 || fsync(f->fd) < 0))
		rc = err_set(err, "%s/%s: %s", f->name, name, strerror(errno));
	return rc;
}

static int
store_file(
    const struct key_folder *f, const char *name, mode_t mode, struct str content, struct err *err)
{
	char temporary[NAME_SIZE];

	snprintf(temporary, sizeof temporary, ".%s.new", name);
	unlinkat(f->fd, temporary, 0); /* of a start that was interrupted */
	int rc = write_new(f, temporary, name, mode, content, err);
	if (rc < 0)
		unlinkat(f->fd, temporary, 0);
	return rc;
}

static void
warn_if_readable(const struct key_folder *f, int fd, const char *name)
{
	struct stat st;

	if (fstat(fd, &st) == 0 && (st.st_mode & 077) != 0)
		log_warn("%s/%s: others may read this private key; chmod 600 it", f->name, name);
}

/* 1 when it was read, 0 when there is no such file, -1 with *err filled. */
static int
read_named(
    const struct key_folder *f, const char *name, bool secret, struct buf *out, struct err *err)
{
	int fd = openat(f->fd, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return errno == ENOENT ? 0
				       : err_set(err, "%s/%s: %s", f->name, name, strerror(errno));
	int rc = files_read(fd, name, out, err);
	if (secret)
		warn_if_readable(f, fd, name);
	close(fd);
	return rc < 0 ? err_prefix(err, "%s", f->name) : 1;
}

/* What one load works on. */
struct job {
	const struct key_folder *f;
	const char *domain;
	char key_name[NAME_SIZE], crt_name[NAME_SIZE];
	struct buf key, crt;
};

static int
make_key(struct job *j, struct err *err)
{
	if (selfsigned_make_key(&j->key, err) < 0)
		return -1;
	return store_file(j->f, j->key_name, 0600, buf_str(&j->key), err);
}

static int
make_cert(struct job *j, struct err *err)
{
	if (selfsigned_make_cert(&j->crt, buf_str(&j->key), j->domain, err) < 0)
		return err_prefix(err, "%s/%s", j->f->name, j->key_name);
	return store_file(j->f, j->crt_name, 0644, buf_str(&j->crt), err);
}

static int
parse(const struct job *j, struct pair *pair_r, struct err *err)
{
	char crt[2 * NAME_SIZE], key[2 * NAME_SIZE];

	snprintf(crt, sizeof crt, "%s/%s", j->f->name, j->crt_name);
	snprintf(key, sizeof key, "%s/%s", j->f->name, j->key_name);
	return pair_parse(pair_r, buf_str(&j->crt), buf_str(&j->key), crt, key, err);
}

static enum files_result
load(struct job *j, bool make, struct pair *pair_r, struct err *err)
{
	int has_key = read_named(j->f, j->key_name, true, &j->key, err);
	int has_crt = has_key < 0 ? -1 : read_named(j->f, j->crt_name, false, &j->crt, err);

	if (has_key < 0 || has_crt < 0)
		return FILES_BROKEN;
	if (!has_key && has_crt) {
		err_set(err,
		    "%s/%s is missing, the key for %s beside it; put it there, or move the "
		    "certificate away and keyd makes both when it starts",
		    j->f->name, j->key_name, j->crt_name);
		return FILES_BROKEN;
	}
	if (!has_key && !make)
		return FILES_NONE;
	if ((!has_key && make_key(j, err) < 0) || (!has_crt && make_cert(j, err) < 0) ||
	    parse(j, pair_r, err) < 0)
		return FILES_BROKEN;
	return has_crt ? FILES_LOADED : FILES_MADE;
}

enum files_result
files_load(
    const struct key_folder *f, const char *domain, bool make, struct pair *pair_r, struct err *err)
{
	struct job j = {.f = f, .domain = domain};

	if (strchr(domain, '/') != NULL || domain[0] == '.' || strlen(domain) > KEYWIRE_NAME_MAX) {
		err_set(err, "%s: not the name of a domain", domain);
		return FILES_BROKEN;
	}
	snprintf(j.key_name, sizeof j.key_name, "%s.key", domain);
	snprintf(j.crt_name, sizeof j.crt_name, "%s.crt", domain);
	enum files_result result = load(&j, make, pair_r, err);
	buf_deinit_secret(&j.key);
	buf_deinit_secret(&j.crt);
	return result;
}
