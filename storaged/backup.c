/* `backup` on the control socket: a consistent copy of each file into the descriptors that came with the line
 * (main.db, archive.db). A copy is a job of the file's writer: nothing is written meanwhile, live traffic goes on. The
 * answer is "running"; `backup state` says "running", "done", or what went wrong. One backup at a time. */
#include "backup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"

#define FILES 2

struct copy {
	struct db_job base;
	struct storaged *storaged;
	const char *scratch; /* in the data folder */
	int fd;              /* ours */
	struct err err;
};

static int
copy_bytes(int from, int to)
{
	char block[65536];
	ssize_t n;

	while ((n = read(from, block, sizeof(block))) > 0)
		for (ssize_t done = 0, w; done < n; done += w)
			if ((w = write(to, block + done, (size_t)(n - done))) <= 0)
				return -1;
	return n == 0 ? 0 : -1;
}

/* On the writer's thread. A failure is the backup's, not the database's: the transaction is empty either way. */
static int
copy_run(struct db_job *base, sqlite3 *db)
{
	struct copy *c = CONTAINER_OF(base, struct copy, base);
	int from;

	if (db_copy(db, c->scratch, &c->err) != 0)
		return SQLITE_OK;
	from = open(c->scratch, O_RDONLY | O_CLOEXEC);
	if (from < 0 || copy_bytes(from, c->fd) != 0)
		err_set(&c->err, "%s: %s", c->scratch, strerror(errno));
	if (from >= 0)
		close(from);
	unlink(c->scratch);
	return SQLITE_OK;
}

static void
copy_done(struct db_job *base, int rc)
{
	struct copy *c = CONTAINER_OF(base, struct copy, base);
	struct backup *b = &c->storaged->backup;

	if (rc != SQLITE_OK)
		err_set(&c->err, "%s", sqlite3_errstr(rc));
	if (c->err.text[0]) {
		b->failure = c->err;
		log_error("backup: %s", c->err.text);
	}
	b->running--;
	close(c->fd);
	free(c);
}

static void
copy_start(struct storaged *s, struct store_file *file, const char *scratch, int fd)
{
	struct copy *c = NEW(struct copy);

	c->base.run = copy_run;
	c->base.done = copy_done;
	c->base.is_alone = true;
	c->storaged = s;
	c->scratch = scratch;
	c->fd = fd;
	s->backup.running++;
	db_writer_submit(file->writer, &c->base);
}

static void
backup_state(const struct backup *b, struct buf *out)
{
	if (b->running)
		buf_add_z(out, "ok\nrunning\n");
	else if (b->failure.text[0])
		buf_printf(out, "error: %s\n", b->failure.text);
	else
		buf_add_z(out, "ok\ndone\n");
}

static bool
backup_start(struct storaged *s, const int *fds, unsigned n_fds, struct buf *out)
{
	if (n_fds != FILES || s->backup.running) {
		buf_add_z(out,
		    s->backup.running ? "error: a backup is running already\n"
				      : "error: backup takes two files to write as descriptors\n");
		return false;
	}
	s->backup.failure.text[0] = 0;
	copy_start(s, &s->main, "data/backup-main.tmp", fds[0]);
	copy_start(s, &s->archive, "data/backup-archive.tmp", fds[1]);
	buf_add_z(out, "ok\nrunning\n");
	return true;
}

bool
storaged_control(struct daemon *d, struct str line, const int *fds, unsigned n_fds, struct buf *out)
{
	struct storaged *s = d->state;
	bool known = true, taken = false;

	if (str_is(line, "backup"))
		taken = backup_start(s, fds, n_fds, out);
	else if (str_is(line, "backup state"))
		backup_state(&s->backup, out);
	else
		known = false;
	for (unsigned i = 0; i < n_fds && !taken; i++)
		close(fds[i]);
	return known;
}
