/* Sessions for their own sake. Modes:
 *   login  `window` clients at a time log in, close the stream, and the next ones come; a thing is a login
 *   idle   all are available and do nothing; what is measured is the server's memory
 *   deaf   each client writes itself one large message (`messages` times `bytes`) and reads nothing until the run is over; a thing is
 *          such a message that came afterwards, or needs not: who is ended comes again and writes another
 *   ping   each client has `window` pings of the server on the way (XEP-0199)
 *   feature  the first client asks whether its account or its server has --feature (XEP-0030); a thing is a yes */
#include <string.h>

#include "load.h"

/* ---- login: here all wait for their turn; flow.sent of the first client counts whose it is ---- */

static unsigned
login_wanted(const struct load *l)
{
	(void)l;
	return 0;
}

static void
login_ready(struct client *c)
{
	struct load *l = c->load;

	hist_add(&l->hist, clock_now_ns() - c->began_ns);
	l->things++;
	client_close(c);
}

static void
login_closed(struct client *c)
{
	c->outstanding = 0;
	c->load->prepared--;
}

/* l->prepared counts the connections of now. */
static void
login_turn(struct load *l)
{
	while (l->running && l->prepared < l->o.window) {
		struct client *c = &l->clients[l->scheduled++ % l->o.sessions];
		if (c->fd >= 0)
			return;
		l->prepared++;
		l->logging_in++;
		client_connect(c);
	}
}

static bool
login_idle(const struct load *l)
{
	return l->prepared == 0;
}

const struct mode mode_login = {.name = "login",
    .wanted = login_wanted,
    .ready = login_ready,
    .closed = login_closed,
    .begin = login_turn,
    .turn = login_turn,
    .idle = login_idle};

/* ---- idle ---- */

static void
idle_ready(struct client *c)
{
	client_stanza(c, "<presence/>");
	load_prepared(c);
}

static void
idle_end(struct load *l)
{
	l->things = l->o.sessions;
}

const struct mode mode_idle = {.name = "idle", .ready = idle_ready, .end = idle_end};

/* ---- deaf ---- */

#define AGAIN_NS 1000000000ULL /* after so long it comes again */

static void
deaf_set(struct client *c, bool deaf)
{
	c->deaf = deaf;
	load_watch_again(c);
}

static void
deaf_speak(struct client *c)
{
	const struct options *o = &c->load->o;
	char text[2001];

	memset(text, 'x', sizeof text);
	client_stanza(c, "<message to='%s' type='chat'><body>", c->jid);
	for (unsigned i = 0; i < o->messages; i++)
		client_send(c, "%.*s", (int)o->bytes, text);
	client_send(c, "</body></message>");
	c->outstanding = 1;
}

static void
deaf_start(struct client *c)
{
	deaf_set(c, true);
	if (c->outstanding == 0)
		deaf_speak(c);
}

/* Also when it has been ended, and is here again. */
static void
deaf_ready(struct client *c)
{
	idle_ready(c);
	if (c->load->running)
		deaf_start(c);
}

static void
deaf_begin(struct load *l)
{
	for (unsigned i = 0; i < l->o.sessions; i++)
		if (l->clients[i].state == CLIENT_READY)
			deaf_start(&l->clients[i]);
}

static void
deaf_again(struct client *c, uint64_t now_ns)
{
	if (c->fd >= 0 || now_ns - c->began_ns < AGAIN_NS)
		return;
	c->load->logging_in++;
	client_connect(c);
}

static void
deaf_turn(struct load *l)
{
	uint64_t now_ns = clock_now_ns();

	for (unsigned i = 0; i < l->started; i++) {
		if (!l->running && l->clients[i].deaf)
			deaf_set(&l->clients[i], false);
		deaf_again(&l->clients[i], now_ns);
	}
}

static void
deaf_settle(struct client *c)
{
	c->load->things += c->outstanding;
	c->outstanding = 0;
}

/* Who is ended waits for nothing any more. */
static void
deaf_closed(struct client *c)
{
	c->deaf = false;
	deaf_settle(c);
}

/* Others may have written too. */
static void
deaf_stanza(struct client *c, struct slice stanza)
{
	if (c->outstanding == 0 || !slice_is(element_name(stanza), "message") ||
	    !slice_is(element_attribute(stanza, "from"), c->jid))
		return;
	deaf_settle(c);
}

static void
deaf_bounced(struct client *c, struct slice stanza)
{
	(void)stanza;
	deaf_settle(c);
}

/* Who was ended while it ran has written more than one. */
static void
deaf_end(struct load *l)
{
	l->things = 0;
	for (unsigned i = 0; i < l->o.sessions; i++)
		l->things += l->clients[i].outstanding == 0;
}

const struct mode mode_deaf = {.name = "deaf",
    .is_hostile = true,
    .ready = deaf_ready,
    .closed = deaf_closed,
    .stanza = deaf_stanza,
    .bounced = deaf_bounced,
    .end = deaf_end,
    .begin = deaf_begin,
    .turn = deaf_turn,
    .idle = load_is_idle};

/* ---- ping ---- */

static void
send_ping(struct client *c)
{
	client_stanza(c, "<iq type='get' to='%s' id='%llu %llu'><ping xmlns='urn:xmpp:ping'/></iq>",
	    c->load->o.domain, (unsigned long long)c->flow.sent, (unsigned long long)clock_now_ns());
	c->flow.sent++;
	c->outstanding++;
}

static void
ping_stanza(struct client *c, struct slice stanza)
{
	struct load *l = c->load;
	struct slice rest;

	if (!slice_is(element_name(stanza), "iq") ||
	    !slice_is(element_attribute(stanza, "type"), "result"))
		return;
	flow_received(&c->flow, slice_number(element_attribute(stanza, "id"), &rest));
	hist_add(&l->hist, clock_now_ns() - slice_number(rest, NULL));
	l->things++;
	c->outstanding--;
	if (l->running)
		send_ping(c);
}

static void
ping_begin(struct load *l)
{
	load_fill_windows(l, send_ping);
}

const struct mode mode_ping = {.name = "ping",
    .ready = idle_ready,
    .stanza = ping_stanza,
    .begin = ping_begin,
    .idle = load_is_idle,
    .end = load_settle_all};

/* ---- feature ---- */

static void
feature_begin(struct load *l)
{
	struct client *c = &l->clients[0];
	int bare = (int)strcspn(c->jid, "/");

	c->outstanding = 2;
	client_stanza(c,
	    "<iq type='get' to='%.*s' id='a'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>",
	    bare, c->jid);
	client_stanza(c,
	    "<iq type='get' to='%s' id='b'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>",
	    l->o.domain);
}

static void
feature_stanza(struct client *c, struct slice stanza)
{
	if (!slice_is(element_name(stanza), "iq"))
		return;
	c->outstanding--;
	c->load->things += slice_has(stanza, c->load->o.feature);
}

const struct mode mode_feature = {.name = "feature",
    .stanza = feature_stanza,
    .begin = feature_begin,
    .idle = load_is_idle,
    .finite = true};
