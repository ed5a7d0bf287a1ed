/* presence: everybody has `contacts` contacts, its neighbours in a ring, and changes its status again once all of them
 * have seen the last one. A thing is a delivery. The rosters are made at the start, by subscribing, if they are not there.
 *
 *   roster asked for ─▶ there ─────────────────────────────▶ available, prepared
 *          └─▶ not there: available; subscribes to the neighbours ahead; answers and subscribes back to those behind;
 *              prepared once all have said "subscribed" */
#include <string.h>

#include "load.h"

#define CONTACTS_MAX 64

static unsigned
half(const struct load *l)
{
	unsigned n = l->o.contacts / 2;

	return n > CONTACTS_MAX / 2 ? CONTACTS_MAX / 2 : n;
}

/* How far `from` is ahead of c in the ring: 1 … half, or -1 … -half when it is behind; else 0. */
static int
distance(const struct client *c, struct slice from)
{
	const struct load *l = c->load;
	unsigned n = l->o.sessions, mine = c->index - l->o.first;

	if (from.len < 7 || from.p[0] != 'u')
		return 0;
	unsigned theirs =
	    (unsigned)slice_number((struct slice){from.p + 1, from.len - 1}, NULL) - l->o.first;
	unsigned ahead = (theirs + n - mine) % n;
	if (ahead > 0 && ahead <= half(l))
		return (int)ahead;
	return n - ahead <= half(l) ? -(int)(n - ahead) : 0;
}

static void
presence_ready(struct client *c)
{
	if (c->load->o.sessions <= c->load->o.contacts)
		die("more contacts than sessions");
	c->counted = 0;
	client_stanza(c, "<iq type='get' id='roster'><query xmlns='jabber:iq:roster'/></iq>");
}

static unsigned
count(struct slice in, const char *word)
{
	unsigned n = 0;
	const char *p = in.p, *end = in.p + in.len;

	for (; (p = memmem(p, (size_t)(end - p), word, strlen(word))); p++)
		n++;
	return n;
}

static void
have_roster(struct client *c, struct slice roster)
{
	const struct load *l = c->load;

	client_stanza(c, "<presence/>");
	if (count(roster, "'both'") + count(roster, "\"both\"") >= 2 * half(l)) {
		load_prepared(c);
		return;
	}
	for (unsigned i = 1; i <= half(l); i++)
		client_stanza(c, "<presence to='u%06u@%s' type='subscribe'/>",
		    l->o.first + (c->index - l->o.first + i) % l->o.sessions, l->o.domain);
}

static void
handle_subscription(struct client *c, struct slice from, struct slice type)
{
	const char *domain = c->load->o.domain;
	int d = distance(c, from);

	if (d == 0)
		return;
	if (slice_is(type, "subscribed") && ++c->counted == 2 * half(c->load))
		load_prepared(c);
	if (!slice_is(type, "subscribe"))
		return;
	client_stanza(c, "<presence to='%.7s@%s' type='subscribed'/>", from.p, domain);
	if (d < 0)
		client_stanza(c, "<presence to='%.7s@%s' type='subscribe'/>", from.p, domain);
}

static void
send_status(struct client *c)
{
	c->got[0] = c->got[1] = 0;
	c->outstanding = 2 * half(c->load);
	c->sequence++;
	client_stanza(c, "<presence><status>%llu %llu</status></presence>",
	    (unsigned long long)c->sequence, (unsigned long long)clock_now_ns());
}

/* c sees the status of `sender`, d ahead of it: which must be the sender's last, and not seen yet. */
static void
handle_status(struct client *c, struct client *sender, int d, struct slice status)
{
	struct load *l = c->load;
	struct slice rest;
	uint64_t number = slice_number(status, &rest), bit = 1ULL << (d > 0 ? d : -d);
	uint64_t *got = &sender->got[d > 0];

	if (number != sender->sequence) {
		l->disordered++;
		return;
	}
	if (*got & bit) {
		l->duplicates++;
		return;
	}
	*got |= bit;
	hist_add(&l->hist, clock_now_ns() - slice_number(rest, NULL));
	l->things++;
	if (--sender->outstanding == 0 && l->running)
		send_status(sender);
}

static void
presence_stanza(struct client *c, struct slice stanza)
{
	struct load *l = c->load;
	struct slice name = element_name(stanza), from = element_attribute(stanza, "from");
	struct slice type = element_attribute(stanza, "type"), id = element_attribute(stanza, "id");

	if (slice_is(name, "iq")) {
		if (slice_is(id, "roster"))
			have_roster(c, stanza);
		else if (slice_is(type, "set"))
			client_stanza(c, "<iq type='result' id='%.*s'/>", (int)id.len, id.p);
		return;
	}
	if (!slice_is(name, "presence"))
		return;
	if (type.len > 0) {
		handle_subscription(c, from, type);
		return;
	}
	struct slice status = element_text(stanza, "status");
	int d = distance(c, from);
	if (status.len == 0 || d == 0)
		return;
	unsigned n = l->o.sessions;
	handle_status(c, &l->clients[((unsigned)(c - l->clients) + n + (unsigned)d) % n], d, status);
}

static void
presence_begin(struct load *l)
{
	for (unsigned i = 0; i < l->o.sessions; i++)
		send_status(&l->clients[i]);
}

static void
presence_end(struct load *l)
{
	for (unsigned i = 0; i < l->o.sessions; i++)
		l->lost += l->clients[i].outstanding;
}

const struct mode mode_presence = {.name = "presence",
    .ready = presence_ready,
    .stanza = presence_stanza,
    .begin = presence_begin,
    .idle = load_is_idle,
    .end = presence_end};
