/* Whether a silent client is still there (RFC 6120 §4.6): it is sent a ping (XEP-0199), whose answer nobody else gets. */
#pragma once

#include "client.h"

void alive_ask(struct client *c);
/* Takes the answer, whatever it says. */
bool alive_is_answer(struct client *c, const struct stanza *st);
