/* Random walks over the rules of BUS.md §3–§7: a client's edge, a sessiond that passes on, a storaged that commits, and a
 * router made here that delivers one frame at a time, is killed, and loses what it has. Everything but the clients and
 * what storaged has committed is killed too.
 *
 * In some walks one message is poison: sessiond dies of it, until the bus sets it aside (BUS.md §11). Another frame may be set
 * aside with it only where the last words of a daemon that was killed are lost, which say that its handler had returned.
 *
 * Checked in every step: what the edge may acknowledge is committed; nothing is committed out of order. At the end of
 * each walk, when nothing dies any more: everything is committed and acknowledged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "bus_sim.h"

#define MESSAGES 12
#define REQUESTS 6
#define WALKS 400
#define STEPS 600
#define POISON 5 /* the sessiond that handles this message dies */

static struct {
	uint64_t random;
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
	/* requests of the edge, which its death forgets */
	unsigned asked, answers, forgotten;
	uint64_t answered; /* bits */
	unsigned unanswered;
	bool presumed; /* one who lived was presumed dead: an answer to it may be lost */
	bool stopping; /* a bus is being freed: its requests fail */
	bool has_poison, set_aside[MESSAGES + 1];
	bool is_strict; /* what was written before a death is read */
	unsigned innocents;
	bool dying;        /* sessiond, of the frame that it handles */
	size_t last_words; /* what it had written before */
	unsigned deaths_of_poison;
} w;

static unsigned all_innocents; /* set aside in all walks */

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
	return (struct endpoint){.role = sim_role[who]};
}

static void
handle_stanza(void *ctx, const struct bus_in *in, const void *msg)
{
	const struct msg_STANZA *s = msg;
	struct msg_STORE store = {.stamp_us = (int64_t)s->n, .st = s->st};
	struct endpoint storaged = to(STORAGED);
	(void)ctx;
	if (s->refuse || w.dying)
		return;
	if (w.has_poison && s->n == POISON) {
		w.dying = true;
		w.last_words = buf_len(&sim.nodes[SESSIOND].out);
		custody_hold(in->custody);
		return;
	}
	bus_send(in->bus, &storaged, MSG_STORE, &store, &in->op, in->custody, BUS_PATIENT);
}

/* A BIND of the edge: sessiond asks storaged before it answers. */
struct bind {
	struct endpoint from;
	uint64_t req, conn;
	struct custody *custody;
	struct bus *bus;
};

static void
on_roster(void *arg, const struct bus_in *in, const void *msg)
{
	struct bind *b = arg;
	struct msg_BOUND_TO answer = {.conn = b->conn};
	(void)msg;
	assert_true(in || w.stopping || w.presumed || !w.is_strict);
	if (in) {
		bus_answer(b->bus, &b->from, b->req, MSG_BOUND_TO, &answer, NULL, b->custody);
	}
	/* unanswered: the edge asks no more, and is told by the acknowledgement */
	if (!w.stopping)
		custody_release(b->custody);
	free(b);
}

static void
handle_bind(void *ctx, const struct bus_in *in, const void *msg)
{
	const struct msg_BIND *m = msg;
	struct bind *b = NEW(struct bind);
	struct msg_ROSTER_GET get = {.owner = S("juliet@example.org")};
	struct endpoint storaged = to(STORAGED);
	(void)ctx;
	if (w.dying) {
		free(b);
		return;
	}
	*b = (struct bind){in->from, m->req, m->conn, custody_hold(in->custody), in->bus};
	bus_request(in->bus, &storaged, MSG_ROSTER_GET, &get, NULL, in->custody, 0, on_roster, b);
}

static void
handle_roster_get(void *ctx, const struct bus_in *in, const void *msg)
{
	struct msg_ROSTER r = {.version = 1};
	(void)ctx;
	bus_answer(in->bus, &in->from, ((const struct msg_ROSTER_GET *)msg)->req, MSG_ROSTER, &r,
	    NULL, in->custody);
}

static void
on_bound(void *arg, const struct bus_in *in, const void *msg)
{
	uint64_t bit = 1u << (uintptr_t)arg;
	if (w.stopping) {
		w.forgotten++;
		return;
	}
	if (!in) {
		assert_true(w.presumed || !w.is_strict);
		w.unanswered++;
		return;
	}
	assert_int_equal(in->message->type, MSG_BOUND_TO);
	assert_int_equal(((const struct msg_BOUND_TO *)msg)->conn, (uintptr_t)arg);
	assert_false(w.answered & bit);
	w.answered |= bit;
	w.answers++;
}

