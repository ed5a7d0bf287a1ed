/* What sessiond has to be told of accounts: stored with the change, told until it is acknowledged,
 * also by the next authd. */
#pragma once

#include "authd.h"

struct notices;

struct notices *notices_new(struct authd *a);
void notices_free(struct notices **ns);

/* The change has been committed: tell the account's shard. generation: of NOTICE_CHANGED and
 * NOTICE_CLOSE. */
void notice_send(struct notices *ns, struct str jid, uint64_t generation, enum store_notice kind);
/* Reads what is still to be told and tells it; at start, and when the routes are known. */
void notices_pump(struct notices *ns);
/* The bus has given this one up: it will be told again later. */
void notices_failed(struct notices *ns, struct str jid, uint64_t now_ms);
void notices_tick(struct notices *ns, uint64_t now_ms);
/* How many are on their way. */
size_t notices_count(const struct notices *ns);
