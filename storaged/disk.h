/* Room on the file system of `data` (SECURITY.md §3.8). It is measured every second, and at once when SQLite finds the disk full.
 *
 *   ROOM ──▶ LOW ──▶ TIGHT ──▶ FULL       LOW: the log says so. TIGHT: archives stand still. FULL: nothing new is stored, and the
 *     ◀────────◀───────◀─────────┘        ballast is given up, so that what is delivered, removed and checkpointed finds room.
 *
 * Back when there is a quarter more room than the mark, from FULL when the ballast is back too. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/list.h"
#include "bus/messages.h"

struct job;
struct storaged;

enum disk_state {
	DISK_ROOM,
	DISK_LOW,
	DISK_TIGHT,
	DISK_FULL,
};

/* Bytes. warn >= archive >= full; ballast 0: none. */
struct disk_marks {
	uint64_t warn, archive, full, ballast;
};

struct disk_figures {
	uint64_t free;     /* on the file system, for us */
	uint64_t reusable; /* in archive.db */
	bool has_ballast;
};

struct disk {
	_Atomic int state;           /* enum disk_state; set on the loop */
	_Atomic uint64_t unarchived; /* messages that no archive has, since TIGHT */
	bool is_measuring;
	uint64_t full_until_ms; /* SQLite met a full disk: so long it counts as one, whatever the figures are (a quota) */
	/* Jobs that met a full disk and cannot be refused, and those that must stay behind them (disk_hold). Bounded by the
	 * windows of their senders, for none of them is acknowledged; over it those wait. */
	struct list held;
	size_t n_held;  /* of the list, and the one that is tried again */
	bool is_trying; /* one is */
};

/* The state that follows from these figures. What is missing of the ballast counts as used. */
enum disk_state disk_next(
    enum disk_state now, const struct disk_marks *marks, const struct disk_figures *f);

/* Before the files are opened: on a full disk they need what the ballast takes. */
void disk_start(struct storaged *s);
void disk_tick(struct storaged *s);
/* Ends what is held: nothing of it is acknowledged. */
void disk_stop(struct storaged *s);
void disk_statements_finalize(void);

/* For exec functions: nothing may be added. */
bool disk_is_full(const struct storaged *s);
/* The same for a message: takes away what must not be stored of it (its archives). False: it must not be stored at all. */
bool disk_admits(struct storaged *s, struct msg_STORE *m);

/* SQLite says that the disk is full. True: the job is one that must not be refused (a session's record, a row that is delivered), and is
 * kept, to be tried again. */
bool disk_met_full(struct storaged *s, struct job *job);
/* A new job of those that have an order among them: true when it has to wait behind one that is held, and is kept. */
bool disk_holds_back(struct storaged *s, struct job *job);
/* A job that was held has been done. */
void disk_release(struct storaged *s);
