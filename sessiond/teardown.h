/* The one end of a session. */
#pragma once

#include "session.h"

/* Decides which stanzas can be given again: those that were certainly not written. */
enum session_end {
	END_CLOSED, /* its edge says that the connection is gone: what it did not report written was not */
	END_STALLED,   /* its client does not read: the same */
	END_TAKEN,     /* replaced, kicked: the edge may have written what it did not report yet */
	END_EDGE_DEAD, /* the same */
};

/* Unavailable presence goes out, unwritten messages go elsewhere, the edge is told (unless it knows), s is freed. */
void session_end(
    struct session *s, const struct act *act, enum session_end why, enum stream_error error);
/* Where a session cannot end right now, because it is being sent to: at sessions_reap. */
void session_doom(struct session *s, enum stream_error error);
void sessions_reap(struct sessiond *sd);
/* All sessions of an edge that is dead. */
void sessions_end_of_edge(struct sessiond *sd, uint64_t incarnation);

void handle_closed(struct sessiond *sd, const struct bus_in *in, const void *msg);
