/* Life of the two files: threads before the sandbox, opened inside it, closed in reverse. */
#include "files.h"

#include <stdlib.h>

#include "accounts.h"
#include "base/mem.h"
#include "dedupe.h"

int
storaged_threads(struct daemon *d, struct err *err)
{
	struct storaged *s = NEW(struct storaged);

	(void)err;
	d->state = s;
	s->daemon = d;
	db_global_init();
	s->archive.writer = db_writer_new(d->loop);
	s->main.writer = db_writer_new(d->loop);
	return 0;
}

static int
file_open(struct store_file *f, const char *path, const struct db_schema *schema, sqlite3 **db_r,
    struct err *err)
{
	if (db_open(db_r, path, schema, err) != 0)
		return -1;
	db_writer_open(f->writer, *db_r);
	f->open = true;
	return 0;
}

int
storaged_start(struct daemon *d, struct err *err)
{
	struct storaged *s = d->state;
	const struct storaged_settings *set = d->settings;
	sqlite3 *archive, *accounts;

	if (file_open(&s->archive, "data/archive.db", &archive_schema, &archive, err) != 0 ||
	    file_open(&s->main, "data/main.db", &main_schema, &accounts, err) != 0)
		return -1;
	s->dedupe = dedupe_new();
	if (archive_load(s, archive, err) != 0)
		return -1;
	s->sweep = loop_timer_new(d->loop, archive_sweep, s);
	loop_timer_start(
	    s->sweep, (uint64_t)set->sweep_seconds * 1000, (uint64_t)set->sweep_seconds * 1000);
	return 0;
}

static void
file_close(struct store_file *f, void (*finalize)(void))
{
	sqlite3 *db = db_writer_free(&f->writer);

	finalize();
	db_close(&db);
	f->open = false;
}

void
main_statements_finalize(void)
{
	roster_statements_finalize();
	blob_statements_finalize();
	verb_statements_finalize();
}

void
storaged_stop(struct daemon *d)
{
	struct storaged *s = d->state;

	if (!s)
		return;
	if (s->sweep)
		loop_timer_free(&s->sweep);
	/* What is queued for archive.db may go on to main.db. */
	file_close(&s->archive, archive_statements_finalize);
	file_close(&s->main, main_statements_finalize);
	dedupe_free(&s->dedupe);
	free(s);
	d->state = NULL;
}
