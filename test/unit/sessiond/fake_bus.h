/* A bus without sockets: what sessiond sends is recorded, what comes in is handed to its handlers. Every message goes
 * through the real codec both ways; the level rule and the counting of custodies are those of the real one. */
#pragma once

#include "base/list.h"
#include "bus/bus.h"
#include "sessiond.h"

/* A frame that sessiond sent, until the test takes it. */
struct sent {
	struct list link;
	const struct bus_message *message;
	struct endpoint to;
	struct opid op;
	struct buf body;
	void *msg;             /* decoded */
	struct custody *cause; /* held until it is acknowledged */
	uint64_t request;      /* of a request: its number */
	bus_answer_fn *fn;
	void *arg;
	unsigned flags;
};

struct bus {
	struct sessiond *sd;
	struct list sent;    /* not yet taken */
	struct list waiting; /* taken, not yet acknowledged or answered */
	uint64_t next_request;
	unsigned shards;
	uint64_t c2sd_incarnation[4]; /* current ones */
	unsigned errors;              /* calls of bus_protocol_error */
	char what[128];
	unsigned custodies; /* alive */
	unsigned settled;   /* calls of bus_settle, and the last one: */
	struct endpoint settled_to;
	struct opid settled_id;
	struct list all; /* struct custody */
};

void fake_bus_init(struct bus *b, struct sessiond *sd);
/* Drops what is left, as when the bus is freed: open requests are told. */
void fake_bus_deinit(struct bus *b);
/* As bus_free does: requests are told, everything else is gone, custodies call nobody. */
void fake_bus_free(struct bus *b);

/* Hands a frame to its handler. True when it was acknowledged by the time the handler returned; otherwise *acked_r (may be
 * NULL) becomes true when it is. */
bool fake_receive(struct bus *b, const struct endpoint *from, enum msg_type type, const void *msg,
    const struct opid *op, bool *acked_r);

/* The next frame that was sent; NULL: none. It stays in b->waiting until sent_ack or sent_answer. */
struct sent *sent_take(struct bus *b);
void sent_ack(struct bus *b, struct sent *s);
/* Answers a request, then acknowledges it. type 0: no answer ever comes. */
void sent_answer(struct bus *b, struct sent *s, enum msg_type type, void *msg);
