/* Payloads that only we (or a room) may make, taken out of what comes from outside (INV-11, INV-12): all of them, at any
 * depth. A forwarded stanza (XEP-0297) keeps what it was stamped with, but no wrapper of a copy or of the archive's. */
#pragma once

#include "act.h"
#include "base/buf.h"

/* Replaces st->payload when something was taken out; the new bytes are in scratch, which the caller frees. */
void strip_forged(const struct act *act, struct stanza *st, struct buf *scratch);

/* An IQ that only an account's own server sends to its sessions: roster, blocking and privacy list pushes (RFC 6121 §2.1.6,
 * XEP-0191 §3.3, XEP-0016 §2.10). From outside it reaches no session. */
bool strip_is_push(const struct stanza *st);
