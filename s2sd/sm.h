/* Stream management between servers (XEP-0198), without resumption: what goes out waits for the peer's acknowledgement, and what comes in
 * is acknowledged when the suite has it in custody. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"

struct stream;
struct xml_element;
struct item;

struct sm {
	bool is_out, is_in;   /* ours wait for acknowledgements; theirs are counted */
	uint32_t sent, acked; /* ours: since <enable/> */
	uint32_t asked_at;    /* `sent` when the peer was asked last */
	bool is_asked;        /* and it has not answered */
	uint64_t asked_ms;
	uint32_t taken, done; /* theirs: come; in custody, all up to */
	uint32_t told;        /* `done` as the peer knows it */
	struct list arrivals; /* struct arrival, in their order; bounded by the bus's window */
};

void sm_init(struct sm *sm);
void sm_deinit(struct stream *s);
/* Out: asks for it, if the peer offers it. What is sent from now on counts. */
void sm_begin(struct stream *s);
/* Ours is about to be closed: says what we have, and asks what they have. */
void sm_last_words(struct stream *s);
/* Ours was written; is more to be asked for? */
void sm_sent(struct stream *s);
/* One of theirs: the custody to send it under; the caller lets go. NULL: it is not counted. */
struct custody *sm_arrival(struct stream *s);
void sm_tick(struct stream *s, uint64_t now_ms);

bool sm_enable(struct stream *s, const struct xml_element *e);
bool sm_enabled(struct stream *s, const struct xml_element *e);
bool sm_failed(struct stream *s, const struct xml_element *e);
bool sm_request(struct stream *s, const struct xml_element *e);
bool sm_answer(struct stream *s, const struct xml_element *e);
