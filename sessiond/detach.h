/* Sessions without a connection (BUS.md §8, XEP-0198 §5). What such a session was sent and has not acknowledged is in its row;
 * what comes for it meanwhile is owed to its account if it is worth storing (message.c), else held (presence) or parked
 * (parked.h). After resume_seconds it ends. */
#pragma once

#include "session.h"
#include "teardown.h"

/* The connection is gone: the session waits to be resumed if it can be, otherwise it ends. */
void session_lose(
    struct session *s, const struct act *act, enum session_end why, enum stream_error error);
/* Writes the row, again: with what has changed. */
void detach_save(struct session *s, struct custody *cause);
/* It ends while it is away: its messages are given again, and the row goes. */
void detach_end(struct session *s, struct account *a, const struct act *act);
/* The row is not needed: the session goes on with a higher epoch (given), or has ended. */
void detach_drop(struct sessiond *sd, const struct id128 *sid, uint64_t epoch, bool given);
/* A copy of a session that another copy has won over: nobody is told anything. */
void detach_discard(struct session *s);
/* Takes its place among those that are away, for what is left of its time. */
void detach_wait(struct session *s);
/* Once a second. */
void detach_expire(struct sessiond *sd, uint64_t now_ms);

/* All sessions of an edge that is dead. */
void sessions_lose_edge(struct sessiond *sd, uint64_t incarnation);
/* A stanza that went to a dead edge; whoever waits for it waits for the row that has it now. */
void detach_lost(struct sessiond *sd, const struct endpoint *edge, const struct msg_DELIVER *m,
    struct custody *cause);
void detach_free(struct sessiond *sd);
