/* The life of search.db and the pace at which it follows the log: see search.h. */
#include "search.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "db/damage.h"

#define PATH "data/search.db"
#define PAUSE_MS 20    /* after a slice, at least; */
#define PAUSE_SHARE 3  /* or so many times as long as it took: the disk is the log's first */
#define RETRY_MS 60000 /* after a failure */

struct search *
search_new(struct loop *l)
{
	struct search *f = NEW(struct search);

	f->file.writer = db_writer_new(l);
	f->file.is_reader = true;
	return f;
}

/* ---- whose ---- */

static bool
is_wanted(const struct storaged_settings *set, const char *domain)
{
	const struct storaged_domain *d = storaged_domain_of(set, domain);

	return d && d->search != SEARCH_DEFAULT ? d->search == SEARCH_ON : set->search;
}

static int
compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void
choose_domains(struct search *f, const struct daemon *d)
{
	f->domains = mem_new_array(d->suite.n_domains + 1, sizeof(*f->domains));
	for (size_t i = 0; i < d->suite.n_domains; i++)
		if (is_wanted(d->settings, d->suite.domains[i]))
			f->domains[f->n_domains++] = str_dup(str_z(d->suite.domains[i]));
	qsort(f->domains, f->n_domains, sizeof(*f->domains), compare_names);
}

/* ---- the file ---- */

static void
remove_files(void)
{
	static const char *const files[] = {PATH, PATH "-wal", PATH "-shm", PATH DAMAGE_NOTE};

	for (size_t i = 0; i < COUNT(files); i++)
		if (unlink(files[i]) != 0 && errno != ENOENT)
			log_warn("%s cannot be removed: %s", files[i], strerror(errno));
}

static struct str
joined_names(const struct search *f, struct buf *out)
{
	for (size_t i = 0; i < f->n_domains; i++)
		buf_printf(out, "%s\n", f->domains[i]);
	return buf_str(out);
}

/* Which log archive.db has: a backup that was put back may have another. */
static int
read_identity(sqlite3 *log, uint64_t *identity_r)
{
	struct db_stmt st = {.sql = "SELECT value FROM state WHERE key = 'identity'"};
	int rc = db_row(db_stmt(log, &st));

	if (rc == SQLITE_OK)
		*identity_r = db_column_u64(st.st, 0);
	db_stmts_finalize(&st, 1);
	return rc;
}

/* The index is of these domains and of this log, and its place in the log is one that the log has: one that was put back may
 * end earlier. What is before an end is the same in all of its copies. */
static bool
is_ours(const struct storaged *s, sqlite3 *db, struct str names)
{
	struct db_stmt st = {.sql = "SELECT domains, upto, identity FROM state"};
	bool ours = db_row(db_stmt(db, &st)) == SQLITE_OK &&
	    str_eq(db_column_str(st.st, 0), names) && db_column_u64(st.st, 1) <= s->clock.last &&
	    db_column_u64(st.st, 2) == s->search->identity;

	db_stmts_finalize(&st, 1);
	return ours;
}

static int
claim(const struct search *f, sqlite3 *db, struct str names)
{
	struct db_stmt st = {.sql = "UPDATE state SET domains = ?1, identity = ?2"};
	int rc;

	db_bind_str(db_stmt(db, &st), 1, names);
	db_bind_u64(st.st, 2, f->identity);
	rc = db_run(st.st);
	db_stmts_finalize(&st, 1);
	return rc;
}

static int
open_once(struct storaged *s, sqlite3 **db_r, bool is_new, struct err *err)
{
	struct search *f = s->search;
	struct buf buf = {0};
	struct str names = joined_names(f, &buf);
	int rc = db_open(db_r, PATH, &search_schema, err);

	/* What the end of the process tears out of the log here, is indexed again; nobody ends for the disk's sake. */
	if (rc == 0 &&
	    sqlite3_exec(*db_r, "PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 2000",
		NULL, NULL, NULL) != 0)
		rc = -1;
	if (rc == 0 && is_new && claim(f, *db_r, names) != SQLITE_OK)
		rc = -1;
	if (rc == 0 && (!is_ours(s, *db_r, names) || search_load(s, *db_r) != SQLITE_OK))
		rc = -1;
	search_statements_finalize();
	if (rc != 0)
		db_close(db_r);
	buf_deinit(&buf);
	return rc;
}

/* One that is damaged, of another version, or of other domains is no loss. */
static int
open_index(struct storaged *s, sqlite3 **db_r, struct err *err)
{
	*db_r = NULL;
	if (open_once(s, db_r, access(PATH, F_OK) != 0, err) == 0)
		return 0;
	log_info("the index for searches is made anew");
	remove_files();
	err_set(err, "%s cannot be made", PATH);
	return open_once(s, db_r, true, err);
}

static void on_pause(void *storaged);

