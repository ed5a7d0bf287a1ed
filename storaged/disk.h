/* What storaged does when room on its file system gets short (db/room.h, SECURITY.md §3.8). LOW: the log says so. TIGHT: archives stand
 * still. NONE: nothing new is stored, and with the ballast given up what is delivered, removed and checkpointed finds room. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "bus/messages.h"
#include "db/room.h"

struct job;
struct storaged;

struct disk {
	struct room room;
	_Atomic uint64_t unarchived; /* messages that no archive has, since TIGHT */
	/* Jobs that met a full disk and cannot be refused, and those that must stay behind them (disk_holds_back). Bounded by the
	 * windows of their senders, for none of them is acknowledged; over it those wait. */
	struct list held;    /* in the order in which they came */
	size_t n_held;       /* of the list, and the one that is tried again */
	size_t n_in_order;   /* of those that have an order: under way, not held */
	bool is_trying;      /* one of the held is tried again */
	uint64_t last_order; /* number of the last of them that came */
};

/* Before disk_start, and before the first job. */
void disk_init(struct storaged *s);
/* Before the files are opened: on a full disk they need what the ballast takes. */
void disk_start(struct storaged *s);
void disk_tick(struct storaged *s);
/* Ends what is held: nothing of it is acknowledged. */
void disk_stop(struct storaged *s);

/* For exec functions: nothing may be added. */
bool disk_is_full(const struct storaged *s);
/* The same for a message: takes away what must not be stored of it (its archives). False: it must not be stored at all. */
bool disk_admits(struct storaged *s, struct msg_STORE *m);

/* SQLite says that the disk is full. True: the job is one that must not be refused (a session's record, a row that is delivered), and is
 * kept, to be tried again. */
bool disk_met_full(struct storaged *s, struct job *job);
/* A new job of those that have an order among them: true when it has to wait behind one that is held, and is kept. */
bool disk_holds_back(struct storaged *s, struct job *job);
/* A job has been done. */
void disk_release(struct storaged *s, struct job *job);
