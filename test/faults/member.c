/* One client of the swarm: talks to its peer, keeps what it sent until it is acknowledged, comes back when its
 * connection is lost (XEP-0198): resumes, and sends again what the server has not got; or, refused, begins anew and gives
 * up what was not acknowledged. Some log off and on, so that messages wait for them offline. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "swarm.h"

#define RETRY_MS 200
#define RETRY_MOST 8 /* times that */
#define AWAKE_MS 6000
#define ASLEEP_MS 2000
#define SAID_MS 1000      /* so long ago it has been read */
#define REQUEST_EVERY 2   /* messages between <r/> */
#define PATIENCE_MS 20000 /* with a server that says nothing, though it should */
#define PAGE 200
#define MS 1000000ULL

struct member *
member_of(const struct client *c)
{
	return &swarm.members[c - swarm.load.clients];
}

struct client *
client_of(const struct member *m)
{
	return &swarm.load.clients[m - swarm.members];
}

struct member *
peer_of(const struct member *m)
{
	return &swarm.members[(unsigned)(m - swarm.members) ^ 1];
}

bool
member_is_ready(const struct member *m)
{
	return client_of(m)->state == CLIENT_READY;
}

/* ---- sending ---- */

static void
keep(struct member *m, int64_t what)
{
	if (m->kept_n == m->kept_cap) {
		m->kept_cap = m->kept_cap ? 2 * m->kept_cap : 16;
		m->kept = realloc(m->kept, m->kept_cap * sizeof *m->kept);
		if (!m->kept)
			die("out of memory");
	}
	if (m->kept_n == 0)
		m->since_ns = clock_now_ns();
	m->kept[m->kept_n++] = what;
}

static void
send_message(struct member *m, uint64_t number)
{
	struct client *c = client_of(m);

	client_send(c,
	    "<message to='u%06u@%s' type='chat' id='m%llu'><body>%u %llu %llu</body></message>",
	    client_of(peer_of(m))->index, c->load->o.domain, (unsigned long long)number, c->index,
	    (unsigned long long)number, (unsigned long long)m->ledger.entries[number].due_ns);
}

static void
send_page(struct member *m)
{
	client_send(client_of(m),
	    "<iq type='set' id='page'><query xmlns='urn:xmpp:mam:2'><set xmlns='http://jabber.org/protocol/rsm'>"
	    "<max>%d</max>%s%s%s</set></query></iq>",
	    PAGE, m->page[0] ? "<after>" : "", m->page, m->page[0] ? "</after>" : "");
}

static void
send_kept(struct member *m, int64_t what)
{
	if (what >= 0)
		send_message(m, (uint64_t)what);
	else if (what == KEPT_PRESENCE)
		client_send(client_of(m), "<presence/>");
	else if (what == KEPT_PREFS)
		client_send(client_of(m),
		    "<iq type='set' id='prefs'><prefs xmlns='urn:xmpp:mam:2' default='%s'><always/><never/></prefs></iq>",
		    m->archive ? "always" : "never");
	else
		send_page(m);
}

static void
send_new(struct member *m, int64_t what)
{
	struct client *c = client_of(m);

	keep(m, what);
	send_kept(m, what);
	if (++c->sm_out % REQUEST_EVERY == 0)
		client_send(c, "<r xmlns='urn:xmpp:sm:3'/>");
}

void
member_talk(struct member *m, uint64_t due_ns)
{
	send_new(m, (int64_t)ledger_sent(&m->ledger, due_ns));
}

void
member_read_archive(struct member *m)
{
	send_new(m, KEPT_PAGE);
	client_send(client_of(m), "<r xmlns='urn:xmpp:sm:3'/>");
}

/* ---- what the server has ---- */

static void
on_acked(struct client *c)
{
	struct member *m = member_of(c);
	uint32_t n = c->sm_acked - m->kept_from;

	if (n > m->kept_n)
		die("u%06u: the server acknowledges %u of %u", c->index, c->sm_acked, c->sm_out);
	for (uint32_t i = 0; i < n; i++)
		if (m->kept[i] >= 0)
			m->ledger.entries[m->kept[i]].acked = true;
	if (n > 0)
		m->since_ns = clock_now_ns();
	memmove(m->kept, m->kept + n, (m->kept_n - n) * sizeof *m->kept);
	m->kept_n -= n;
	m->kept_from += n;
}

static void
give_up_kept(struct member *m)
{
	for (uint32_t i = 0; i < m->kept_n; i++)
		if (m->kept[i] >= 0)
			m->ledger.entries[m->kept[i]].gone = true;
	m->kept_n = m->kept_from = 0;
}

static void
on_resumed(struct client *c, bool is_resumed)
{
	struct member *m = member_of(c);

	on_acked(c);
	if (!is_resumed) {
		give_up_kept(m);
		swarm.sessions_lost++;
		ledger_forget(&peer_of(m)->ledger);
		peer_of(m)->ledger.has_gap = true;
		return;
	}
	m->failures = 0;
	swarm.resumed++;
	for (uint32_t i = 0; i < m->kept_n; i++)
		send_kept(m, m->kept[i]);
	client_send(c, "<r xmlns='urn:xmpp:sm:3'/>");
}

/* ---- coming and going ---- */

