/* c2sd: client streams. One struct c2sd for the process; a struct client for each connection (client.h). */
#pragma once

#include "base/map.h"
#include "base/source.h"
#include "bus/bus.h"
#include "bus/seal.h"
#include "loop/conn.h"
#include "service/service.h"
#include "tls/chains.h"
#include "tls/pool.h"
#include "tls/tls.h"
#include "xml/reader.h"

enum listener_tls {
	LISTENER_REQUIRED, /* STARTTLS, and nothing before it */
	LISTENER_OPTIONAL, /* STARTTLS offered; SCRAM may be used without */
	LISTENER_DIRECT,   /* TLS from the first byte (XEP-0368) */
};

struct listener_settings {
	const char *title;
	const char *address;
	int64_t port;
	int tls; /* enum listener_tls */
};

struct c2sd_settings {
	struct setting_sections listeners;
	struct setting_strings mechanisms, exempt;
	int64_t preauth_bytes, preauth_elements, preauth_depth, preauth_attributes,
	    preauth_dict_bytes;
	int64_t stanza_bytes, stanza_elements, stanza_depth, stanza_attributes, dict_bytes;
	int64_t tls_seconds, preauth_seconds, dead_seconds, linger_seconds;
	int64_t preauth_max, connections_max, source_connections, source_per_minute;
	int64_t auth_failures, rate_bytes, burst_bytes;
};

#define LISTENERS_MAX 64
#define EXEMPT_MAX 64

struct c2sd;
struct client;
struct source_table;

/* A socket that takes clients. */
struct gate {
	struct c2sd *c2sd;
	struct listener_settings settings; /* title is the name under which the socket was passed */
	struct listener *listener;
	int fd;
};

struct c2sd {
	struct daemon *daemon;
	struct gate gates[LISTENERS_MAX];
	unsigned n_gates;

	struct tls_context *tls;
	struct chains *chains;
	struct loop_watch *chains_watch;
	struct loop_timer *chains_retry;
	struct tls_pool *pool;
	struct loop_wake *pool_wake;

	uint8_t authd_public[SEAL_KEY_BYTES];
	struct seal seal; /* with the authd of now */
	uint64_t authd_incarnation;

	struct client *clients; /* map by number */
	uint64_t last_number;
	size_t n_clients, n_preauth;
	struct list dirty;  /* clients with something to write or to report: done once per turn */
	struct list paused; /* clients whose reading waits for credit */
	struct loop_hook *hook;
	struct loop_timer *tick; /* deadlines, once a second */
	struct source_table *sources;
	struct network exempt[EXEMPT_MAX];
	size_t n_exempt;
};

static inline const struct c2sd_settings *
c2sd_settings(const struct c2sd *c)
{
	return c->daemon->settings;
}

/* settings.c */
extern const struct setting c2sd_settings_table[];
int c2sd_check(const struct daemon *d, const void *settings, struct err *err);
/* The listeners in force: those of the settings, or the two usual ones. Returns their number. */
unsigned c2sd_listeners(const struct daemon *d, struct listener_settings out[LISTENERS_MAX]);
void c2sd_print_listeners(const struct daemon *d,
    void (*add)(void *ctx, const char *name, const char *address, uint16_t port), void *ctx);

/* life.c: the daemon from start to stop */
int c2sd_open(struct daemon *d, struct err *err);
int c2sd_threads(struct daemon *d, struct err *err);
int c2sd_start(struct daemon *d, struct err *err);
void c2sd_reloaded(struct daemon *d, const void *old);
void c2sd_stop(struct daemon *d);

/* links.c: router, authd, sessiond */
extern const struct bus_events c2sd_events;
extern const struct bus_handler c2sd_handlers[];
/* Whether a client that comes now could be served. */
bool c2sd_may_serve(const struct c2sd *c);
bool c2sd_authd(const struct c2sd *c, struct endpoint *authd_r);
struct endpoint c2sd_sessiond_of(const struct c2sd *c, struct str bare);
