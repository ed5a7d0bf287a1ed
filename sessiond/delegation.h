/* XEP-0355, admin mode: requests of a namespace to the server or to a user's bare JID are answered by a component. */
#pragma once

#include "iq.h"

/* A section of the settings. */
struct delegation {
	const char *title; /* the namespace */
	const char *component;
	struct setting_strings attributes; /* that a request must have */
};

extern const struct setting delegation_table[];
/* 0, or -1 with *err filled. */
int delegation_check(const struct daemon *d, const struct setting_sections *all, struct err *err);
/* Appends what this component has been given; nothing if that is nothing. */
void delegation_write(const struct sessiond *sd, struct buf *out, struct str component);
/* True if the request was passed to a component. */
bool delegation_takes(const struct iq *iq);
/* An answer to the server: of a component that was asked? */
void delegation_answer(const struct act *act, const struct stanza *st);
void delegation_expire(struct sessiond *sd);
void delegation_free(struct sessiond *sd);
