/* Changes of privacy lists, whichever protocol asks for them: made in memory, seen by contacts, kept, told to the other sessions,
 * and then the IQ is answered. When storaged refuses, the memory is wrong and is read again. */
#pragma once

#include "iq.h"

/* What sessions that use XEP-0191 are told. */
struct block_change {
	const struct str *adds, *drops; /* prepared JIDs */
	unsigned n_adds, n_drops;
	bool is_everything; /* the drops are all that there were */
};

/* told: what to tell of the block list; NULL: what is different in it. */

/* l, which becomes the account's or is freed, is new or another form of the list with its name. */
void privacy_edit(const struct iq *iq, struct privacy_list *l, const struct block_change *told);
/* Also where it is the default or active. */
void privacy_drop(const struct iq *iq, struct privacy_list *l, const struct block_change *told);
/* NULL: none. */
void privacy_choose_default(const struct iq *iq, const struct privacy_list *l);
/* For the session that asks. NULL: the default one. */
void privacy_choose_active(const struct iq *iq, const struct privacy_list *l);
/* There is nothing to change, but it was asked for. */
void privacy_keep(const struct iq *iq, const struct block_change *told);

/* The asking session wants pushes of the block list; has the edge keep that. */
void privacy_remember_asker(const struct iq *iq);
