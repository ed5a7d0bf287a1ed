/* The daemon as a whole. */
#pragma once

#include "edge.h"
#include "service/service.h"
#include "store.h"

struct keyd_settings {
	const char *keys;     /* folder */
	int64_t rate;         /* signatures per second and role */
	int64_t expiry_days;  /* warn so many days before a certificate ends */
	int64_t ticket_hours; /* life of a ticket key */
};

extern const struct setting keyd_settings_table[];

#define KEYD_EDGES 3

struct keyd {
	struct daemon *daemon;
	struct store store;
	struct edge_socket *edges[KEYD_EDGES];
	struct loop_timer *push;       /* after a change: tell the edges, once for many */
	struct loop_timer *retire;     /* after a change: forget replaced keys */
	struct loop_timer *ticket;     /* rotation */
	struct loop_timer *report;     /* counters, expiry */
	uint64_t reports;              /* how many there were */
	uint64_t reported[KEYD_EDGES]; /* refusals that were said */
};

static inline const struct keyd_settings *
keyd_settings(const struct keyd *k)
{
	return k->daemon->settings;
}

/* The store has changed: the edges learn it within 50 ms. */
void keyd_changed(struct keyd *k);
/* Warns when the certificate ends soon or is for another name. */
void keyd_check_chain(const struct keyd *k, const struct chain *c);

/* peer.c: the socket of one role and who is connected to it. */
struct edge_socket *edge_socket_open(
    struct keyd *k, enum role role, enum edge_scope scope, struct err *err);
void edge_socket_start(struct edge_socket *s);
void edge_socket_push(struct edge_socket *s);
struct edge *edge_socket_edge(struct edge_socket *s);
void edge_socket_free(struct edge_socket **s);

/* control.c: lines of jackdawctl; see README.md. */
bool keyd_control(
    struct daemon *d, struct str line, const int *fds, unsigned n_fds, struct buf *out);
