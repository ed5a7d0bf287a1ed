/* Messages that are kept for later: on their way to storaged, and what comes back when they cannot be kept. */
#pragma once

#include "account.h"

/* Keeps it if it is of a kind that is kept (XEP-0160); bounces it where it cannot be. */
void store_owed(struct account *a, const struct act *act, const struct stanza *st);
/* Keeps it for the archives that act says; nothing when there are none. */
void store_archived(struct account *a, const struct act *act, const struct stanza *st);
bool store_is_worthwhile(const struct stanza *st);
/* STORE_FAILED came, or the STORE was poison. */
void store_failed(struct sessiond *sd, const struct opid *op, const struct msg_STORE_FAILED *m);
void handle_store_failed(struct sessiond *sd, const struct bus_in *in, const void *msg);
void stored_free_all(struct sessiond *sd);
