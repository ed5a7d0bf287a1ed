/* Random walks: clients that come and go and say anything, daemons behind that stop and go on, acknowledgements that are
 * late. The scene checks that numbers of deliveries have no gaps; at the end of each walk everything that was brought is
 * acknowledged and no custody is left. JACKDAW_WALKS=N makes it longer. */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "scene.h"
#include "teardown.h"

#define WALKS 60
#define STEPS 400

static uint64_t seed;

static unsigned
pick(unsigned n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (unsigned)(seed % n);
}

static const char *const users[] = {"romeo", "juliet", "mercutio", "nurse"};
static const char *const resources[] = {"a", "b"};
static const char *const targets[] = {"romeo@h", "juliet@h", "mercutio@h/a", "nurse@h/b",
    "nobody@h", "h", "x@remote.example", "y@nowhere.example", "romeo@h/b"};
static const char *const presence_types[] = {
    "subscribe", "subscribed", "unsubscribe", "unsubscribed", "unavailable", "probe"};
static const char *const payloads[] = {"<query xmlns='jabber:iq:roster'/>",
    "<vCard xmlns='vcard-temp'/>", "<query xmlns='jabber:iq:last'/>",
    "<ping xmlns='urn:xmpp:ping'/>", "<query xmlns='http://jabber.org/protocol/disco#info'/>",
    "<query xmlns='jabber:iq:private'><a xmlns='b'/></query>"};

static void
make_stanza(char *out, size_t cap)
{
	const char *to = targets[pick(COUNT(targets))];

	switch (pick(8)) {
	case 0:
		snprintf(out, cap, "<presence><priority>%d</priority></presence>", (int)pick(4) - 1);
		return;
	case 1:
		snprintf(out, cap, "<presence to='%s' type='%s'/>", to,
		    presence_types[pick(COUNT(presence_types))]);
		return;
	case 2:
		snprintf(out, cap, "<presence to='%s'/>", to);
		return;
	case 3:
		snprintf(out, cap, "<iq id='i' type='%s' to='%s'>%s</iq>", pick(2) ? "get" : "set",
		    to, payloads[pick(COUNT(payloads))]);
		return;
	case 4:
		snprintf(out, cap, "<iq id='i' type='get'>%s</iq>", payloads[pick(COUNT(payloads))]);
		return;
	case 5:
		snprintf(out, cap,
		    "<iq id='i' type='set'><query xmlns='jabber:iq:roster'><item jid='%s'%s/></query></iq>",
		    to, pick(3) ? " name='n'" : " subscription='remove'");
		return;
	default:
		snprintf(out, cap, "<message to='%s' type='%s' id='m'><body>%u</body></message>",
		    to, pick(4) ? "chat" : "headline", pick(1000));
		return;
	}
}

static struct session *
session_by_name(struct scene *s, const char *name)
{
	for (unsigned i = s->n_clients; i > 0; i--)
		if (strcmp(s->clients[i - 1].name, name) == 0)
			return sessions_by_sid(&s->sd, &s->clients[i - 1].sid);
	return NULL;
}

static void
step(struct scene *s, const char *name)
{
	char stanza[512];
	bool is_here = session_by_name(s, name) != NULL;

	if (!is_here) {
		if (s->n_clients < CLIENTS_MAX && !s->is_authd_down)
			binds(s, name);
		return;
	}
	switch (pick(12)) {
	case 0:
		leaves(s, name);
		return;
	case 1:
		s->is_storaged_down = !s->is_storaged_down;
		break;
	case 2:
		s->is_authd_down = !s->is_authd_down;
		break;
	case 3:
		s->hold_acks = !s->hold_acks;
		break;
	case 4:
	case 5:
		reads(s, name);
		return;
	case 6:
		sessiond_tick(&s->sd);
		break;
	default:
		make_stanza(stanza, sizeof(stanza));
		says(s, name, stanza);
		return;
	}
	scene_ack(s);
}

static void
settle(struct scene *s)
{
	s->is_storaged_down = s->is_authd_down = s->hold_acks = false;
	for (unsigned i = 0; i < 20; i++) {
		scene_ack(s);
		for (unsigned c = 0; c < s->n_clients; c++)
			if (sessions_by_sid(&s->sd, &s->clients[c].sid))
				reads(s, s->clients[c].name);
	}
	for (struct session *session = s->sd.by_sid; session; session = session->hh_sid.next) {
		assert_int_equal(session->done, session->in_last);
		assert_true(list_empty(&session->in_flight));
		assert_true(list_empty(&session->out.queue));
		assert_int_equal(session->out.sent_bytes, 0);
	}
	assert_int_equal(s->sd.queued_bytes, 0);
	assert_int_equal(s->bus.errors, 0);
	assert_null(s->sd.stored);
}

static void
walk(uint64_t number, bool stops)
{
	struct scene *s = scene_new();
	char name[32];

	seed = number * 0x9e3779b97f4a7c15u + 1;
	s->settings.window_bytes = 4096;
	s->settings.queue_bytes = 32768;
	are_friends(s, "romeo@h", "juliet@h");
	are_friends(s, "nurse@h", "juliet@h");
	has_contact(s, "mercutio@h", "romeo@h", "to", "");
	for (unsigned i = 0; i < STEPS; i++) {
		snprintf(name, sizeof(name), "%s/%s", users[pick(COUNT(users))],
		    resources[pick(COUNT(resources))]);
		step(s, name);
		forget(s);
	}
	if (stops) {
		scene_stop(s);
		return;
	}
	settle(s);
	scene_free(s);
}

static uint64_t
walks(void)
{
	const char *n = getenv("JACKDAW_WALKS");

	return n ? strtoull(n, NULL, 10) : WALKS;
}

static void
test_walks(void **state)
{
	(void)state;
	for (uint64_t i = 1; i <= walks(); i++)
		walk(i, false);
}

/* The process ends in the middle. */
static void
test_walks_that_stop(void **state)
{
	(void)state;
	for (uint64_t i = 1; i <= walks(); i++)
		walk(i + 1000000, true);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_walks),
	    cmocka_unit_test(test_walks_that_stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
