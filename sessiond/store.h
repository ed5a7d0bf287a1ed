/* Messages that are kept for later: on their way to storaged, and what comes back when they cannot be kept. */
#pragma once

#include "account.h"

/* Keeps it; bounces it where it cannot be kept. Whether it is of a kind that is kept is message_fate's to say. */
void store_owed(struct account *a, const struct act *act, const struct stanza *st);
/* Keeps it for the archives that act says; nothing when there are none. */
void store_archived(struct account *a, const struct act *act, const struct stanza *st);
/* STORE_FAILED came, or the STORE was poison. */
void store_failed(struct sessiond *sd, const struct opid *op, const struct msg_STORE_FAILED *m);
void handle_store_failed(struct sessiond *sd, const struct bus_in *in, const void *msg);
void stored_free_all(struct sessiond *sd);
