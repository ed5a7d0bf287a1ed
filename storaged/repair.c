/* `storaged --repair` (jackdawctl repair storaged): main.db, from what can be read of a damaged one. */
#include "repair.h"

#include "db/salvage.h"

static const struct salvage_table tables[] = {
    SALVAGE_TABLE("roster", "owner, contact, name, subscription, ask, approved, pending_in, pending",
	"owner, contact", "owner DESC, contact DESC", "VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"),
    SALVAGE_TABLE("roster_group", "owner, contact, name", "owner, contact, name",
	"owner DESC, contact DESC, name DESC", "VALUES(?1, ?2, ?3)"),
    SALVAGE_TABLE("roster_version", "owner, version", "owner", "owner DESC", "VALUES(?1, ?2)"),
    SALVAGE_TABLE(
	"blob", "id, owner, space, key, data", "id", "id DESC", "VALUES(?1, ?2, ?3, ?4, ?5)"),
    SALVAGE_TABLE("verb", "origin, kind, owner, n, value, at", "rowid", "rowid DESC",
	"VALUES(?1, ?2, ?3, ?4, ?5, ?6)"),
    SALVAGE_TABLE("session", "id, sid, epoch, account, layout, claim_edge, claim_conn, record",
	"id", "id DESC", "VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"),
    {.name = NULL},
};

static const struct salvage_plan plan = {.path = MAIN_DB, .schema = &main_schema, .tables = tables};

/* ---- the daemon's life ---- */

static struct loop_timer *end;

static void
on_end(void *daemon)
{
	service_quit(daemon);
}

int
repair_start(struct daemon *d, struct err *err)
{
	db_global_init();
	if (salvage_file(&plan, err) != 0)
		return -1;
	end = loop_timer_new(d->loop, on_end, d);
	loop_timer_start(end, 0, 0);
	return 0;
}

void
repair_stop(struct daemon *d)
{
	(void)d;
	if (end)
		loop_timer_free(&end);
}
