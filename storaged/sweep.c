/* See sweep.h. */
#include "sweep.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "horizon.h"

#define PAUSE_MS 10

struct sweep {
	struct db_job base;
	struct storaged *storaged;
	struct sweep_cursor from, upto;
	uint64_t before, cap; /* cap: to be done first; 0: none */
	uint64_t capped;      /* the horizon that it has raised; 0: none */
	uint64_t due;         /* what made it due; 0: the time */
	struct loop_timer *pause;
};

/* ---- on the writer's thread ---- */

static int
sweep_run(struct db_job *base, sqlite3 *db)
{
	struct sweep *w = CONTAINER_OF(base, struct sweep, base);
	uint64_t was = horizon_of_all(w->storaged->horizons);
	int rc = SQLITE_OK;

	w->upto = w->from;
	if (w->cap)
		rc = retention_cap(w->storaged, db, w->cap);
	if (was != horizon_of_all(w->storaged->horizons)) {
		w->upto.phase = SWEEP_ENTRIES;
		w->capped = horizon_of_all(w->storaged->horizons);
	}
	return rc == SQLITE_OK ? retention_slice(w->storaged, db, &w->upto, w->before) : rc;
}

/* ---- on the loop ---- */

static void
sweep_go_on(void *sweep)
{
	struct sweep *w = sweep;

	db_writer_submit(w->storaged->archive.writer, &w->base);
}

static void
sweep_end(struct sweep *w)
{
	loop_timer_free(&w->pause);
	w->storaged->sweeping = NULL;
	free(w);
}

static void
sweep_done(struct db_job *base, int rc)
{
	struct sweep *w = CONTAINER_OF(base, struct sweep, base);

	if (rc != SQLITE_OK || w->upto.phase == SWEEP_DONE || w->storaged->is_stopping) {
		/* Once more, from its beginning: the disk may have been full. */
		if (rc != SQLITE_OK)
			sweep_owe(w->storaged, w->due, false);
		sweep_end(w);
		return;
	}
	if (w->capped)
		sweep_owe(w->storaged, w->capped, true);
	w->from = w->upto;
	w->cap = w->capped = 0;
	loop_timer_start(w->pause, PAUSE_MS, 0);
}

void
sweep_stop(struct storaged *s)
{
	if (s->sweeping)
		sweep_end(s->sweeping);
}

/* A loose row of which the index has not got the entries and the id yet stays until it has: they would be put into it
 * for a message that is gone. */
static uint64_t
loose_before(struct storaged *s)
{
	const struct storaged_settings *set = s->daemon->settings;
	uint64_t kept = (uint64_t)(clock_wall_us() - set->keep_seconds * 1000000);
	uint64_t oldest = tail_oldest(s->tail);

	return kept < oldest ? kept : oldest;
}

static void
sweep_begin(struct storaged *s, enum sweep_phase phase, uint64_t due)
{
	const struct storaged_settings *set = s->daemon->settings;
	struct sweep *w = s->sweeping = NEW(struct sweep);

	w->base.run = sweep_run;
	w->base.done = sweep_done;
	w->storaged = s;
	w->from.phase = phase;
	w->cap = (uint64_t)set->archive_megabytes << 20;
	w->before = loose_before(s);
	w->due = due;
	w->pause = loop_timer_new(s->daemon->loop, sweep_go_on, w);
	sweep_go_on(w);
}

void
sweep_often(void *storaged)
{
	struct storaged *s = storaged;

	if (!s->sweeping)
		sweep_begin(s, SWEEP_LOOSE, 0);
}

void
sweep_owe(struct storaged *s, uint64_t upto, bool is_hasty)
{
	if (s->gone_upto < upto)
		s->gone_upto = upto;
	if (is_hasty && s->runs.hurry_upto < upto)
		s->runs.hurry_upto = upto;
}

/* What is gone by now is what is due, whatever goes meanwhile: else who goes now and then would put it off for ever. */
void
sweep_tick(void *storaged)
{
	struct storaged *s = storaged;

	if (s->due_upto == 0) {
		s->due_upto = s->gone_upto;
		s->gone_upto = 0;
	}
	if (s->due_upto == 0 || s->sweeping || tail_oldest(s->tail) <= s->due_upto)
		return;
	sweep_begin(s, SWEEP_ENTRIES, s->due_upto);
	s->due_upto = 0;
}