int
search_start(struct storaged *s, struct err *err)
{
	struct search *f = s->search;
	sqlite3 *db;

	choose_domains(f, s->daemon);
	if (f->n_domains == 0) {
		remove_files();
		return 0;
	}
	if (db_open_reader(&f->log, ARCHIVE_DB, err) != 0)
		return -1;
	if (read_identity(f->log, &f->identity) != SQLITE_OK)
		return err_set(err, "archive.db cannot be read: %s", sqlite3_errmsg(f->log));
	if (open_index(s, &db, err) != 0)
		return -1;
	db_writer_open(f->file.writer, db);
	f->file.open = true;
	f->words = words_new(db);
	if (!f->words)
		return err_set(
		    err, "this SQLite has no FTS5, which searching needs; set search = false");
	f->pause = loop_timer_new(s->daemon->loop, on_pause, s);
	f->is_behind = true;
	return 0;
}

void
search_stop_thread(struct search *f)
{
	if (f->pause)
		loop_timer_free(&f->pause);
	f->file.db = db_writer_free(&f->file.writer);
}

void
search_close(struct search **fp)
{
	struct search *f = *fp;

	search_statements_finalize();
	words_free(&f->words);
	db_close(&f->file.db);
	db_close(&f->log);
	for (size_t i = 0; i < f->n_domains; i++)
		free((void *)(uintptr_t)f->domains[i]);
	free(f->domains);
	free(f);
	*fp = NULL;
}

/* ---- following ---- */

struct follow {
	struct db_job base;
	struct storaged *storaged;
	bool more;
	uint64_t spent_ms;
};

bool
search_is_on(const struct storaged *s)
{
	return s->search && s->search->file.open && !s->search->is_broken;
}

static int
follow_run(struct db_job *base, sqlite3 *db)
{
	struct follow *w = CONTAINER_OF(base, struct follow, base);
	uint64_t began_ms = clock_mono_ms();
	int rc = search_follow(w->storaged, db, &w->more);

	w->spent_ms = clock_mono_ms() - began_ms;
	return rc;
}

static void
give_up(struct search *f, int rc)
{
	log_error("%s: %s", PATH, sqlite3_errstr(rc));
	f->is_behind = true;
}

/* Whoever has met it has noted it. What is left behind is removed; whoever searches is told that there is none. */
static void
look_for_damage(struct search *f)
{
	if (f->is_broken || !f->file.open || !damage_is_noted(PATH))
		return;
	log_error("%s is damaged; it is removed, and made anew at the next start", PATH);
	f->is_broken = true;
	remove_files();
}

static void
follow_done(struct db_job *base, int rc)
{
	struct follow *w = CONTAINER_OF(base, struct follow, base);
	struct search *f = w->storaged->search;
	uint64_t pause_ms = w->spent_ms * PAUSE_SHARE;

	if (rc != SQLITE_OK && !w->storaged->is_stopping)
		give_up(f, rc);
	if (w->storaged->is_stopping || (rc == SQLITE_OK && !w->more))
		f->is_busy = false;
	else
		loop_timer_start(f->pause,
		    rc != SQLITE_OK           ? RETRY_MS
			: pause_ms > PAUSE_MS ? pause_ms
					      : PAUSE_MS,
		    0);
	free(w);
}

static void
follow(struct storaged *s)
{
	struct follow *w = NEW(struct follow);

	w->base.run = follow_run;
	w->base.done = follow_done;
	w->base.is_alone = true;
	w->storaged = s;
	s->search->is_busy = true;
	s->search->is_behind = false;
	db_writer_submit(s->search->file.writer, &w->base);
}

static void
on_pause(void *storaged)
{
	struct storaged *s = storaged;

	if (s->search->is_broken)
		s->search->is_busy = false;
	else
		follow(s);
}

void
search_touch(struct storaged *s)
{
	if (s->search)
		s->search->is_behind = true;
}

void
search_tick(void *storaged)
{
	struct storaged *s = storaged;

	look_for_damage(s->search);
	if (search_is_on(s) && s->search->is_behind && !s->search->is_busy)
		follow(s);
}

void
search_lost(struct storaged *s, unsigned n)
{
	if (s->search)
		atomic_fetch_add(&s->search->stale, n);
}

void
search_tell(struct storaged *s, const struct endpoint *sessiond)
{
	struct search *f = s->search;
	struct rec_account *domains = mem_new_array(f->n_domains + 1, sizeof(*domains));
	struct msg_SEARCHABLE m = {.domains = {.items = domains, .count = (uint32_t)f->n_domains}};

	for (size_t i = 0; i < f->n_domains; i++)
		domains[i].jid = str_z(f->domains[i]);
	bus_send(s->daemon->bus, sessiond, MSG_SEARCHABLE, &m, NULL, NULL, 0);
	free(domains);
}
