/* offline: the first half of the clients send `messages` each to one of the other half, who is not there. A ping after
 * each message tells that the server has taken it. After "next" the other half log in; the second run has them send
 * presence and take what is stored. A thing is a message. */
#include <string.h>

#include "load.h"

static unsigned
offline_wanted(const struct load *l)
{
	return l->o.sessions / 2;
}

static void
send_message(struct client *c)
{
	const struct options *o = &c->load->o;

	client_stanza(c,
	    "<message to='u%06u@%s' type='chat' id='o%llu'><body>%llu %0*d</body></message>"
	    "<iq type='get' to='%s' id='%llu'><ping xmlns='urn:xmpp:ping'/></iq>",
	    c->index + o->sessions / 2, o->domain, (unsigned long long)c->flow.sent,
	    (unsigned long long)c->flow.sent, (int)o->bytes, 0, o->domain,
	    (unsigned long long)clock_now_ns());
	c->flow.sent++;
	c->outstanding = o->messages - c->flow.sent + 1;
}

static void
fetch(struct client *c)
{
	c->flow.sent = c->outstanding = c->load->o.messages;
	c->sent_ns = clock_now_ns();
	client_stanza(c, "<presence/>");
}

static void
offline_begin(struct load *l)
{
	unsigned middle = l->o.sessions / 2;

	for (unsigned i = 0; i < middle; i++) {
		if (l->phase == 0)
			send_message(&l->clients[i]);
		else
			fetch(&l->clients[middle + i]);
	}
}

static void
handle_pong(struct client *c, struct slice stanza)
{
	struct load *l = c->load;

	hist_add(&l->hist, clock_now_ns() - slice_number(element_attribute(stanza, "id"), NULL));
	l->things++;
	c->outstanding--;
	if (c->flow.sent < l->o.messages)
		send_message(c);
}

static void
offline_stanza(struct client *c, struct slice stanza)
{
	struct load *l = c->load;
	struct slice body = element_text(stanza, "body");

	if (slice_is(element_name(stanza), "iq") &&
	    slice_is(element_attribute(stanza, "type"), "result")) {
		handle_pong(c, stanza);
		return;
	}
	if (!slice_is(element_name(stanza), "message") || body.len == 0)
		return;
	flow_received(&c->flow, slice_number(body, NULL));
	hist_add(&l->hist, clock_now_ns() - c->sent_ns);
	l->things++;
	if (c->outstanding > 0)
		c->outstanding--;
}

/* What was stored is counted when it is fetched. */
static void
offline_end(struct load *l)
{
	for (unsigned i = 0; i < l->o.sessions; i++) {
		struct client *c = &l->clients[i];
		if (l->phase > 0 && i >= l->o.sessions / 2)
			load_settle(l, &c->flow);
		else
			l->lost += c->outstanding;
		flow_reset(&c->flow);
	}
}

static void
offline_next(struct load *l)
{
	(void)l; /* log_in() has the other half come */
}

const struct mode mode_offline = {.name = "offline",
    .wanted = offline_wanted,
    .stanza = offline_stanza,
    .begin = offline_begin,
    .idle = load_is_idle,
    .end = offline_end,
    .next = offline_next,
    .finite = true};
