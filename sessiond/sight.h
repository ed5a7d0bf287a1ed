/* Who sees whom, before and after a change of privacy lists: whoever sees a session no more is told that it is gone, and it is
 * told the same of whom it sees no more (XEP-0016 §2.8, §2.9, XEP-0191 §3.3, §3.4). */
#pragma once

#include "account.h"

struct sight {
	struct account *account;
	struct session *only; /* NULL: all sessions */
	struct arena arena;
	struct str *jids; /* contacts, and full JIDs that lists name */
	unsigned n_jids;
	uint8_t *seen; /* enum privacy_kind of presence that was denied, for each session and JID */
};

/* What holds now; the change follows. only: it concerns this session alone. lists: what applied and will apply; NULL: none. */
void sight_begin(struct sight *s, struct account *a, struct session *only,
    const struct privacy_list *before, const struct privacy_list *after);
/* Tells what is different now. */
void sight_end(struct sight *s, const struct act *act);
