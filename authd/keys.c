/* Key files: written to a temporary name, synced, renamed, so that a crash leaves the old or the
 * new one. Called at start, in the daemon's folder. */
#include "keys.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/id.h"
#include "base/mem.h"
#include "db/db.h"

struct keys *
keys_new(void)
{
	struct keys *k = sodium_malloc(sizeof(*k));

	if (!k)
		bug("cannot lock memory for keys: raise the limit of locked memory (MEMLOCK)");
	memset(k, 0, sizeof(*k));
	return k;
}

void
keys_free(struct keys **k)
{
	sodium_free(*k);
	*k = NULL;
}

static int
write_all(int fd, const void *p, size_t n)
{
	ssize_t did = write(fd, p, n);

	if (did == (ssize_t)n)
		return fsync(fd);
	if (did >= 0)
		errno = ENOSPC;
	return -1;
}

static int
file_replace(const char *path, mode_t mode, const void *p, size_t n, struct err *err)
{
	char tmp[256];
	int fd, rc = -1;

	snprintf(tmp, sizeof(tmp), "%s.new", path);
	unlink(tmp);
	fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	if (fd >= 0) {
		rc = write_all(fd, p, n);
		if (close(fd) != 0)
			rc = -1;
	}
	if (rc != 0 || rename(tmp, path) != 0)
		return err_set(err, "cannot write %s: %s", path, strerror(errno));
	return db_sync_folder(path, err);
}

/* n bytes and no more. 1: there is no such file; -1: it cannot be used. */
static int
file_read(const char *path, void *p, size_t n, struct err *err)
{
	uint8_t more;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got;

	if (fd < 0 && errno == ENOENT)
		return 1;
	if (fd < 0)
		return err_set(err, "cannot open %s: %s", path, strerror(errno));
	got = read(fd, p, n);
	if (got == (ssize_t)n && read(fd, &more, 1) != 0)
		got = -1;
	close(fd);
	if (got != (ssize_t)n)
		return err_set(err,
		    "%s is damaged: restore it from a backup, or remove it and run jackdawctl init again",
		    path);
	return 0;
}

static int
public_write(const struct keys *k, const char *path, struct err *err)
{
	uint8_t there[SEAL_KEY_BYTES];

	if (file_read(path, there, sizeof(there), NULL) == 0 &&
	    memcmp(there, k->seal_public, sizeof(there)) == 0)
		return 0;
	return file_replace(path, 0644, k->seal_public, sizeof(k->seal_public), err);
}

int
keys_load_seal(struct keys *k, const char *path, const char *public_path, struct err *err)
{
	int rc = file_read(path, k->seal_secret, sizeof(k->seal_secret), err);

	if (rc < 0)
		return -1;
	if (rc == 1) {
		id_random_bytes(k->seal_secret, sizeof(k->seal_secret));
		if (file_replace(path, 0600, k->seal_secret, sizeof(k->seal_secret), err) != 0)
			return -1;
	}
	crypto_scalarmult_base(k->seal_public, k->seal_secret);
	return public_write(k, public_path, err);
}
