/* Links with other servers that do not stand yet. Mode:
 *   cold  one client pings a domain of the other server's that nobody has talked with, then the next one: the first run one of them, which is
 *         for what the server does only once, each later run `messages` */
#include "load.h"

/* pairs.py has the same. */
#define DOMAIN "c%03llu.%s"

static void
ask(struct client *c)
{
	client_stanza(c,
	    "<iq type='get' to='" DOMAIN "' id='%llu %llu'><ping xmlns='urn:xmpp:ping'/></iq>",
	    (unsigned long long)c->sequence++, c->load->o.far_domain,
	    (unsigned long long)c->flow.sent, (unsigned long long)clock_now_ns());
	c->flow.sent++;
	c->outstanding--;
}

static void
cold_stanza(struct client *c, struct slice stanza)
{
	struct load *l = c->load;
	struct slice rest;

	if (!slice_is(element_name(stanza), "iq") ||
	    !slice_is(element_attribute(stanza, "type"), "result"))
		return;
	flow_received(&c->flow, slice_number(element_attribute(stanza, "id"), &rest));
	hist_add(&l->hist, clock_now_ns() - slice_number(rest, NULL));
	l->things++;
	if (c->outstanding > 0)
		ask(c);
}

/* outstanding: how many are not yet asked for. */
static void
cold_begin(struct load *l)
{
	struct client *c = &l->clients[0];

	c->outstanding = c->sequence == 0 ? 1 : l->o.messages;
	ask(c);
}

static bool
cold_idle(const struct load *l)
{
	const struct client *c = &l->clients[0];

	return c->outstanding == 0 && c->flow.next == c->flow.sent;
}

static void
cold_end(struct load *l)
{
	load_settle(l, &l->clients[0].flow);
}

const struct mode mode_cold = {.name = "cold",
    .stanza = cold_stanza,
    .begin = cold_begin,
    .idle = cold_idle,
    .end = cold_end,
    .finite = true};
