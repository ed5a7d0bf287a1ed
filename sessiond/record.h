/* A session's whole record (BUS.md §8), as its row and the edge that resumes it need it, and a session made of one. */
#pragma once

#include "session.h"

struct record {
	struct rec_session r; /* borrows from the session and from here */
	uint8_t mac[CAPABILITY_BYTES];
	struct rec_account *directed;
	struct rec_ledger_entry *ledger;
	struct rec_unacked *unacked;
};

void record_make(struct record *rec, const struct session *s);
void record_deinit(struct record *rec);
/* In no map yet. edge: who holds it, or NULL. */
struct session *record_session(
    struct sessiond *sd, const struct endpoint *edge, uint64_t conn, const struct rec_session *r);
