/* componentd: external components (XEP-0114). One struct componentd for the process, a struct component for each name
 * (component.h), a struct stream for each connection (stream.h). */
#pragma once

#include "base/list.h"
#include "bus/bus.h"
#include "edge/certs.h"
#include "edge/door.h"
#include "edge/handshake.h"
#include "edge/wire.h"
#include "loop/conn.h"
#include "service/service.h"
#include "ledger.h"
#include "settings.h"
#include "xml/reader.h"

#define NS_COMPONENT "jabber:component:accept"

struct component;
struct componentd;

enum componentd_run {
	COMPONENTD_RUNNING,
	COMPONENTD_DRAINING, /* components are told that it stops, and may still say what they have under way */
	COMPONENTD_STOPPED, /* waits for the last socket */
};

struct componentd {
	struct daemon *daemon;
	struct gates gates;

	struct tls_context *tls;
	struct certs certs; /* only where a listener is for TLS */
	struct handshakes handshakes;
	struct wires wires;
	struct xml_pool *readers;

	struct component *components; /* uthash by name: those of jackdaw.conf */
	struct ledger ledger;
	struct list strangers; /* streams that have not proved who they are: at most strangers_max */
	struct list closing;   /* streams; each for linger_seconds at most */
	struct list fresh;     /* streams with stanzas that were written in this turn */
	size_t n_streams;      /* all of them: at most connections_max */
	size_t kept_bytes; /* of all stanzas that are not written yet: settings queues_bytes, then resource-constraint */
	uint64_t last_number;
	uint64_t started_ms;
	struct loop_hook *hook;
	struct loop_timer *tick;
	struct door door;
	enum componentd_run run;
	/* DRAINING: until when at the most; how many frames nobody had taken when we looked last, and since when they are so many. */
	uint64_t drain_until_ms, drain_since_ms;
	size_t drain_kept;
};

static inline const struct componentd_settings *
componentd_settings(const struct componentd *c)
{
	return c->daemon->settings;
}

static inline struct bus *
componentd_bus(const struct componentd *c)
{
	return c->daemon->bus;
}

static inline uint64_t
componentd_now_ms(const struct componentd *c)
{
	return loop_now_ms(c->daemon->loop);
}

/* life.c: the daemon from start to stop */
struct componentd *componentd_new(struct daemon *d);
int componentd_open(struct daemon *d, struct err *err);
int componentd_threads(struct daemon *d, struct err *err);
int componentd_start(struct daemon *d, struct err *err);
void componentd_reloaded(struct daemon *d, const void *old);
bool componentd_drain(struct daemon *d);
void componentd_stop(struct daemon *d);
/* A stream is gone: the last one takes the stopped daemon with it. */
void componentd_stream_gone(struct componentd *c);
/* What was queued in this turn leaves. */
void componentd_turn(void *componentd);
#define TICK_MS 250
void componentd_tick(void *componentd);

/* listen.c: who is let in */
int listen_open(struct componentd *c, struct err *err);
void listen_start(struct componentd *c);
/* Something has changed that accepting may have waited for. */
void listen_resume(struct componentd *c);
void listen_stop(struct componentd *c);
bool listen_has_tls(const struct componentd *c);

/* links.c: the rest of the suite */
extern const struct bus_events componentd_events;
extern const struct bus_handler componentd_handlers[];
/* A component has connected: sessiond may have something to say to it. */
void links_tell_up(struct componentd *c, struct str name, const struct id128 *stream);
/* What a component says to another one while both streams end: with sessiond it waits for the next componentd. */
void links_leave(struct componentd *c, const struct stanza *st, const struct opid *op);
/* Whether components may send: the windows towards whom they write to have room. Of a struct componentd. */
bool links_have_credit(const void *componentd);

/* control.c: what jackdawctl asks */
bool componentd_control(
    struct daemon *d, struct str line, const int *fds, unsigned n_fds, struct buf *out);
