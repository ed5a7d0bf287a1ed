/* XEP-0355: requests of a namespace to the server or to a user's bare JID are answered by somebody else: a component that the operator has
 * named (admin mode), or whom the user has chosen (client mode, grant.h). What they say of themselves in disco#info: nested.h. */
#pragma once

#include "iq.h"

/* A section of the settings. */
struct delegation {
	const char *title; /* the namespace */
	const char *component;
	struct setting_strings attributes; /* that a request must have */
};

#define NS_DELEGATION "urn:xmpp:delegation:2"

extern const struct setting delegation_table[];
/* 0, or -1 with *err filled. */
int delegation_check(
    const struct daemon *d, const struct sessiond_settings *settings, struct err *err);
/* Of each namespace that users may hand over: 0, or -1 with *err filled. */
int delegation_check_namespace(const char *ns, struct err *err);
/* The next one from number *i on; NULL: there is none. Those for no component of jackdaw.conf do not count. */
const struct delegation *delegation_next(const struct sessiond *sd, size_t *i);
/* It is no namespace, but stands for nodes of accounts (§7.2.4, §7.2.5). */
bool delegation_is_of_nodes(struct str title);
/* Appends what this component has been given; nothing if that is nothing. */
void delegation_write(const struct sessiond *sd, struct buf *out, struct str component);
/* True if the request was passed on. */
bool delegation_takes(const struct iq *iq);
/* An answer to the server: of a component that was asked? */
void delegation_answer(const struct act *act, const struct stanza *st);
void delegation_expire(struct sessiond *sd);
void delegation_free(struct sessiond *sd);
