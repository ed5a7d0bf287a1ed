/* The error for a stanza that could not be delivered: from its own `to`, with its id (F-35); never for what is an error or an answer
 * itself, nor where RFC 6121 wants silence. */
#pragma once

#include "pair.h"

/* Sent under its custody. */
void bounce(struct s2sd *d, const struct outgoing *o, enum stanza_error error, const char *why);
