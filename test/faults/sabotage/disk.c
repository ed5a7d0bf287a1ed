/* A storaged, or an authd, whose disk fails at a chosen moment (F16): a VFS of SQLite around the usual one. Linked with --wrap=sqlite3_open_v2 into
 * build/test/sabotage/disk/. The moment stands in the file data/fault: "write|torn|sync NAME N" is the Nth write to, or sync of,
 * the file of that name from now on; torn writes half of it first. The file goes when it has come. "hold NAME N": that sync takes until
 * data/held, which it makes of the file, has gone (F17).
 *
 * Where there is a folder data/undo, it keeps what a loss of power may take (F13): in a file for each file, what stood where it has
 * written since the last sync. Records: at, bytes now, bytes then (less, where it was shorter), then those bytes; little-endian u64. */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "db/db.h"

#define MOMENT "data/fault"
#define HELD "data/held"
#define LOOK_NS 5000000

int __real_sqlite3_open_v2(const char *name, sqlite3 **db_r, int flags, const char *vfs);
int __wrap_sqlite3_open_v2(const char *name, sqlite3 **db_r, int flags, const char *vfs);

struct faulty {
	sqlite3_file base;
	const char *name; /* without the folder */
	sqlite3_file *real;
	int undo; /* 0: not open */
};

static sqlite3_vfs faulty_vfs, *usual;

static sqlite3_file *
real_of(sqlite3_file *f)
{
	return ((struct faulty *)f)->real;
}

/* ---- the moment ---- */

static bool
read_moment(char op[16], char name[64], unsigned *n_r)
{
	char text[128] = "";
	int fd = open(MOMENT, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (fd >= 0)
		close(fd);
	return n > 0 && sscanf(text, "%15s %63s %u", op, name, n_r) == 3;
}

/* "write" answers for "torn" too: *torn_r says which. */
static bool
is_now(const char *what, const sqlite3_file *f, bool *torn_r)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	static unsigned seen;
	char op[16], name[64];
	unsigned wanted;
	bool hit = false;

	pthread_mutex_lock(&lock);
	if (read_moment(op, name, &wanted)) {
		*torn_r = strcmp(op, "torn") == 0;
		hit = (strcmp(op, what) == 0 || (*torn_r && strcmp(what, "write") == 0)) &&
		    strcmp(name, ((const struct faulty *)f)->name) == 0 && ++seen >= wanted;
	}
	if (hit) {
		seen = 0;
		if (strcmp(op, "hold") == 0)
			(void)!rename(MOMENT, HELD);
		else
			unlink(MOMENT);
	}
	pthread_mutex_unlock(&lock);
	return hit;
}

/* ---- what a loss of power takes ---- */

static int
undo_file(struct faulty *f)
{
	char path[128];

	if (f->undo <= 0 && f->name[0]) {
		snprintf(path, sizeof(path), "data/undo/%s", f->name);
		f->undo = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	}
	return f->undo;
}

/* n bytes from there on are about to change. */
static void
undo_keep(sqlite3_file *f, sqlite3_int64 at, sqlite3_int64 n)
{
	sqlite3_file *real = real_of(f);
	int fd = undo_file((struct faulty *)f);
	sqlite3_int64 size = 0, record[3] = {at, n, 0};
	char *then;

	if (fd <= 0 || real->pMethods->xFileSize(real, &size) != SQLITE_OK)
		return;
	if (size > at)
		record[2] = size - at < n ? size - at : n;
	then = malloc((size_t)record[2] + 1);
	if (!then ||
	    (record[2] > 0 && real->pMethods->xRead(real, then, (int)record[2], at) != SQLITE_OK) ||
	    write(fd, record, sizeof(record)) != sizeof(record) ||
	    write(fd, then, (size_t)record[2]) != (ssize_t)record[2])
		abort();
	free(then);
}

static void
undo_forget(sqlite3_file *f)
{
	int fd = undo_file((struct faulty *)f);

	if (fd > 0 && ftruncate(fd, 0) != 0)
		abort();
}

static int
faulty_truncate(sqlite3_file *f, sqlite3_int64 size)
{
	sqlite3_int64 now = 0;

	if (real_of(f)->pMethods->xFileSize(real_of(f), &now) == SQLITE_OK && now > size)
		undo_keep(f, size, now - size);
	return real_of(f)->pMethods->xTruncate(real_of(f), size);
}

/* ---- writes and syncs ---- */

static int
faulty_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
	bool torn = false;

	undo_keep(f, at, n);
	if (!is_now("write", f, &torn))
		return real_of(f)->pMethods->xWrite(real_of(f), p, n, at);
	if (torn)
		(void)real_of(f)->pMethods->xWrite(real_of(f), p, n / 2, at);
	return SQLITE_IOERR_WRITE;
}

