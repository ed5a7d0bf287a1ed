/* Random walks over the rules of BUS.md §3–§7: a client's edge, a sessiond that passes on, a storaged that commits, and a
 * router made here that delivers one frame at a time, is killed, and loses what it has. Everything but the clients and
 * what storaged has committed is killed too.
 *
 * Checked in every step: what the edge may acknowledge is committed; nothing is committed out of order. At the end of
 * each walk, when nothing dies any more: everything is committed and acknowledged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>

#include "base/mem.h"
#include "bus/bus_private.h"

#define MESSAGES 12
#define WALKS 400
#define STEPS 600

enum who {
	EDGE,
	SESSIOND,
	STORAGED,
	N_WHO,
};

static const enum role role_of[N_WHO] = {ROLE_C2SD, ROLE_SESSIOND, ROLE_STORAGED};

struct node {
	struct bus *bus;
	uint64_t inc;
	struct buf out; /* written, not yet read by the router */
	struct buf in;  /* forwarded by the router, not yet read */
	bool connected;
	bool greeted; /* the router has taken HELLO */
	uint64_t away_until_ms;
};

static struct {
	struct node nodes[N_WHO];
	uint64_t random, now_ms, next_inc;
	/* the client: numbers its messages and sends again what was not acknowledged */
	uint64_t sent, acked;
	bool edge_acked[MESSAGES + 1];
	/* storaged's disk */
	bool committed[MESSAGES + 1];
	uint64_t last_committed;
	struct custody *pending[MESSAGES * 4]; /* received, not yet committed */
	uint64_t pending_n[MESSAGES * 4];
	unsigned n_pending;
	unsigned gone, new, failed;
} w;

static uint64_t
choose(uint64_t n)
{
	w.random ^= w.random << 13;
	w.random ^= w.random >> 7;
	w.random ^= w.random << 17;
	return (w.random >> 11) % n;
}

/* ---- the three daemons ---- */

static struct endpoint
to(enum who who)
{
	return (struct endpoint){.role = role_of[who]};
}

static void
handle_stanza(void *ctx, const struct bus_in *in, const void *msg)
{
	const struct msg_STANZA *s = msg;
	struct msg_STORE store = {.stamp_us = (int64_t)s->n, .st = s->st};
	struct endpoint storaged = to(STORAGED);
	(void)ctx;
	bus_send(in->bus, &storaged, MSG_STORE, &store, &in->op, in->custody, BUS_PATIENT);
}

static void
handle_store(void *ctx, const struct bus_in *in, const void *msg)
{
	const struct msg_STORE *s = msg;
	(void)ctx;
	assert_int_equal(s->stamp_us, in->op.n);
	assert_true(w.n_pending < COUNT(w.pending));
	w.pending[w.n_pending] = custody_hold(in->custody);
	w.pending_n[w.n_pending++] = in->op.n;
}

static void
storaged_commits(void)
{
	if (w.n_pending == 0)
		return;
	uint64_t n = w.pending_n[0];
	struct custody *c = w.pending[0];
	w.n_pending--;
	memmove(w.pending, w.pending + 1, w.n_pending * sizeof(w.pending[0]));
	memmove(w.pending_n, w.pending_n + 1, w.n_pending * sizeof(w.pending_n[0]));
	if (!w.committed[n]) {
		assert_int_equal(n, w.last_committed + 1);
		w.committed[n] = true;
		w.last_committed = n;
	}
	custody_release(c);
}

static void
edge_done(void *arg)
{
	uint64_t n = (uintptr_t)arg;
	assert_true(w.committed[n]);
	w.edge_acked[n] = true;
	while (w.acked < w.sent && w.edge_acked[w.acked + 1])
		w.acked++;
}

static void
edge_sends(uint64_t n)
{
	struct node *e = &w.nodes[EDGE];
	struct msg_STANZA s = {.n = n, .st = {.payload = S("<body/>")}};
	struct opid op = {.n = n};
	struct endpoint sessiond = to(SESSIOND);
	op.origin.b[0] = 1;
	struct custody *c = custody_new(e->bus, NULL, edge_done, (void *)(uintptr_t)n);
	bus_send(e->bus, &sessiond, MSG_STANZA, &s, &op, c, BUS_PATIENT);
	custody_release(c);
}

static void
on_peer_gone(void *ctx, const struct endpoint *peer)
{
	(void)ctx;
	assert_true(peer->incarnation != 0);
	w.gone++;
}

static void
on_peer_new(void *ctx, const struct endpoint *peer)
{
	(void)ctx;
	assert_true(peer->incarnation != 0);
	w.new ++;
}

static void
on_failed(void *ctx, const struct bus_message *m, const void *msg, const struct opid *op,
    struct custody *cause, bool never_sent)
{
	(void)ctx, (void)m, (void)msg, (void)op, (void)cause, (void)never_sent;
	w.failed++;
}

