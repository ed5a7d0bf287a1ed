/* To whom a session has sent directed presence (RFC 6121 §4.6). Included by session.h; the functions are in session.c. */
#pragma once

#include "session.h"

#define DIRECTED_MAX 1000
#define DIRECTED_BYTES_MAX (256 * 1024) /* they all go into one frame */

/* Somebody who was sent directed presence. */
struct directed {
	struct str jid; /* behind the struct */
	UT_hash_handle hh;
};

bool session_has_directed(const struct session *s, struct str full);
/* False when there are too many. */
bool session_add_directed(struct session *s, struct str jid);
void session_remove_directed(struct session *s, struct str jid);
