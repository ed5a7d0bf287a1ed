/* s2sd: links with other servers. One struct s2sd for the process, a struct stream for each connection (stream.h), a struct pair for
 * each (local domain, remote domain) that stanzas go out for (pair.h). */
#pragma once

#include "base/list.h"
#include "base/wheel.h"
#include "bus/bus.h"
#include "dial.h"
#include "edge/certs.h"
#include "edge/door.h"
#include "edge/shaper.h"
#include "edge/wire.h"
#include "service/service.h"
#include "settings.h"
#include "tls/verify.h"

struct s2sd;
struct pair;

enum s2sd_run {
	S2SD_RUNNING,
	S2SD_DRAINING, /* what brings stanzas ends in good order; what it has brought is still answered */
	S2SD_CLOSING, /* the others end too, and nothing new begins; the bus is still there */
	S2SD_STOPPED, /* waits for the last socket */
};

struct s2sd {
	struct daemon *daemon;
	struct gates gates;

	struct tls_context *tls;
	struct trust *system; /* its CAs; NULL: they were not wanted at the start */
	struct certs certs;
	struct handshakes handshakes;
	struct wires wires;
	struct dialer *dialer;
	char secret[65]; /* of dialback keys, where the settings have none */

	/* Every stream is in one of these. */
	struct list preauth;    /* incoming, of nobody knows whom: at most preauth_max */
	struct wheel deadlines; /* of those in preauth */
	struct list open;       /* incoming of somebody, and outgoing */
	struct list closing;    /* each for linger_seconds at most */
	size_t n_streams, n_incoming;
	uint64_t last_number;

	struct list attempts; /* outgoing set-ups: one for each pair, at most PROOFS_MAX for each incoming stream */
	struct pair *pairs;   /* by names; those that have something to do, or a stream */
	size_t held_bytes;    /* of the pairs that are held (pace.h): at most queues_bytes */
	struct shaper shaper; /* of streams whose peers send too fast */
	struct list fresh;    /* streams with stanzas written in this turn */
	struct loop_hook *hook;
	struct loop_timer *tick;
	struct door door; /* its strangers are those in preauth */
	enum s2sd_run run;
};

static inline const struct s2sd_settings *
s2sd_settings(const struct s2sd *d)
{
	return d->daemon->settings;
}

static inline struct bus *
s2sd_bus(const struct s2sd *d)
{
	return d->daemon->bus;
}

static inline uint64_t
s2sd_now_ms(const struct s2sd *d)
{
	return loop_now_ms(d->daemon->loop);
}

/* life.c: the daemon from start to stop */
int s2sd_open(struct daemon *d, struct err *err);
int s2sd_threads(struct daemon *d, struct err *err);
int s2sd_start(struct daemon *d, struct err *err);
int s2sd_take_files(struct daemon *d, const struct str *texts, struct err *err);
void s2sd_reloaded(struct daemon *d, const void *old);
bool s2sd_drain(struct daemon *d);
void s2sd_stop(struct daemon *d);
/* A stream is gone: the last one takes the stopped daemon with it. */
void s2sd_stream_gone(struct s2sd *d);
/* A domain or a component of this suite (prepared). */
bool s2sd_is_local(const struct s2sd *d, struct str domain);
/* The secret for the dialback keys of a local domain. */
struct str s2sd_secret(const struct s2sd *d, struct str local);

/* listen.c: who is let in */
int listen_open(struct s2sd *d, struct err *err);
void listen_start(struct s2sd *d);
/* Something has changed that accepting may have waited for. */
void listen_resume(struct s2sd *d);
void listen_stop(struct s2sd *d);

/* ticks.c: deadlines, silence, shaping, stalled sockets */
#define TICK_MS 100
void s2sd_tick(void *s2sd);

/* links.c: the bus */
extern const struct bus_events s2sd_events;
extern const struct bus_handler s2sd_handlers[];
/* Whether the window towards sessiond has room. Of a struct s2sd. */
bool links_have_credit(const void *s2sd);

/* operator.c: lines over the control socket */
bool s2sd_control(
    struct daemon *d, struct str line, const int *fds, unsigned n_fds, struct buf *out);