static const struct bus_handler sessiond_handlers[] = {
    {MSG_STANZA, 1u << ROLE_STORAGED, handle_stanza}, {0, 0, NULL}};
static const struct bus_handler storaged_handlers[] = {{MSG_STORE, 0, handle_store}, {0, 0, NULL}};
static const struct bus_events events = {
    .peer_gone = on_peer_gone, .peer_new = on_peer_new, .failed = on_failed};

static struct bus_config configs[N_WHO] = {
    [EDGE] = {.role = ROLE_C2SD, .events = &events},
    [SESSIOND] = {.role = ROLE_SESSIOND, .handlers = sessiond_handlers, .events = &events},
    [STORAGED] = {.role = ROLE_STORAGED, .handlers = storaged_handlers, .events = &events},
};

/* ---- the router ---- */

static void
router_sends(enum who who, enum msg_type type, const void *msg)
{
	struct node *n = &w.nodes[who];
	struct frame f = {.dst = frame_endpoint(role_of[who], 0), .dst_inc = n->inc};
	frame_add_message(&n->in, &f, bus_message(type), msg);
}

static bool
may_talk(enum who a, enum who b)
{
	return (a == SESSIOND) != (b == SESSIOND);
}

static struct rec_endpoint_is
is(enum who who)
{
	return (struct rec_endpoint_is){
	    .role = (uint8_t)role_of[who], .incarnation = w.nodes[who].inc};
}

static void
router_tells(enum who about, enum msg_type type)
{
	struct msg_PEER_UP msg = {.peer = is(about)};
	for (unsigned i = 0; i < N_WHO; i++)
		if (w.nodes[i].greeted && may_talk((enum who)i, about))
			router_sends((enum who)i, type, &msg);
}

static void
router_greets(enum who who)
{
	struct rec_endpoint_is peers[N_WHO];
	struct msg_WELCOME msg = {.incarnation = 1};
	uint32_t n = 0;
	for (unsigned i = 0; i < N_WHO; i++)
		if (w.nodes[i].greeted && may_talk((enum who)i, who))
			peers[n++] = is((enum who)i);
	msg.peers = (struct bus_list){.items = n ? peers : NULL, .count = n};
	router_sends(who, MSG_WELCOME, &msg);
	router_tells(who, MSG_PEER_UP);
	w.nodes[who].greeted = true;
}

static bool
keep_frame(void *ctx, const struct frame *f)
{
	*(struct frame *)ctx = *f;
	return true;
}

/* Takes the first frame; it lies in *copy. */
static bool
cut_one(struct buf *b, struct frame *f_r, struct buf *copy)
{
	uint32_t length;
	if (buf_len(b) < sizeof(length))
		return false;
	memcpy(&length, buf_str(b).p, sizeof(length));
	buf_add(copy, buf_str(b).p, length);
	buf_consume(b, length);
	struct frame_cutter c = {{0}};
	const char *error;
	bool ok = frame_cut(&c, buf_str(copy), keep_frame, f_r, &error);
	frame_cutter_deinit(&c);
	return ok;
}

/* The router reads one frame of this node. */
static void
router_reads(enum who who)
{
	struct buf copy = {0};
	struct frame f;
	if (w.nodes[who].connected && cut_one(&w.nodes[who].out, &f, &copy)) {
		assert_null(frame_check(&f));
		if (f.type == MSG_HELLO) {
			router_greets(who);
		} else if (frame_role(f.dst) != ROLE_ROUTER) {
			for (unsigned i = 0; i < N_WHO; i++)
				if (w.nodes[i].greeted && f.dst == frame_endpoint(role_of[i], 0) &&
				    f.dst_inc == w.nodes[i].inc)
					buf_add_str(&w.nodes[i].in, f.bytes);
		}
	}
	buf_deinit(&copy);
}

static void
node_reads(enum who who)
{
	struct node *n = &w.nodes[who];
	struct buf copy = {0};
	struct frame f;
	if (n->connected && cut_one(&n->in, &f, &copy))
		assert_true(bus_core_frame(n->bus, &f));
	buf_deinit(&copy);
	bus_core_turn(n->bus);
}

/* ---- what happens ---- */

static struct buf *
node_out(void *ctx)
{
	return &((struct node *)ctx)->out;
}

static void
node_connects(enum who who)
{
	struct node *n = &w.nodes[who];
	if (n->connected || w.now_ms < n->away_until_ms)
		return;
	n->connected = true;
	buf_clear(&n->in);
	buf_clear(&n->out);
	bus_core_connected(n->bus, node_out, n);
}

