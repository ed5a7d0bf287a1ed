/* Stanzas from clients on their way in: numbers, and acknowledgement in their order (BUS.md §4, §7). */
#pragma once

#include "session.h"

void handle_stanza(struct sessiond *sd, const struct bus_in *in, const void *msg);
/* The session ends: what is still under way no longer waits for its turn. */
void inbound_let_go(struct session *s);
/* Is so much done and not acknowledged, because it came behind what is not done, that an edge's window may soon be full? */
bool inbound_is_held_back(const struct sessiond *sd);
void inbound_init(struct sessiond *sd);
/* At the end of the process, behind the last session: frees what no custody will finish any more. */
void inbound_deinit(struct sessiond *sd);
