/* "backup" on the control socket: writes a consistent copy of credentials.db to the descriptor that
 * came with the line. A connection of its own reads, so the writer's is left alone; it never writes
 * or checkpoints (C-16) and is closed before the writer's. The loop waits meanwhile: a thousand
 * accounts take some milliseconds. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "authd.h"
#include "base/log.h"

#define COPY AUTHD_DATA "/backup.tmp"

static int
copy_store(struct err *err)
{
	sqlite3 *db = NULL;
	int rc = sqlite3_open_v2(AUTHD_STORE, &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_exec(
		    db, "PRAGMA query_only = ON; PRAGMA wal_autocheckpoint = 0", NULL, NULL, NULL);
	if (rc != SQLITE_OK)
		err_set(err, AUTHD_STORE ": %s", sqlite3_errmsg(db));
	else
		rc = db_copy(db, COPY, err);
	sqlite3_close(db);
	return rc == 0 ? 0 : -1;
}

static int
copy_out(int from, int to, struct err *err)
{
	char block[65536];
	ssize_t n;

	while ((n = read(from, block, sizeof(block))) > 0) {
		for (ssize_t done = 0, w; done < n; done += w) {
			w = write(to, block + done, (size_t)(n - done));
			if (w <= 0)
				return err_set(err, "cannot write the backup: %s", strerror(errno));
		}
	}
	return n == 0 ? 0 : err_set(err, COPY ": %s", strerror(errno));
}

static int
backup_to(int to, struct err *err)
{
	int rc = copy_store(err);
	int from = rc == 0 ? open(COPY, O_RDONLY | O_CLOEXEC) : -1;

	if (rc == 0)
		rc = from < 0 ? err_set(err, COPY ": %s", strerror(errno)) : copy_out(from, to, err);
	if (from >= 0)
		close(from);
	unlink(COPY);
	return rc;
}

bool
authd_control(struct daemon *d, struct str line, const int *fds, unsigned n_fds, struct buf *out)
{
	bool known = str_is(line, "backup");
	struct err err = {.text = "backup takes the file to write as a descriptor"};

	(void)d;
	if (known && n_fds == 1 && backup_to(fds[0], &err) == 0)
		buf_add_z(out, "ok\n");
	else if (known)
		buf_printf(out, "error: %s\n", err.text);
	for (unsigned i = 0; i < n_fds; i++)
		close(fds[i]);
	return known;
}