static void
edge_asks(void)
{
	struct msg_BIND b = {.conn = w.asked, .jid = S("juliet@example.org")};
	struct endpoint sessiond = to(SESSIOND);
	bus_request(sim.nodes[EDGE].bus, &sessiond, MSG_BIND, &b, NULL, NULL, 0, on_bound,
	    (void *)(uintptr_t)w.asked++);
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
		for (uint64_t i = w.last_committed + 1; i < n; i++)
			assert_true(w.set_aside[i]);
		w.committed[n] = true;
		w.last_committed = n;
	}
	custody_release(c);
}

static void
edge_done(void *arg)
{
	uint64_t n = (uintptr_t)arg;
	assert_true(w.committed[n] || w.set_aside[n]);
	w.edge_acked[n] = true;
	while (w.acked < w.sent && w.edge_acked[w.acked + 1])
		w.acked++;
}

static void
edge_sends(uint64_t n)
{
	struct node *e = &sim.nodes[EDGE];
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
	for (unsigned i = 0; i < N_WHO; i++)
		if (peer->role == sim_role[i] && peer->incarnation == sim.nodes[i].inc)
			w.presumed = true;
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
    struct custody *cause, enum bus_failure why)
{
	const struct msg_STANZA *s = msg;
	struct msg_STANZA again = {.n = op->n, .refuse = 1};
	struct endpoint sessiond = to(SESSIOND);
	(void)ctx;
	if (why != BUS_POISON) {
		w.failed++;
		return;
	}
	bool guilty = w.has_poison && m->type == MSG_STANZA && s->n == POISON;
	assert_true(guilty || !w.is_strict);
	assert_true(!guilty || w.deaths_of_poison > 0);
	w.innocents += !guilty;
	w.set_aside[op->n] = true;
	if (m->type == MSG_STANZA)
		bus_send(sim.nodes[EDGE].bus, &sessiond, MSG_STANZA, &again, op, cause, BUS_PATIENT);
}

static const struct bus_handler sessiond_handlers[] = {
    {MSG_STANZA, 1u << ROLE_STORAGED, handle_stanza},
    {MSG_BIND, 1u << ROLE_STORAGED | 1u << ROLE_C2SD, handle_bind},
    {0, 0, NULL},
};
static const struct bus_handler storaged_handlers[] = {
    {MSG_STORE, 0, handle_store},
    {MSG_ROSTER_GET, 1u << ROLE_SESSIOND, handle_roster_get},
    {0, 0, NULL},
};
static const struct bus_events events = {
    .peer_gone = on_peer_gone, .peer_new = on_peer_new, .failed = on_failed};

static struct bus_config configs[N_WHO] = {
    [EDGE] = {.role = ROLE_C2SD, .events = &events},
    [SESSIOND] = {.role = ROLE_SESSIOND, .handlers = sessiond_handlers, .events = &events},
    [STORAGED] = {.role = ROLE_STORAGED, .handlers = storaged_handlers, .events = &events},
};

/* ---- what happens ---- */

/* What a node has already been sent it may still read before it sees the end: any prefix. */
static void
router_dies(void)
{
	for (unsigned i = 0; i < N_WHO; i++) {
		for (uint64_t more = choose(6); more > 0; more--)
			sim_node_reads((enum who)i);
		sim_disconnect(&sim.nodes[i]);
	}
}

/* One link alone is lost. What the node wrote the router may still read after it has told the others, and they may
 * take it for long enough away to be dead. */
static void
link_breaks(enum who who)
{
	struct node *n = &sim.nodes[who];
	if (!n->connected)
		return;
	for (uint64_t more = choose(6); more > 0; more--)
		sim_router_reads(who);
	if (n->greeted) {
		n->greeted = false;
		sim_router_tells(who, MSG_PEER_DOWN);
	}
	for (uint64_t more = choose(6); more > 0; more--)
		sim_node_reads(who);
	sim_disconnect(n);
	n->away_until_ms = sim.now_ms + (choose(2) ? choose(6000) : 0);
}

