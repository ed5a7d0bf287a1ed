/* c2sd without its sandbox: real clients on socket pairs, in clear (a listener where TLS is optional), the real bus without a router.
 * A test plays the clients, authd and sessiond:
 *
 *	struct talker p;
 *	rig_connect(&p);
 *	says(&p, OPENING);
 *	hears(&p, "<stream:features>");
 *	takes(MSG_BIND, &bind);
 *	sends(ROLE_SESSIOND, MSG_BOUND_TO, &bound);
 *
 * One rig at a time; setup and teardown for each test. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bus_rig.h"
#include "talker.h"
#include "client.h"
#include "negotiate.h"
#include "session.h"

#define SESSIOND_INC 5
#define AUTHD_INC 6

struct rig {
	struct daemon daemon;
	struct c2sd_settings settings;
	struct c2sd *c2sd;
	struct gate gate;
	struct bus_rig bus;
	struct bus_config config;
	uint64_t seq[ROLE_COUNT][LEVELS]; /* of frames to c2sd */
	uint8_t authd_public[SEAL_KEY_BYTES], authd_secret[SEAL_KEY_BYTES];
	struct seal authd;
	struct buf opened; /* what unseal has opened last */
	struct id128 sid;  /* of the next session */
};

extern struct rig rig;

int rig_setup(void **state);
int rig_teardown(void **state);

/* A new connection to a listener of this kind; as rig_connect: LISTENER_OPTIONAL. */
void rig_connect_to(struct talker *p, enum listener_tls tls);
void rig_connect(struct talker *p);
void rig_hang_up(struct talker *p);
/* The server's side; NULL when it is gone. */
struct client *rig_client(const struct talker *p);
/* Until nothing more happens by itself. */
void rig_turn(void);

#define OPENING                                                                                 \
	"<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' " \
	"to='h' version='1.0'>"

/* What the client sends; what has come must have this in it, and all up to it is taken. */
void says(struct talker *p, const char *text);
void hears(struct talker *p, const char *part);
void hears_nothing(struct talker *p);
/* Takes all that has come, whatever it is. */
void reads(struct talker *p);
/* The stream is ended with this condition (NULL: none), and the connection closed. */
void is_ended(struct talker *p, const char *condition);

/* The next frame that c2sd sends must be this one; acknowledgements do not count. */
void takes(enum msg_type type, void *msg_r);
void takes_nothing(void);
/* The operation id of that frame. */
struct opid got_op(void);
/* A frame from a peer. */
void sends(enum role role, enum msg_type type, void *msg);
/* A stanza for a session as its number k. */
void delivers(const struct talker *p, uint64_t k, const struct stanza *st, const struct opid *op);
/* sessiond acknowledges all frames of level 1 up to n. */
void acknowledges(uint64_t n);

struct str unseal(struct str sealed);

/* A stream up to a stage, without anything left to take. */
void rig_open(struct talker *p);         /* FEATURES */
void rig_authenticate(struct talker *p); /* HEADER, as alice@h */
void rig_bindable(struct talker *p);     /* BIND */
void rig_session(struct talker *p);      /* SESSION, alice@h/r */
