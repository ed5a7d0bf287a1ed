/* c2sd: client streams. One struct c2sd for the process; a struct client for each connection (client.h). */
#pragma once

#include "base/list.h"
#include "base/wheel.h"
#include "bus/bus.h"
#include "bus/ledger.h"
#include "bus/seal.h"
#include "edge/certs.h"
#include "edge/domains.h"
#include "edge/door.h"
#include "edge/handshake.h"
#include "edge/shaper.h"
#include "edge/wire.h"
#include "loop/conn.h"
#include "offer.h"
#include "reports.h"
#include "service/service.h"
#include "settings.h"
#include "tls/tls.h"

struct c2sd;
struct session;

struct c2sd {
	struct daemon *daemon;
	struct gates gates;

	struct tls_context *tls;
	struct certs certs;
	struct handshakes handshakes;

	uint8_t authd_public[SEAL_KEY_BYTES];
	struct seal seal; /* with the authd of now */
	uint64_t authd_incarnation;

	/* Every client is in one of these. */
	struct list preauth; /* until they have a session: at most preauth_max */
	struct list bound; /* by the time of the next look at them; all three together: at most connections_max */
	struct list closing;    /* each for linger_seconds at most */
	struct list servers;    /* of those in preauth: whom s2sd is to take (handover.c) */
	int handover;           /* the socket for that; -1: no listener is for servers too */
	unsigned last_s2sd;     /* that has taken one; it is the next one's turn */
	struct wheel deadlines; /* of those in preauth */
	size_t n_clients;
	uint64_t last_number;

	struct wires wires;
	struct shaper shaper; /* of clients that send too fast */
	struct list away;     /* clients of whom too much is on the way to other servers */
	struct list eased; /* clients that are read again at the end of the turn, since less is under way */
	struct xml_pool *readers;         /* what the sessions' readers share */
	struct list sm_advanced, sm_open; /* sessions (sm.h) */
	struct loop_hook *hook;
	struct loop_timer *tick;

	struct session *sessions; /* by number (session.c) */
	struct ledger_index ids;  /* of their ledgers */
	struct reports reports;
	struct offer offer;
	struct domains domains;
	struct door door; /* its strangers are those without a session */
	bool is_stopping;
};

static inline const struct c2sd_settings *
c2sd_settings(const struct c2sd *c)
{
	return c->daemon->settings;
}

static inline struct bus *
c2sd_bus(const struct c2sd *c)
{
	return c->daemon->bus;
}

static inline uint64_t
c2sd_now_ms(const struct c2sd *c)
{
	return loop_now_ms(c->daemon->loop);
}

/* life.c: the daemon from start to stop */
struct c2sd *c2sd_new(struct daemon *d);
int c2sd_open(struct daemon *d, struct err *err);
int c2sd_threads(struct daemon *d, struct err *err);
int c2sd_start(struct daemon *d, struct err *err);
int c2sd_take_files(struct daemon *d, const struct str *texts, struct err *err);
void c2sd_reloaded(struct daemon *d, const void *old);
void c2sd_stop(struct daemon *d);
/* A client is gone: the last one takes the stopped daemon with it. */
void c2sd_client_gone(struct c2sd *c);
/* What was queued in this turn leaves, in one record and one write per client. */
void c2sd_turn(void *c2sd);

/* listen.c: who is let in */
int listen_open(struct c2sd *c, struct err *err);
void listen_start(struct c2sd *c);
/* Something has changed that accepting may have waited for. */
void listen_resume(struct c2sd *c);
void listen_stop(struct c2sd *c);

/* ticks.c: deadlines, silence */
#define TICK_MS 250
void c2sd_tick(void *c2sd);
