/* Why something is done: the frame that is being handled, or was, before an answer was awaited. Everything that is sent
 * on its account is sent under its custody and with its operation id (BUS.md §5, §7). */
#pragma once

#include "base/stanza.h"
#include "sessiond.h"

struct act {
	struct sessiond *sd;
	struct custody *custody; /* NULL: nobody waits for the end (timers, a dead edge) */
	struct opid op;          /* origin and n of the stanza; the kind is given per effect */
	uint8_t level;           /* of the frame: which ROUTE may carry on what comes of it */
	/* A message that is under way: whose archive it belongs into; whoever stores it stores it for both. */
	bool archive_from, archive_to;
	/* The session it comes from has ended: the list that was active in it (block.h). */
	uint8_t active_list;
};

/* The act of handling this frame. */
struct act act_of(struct sessiond *sd, const struct bus_in *in);
/* One that no frame asked for. */
struct act act_own(struct sessiond *sd);

/* Id of an effect of which one stanza has at most one per recipient. */
struct opid act_op(const struct act *act, enum op_kind kind);
/* Id of an effect of which one stanza may have several for one recipient, told apart by `what` (never by a counter: a
 * second run may take another way). */
struct opid act_op_of(const struct act *act, enum op_kind kind, struct str what);

/* A copy that holds the custody beyond the handler, until act_drop. */
struct act act_keep(const struct act *act);
void act_drop(struct act *act);
/* custody_release, but for the end of the process: with the bus all custodies have gone. */
void act_let_go(const struct sessiond *sd, struct custody *c);

/* What it counts in windows and queues. */
size_t stanza_bytes(const struct stanza *st);
/* RFC 6120 §8.3: an error or a result is never answered with an error. */
bool stanza_wants_answer(const struct stanza *st);
