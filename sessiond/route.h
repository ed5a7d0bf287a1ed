/* Where a stanza goes next: to a user of this shard, to the server itself, or on over the bus. */
#pragma once

#include "act.h"
#include "base/jid.h"

/* st must be stamped (from) and have a `to`. kind: what it is to its recipient. Bounces what nobody serves. */
void route_stanza(const struct act *act, enum op_kind kind, const struct stanza *st);
/* Is this a user of this shard? */
bool route_is_ours(const struct sessiond *sd, const struct jid *j);
bool route_is_local_domain(const struct sessiond *sd, struct str domain);
