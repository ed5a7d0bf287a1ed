/* XEP-0077: a new password must cross the router sealed, and sessiond must not see it (DESIGN.md §3). */
#pragma once

#include "session.h"

/* When the stanza asks this server for a new password: writes its payload anew into `out`, the password sealed for authd, and puts
 * that in its place. Without authd's key the payload is emptied and the stanza refused. SE_NONE, or the error to refuse it with. */
enum stanza_error secrets_seal(struct session *s, struct stanza *st, struct buf *out);
