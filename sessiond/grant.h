/* XEP-0355, client mode: a user hands a namespace over to somebody of the roster who has asked for it. It lasts as long as the session in
 * which the user agreed, so there is nothing to keep, and whoever wants it back ends that session. Off unless the operator has named
 * namespaces. */
#pragma once

#include "iq.h"
#include "nested.h"

#define GRANTS_MAX 16 /* of one request */

struct grant {
	struct list link; /* in its session's grants: one for each namespace that may be granted, at most */
	struct nested nested; /* has the namespace and to whom */
};

struct grant_request;

/* A request of somebody who would like to answer for a user. The answer says nothing of the user, not even that there is one. */
void grant_ask(const struct iq *iq);
/* A message to the server: true if it was a user's answer to the form. */
bool grant_message(const struct act *act, const struct stanza *st);
/* To whom the account has given what is asked here; NULL: to nobody, or it is that one who asks. */
const char *grant_manager(const struct iq *iq);
/* The grants end, and those who had them are told. */
void grant_session_ended(struct session *s);
/* Just the memory. */
void grant_clear(struct session *s);