static void
node_disconnects(struct node *n)
{
	if (n->connected)
		bus_core_disconnected(n->bus);
	n->connected = n->greeted = false;
}

/* What a node has already been sent it may still read before it sees the end: any prefix. */
static void
router_dies(void)
{
	for (unsigned i = 0; i < N_WHO; i++) {
		for (uint64_t more = choose(6); more > 0; more--)
			node_reads((enum who)i);
		node_disconnects(&w.nodes[i]);
	}
}

/* One link alone is lost. What the node wrote the router may still read after it has told the others, and they may
 * take it for long enough away to be dead. */
static void
link_breaks(enum who who)
{
	struct node *n = &w.nodes[who];
	if (!n->connected)
		return;
	for (uint64_t more = choose(6); more > 0; more--)
		router_reads(who);
	if (n->greeted) {
		n->greeted = false;
		router_tells(who, MSG_PEER_DOWN);
	}
	for (uint64_t more = choose(6); more > 0; more--)
		node_reads(who);
	node_disconnects(n);
	n->away_until_ms = w.now_ms + (choose(2) ? choose(6000) : 0);
}

static void
node_starts(enum who who)
{
	struct node *n = &w.nodes[who];
	n->inc = ++w.next_inc;
	n->bus = bus_core_new(&configs[who], n->inc);
	n->bus->now_ms = w.now_ms;
	if (who != EDGE)
		return;
	/* the client comes back and sends again what was not acknowledged */
	for (uint64_t i = w.acked + 1; i <= w.sent; i++) {
		w.edge_acked[i] = false;
		edge_sends(i);
	}
}

static void
node_dies(enum who who)
{
	struct node *n = &w.nodes[who];
	/* the router still reads some of what was written */
	for (uint64_t more = choose(6); more > 0; more--)
		router_reads(who);
	if (n->greeted) {
		n->greeted = false;
		router_tells(who, MSG_PEER_DOWN);
	}
	n->connected = false;
	if (who == STORAGED)
		w.n_pending = 0;
	bus_core_free(&n->bus);
	node_starts(who);
}

static void
time_passes(uint64_t ms)
{
	w.now_ms += ms;
	for (unsigned i = 0; i < N_WHO; i++) {
		w.nodes[i].bus->now_ms = w.now_ms;
		bus_core_tick(w.nodes[i].bus);
		bus_core_turn(w.nodes[i].bus);
	}
}

static void
step(bool quiet)
{
	enum who who = (enum who)choose(N_WHO);
	switch (choose(quiet ? 8 : 9)) {
	case 0:
	case 1:
		router_reads(who);
		return;
	case 2:
	case 3:
		node_reads(who);
		return;
	case 4:
		if (w.sent < MESSAGES)
			edge_sends(++w.sent);
		return;
	case 5:
		node_connects(who);
		return;
	case 6:
		storaged_commits();
		return;
	case 7:
		time_passes(choose(400));
		return;
	default:
		if (choose(6) > 0)
			return;
		switch (choose(4)) {
		case 0:
			router_dies();
			return;
		case 1:
			link_breaks(who);
			return;
		default:
			node_dies(who);
			return;
		}
	}
}

static void
walk(uint64_t seed, uint32_t window)
{
	memset(&w, 0, sizeof(w));
	w.random = seed * 0x9E3779B97F4A7C15u + 1;
	for (unsigned i = 0; i < N_WHO; i++) {
		configs[i].window_bytes = window;
		node_starts((enum who)i);
	}
	for (int i = 0; i < STEPS; i++)
		step(false);
	for (int i = 0; i < 20000 && w.acked < MESSAGES; i++)
		step(true);
	if (w.acked != MESSAGES)
		fail_msg("walk %u: stuck at %u of %u sent", (unsigned)seed, (unsigned)w.acked,
		    (unsigned)w.sent);
	assert_int_equal(w.last_committed, MESSAGES);
	assert_int_equal(w.failed, 0);
	/* let the last acknowledgements arrive: then nobody keeps anything */
	for (int i = 0; i < 3000; i++)
		step(true);
	for (unsigned i = 0; i < N_WHO; i++) {
		assert_int_equal(bus_stats(w.nodes[i].bus).kept_frames, 0);
		assert_int_equal(bus_stats(w.nodes[i].bus).waiting_frames, 0);
		bus_core_free(&w.nodes[i].bus);
		buf_deinit(&w.nodes[i].in);
		buf_deinit(&w.nodes[i].out);
	}
}

static void
test_walks_with_wide_windows(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= WALKS; seed++)
		walk(seed, 0);
}

/* A window of one frame: everything is blocked most of the time. */
static void
test_walks_with_narrow_windows(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= WALKS; seed++)
		walk(seed, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_walks_with_wide_windows),
	    cmocka_unit_test(test_walks_with_narrow_windows),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
