/* What all parts of the load generator share: its options, the sessions, the counts of a run, and the modes. */
#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H

#include "client.h"
#include "hist.h"

struct options {
	const char *host, *domain, *mechanism, *password, *mode, *priority, *feature;
	/* Of a second server, which has every second session; NULL: there is none. */
	const char *far_domain;
	unsigned port, far_port, sessions, first, window, bytes, logins, sources, messages,
	    contacts, component_port;
	unsigned segment, receive; /* of the sockets: TCP_MAXSEG, SO_RCVBUF; 0: the system's */
	double rate;
	bool tls, sm;
	bool resume; /* sessions are to outlive their connections */
};

struct mode {
	const char *name;
	/* How many of the sessions log in at once at the start; NULL: all. */
	unsigned (*wanted)(const struct load *l);
	void (*ready)(struct client *c);  /* has logged in */
	void (*closed)(struct client *c); /* NULL: that is an error */
	bool is_hostile; /* it may well be ended, by any means: `closed` is told, and it is no error */
	void (*opened)(
	    struct client *c); /* the header of a stream that the mode has begun; NULL: none does */
	void (*stanza)(struct client *c, struct slice stanza); /* NULL: none matters */
	/* Stream management; NULL: none matters. The server has c->sm_acked of ours; a connection has (not) been resumed. */
	void (*acked)(struct client *c);
	void (*resumed)(struct client *c, bool is_resumed);
	void (*bounced)(struct client *c, struct slice stanza); /* NULL: an error */
	void (*begin)(struct load *l);                          /* a run begins */
	void (*turn)(struct load *l);       /* at each turn of the loop, while it runs */
	bool (*idle)(const struct load *l); /* nothing is outstanding */
	void (*end)(struct load *l);        /* after it, the books are made up */
	void (*next)(struct load *l);       /* "next": go on to the second kind of run */
	bool finite;                        /* a run ends when it is idle, not after a time */
};

struct load {
	struct options o;
	const struct mode *mode;
	struct client *clients;
	struct client *component; /* of the mode component */
	int epoll, timer;
	struct client **dirty; /* with room for twice as many as there are */
	unsigned dirty_count;

	unsigned wanted, started, ready, logging_in, prepared;

	/* the run */
	bool running;
	unsigned phase; /* of modes with two kinds of runs */
	uint64_t began_ns, until_ns;
	uint64_t things, errors, lost, duplicates, disordered;
	uint64_t scheduled; /* open loop: messages begun */
	struct hist hist;
};

extern const struct mode mode_chat, mode_open, mode_ping, mode_login, mode_idle, mode_presence,
    mode_offline, mode_archive, mode_fill, mode_feature, mode_component, mode_newcomer, mode_cold,
    mode_deaf;

/* Something is not as it must be; the run has failed. The first few are shown. */
void load_error(struct load *l, const struct client *c, const char *what, struct slice shown);
/* The server cannot do what the mode is about: says so instead of "ready", and ends. */
void load_lacks(const char *what) __attribute__((noreturn));
void load_mark_dirty(struct client *c);
/* At the end of a turn: all that is to be written. */
void load_flush(struct load *l);
void load_ready(struct client *c);
void load_closed(struct client *c);
void load_prepared(struct client *c); /* for modes that count c->prepared themselves */
void load_watch(struct client *c, bool wants_out);
void load_watch_again(struct client *c); /* c->deaf has changed */
/* For modes: each session asks as many times as its window has room; nobody waits for an answer any more. */
void load_fill_windows(struct load *l, void (*ask)(struct client *c));
bool load_is_idle(const struct load *l);
/* Book a flow's losses and faults, and begin it anew; those of all sessions. */
void load_settle(struct load *l, struct flow *f);
void load_settle_all(struct load *l);

#endif
