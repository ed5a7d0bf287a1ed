/* The bytes of a stream at an edge: a socket, TLS once there is some, what is to be written put together for a turn of the loop. It
 * knows no XML. An idle wire holds no buffer: the few that are in use go round.
 *
 *   socket ──wire_feed──▶ (TLS) ──▶ events->input          wire_out, wire_touch ──wires_turn──▶ (TLS) ──▶ socket
 *
 * The owner has the connection and its deadlines, pauses it (brake.h), and ends it. */
#pragma once

#include "base/list.h"
#include "edge/handshake.h"
#include "loop/conn.h"
#include "tls/tls.h"

#define WIRE_SPARES 16
#define WIRE_SPARE_BYTES (64 * 1024) /* larger ones are given back */

/* One per process. */
struct wires {
	struct list dirty;                    /* with something to write: done once per turn */
	struct list stalled;                  /* whose socket has not taken everything */
	struct list starved;                  /* not read until there is credit */
	bool (*has_credit)(const void *edge); /* whether what comes in can go to the bus */
	const void *edge;
	struct buf spares[WIRE_SPARES];
	unsigned n_spares;
	struct buf scratch; /* what is being decrypted, lent to one wire at a time */
};

struct wire_events {
	/* Clear text has come (borrowed). */
	void (*input)(void *ctx, struct str plain);
	/* Asked before each piece of what waits here, and before the socket is read again behind a handshake. */
	bool (*may_read)(void *ctx);
	/* The handshake is done; what came behind it follows as input. NULL where there is none. */
	void (*opened)(void *ctx);
	/* Nothing can be told to the peer any more: the owner ends the connection. */
	void (*lost)(void *ctx, const char *why);
};

/* Embedded in the owner; zeroed before wire_init. */
struct wire {
	struct wires *all;
	struct conn *conn;
	const struct wire_events *events;
	void *ctx;
	struct tls *tls;             /* NULL: in clear, or still with the handshake */
	struct handshake *handshake; /* until it is done; while a worker has it, the socket is not read */
	bool is_secret;              /* what comes is wiped behind its use */
	bool is_feeding;   /* the owner is at work on input: it is not given more meanwhile */
	unsigned paused;   /* why it is not read: enum pause, ored */
	struct buf cipher; /* received, not yet decrypted or taken; at most one read */
	struct buf plain; /* to be written at the end of the turn; bounded by the owner: wire_queued */
	struct list dirty, stalled, starved;
	uint64_t out_total, out_taken,
	    out_taken_ms; /* bytes for the socket; taken by it, and when last */
};

void wires_init(struct wires *all, bool (*has_credit)(const void *edge), const void *edge);
void wires_deinit(struct wires *all);
/* At the end of a turn: what was put together leaves, in one record and one write per wire. */
void wires_turn(struct wires *all, uint64_t now_ms);
/* Now and then: a socket that has taken nothing for so long is lost. A byte now and then is progress. */
void wires_check_stalled(struct wires *all, uint64_t now_ms, uint64_t allowed_ms);

void wire_init(struct wire *w, struct wires *all, struct conn *conn,
    const struct wire_events *events, void *ctx);
void wire_deinit(struct wire *w);

/* Bytes of the socket. Without credit they wait: one read at most. */
void wire_feed(struct wire *w, struct str bytes);
/* What waits here comes as input, while the owner may read. */
void wire_go_on(struct wire *w);
bool wire_has_unread(const struct wire *w);

/* TLS from here on. Takes tls. A client speaks first. */
void wire_secure(struct wire *w, struct handshakes *hs, struct tls *tls, bool is_client);

/* Where to write what the peer is to get; wire_touch afterwards. */
struct buf *wire_out(struct wire *w);
void wire_touch(struct wire *w);
void wire_write(struct wire *w, struct str bytes);
void wire_flush(struct wire *w, uint64_t now_ms);
/* Bytes that the kernel has not got. */
size_t wire_queued(const struct wire *w);
/* How many it has got since the beginning, as out_total counts them. */
uint64_t wire_taken(const struct wire *w);
/* The socket's `flushed` method. */
void wire_flushed(struct wire *w);
/* The last word of TLS, if there is TLS; an alert if it has failed. */
void wire_bye(struct wire *w);
/* The owner ends: it is told of no handshake any more, and not read. */
void wire_leave(struct wire *w);
