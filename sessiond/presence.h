/* Presence: RFC 6121 §4. Subscriptions (§3) are in subscription.c. */
#pragma once

#include "account.h"

#define PRESENCE_PAYLOAD_MAX 65536 /* what a session record holds */

void presence_from_client(struct session *s, const struct act *act, struct stanza *st);
/* To an address of this shard. */
void presence_to_user(const struct act *act, const struct stanza *st);
/* The session has just left its account: whoever saw it must know. */
void presence_session_ended(struct session *s, const struct act *act);

/* What a contact that may see the user from now on sees; or for the last time. */
void presence_show_to(struct account *a, const struct act *act, struct str contact);
void presence_hide_from(struct account *a, const struct act *act, struct str contact);

/* broadcast.c: to everyone who is subscribed, and to the user's own available sessions. */
void broadcast_presence(struct account *a, const struct act *act, const struct stanza *st);

/* probe.c */
void probe_contacts(struct session *s, const struct act *act);
/* The same, and the session is told of those that are known to be away: it may believe otherwise. */
void probe_all(struct session *s, const struct act *act);
/* One of them, if that is worth asking. */
void probe_contact(struct session *s, const struct act *act, const struct contact *c);
void probe_arrives(struct account *a, const struct act *act, const struct stanza *st);
