/* Room on the file system of credentials.db (db/room.h). LOW: the log says so. NONE: what is new is refused, and with the ballast
 * given up accounts are removed, sessiond's word is noted and the file is checkpointed as ever. Logins write nothing. */
#include <stdlib.h>

#include "authd.h"
#include "base/log.h"
#include "service/paths.h"

static struct room_marks
marks_of(const struct authd *a)
{
	const struct authd_settings *s = authd_settings(a);
	uint64_t full = (uint64_t)s->disk_full_megabytes << 20;

	return (struct room_marks){.low = (uint64_t)s->disk_warn_megabytes << 20,
	    .tight = full,
	    .none = full,
	    .ballast = (uint64_t)s->ballast_megabytes << 20};
}

static void
tell(enum room_state now, unsigned long long megabytes, const char *where)
{
	switch (now) {
	case ROOM_ENOUGH:
		log_info("%s: there is room again, %llu MiB", where, megabytes);
		break;
	case ROOM_LOW:
	case ROOM_TIGHT:
		log_warn(
		    "%s: only %llu MiB are left on this file system; make room", where, megabytes);
		break;
	case ROOM_NONE:
		log_error(
		    "%s: this file system is full (%llu MiB left): no account is made and no password changed until there "
		    "is room; logins go on",
		    where, megabytes);
		break;
	}
}

static void
on_changed(void *ctx, const struct room_figures *f)
{
	const struct authd *a = ctx;
	char *where = path_data(a->daemon->dir, ROLE_AUTHD);

	if (!a->stopping)
		tell((enum room_state)a->room.state, (unsigned long long)f->free >> 20, where);
	free(where);
}

static const struct room_events events = {.changed = on_changed};

void
disk_init(struct authd *a)
{
	room_init(&a->room, &events, a);
}

void
disk_start(struct authd *a)
{
	struct room_marks marks = marks_of(a);

	room_start(&a->room, &marks);
}

void
disk_tick(struct authd *a)
{
	struct room_marks marks = marks_of(a);

	room_tick(&a->room, a->writer, &marks);
}

void
disk_note(struct authd *a, enum store_result result)
{
	if (result != STORE_FULL || a->stopping)
		return;
	room_met_full(&a->room);
	/* The ballast has to go at once; when it is gone, the next tick is soon enough. */
	if (!disk_is_full(a))
		disk_tick(a);
}

bool
disk_is_full(const struct authd *a)
{
	return a->room.state == ROOM_NONE;
}
