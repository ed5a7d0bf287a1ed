/* Room on the file system of a daemon's `data` (SECURITY.md §3.8). On a full disk SQLite can neither delete nor checkpoint, so a file
 * that holds nothing, the ballast, lies beside the databases and is given up then. Measured now and then, and at once when SQLite
 * finds the disk full; what follows is the daemon's to say.
 *
 *   ENOUGH ──▶ LOW ──▶ TIGHT ──▶ NONE       back with a quarter more room than the mark, from NONE when the ballast is back too
 *     ◀──────────◀───────◀────────┘ */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "db/writer.h"

enum room_state {
	ROOM_ENOUGH,
	ROOM_LOW,
	ROOM_TIGHT,
	ROOM_NONE, /* the ballast is given up */
};

/* Bytes: with less than that the state is the next one. low >= tight >= none; ballast 0: none. */
struct room_marks {
	uint64_t low, tight, none, ballast;
};

struct room_figures {
	uint64_t free;     /* on the file system, for us */
	uint64_t reusable; /* in the writer's file */
	bool has_ballast;
};

/* The state that follows from these figures. What is missing of the ballast counts as used. */
enum room_state room_next(
    enum room_state now, const struct room_marks *marks, const struct room_figures *f);

struct room_events {
	/* The state is another one than before. */
	void (*changed)(void *ctx, const struct room_figures *f);
	/* It was measured, whatever came of it. May be NULL. */
	void (*measured)(void *ctx);
};

struct room_measure {
	struct db_job base;
	struct room_marks marks;
	struct room_figures figures;
	enum room_state now, next;
	bool met_full;
};

/* Embedded in what lives longer than the writer. */
struct room {
	_Atomic int state; /* enum room_state; set on the loop */
	bool is_measuring;
	uint64_t full_until_ms; /* SQLite met a full disk: so long it counts as one, whatever the figures are (a quota) */
	struct room_measure measure; /* the writer's while is_measuring */
	const struct room_events *events;
	void *ctx;
};

void room_init(struct room *r, const struct room_events *events, void *ctx);
/* Before the files are opened: on a full disk they need what the ballast takes. */
void room_start(struct room *r, const struct room_marks *marks);
/* Measures, on the writer's thread; the events come later, on the loop. Nothing if that is under way. */
void room_tick(struct room *r, struct db_writer *w, const struct room_marks *marks);
/* SQLite says that the disk is full. */
void room_met_full(struct room *r);
/* With the statements of the writer's file. */
void room_statements_finalize(void);
