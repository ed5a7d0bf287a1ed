/* Payloads that only we may make, taken out of what comes from outside (INV-11): all of them, wherever they stand among a
 * stanza's children; what nobody may send, at any depth. */
#pragma once

#include "act.h"
#include "base/buf.h"

/* Replaces st->payload when something was taken out; the new bytes are in scratch, which the caller frees. */
void strip_forged(const struct act *act, struct stanza *st, struct buf *scratch);
