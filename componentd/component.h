/* A component: a name of jackdaw.conf's list, the streams that serve it, and what it is owed. Owned by the map of the process. */
#pragma once

#include "base/stanza.h"
#include "componentd.h"
#include "xml/writer.h"

#include <uthash.h>

struct stream;

/* A stanza until it is written, or known not to be: its custody is held so long (BUS.md §5). */
struct outgoing {
	struct list link;        /* in queue of a component, or unwritten of a stream */
	struct custody *custody; /* NULL: nobody waits (it came from a component here) */
	struct opid op;
	struct ledger_entry *entry; /* NULL: none */
	uint8_t level;              /* of the frame that brought it: whether an error may go back */
	size_t bytes;               /* what it counts */
	uint64_t end; /* of the stream's wire when it has been written; 0: not yet in the socket's queue */
	struct stanza *st; /* owned */
};

struct component {
	struct componentd *componentd;
	char *name;
	struct list streams; /* that serve it: one, but for those that share */
	unsigned n_streams;
	struct list queue; /* struct outgoing: nobody is there to take them; for wait_seconds */
	size_t bytes; /* of those and of all unwritten ones: settings queue_bytes, then resource-constraint */
	uint64_t absent_ms; /* since when nobody is there */
	UT_hash_handle hh;
};

/* One for each name of jackdaw.conf; those that are gone lose their streams and what waited. */
void components_refresh(struct componentd *c);
void components_free(struct componentd *c);
struct component *component_find(const struct componentd *c, struct str name);

/* What is to be given to a component. */
struct delivery {
	const struct stanza *st;
	struct custody *custody;
	struct opid op;
	uint8_t level;
};
/* Takes the stanza: writes it, keeps it for a while, or answers it. */
void component_give(struct component *c, const struct delivery *d);

/* A stream has proved itself. False: it is one too many and was refused. */
bool component_enter(struct component *c, struct stream *s);
/* What waited for it is written now. */
void component_pump(struct component *c);
/* It is gone; what it has not written goes to another one, or waits. */
void component_leave(struct component *c, struct stream *s);

/* Has been written. */
void outgoing_done(struct component *c, struct outgoing *o);
/* Once in a while: nobody waits for longer than wait_seconds. */
void components_tick(struct componentd *c);

/* bounce.c: answers the sender of what cannot be given to a component. */
void bounce(struct componentd *c, const struct delivery *d, enum stanza_error e);
