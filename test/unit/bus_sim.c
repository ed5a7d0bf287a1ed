/* See bus_sim.h. */
#include "bus_sim.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

struct sim sim;
const enum role sim_role[N_WHO] = {ROLE_C2SD, ROLE_SESSIOND, ROLE_STORAGED};

static void
router_sends(enum who who, enum msg_type type, const void *msg)
{
	struct node *n = &sim.nodes[who];
	struct frame f = {.dst = frame_endpoint(sim_role[who], 0), .dst_inc = n->inc};
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
	    .role = (uint8_t)sim_role[who], .incarnation = sim.nodes[who].inc};
}

void
sim_router_tells(enum who about, enum msg_type type)
{
	struct msg_PEER_UP msg = {.peer = is(about)};
	for (unsigned i = 0; i < N_WHO; i++)
		if (sim.nodes[i].greeted && may_talk((enum who)i, about))
			router_sends((enum who)i, type, &msg);
}

static void
router_greets(enum who who)
{
	struct rec_endpoint_is peers[N_WHO];
	struct msg_WELCOME msg = {.incarnation = 1};
	uint32_t n = 0;
	for (unsigned i = 0; i < N_WHO; i++)
		if (sim.nodes[i].greeted && may_talk((enum who)i, who))
			peers[n++] = is((enum who)i);
	msg.peers = (struct bus_list){.items = n ? peers : NULL, .count = n};
	router_sends(who, MSG_WELCOME, &msg);
	sim_router_tells(who, MSG_PEER_UP);
	sim.nodes[who].greeted = true;
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
void
sim_router_reads(enum who who)
{
	struct buf copy = {0};
	struct frame f;
	if (sim.nodes[who].connected && cut_one(&sim.nodes[who].out, &f, &copy)) {
		assert_null(frame_check(&f));
		if (f.type == MSG_HELLO) {
			router_greets(who);
		} else if (frame_role(f.dst) != ROLE_ROUTER) {
			for (unsigned i = 0; i < N_WHO; i++)
				if (sim.nodes[i].greeted && f.dst == frame_endpoint(sim_role[i], 0) &&
				    f.dst_inc == sim.nodes[i].inc)
					buf_add_str(&sim.nodes[i].in, f.bytes);
		}
	}
	buf_deinit(&copy);
}

void
sim_node_reads(enum who who)
{
	struct node *n = &sim.nodes[who];
	struct buf copy = {0};
	struct frame f;
	if (n->connected && cut_one(&n->in, &f, &copy))
		assert_true(bus_core_frame(n->bus, &f));
	buf_deinit(&copy);
	/* as the loop does, until nothing is stirred up any more */
	do
		bus_core_turn(n->bus);
	while (n->bus->pump);
}

static struct buf *
node_out(void *ctx)
{
	return &((struct node *)ctx)->out;
}

void
sim_connect(enum who who)
{
	struct node *n = &sim.nodes[who];
	if (n->connected || sim.now_ms < n->away_until_ms)
		return;
	n->connected = true;
	buf_clear(&n->in);
	buf_clear(&n->out);
	bus_core_connected(n->bus, node_out, n);
}

void
sim_disconnect(struct node *n)
{
	if (n->connected)
		bus_core_disconnected(n->bus);
	n->connected = n->greeted = false;
}
