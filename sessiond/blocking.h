/* Changes of the list of those whom a user has blocked: XEP-0191, and how XEP-0016 (privacy.c) makes them. */
#pragma once

#include "iq.h"

struct block_change {
	const struct str *adds, *drops; /* prepared JIDs */
	unsigned n_adds, n_drops;
	bool is_everything; /* the drops are all that there were */
};

/* Changes the list, shows and hides presence, has it kept, tells the other sessions, answers the IQ. */
void blocking_change(const struct iq *iq, const struct block_change *c);
/* The JIDs of all items, in iq->arena. */
struct str *blocking_all(const struct iq *iq, unsigned *n_r);
/* Gives the session this flag and has the edge keep it. */
void blocking_remember_asker(const struct iq *iq, enum session_flag flag);
/* privacy.c: the push of the list's name (XEP-0016 §2.5). */
void privacy_push(struct account *a, const struct act *act);
