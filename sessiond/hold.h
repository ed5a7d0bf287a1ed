/* XEP-0352: what a client that nobody looks at need not hear at once. Of each contact's presence and of each chat state the
 * last one is held; it goes out when the client is active again, before anything that cannot wait, or when there is too
 * much of it. It holds back no acknowledgement: if this process ends meanwhile, hold_renew asks for the presence again. */
#pragma once

#include "base/map.h"
#include "outbound.h"

#define HELD_MAX 1000
#define HELD_BYTES_MAX (256 * 1024) /* per session; over either bound all of it goes out */

struct session;

struct held_stanza {
	struct opid op;
	int64_t stamp_us;
	struct stanza *st; /* owned */
	size_t bytes;
	UT_hash_handle hh;
	size_t key_len;
	char key[]; /* kind and sender */
};

struct held_all {
	struct held_stanza *by_key; /* uthash, in the order in which they came */
	size_t bytes;
	bool is_stale; /* something was given up */
};

bool hold_is_on(const struct session *s);
/* Takes it to be sent later: true. */
bool hold_takes(struct session *s, const struct delivery *d);
/* Sends all of it. */
void hold_release(struct session *s, const struct act *act);
void hold_deinit(struct held_all *h);

/* The edge tells that the client is active or not. */
void hold_set(struct session *s, const struct act *act, bool is_active);
/* What was held for this session is lost, if something was: asks for the presence of its contacts again. */
void hold_renew(struct session *s);
