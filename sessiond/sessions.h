/* The two maps by which sessions are found, and who is in them. Included by session.h. */
#pragma once

#include "session.h"

/* Into the maps and its account: the session is attached. */
void sessions_attach(struct session *s, struct account *a);
/* The same without a connection: it is away. */
void sessions_add_away(struct session *s, struct account *a);
/* Its connection is gone: it is away. And it has another one. */
void sessions_part(struct session *s);
void sessions_rejoin(struct session *s, const struct endpoint *edge, uint64_t conn);
/* Out of maps and account. */
void sessions_remove(struct session *s);
struct session *sessions_by_handle(struct sessiond *sd, uint64_t incarnation, uint64_t conn);
struct session *sessions_by_sid(struct sessiond *sd, const struct id128 *sid);
/* The session an act comes from, while it lives; NULL for what comes from elsewhere. */
struct session *sessions_of_act(const struct act *act);
unsigned sessions_count(const struct sessiond *sd);
