/* Not reading a stream for a while. There may be several reasons at a time; it is read again when none is left. What has been
 * read already waits in the wire, or with the owner. */
#pragma once

#include "edge/wire.h"

/* Independent of each other; ored in a wire's `paused`. */
enum pause {
	PAUSE_CREDIT = 1 << 0, /* the bus's window is full */
	PAUSE_SHAPE = 1 << 1,  /* the peer has sent too fast */
	PAUSE_OWN = 1 << 2,    /* the first of the daemon's own */
};

void wire_pause(struct wire *w, unsigned why);
/* Goes on with what has waited here, then reads the socket again. Nothing if it was not paused for that. */
void wire_resume(struct wire *w, unsigned why);
/* The same, of a wire whose owner has taken the reason away. */
void wire_read_on(struct wire *w);

/* Without credit nothing is taken of anybody whose stanzas go to the bus: all who have half a large stanza would finish it at
 * once, and what is kept for the receiver would have no bound. Asked before each piece. */
void wire_pause_without_credit(struct wire *w);
/* There may be credit: who waits for it is read again while there is, in the order of the pauses. */
void wires_resume_starved(struct wires *all);
