/* XEP-0356: components that the operator lets see and do more than others: rosters, presence, messages and requests in the name of
 * users. Whoever is not in the settings may nothing of it. */
#pragma once

#include "account.h"
#include "iq.h"

enum privilege_roster {
	PRIVILEGE_ROSTER_NONE,
	PRIVILEGE_ROSTER_GET,
	PRIVILEGE_ROSTER_SET,
	PRIVILEGE_ROSTER_BOTH,
};

enum privilege_presence {
	PRIVILEGE_PRESENCE_NONE,
	PRIVILEGE_PRESENCE_MANAGED, /* of users */
	PRIVILEGE_PRESENCE_ROSTER,  /* of their contacts too */
};

/* A section of the settings. */
struct privilege {
	const char *title; /* the component's name */
	int roster;
	bool roster_push;
	bool message;
	int presence;
	struct setting_strings iq; /* "get NAMESPACE", "set NAMESPACE", "both NAMESPACE" */
};

extern const struct setting privilege_table[];
/* 0, or -1 with *err filled. */
int privilege_check(const struct setting_sections *all, struct err *err);
/* Logs which are for no component. */
void privilege_warn(const struct sessiond *sd);

/* A component has connected: says to it what it may. */
void handle_component_up(struct sessiond *sd, const struct bus_in *in, const void *msg);

/* May it ask for what only the account's owner may ask for? */
bool privilege_lets_ask(const struct iq *iq);
/* A roster item has changed; payload: of the push; item: what it is about. */
void privilege_push_roster(
    struct account *a, const struct act *act, struct str payload, struct str item);
/* A user has come or gone; st is from the full JID. */
void privilege_show_user(const struct act *act, const struct stanza *st);
/* A user has been told of a contact's presence. */
void privilege_show_contact(struct account *a, const struct act *act, const struct stanza *st);
/* A message to the server: true if it was one with a message to send, which was then sent or refused. */
bool privilege_message(const struct act *act, const struct stanza *st);

/* privilege_iq.c: a request to a user's bare JID to ask somebody in the user's name. */
void privilege_iq(const struct iq *iq);
/* An answer to a bare JID: true if a component had asked, and has got it. */
bool privilege_answer(const struct act *act, const struct stanza *st);
bool privilege_lets_send(
    const struct sessiond *sd, struct str component, enum stanza_type type, struct str ns);
void privilege_forget_late(struct sessiond *sd);
void privilege_free(struct sessiond *sd);