static bool
is_there(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

/* The sandbox knows no sleep, but waiting for nobody. */
static void
hold(void)
{
	pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	pthread_cond_t nobody = PTHREAD_COND_INITIALIZER;
	struct timespec until;

	pthread_mutex_lock(&lock);
	while (is_there(HELD)) {
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += LOOK_NS;
		until.tv_sec += until.tv_nsec / 1000000000;
		until.tv_nsec %= 1000000000;
		pthread_cond_timedwait(&nobody, &lock, &until);
	}
	pthread_mutex_unlock(&lock);
}

static int
faulty_sync(sqlite3_file *f, int flags)
{
	bool torn = false;

	if (is_now("hold", f, &torn))
		hold();
	if (is_now("sync", f, &torn))
		return SQLITE_IOERR_FSYNC;
	int rc = real_of(f)->pMethods->xSync(real_of(f), flags);
	if (rc == SQLITE_OK)
		undo_forget(f);
	return rc;
}

/* ---- the rest is the usual file's ---- */

#define PASS(name, params, args)                           \
	static int faulty_##name params                    \
	{                                                  \
		return real_of(f)->pMethods->x##name args; \
	}

PASS(Read, (sqlite3_file * f, void *p, int n, sqlite3_int64 at), (real_of(f), p, n, at))
PASS(FileSize, (sqlite3_file * f, sqlite3_int64 *size_r), (real_of(f), size_r))
PASS(Lock, (sqlite3_file * f, int level), (real_of(f), level))
PASS(Unlock, (sqlite3_file * f, int level), (real_of(f), level))
PASS(CheckReservedLock, (sqlite3_file * f, int *r), (real_of(f), r))
PASS(FileControl, (sqlite3_file * f, int op, void *p), (real_of(f), op, p))
PASS(SectorSize, (sqlite3_file * f), (real_of(f)))
PASS(DeviceCharacteristics, (sqlite3_file * f), (real_of(f)))
PASS(ShmMap, (sqlite3_file * f, int page, int size, int extend, void volatile **p),
    (real_of(f), page, size, extend, p))
PASS(ShmLock, (sqlite3_file * f, int at, int n, int flags), (real_of(f), at, n, flags))
PASS(ShmUnmap, (sqlite3_file * f, int remove_it), (real_of(f), remove_it))

static void
faulty_barrier(sqlite3_file *f)
{
	real_of(f)->pMethods->xShmBarrier(real_of(f));
}

static int
faulty_close(sqlite3_file *f)
{
	if (((struct faulty *)f)->undo > 0)
		close(((struct faulty *)f)->undo);
	return real_of(f)->pMethods->xClose(real_of(f));
}

static const sqlite3_io_methods methods = {.iVersion = 2,
    .xClose = faulty_close,
    .xRead = faulty_Read,
    .xWrite = faulty_write,
    .xTruncate = faulty_truncate,
    .xSync = faulty_sync,
    .xFileSize = faulty_FileSize,
    .xLock = faulty_Lock,
    .xUnlock = faulty_Unlock,
    .xCheckReservedLock = faulty_CheckReservedLock,
    .xFileControl = faulty_FileControl,
    .xSectorSize = faulty_SectorSize,
    .xDeviceCharacteristics = faulty_DeviceCharacteristics,
    .xShmMap = faulty_ShmMap,
    .xShmLock = faulty_ShmLock,
    .xShmBarrier = faulty_barrier,
    .xShmUnmap = faulty_ShmUnmap};

static int
faulty_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *f, int flags, int *flags_r)
{
	struct faulty *own = (struct faulty *)f;
	const char *slash = name ? strrchr(name, '/') : NULL;
	int rc;

	(void)vfs;
	own->undo = 0;
	own->real = (sqlite3_file *)(own + 1);
	own->name = slash ? slash + 1 : name ? name : "";
	rc = usual->xOpen(usual, name, own->real, flags, flags_r);
	own->base.pMethods = own->real->pMethods ? &methods : NULL;
	return rc;
}

int
__wrap_sqlite3_open_v2(const char *name, sqlite3 **db_r, int flags, const char *vfs)
{
	(void)vfs;
	if (!usual) {
		usual = sqlite3_vfs_find(NULL);
		faulty_vfs = *usual;
		faulty_vfs.zName = "faulty";
		faulty_vfs.szOsFile = usual->szOsFile + (int)sizeof(struct faulty);
		faulty_vfs.xOpen = faulty_open;
		sqlite3_vfs_register(&faulty_vfs, 0);
	}
	return __real_sqlite3_open_v2(name, db_r, flags, "faulty");
}
