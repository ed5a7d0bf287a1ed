/* See limits.h. */
#include "limits.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "retention.h"
#include "sweep.h"
#include "usage.h"

#define DAY_US INT64_C(86400000000)
#define SLICE 2000  /* rows of the log */
#define PAUSE_MS 20 /* between slices: pages come first */
#define KEEP_PERCENT 95

struct limit {
	char *domain;     /* owned; NULL: all */
	uint64_t horizon; /* 0: as it is */
	uint64_t cap;     /* bytes; 0: none */
	uint64_t used;
	uint64_t excess; /* to be cut yet */
};

struct limits {
	struct db_job base;
	struct storaged *storaged;
	enum limits_phase phase;
	struct limit *v; /* owned; the first one: all */
	size_t n;
	uint64_t upto;
	bool is_complete; /* the walk */
	struct loop_timer *pause;
};

/* ---- by age ---- */

static uint64_t
horizon_of_days(int64_t days, int64_t now_us)
{
	return days > 0 && now_us > days * DAY_US ? (uint64_t)(now_us - days * DAY_US) : 0;
}

static int64_t
days_of(const struct storaged_settings *set, const char *domain)
{
	const struct storaged_domain *d = storaged_domain_of(set, domain);

	return d && d->archive_days != DAYS_DEFAULT ? d->archive_days : set->archive_days;
}

/* That of all: of the domain that keeps longest, and of those that are not served any more. */
static uint64_t
horizon_of_longest(const struct storaged *s, int64_t now_us)
{
	const struct storaged_settings *set = s->daemon->settings;
	uint64_t least = horizon_of_days(set->archive_days, now_us);

	for (size_t i = 0; i < s->daemon->suite.n_domains; i++) {
		uint64_t own = horizon_of_days(days_of(set, s->daemon->suite.domains[i]), now_us);

		if (own < least)
			least = own;
	}
	return least;
}

/* ---- by size, on the reader's thread ---- */

static struct limit *
limit_of(struct limits *l, struct str domain)
{
	for (size_t i = 1; i < l->n; i++)
		if (l->v[i].cap && str_is(domain, l->v[i].domain))
			return &l->v[i];
	return NULL;
}

static void
measure_one(void *limits, struct str domain, uint64_t id, uint64_t bytes)
{
	struct limit *d = limit_of(limits, domain);

	(void)id;
	if (d)
		d->used += bytes;
}

/* Oldest first, until what is left is small enough. */
static void
cut_one(void *limits, struct str domain, uint64_t id, uint64_t bytes)
{
	struct limit *d = limit_of(limits, domain);

	if (!d || d->excess == 0)
		return;
	d->excess -= bytes < d->excess ? bytes : d->excess;
	if (d->horizon < id)
		d->horizon = id;
}

static bool
has_excess(const struct limits *l)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->v[i].excess)
			return true;
	return false;
}

static int
walk(struct limits *l, sqlite3 *db)
{
	int rc = usage_walk(
	    l->storaged, db, &l->upto, SLICE, l->phase == MEASURING ? measure_one : cut_one, l);

	l->is_complete = rc == SQLITE_DONE || (l->phase == CUTTING && !has_excess(l));
	return rc == SQLITE_DONE || rc == SQLITE_ROW ? SQLITE_OK : rc;
}

/* ---- on the writer's thread ---- */

static int
raise_all(struct limits *l, sqlite3 *db)
{
	int rc = SQLITE_OK;

	for (size_t i = 0; i < l->n && rc == SQLITE_OK; i++) {
		const struct limit *d = &l->v[i];

		if (d->horizon && d->domain)
			rc = retention_raise_domain(l->storaged, db, str_z(d->domain), d->horizon);
		else if (d->horizon)
			rc = retention_raise(l->storaged, db, d->horizon);
	}
	return rc;
}

int
limits_slice(struct limits *l, sqlite3 *db)
{
	return l->phase == RAISING ? raise_all(l, db) : walk(l, db);
}

