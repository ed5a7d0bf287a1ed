/* The one end of a session. */
#pragma once

#include "session.h"

/* Decides which stanzas can be given again: those that were certainly not written. */
enum session_end {
	END_CLOSED, /* its edge says that the connection is gone: what it did not report written was not */
	END_STALLED,   /* its client does not read: the same */
	END_TAKEN,     /* replaced, kicked: the edge may have written what it did not report yet */
	END_EDGE_DEAD, /* the same */
	END_EXPIRED,   /* it was away for too long */
};

/* Unavailable presence goes out, unwritten messages go elsewhere, the edge is told (unless it knows), s is freed. */
void session_end(
    struct session *s, const struct act *act, enum session_end why, enum stream_error error);
/* Where a session cannot end right now, because it is being sent to: at sessions_reap. */
void session_doom(struct session *s, enum stream_error error);
void sessions_reap(struct sessiond *sd);
/* Messages that a session was to get, and did not: each goes to another session or to the store. */
void give_again(struct account *a, const struct act *act, struct list *outgoing);
/* Tells its edge to close the connection. */
void session_release(const struct session *s, const struct act *act, enum stream_error error);

void handle_closed(struct sessiond *sd, const struct bus_in *in, const void *msg);
