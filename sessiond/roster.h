/* jabber:iq:roster (RFC 6121 §2), and how a changed item is kept and pushed. */
#pragma once

#include "account.h"
#include "iq.h"

void roster_iq_get(const struct iq *iq);
void roster_iq_set(const struct iq *iq);

/* The item was changed in memory: have it kept (or removed, when nothing is left of it), then push it to the interested
 * sessions if `push`, then answer the iq if there is one (taken over; may be NULL). c may be gone afterwards. */
void roster_save(struct account *a, const struct act *act, struct contact *c, enum op_kind kind,
    bool push, struct iq_later *answer);
/* Is there room for another item, and for this many bytes? */
bool roster_has_room(const struct account *a, size_t bytes);
/* To every session that asked for the roster. what: tells it from others of the same stanza. */
void roster_tell_interested(
    struct account *a, const struct act *act, const struct stanza *st, struct str what);