/* ---- phases ---- */

static void
find_excess(struct limits *l)
{
	for (size_t i = 1; i < l->n; i++) {
		struct limit *d = &l->v[i];

		if (d->cap && d->used > d->cap)
			d->excess = d->used - d->cap / 100 * KEEP_PERCENT;
	}
}

bool
limits_next(struct limits *l)
{
	if (l->phase == RAISING)
		return false;
	if (!l->is_complete)
		return true;
	if (l->phase == MEASURING)
		find_excess(l);
	l->phase = l->phase == MEASURING && has_excess(l) ? CUTTING : RAISING;
	l->upto = 0;
	l->is_complete = false;
	return true;
}

enum limits_phase
limits_phase(const struct limits *l)
{
	return l->phase;
}

static void
add_domain(struct limits *l, const char *domain, int64_t now_us)
{
	const struct storaged_settings *set = l->storaged->daemon->settings;
	const struct storaged_domain *own = storaged_domain_of(set, domain);
	uint64_t horizon = horizon_of_days(days_of(set, domain), now_us);
	struct limit *d = &l->v[l->n++];

	d->domain = str_dup(str_z(domain));
	d->cap = own ? (uint64_t)own->archive_megabytes << 20 : 0;
	d->horizon = horizon > l->v[0].horizon ? horizon : 0;
	if (d->cap)
		l->phase = MEASURING;
}

struct limits *
limits_new(struct storaged *s, int64_t now_us)
{
	struct limits *l = NEW(struct limits);

	l->storaged = s;
	l->phase = RAISING;
	l->v = mem_new_array(s->daemon->suite.n_domains + 1, sizeof(*l->v));
	l->v[0].horizon = horizon_of_longest(s, now_us);
	l->n = 1;
	for (size_t i = 0; i < s->daemon->suite.n_domains; i++)
		add_domain(l, s->daemon->suite.domains[i], now_us);
	return l;
}

void
limits_free(struct limits **lp)
{
	struct limits *l = *lp;

	*lp = NULL;
	if (l->pause)
		loop_timer_free(&l->pause);
	for (size_t i = 0; i < l->n; i++)
		free(l->v[i].domain);
	free(l->v);
	free(l);
}

/* ---- on the loop ---- */

static int
limits_run(struct db_job *base, sqlite3 *db)
{
	return limits_slice(CONTAINER_OF(base, struct limits, base), db);
}

static void
limits_go_on(void *limits)
{
	struct limits *l = limits;
	struct storaged *s = l->storaged;

	l->base.is_alone = l->phase != RAISING;
	db_writer_submit(l->phase == RAISING ? s->archive.writer : s->pages.writer, &l->base);
}

/* What was raised is swept. */
static void
owe_all(const struct limits *l)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->v[i].horizon)
			sweep_owe(l->storaged, l->v[i].horizon, false);
}

static void
limits_done(struct db_job *base, int rc)
{
	struct limits *l = CONTAINER_OF(base, struct limits, base);
	struct storaged *s = l->storaged;

	if (rc == SQLITE_OK && !s->is_stopping && limits_next(l)) {
		loop_timer_start(l->pause, PAUSE_MS, 0);
		return;
	}
	if (rc != SQLITE_OK && !s->is_stopping)
		log_error("archives are as old and large as they were: %s; the next try is tomorrow",
		    sqlite3_errstr(rc));
	else if (!s->is_stopping)
		owe_all(l);
	limits_free(&s->limits);
}

void
limits_daily(void *storaged)
{
	struct storaged *s = storaged;

	if (s->limits)
		return;
	s->limits = limits_new(s, clock_wall_us());
	s->limits->base.run = limits_run;
	s->limits->base.done = limits_done;
	s->limits->pause = loop_timer_new(s->daemon->loop, limits_go_on, s->limits);
	limits_go_on(s->limits);
}

void
limits_stop(struct storaged *s)
{
	if (s->limits)
		limits_free(&s->limits);
}