static void
on_ready(struct client *c)
{
	struct member *m = member_of(c);

	give_up_kept(m);
	m->failures = 0;
	m->awake_ns = clock_now_ns();
	if (m->turn_ns)
		m->turn_ns = m->awake_ns + AWAKE_MS * MS;
	if (m->is_new)
		send_new(m, KEPT_PREFS);
	m->is_new = false;
	send_new(m, KEPT_PRESENCE);
}

static void
on_closed(struct client *c)
{
	struct member *m = member_of(c);
	unsigned wait = m->failures < RETRY_MOST ? ++m->failures : RETRY_MOST;

	if (m->asleep || swarm.is_ending)
		return;
	swarm.drops++;
	m->retry_ns = clock_now_ns() + (RETRY_MS * wait + c->index % RETRY_MS) * MS;
}

/* Only with nothing on the way, so that all it sent is settled; and not in the middle of a fault, in which what it says last
 * would be lost. */
static void
fall_asleep(struct member *m, uint64_t now_ns)
{
	struct client *c = client_of(m);

	if (!member_is_ready(m) || m->kept_n > 0 || m->awake_ns == 0 || swarm.fault[0])
		return;
	m->asleep = true;
	m->awake_ns = 0;
	m->turn_ns = now_ns + ASLEEP_MS * MS;
	m->since_ns = now_ns;
	client_send(c, "<a xmlns='urn:xmpp:sm:3' h='%u'/>", c->sm_in);
	c->sm_id[0] = '\0';
	client_close(c);
}

/* What it said last may not have been read yet when the fault came: then the server knows less than it has. */
void
member_fault(struct member *m, uint64_t now_ns)
{
	if (m->asleep && m->turn_ns > now_ns + (ASLEEP_MS - SAID_MS) * MS)
		ledger_forget(&peer_of(m)->ledger);
}

void
member_wake(struct member *m)
{
	m->asleep = false;
	m->retry_ns = clock_now_ns();
}

void
member_turn(struct member *m, uint64_t now_ns)
{
	struct client *c = client_of(m);

	if (m->turn_ns && now_ns > m->turn_ns && swarm.talking) {
		if (!m->asleep)
			fall_asleep(m, now_ns);
		else if (c->fd < 0)
			member_wake(m);
	}
	if (m->retry_ns && now_ns >= m->retry_ns && c->fd < 0 &&
	    swarm.load.logging_in < swarm.load.o.logins) {
		m->retry_ns = 0;
		m->since_ns = now_ns;
		client_connect(c);
	} else if (c->fd >= 0 && (!member_is_ready(m) || m->kept_n > 0) &&
	    now_ns > m->since_ns + PATIENCE_MS * MS) {
		client_drop(c);
	}
}

/* ---- what comes ---- */

static void
take_body(struct member *m, struct slice stanza, bool is_filed)
{
	struct member *from = peer_of(m);
	struct slice rest, body = element_text(stanza, "body");
	uint64_t now = clock_now_ns();

	if (body.len == 0 || slice_number(body, &rest) != client_of(from)->index)
		return;
	uint64_t number = slice_number(rest, &rest), due = slice_number(rest, NULL);
	if (!(is_filed ? ledger_filed : ledger_got)(&from->ledger, number, &swarm.violations))
		die("u%06u: a message that nobody sent: %.*s", client_of(m)->index, (int)stanza.len,
		    stanza.p);
	if (is_filed || !m->awake_ns || due < m->awake_ns)
		return;
	if (now - due > swarm.pause_ns)
		swarm.pause_ns = now - due;
	if (now - due > 500 * MS)
		swarm.bad_ns = now;
}

static void
on_page_end(struct member *m, struct slice stanza)
{
	struct slice last = element_text(stanza, "last");

	if (last.len >= sizeof m->page)
		die("an archive's id is too long");
	m->filed = slice_has(stanza, "complete='true'") || slice_has(stanza, "complete=\"true\"") ||
	    last.len == 0;
	snprintf(m->page, sizeof m->page, "%.*s", (int)last.len, last.p ? last.p : "");
	if (!m->filed)
		member_read_archive(m);
}

static void
on_stanza(struct client *c, struct slice stanza)
{
	struct member *m = member_of(c);

	if (slice_is(element_name(stanza), "message"))
		take_body(m, stanza, slice_has(stanza, "<result"));
	else if (slice_is(element_attribute(stanza, "id"), "page"))
		on_page_end(m, stanza);
}

static void
on_bounced(struct client *c, struct slice stanza)
{
	struct member *m = member_of(c);
	struct slice id = element_attribute(stanza, "id");

	if (slice_is(id, "page")) {
		member_read_archive(m);
		return;
	}
	swarm.bounces++;
	load_error(c->load, c, "bounced", stanza);
	if (!slice_is(element_name(stanza), "message") || id.len < 2)
		return;
	uint64_t number = slice_number((struct slice){id.p + 1, id.len - 1}, NULL);
	if (number < m->ledger.n)
		m->ledger.entries[number].bounced = true;
}

const struct mode member_mode = {.name = "swarm",
    .ready = on_ready,
    .closed = on_closed,
    .stanza = on_stanza,
    .acked = on_acked,
    .resumed = on_resumed,
    .bounced = on_bounced};
