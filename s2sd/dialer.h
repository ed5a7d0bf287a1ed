/* What the files of dialing share. */
#pragma once

#include "base/list.h"
#include "dial.h"
#include "discover.h"
#include "dns/dns.h"
#include "failures.h"
#include "host.h"
#include "routes.h"

#define ATTEMPTS_MAX 4 /* connections of a dial that are being made at the same time */

struct dialer {
	struct dialer_settings settings; /* its strings are not kept */
	struct dial_listener *listeners; /* owned, with their addresses */
	struct loop *loop;
	struct dns *dns;
	struct loop_watch *watch;
	struct route_table *routes;
	struct failure_table *failures;
	enum dns_trust told; /* what the log says of the resolver */
	size_t n_dials;
};

/* Whether that connected socket leads to one of our own listeners. */
bool dialer_is_ourselves(const struct dialer *d, int fd);

/* A connection that is being made. */
struct connect_attempt {
	struct dial *dial;
	const struct host *host;
	struct host_address to;
	int fd; /* -1: none */
	struct loop_watch *watch;
	uint64_t started_ms;
};

enum dial_state {
	DIAL_STARTING,    /* nothing was done yet */
	DIAL_DISCOVERING, /* SRV */
	DIAL_CONNECTING,  /* hosts of one priority are looked up and tried */
	DIAL_OPEN,        /* the owner has a socket */
	DIAL_OVER,        /* failed */
};

struct dial {
	struct dialer *dialer;
	char *domain;
	const struct dial_events *events;
	void *ctx;
	enum dial_state state;
	struct loop_timer *tick;
	uint64_t deadline_ms;
	struct discover discover;
	struct srv hosts[DISCOVER_MAX];
	size_t n_hosts;
	/* Those of one priority: group[0] is hosts[group_at]. */
	struct host *group;
	size_t group_at, n_group;
	struct connect_attempt attempts[ATTEMPTS_MAX];
	size_t n_attempts;
	uint64_t last_start_ms;
	struct dial_target target; /* of the last open */
	enum dial_error error;     /* of what failed last */
	char step[256];
};

/* In connect.c. */
/* Does what can be done now with the group. */
enum connect_result {
	CONNECT_WAIT,
	CONNECT_DONE,      /* target and *fd_r are filled */
	CONNECT_EXHAUSTED, /* nothing is left in this group */
};
enum connect_result connect_step(struct dial *d, int *fd_r);
/* All attempts end. */
void connect_stop(struct dial *d);
/* What has taken too long. */
void connect_expire(struct dial *d);
/* Called by attempts and hosts when something happened (dial.c). */
void dial_step(void *ctx);
/* Remembers why something did not work; a worse reason than the one of before is left out. */
void dial_note(struct dial *d, enum dial_error error, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
