/* Life of the two files: threads before the sandbox, opened inside it, closed in reverse. */
#include "files.h"

#include <stdlib.h>

#include "accounts.h"
#include "base/mem.h"
#include "check.h"
#include "db/damage.h"
#include "limits.h"
#include "dedupe.h"
#include "detached.h"
#include "horizon.h"
#include "page.h"
#include "run.h"
#include "salvage.h"
#include "search.h"
#include "sweep.h"

#define TICK_MS 1000
#define DAILY_MS UINT64_C(86400000)
#define FIRST_MS 60000 /* the first of the daily ones */

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
	s->pages.writer = db_writer_new(d->loop);
	s->pages.is_reader = true;
	s->search = search_new(d->loop);
	s->check = check_new(d->loop);
	s->runs.size = RUN_MESSAGES;
	disk_init(s);
	return 0;
}

static void
file_is_open(struct store_file *f, sqlite3 *db)
{
	db_writer_open(f->writer, db);
	f->open = true;
}

static void
on_tick(void *storaged)
{
	damage_end(MAIN_DB);
	damage_end(ARCHIVE_DB);
	disk_tick(storaged);
	run_tick(storaged);
	sweep_tick(storaged);
	search_tick(storaged);
}

static void
timers_start(struct storaged *s, const struct storaged_settings *set)
{
	struct loop *l = s->daemon->loop;
	uint64_t often_ms = (uint64_t)set->sweep_seconds * 1000;

	s->tick = loop_timer_new(l, on_tick, s);
	s->often = loop_timer_new(l, sweep_often, s);
	s->daily = loop_timer_new(l, limits_daily, s);
	loop_timer_start(s->tick, TICK_MS, TICK_MS);
	loop_timer_start(s->often, often_ms, often_ms);
	loop_timer_start(s->daily, FIRST_MS, DAILY_MS);
}

static void
timers_stop(struct storaged *s)
{
	struct loop_timer **all[] = {&s->tick, &s->often, &s->daily};

	for (size_t i = 0; i < COUNT(all); i++)
		if (*all[i])
			loop_timer_free(all[i]);
}

int
storaged_start(struct daemon *d, struct err *err)
{
	struct storaged *s = d->state;
	const struct storaged_settings *set = d->settings;
	sqlite3 *archive, *accounts, *reader;

	disk_start(s);
	if (salvage_open(&archive, err) != 0)
		return -1;
	file_is_open(&s->archive, archive);
	if (db_open(&accounts, MAIN_DB, &main_schema, err) != 0)
		return -1;
	file_is_open(&s->main, accounts);
	s->dedupe = dedupe_new();
	if (archive_load(s, archive, err) != 0)
		return -1;
	if (db_open_reader(&reader, ARCHIVE_DB, err) != 0)
		return -1;
	file_is_open(&s->pages, reader);
	if (search_start(s, err) != 0)
		return -1;
	timers_start(s, set);
	check_start(s->check);
	return 0;
}

static void
file_stop(struct store_file *f)
{
	f->db = db_writer_free(&f->writer);
}

static void
file_close(struct store_file *f, void (*finalize)(void))
{
	finalize();
	db_close(&f->db);
	f->open = false;
}

void
main_statements_finalize(void)
{
	roster_statements_finalize();
	blob_statements_finalize();
	verb_statements_finalize();
	detached_statements_finalize();
}

static void
on_peer_new(void *storaged, const struct endpoint *peer)
{
	if (peer->role == ROLE_SESSIOND)
		search_tell(storaged, peer);
}

const struct bus_events storaged_events = {.peer_new = on_peer_new};

void
storaged_stop(struct daemon *d)
{
	struct storaged *s = d->state;

	if (!s)
		return;
	s->is_stopping = true;
	timers_stop(s);
	disk_stop(s);
	check_free(&s->check);
	/* A page may wait in the writer's queue; a reader that is closed last leaves the log of the file behind. So the threads
	 * end in this order, and the connections are closed in the other. */
	file_stop(&s->archive);
	file_stop(&s->pages);
	search_stop_thread(s->search);
	search_close(&s->search);
	file_close(&s->pages, page_statements_finalize);
	file_close(&s->archive, archive_statements_finalize);
	file_stop(&s->main);
	file_close(&s->main, main_statements_finalize);
	limits_stop(s);
	sweep_stop(s);
	dedupe_free(&s->dedupe);
	tail_free(&s->tail);
	horizons_free(&s->horizons);
	free(s);
	d->state = NULL;
}