static void
node_starts(enum who who)
{
	struct node *n = &sim.nodes[who];
	n->inc = ++sim.next_inc;
	n->bus = bus_core_new(&configs[who], n->inc);
	n->bus->now_ms = sim.now_ms;
	if (who != EDGE)
		return;
	/* the client comes back and sends again what was not acknowledged */
	for (uint64_t i = w.acked + 1; i <= w.sent; i++) {
		w.edge_acked[i] = false;
		edge_sends(i);
	}
}

static void
node_stops(struct node *n)
{
	w.stopping = true;
	bus_core_free(&n->bus);
	w.stopping = false;
}

static void
node_dies(enum who who)
{
	struct node *n = &sim.nodes[who];
	/* the router still reads some of what was written */
	for (uint64_t more = w.is_strict ? UINT64_MAX : choose(6); more > 0 && buf_len(&n->out);
	     more--)
		sim_router_reads(who);
	if (n->greeted) {
		n->greeted = false;
		sim_router_tells(who, MSG_PEER_DOWN);
	}
	n->connected = false;
	if (who == STORAGED)
		w.n_pending = 0;
	node_stops(n);
	node_starts(who);
}

static void
time_passes(uint64_t ms)
{
	sim.now_ms += ms;
	for (unsigned i = 0; i < N_WHO; i++) {
		sim.nodes[i].bus->now_ms = sim.now_ms;
		bus_core_tick(sim.nodes[i].bus);
		bus_core_turn(sim.nodes[i].bus);
	}
}

/* What it wrote after it had begun to handle the poison, it has not written. */
static void
sessiond_may_die(void)
{
	if (!w.dying)
		return;
	struct buf *out = &sim.nodes[SESSIOND].out;
	if (buf_len(out) > w.last_words)
		out->end = out->start + w.last_words;
	w.deaths_of_poison++;
	node_dies(SESSIOND);
	w.dying = false;
}

static void
step(bool quiet)
{
	sessiond_may_die();
	enum who who = (enum who)choose(N_WHO);
	switch (choose(quiet ? 8 : 9)) {
	case 0:
	case 1:
		sim_router_reads(who);
		return;
	case 2:
	case 3:
		sim_node_reads(who);
		return;
	case 4:
		if (w.asked < REQUESTS && choose(3) == 0)
			edge_asks();
		else if (w.sent < MESSAGES)
			edge_sends(++w.sent);
		return;
	case 5:
		sim_connect(who);
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
		switch (w.is_strict ? 3 : choose(4)) {
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
walk(uint64_t seed, uint32_t window, bool has_poison)
{
	memset(&w, 0, sizeof(w));
	memset(&sim, 0, sizeof(sim));
	w.has_poison = has_poison;
	w.is_strict = seed % 4 == 0;
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
	for (uint64_t n = 1; n <= MESSAGES; n++)
		assert_true(w.committed[n] || w.set_aside[n]);
	all_innocents += w.innocents;
	assert_int_equal(w.failed, 0);
	/* let the last acknowledgements arrive: then nobody keeps anything */
	for (int i = 0; i < 10000; i++)
		step(true);
	assert_int_equal(w.answers + w.forgotten + w.unanswered, w.asked);
	for (unsigned i = 0; i < N_WHO; i++) {
		assert_int_equal(bus_stats(sim.nodes[i].bus).kept_frames, 0);
		assert_int_equal(bus_stats(sim.nodes[i].bus).waiting_frames, 0);
		assert_int_equal(bus_stats(sim.nodes[i].bus).pending_requests, 0);
		node_stops(&sim.nodes[i]);
		buf_deinit(&sim.nodes[i].in);
		buf_deinit(&sim.nodes[i].out);
	}
}

static void
test_walks_with_wide_windows(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= WALKS; seed++)
		walk(seed, 0, false);
}

static void /* one frame: everything is blocked most of the time */
test_walks_with_narrow_windows(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= WALKS; seed++)
		walk(seed, 1, false);
}

static void
test_11_walks_with_poison(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= WALKS; seed++)
		walk(seed, seed % 3 ? 0 : 1, true);
	assert_true(all_innocents <= WALKS / 100);
}

int
main(void)
{
	log_set_level((enum log_level)(LOG_ERROR + 1)); /* dead letters */
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_walks_with_wide_windows),
	    cmocka_unit_test(test_walks_with_narrow_windows),
	    cmocka_unit_test(test_11_walks_with_poison),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
