/* Messages between pairs: client 2n to client 2n+1, and back. Modes:
 *   chat  closed loop: each client has `window` messages on the way
 *   open  open loop: `rate` messages a second over all clients; latency counts from when a message was due
 *   fill  like chat, until each client has sent `messages` (to fill archives)
 * A body says "SENDER NUMBER NANOSECONDS …", so the receiver can keep the books of loss, duplicates and order. */
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "load.h"

#define REQUEST_EVERY 5 /* stream management: messages between <r/> */
#define TICK_NS 250000

static char padding[2001];

static struct client *
peer_of(struct client *c)
{
	struct load *l = c->load;
	unsigned i = (unsigned)(c - l->clients) ^ 1;

	return &l->clients[i < l->o.sessions ? i : (unsigned)(c - l->clients)];
}

static void
send_message(struct client *c, uint64_t due_ns)
{
	const struct options *o = &c->load->o;

	client_stanza(c,
	    "<message to='u%06u@%s' type='chat' id='m%llu'><body>%u %llu %llu %.*s</body></message>",
	    peer_of(c)->index, client_domain(peer_of(c)), (unsigned long long)c->flow.sent, c->index,
	    (unsigned long long)c->flow.sent, (unsigned long long)due_ns, (int)o->bytes, padding);
	c->flow.sent++;
	c->outstanding++;
	if (c->sm && c->flow.sent % REQUEST_EVERY == 0)
		client_send(c, "<r xmlns='urn:xmpp:sm:3'/>");
}

static bool
wants_more(const struct client *c)
{
	const struct load *l = c->load;

	if (l->mode == &mode_fill)
		return c->flow.sent < l->o.messages;
	return l->running && l->mode == &mode_chat;
}

static void
chat_stanza(struct client *c, struct slice stanza)
{
	struct load *l = c->load;
	struct client *sender = peer_of(c);
	struct slice rest;

	if (!slice_is(element_name(stanza), "message"))
		return;
	struct slice body = element_text(stanza, "body");
	if (body.len == 0)
		return;
	if (slice_number(body, &rest) != sender->index) {
		load_error(l, c, "message of a stranger", stanza);
		return;
	}
	flow_received(&sender->flow, slice_number(rest, &rest));
	hist_add(&l->hist, clock_now_ns() - slice_number(rest, NULL));
	l->things++;
	if (sender->outstanding > 0)
		sender->outstanding--;
	if (wants_more(sender))
		send_message(sender, clock_now_ns());
}

static void
chat_ready(struct client *c)
{
	client_stanza(c, "<presence/>");
	load_prepared(c);
}

static void
chat_begin(struct load *l)
{
	memset(padding, 'x', sizeof padding - 1);
	for (unsigned i = 0; i < l->o.sessions; i++)
		for (unsigned w = 0; w < l->o.window && wants_more(&l->clients[i]); w++)
			send_message(&l->clients[i], clock_now_ns());
}

static void
chat_end(struct load *l)
{
	for (unsigned i = 0; i < l->o.sessions; i++) {
		l->clients[i].outstanding = 0;
		load_settle(l, &l->clients[i].flow);
	}
}

static void
open_begin(struct load *l)
{
	struct itimerspec tick = {.it_interval.tv_nsec = TICK_NS, .it_value.tv_nsec = TICK_NS};

	memset(padding, 'x', sizeof padding - 1);
	timerfd_settime(l->timer, 0, &tick, NULL);
}

static void
open_turn(struct load *l)
{
	uint64_t now = clock_now_ns();

	if (!l->running)
		return;
	for (;; l->scheduled++) {
		uint64_t due = l->began_ns + (uint64_t)((double)l->scheduled * 1e9 / l->o.rate);
		if (due > now || due >= l->until_ns)
			return;
		send_message(&l->clients[l->scheduled % l->o.sessions], due);
	}
}

static void
open_end(struct load *l)
{
	struct itimerspec never = {0};

	timerfd_settime(l->timer, 0, &never, NULL);
	chat_end(l);
}

const struct mode mode_chat = {.name = "chat",
    .ready = chat_ready,
    .stanza = chat_stanza,
    .begin = chat_begin,
    .idle = load_is_idle,
    .end = chat_end};
const struct mode mode_open = {.name = "open",
    .ready = chat_ready,
    .stanza = chat_stanza,
    .begin = open_begin,
    .turn = open_turn,
    .idle = load_is_idle,
    .end = open_end};
const struct mode mode_fill = {.name = "fill",
    .ready = chat_ready,
    .stanza = chat_stanza,
    .begin = chat_begin,
    .idle = load_is_idle,
    .end = chat_end,
    .finite = true};
