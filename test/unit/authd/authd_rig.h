/* A whole authd in the test's process: its threads, its store, and its bus; at the other ends c2sd,
 * sessiond and ctl as plain endpoints, with a router in between that only passes on. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "authd.h"
#include "bus/seal.h"

enum rig_end {
	RIG_AUTHD,
	RIG_C2SD,
	RIG_SESSIOND,
	RIG_CTL,
	RIG_ENDS,
};

/* What an endpoint has been told, last of each. Strings are copies. */
struct rig_answer {
	bool came;
	enum msg_type type;
	struct msg_AUTH_ANSWER auth;
	struct msg_REDEEMED redeemed;
	struct msg_CAP_KEY cap_key;
	struct msg_FAILED failed;
	char jid[128];       /* of AUTH_ANSWER, REDEEMED; all names of USERS with spaces between */
	char data[4096];     /* AUTH_ANSWER's, opened */
	uint64_t generation; /* of REDEEMED; the only one of GENERATIONS */
	uint32_t count;      /* of USERS, GENERATIONS */
	bool more;
};

#define RIG_NOTICES_MAX 1000

struct rig_notices {
	unsigned changed, removed;
	char jid[128];
	uint64_t generation;
	bool close;
	struct custody *held[RIG_NOTICES_MAX]; /* while rig.hold_notices */
	unsigned n_held;
};

struct rig {
	struct daemon daemon;
	struct authd_settings settings;
	char dir[64];
	struct bus *bus[RIG_ENDS];
	struct seal c2sd_seal, ctl_seal;
	struct rig_notices notices;
	bool hold_notices; /* sessiond does not acknowledge them */
};

extern struct rig rig;

int rig_up(void **state);
int rig_down(void **state);

/* authd dies and comes back with the same files; the others see that. */
void rig_restart_authd(void);
/* c2sd dies and comes back. */
void rig_restart_c2sd(void);

/* Sends a request from an end and waits for the answer (or 5 s). Sealed fields: seal them with
 * rig_seal. */
const struct rig_answer *rig_ask(enum rig_end from, enum msg_type type, void *msg);
/* The same without waiting. */
void rig_post(enum rig_end from, enum msg_type type, const void *msg);
/* Borrowed until the next call. */
struct str rig_seal(enum rig_end from, struct str plain);
/* Lets everybody work until cond is true; false after 5 s. */
bool rig_wait(bool (*cond)(void));
/* sessiond acknowledges from now on, also what it has held. */
void rig_release_notices(void);
/* Lets everybody work for a moment. */
void rig_settle(void);

/* Adds an account by way of ctl. */
const struct rig_answer *rig_add(const char *jid, const char *password);
/* PLAIN on a connection of c2sd. */
const struct rig_answer *rig_plain(uint64_t conn, const char *user, const char *password);
