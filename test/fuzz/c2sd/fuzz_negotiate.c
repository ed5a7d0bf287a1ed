/* Stream negotiation against a model (INV-3): each byte of the input is something that a client says or that authd or sessiond
 * answers. After each the client must be in the state that the model says, and nothing may have reached the bus that does
 * not belong there: no exchange before authd is asked, no request to bind before authentication, no stanza before a session. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "rig.h"

#define SASL "xmlns='urn:ietf:params:xml:ns:xmpp-sasl'"
#define BIND_NS "xmlns='urn:ietf:params:xml:ns:xmpp-bind'"
#define FAILURES_MAX 3  /* auth_failures of the rig */
#define REFUSALS_MAX 10 /* bind_failures */

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum model {
	HEADER,
	FEATURES,
	SASL_WAIT, /* authd is asked */
	SASL_TURN, /* the client is */
	HEADER_AGAIN,
	BINDABLE,
	BIND_WAIT,
	SESSION,
	ENDED,
	MODELS,
};

enum event {
	SAYS_HEADER,
	SAYS_OTHER_HEADER, /* to another domain that exists */
	SAYS_AUTH,
	SAYS_UNKNOWN_AUTH,
	SAYS_RESPONSE,
	SAYS_ABORT,
	SAYS_BIND,
	SAYS_IQ,
	SAYS_MESSAGE,
	SAYS_FOREIGN_MESSAGE,
	SAYS_RESUME,
	SAYS_SURPRISE,
	SAYS_STARTTLS,
	SAYS_CLOSE,
	AUTHD_CHALLENGES,
	AUTHD_AGREES,
	AUTHD_REFUSES,
	SESSIOND_BINDS,
	SESSIOND_REFUSES,
	EVENTS,
};

static const char *const words[] = {
    [SAYS_HEADER] = OPENING,
    [SAYS_OTHER_HEADER] =
	"<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' to='other' version='1.0'>",
    [SAYS_AUTH] = "<auth " SASL " mechanism='SCRAM-SHA-256'>eA==</auth>",
    [SAYS_UNKNOWN_AUTH] = "<auth " SASL " mechanism='EXTERNAL'/>",
    [SAYS_RESPONSE] = "<response " SASL ">eA==</response>",
    [SAYS_ABORT] = "<abort " SASL "/>",
    [SAYS_BIND] = "<iq type='set' id='b'><bind " BIND_NS "/></iq>",
    [SAYS_IQ] = "<iq type='get' id='1'><ping xmlns='urn:xmpp:ping'/></iq>",
    [SAYS_MESSAGE] = "<message/>",
    [SAYS_FOREIGN_MESSAGE] = "<message xmlns='jabber:server'/>",
    [SAYS_RESUME] = "<resume xmlns='urn:xmpp:sm:3' h='0' previd='x'/>",
    [SAYS_SURPRISE] = "<surprise/>",
    [SAYS_STARTTLS] = "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>",
    [SAYS_CLOSE] = "</stream:stream>",
};

/* What each event leads to; what is not here ends the stream. */
static const struct {
	enum model from;
	enum event event;
	enum model to;
} rules[] = {
    {HEADER, SAYS_HEADER, FEATURES},
    {HEADER, SAYS_OTHER_HEADER, FEATURES},
    {FEATURES, SAYS_AUTH, SASL_WAIT},
    {FEATURES, SAYS_UNKNOWN_AUTH, FEATURES},
    {SASL_WAIT, SAYS_AUTH, SASL_WAIT},
    {SASL_WAIT, SAYS_UNKNOWN_AUTH, FEATURES},
    {SASL_WAIT, SAYS_ABORT, FEATURES},
    {SASL_WAIT, AUTHD_CHALLENGES, SASL_TURN},
    {SASL_WAIT, AUTHD_AGREES, HEADER_AGAIN},
    {SASL_WAIT, AUTHD_REFUSES, FEATURES},
    {SASL_TURN, SAYS_AUTH, SASL_WAIT},
    {SASL_TURN, SAYS_UNKNOWN_AUTH, FEATURES},
    {SASL_TURN, SAYS_RESPONSE, SASL_WAIT},
    {SASL_TURN, SAYS_ABORT, FEATURES},
    {HEADER_AGAIN, SAYS_HEADER, BINDABLE},
    {HEADER_AGAIN, SAYS_OTHER_HEADER, BINDABLE},
    {BINDABLE, SAYS_BIND, BIND_WAIT},
    {BINDABLE, SAYS_RESUME, BINDABLE},
    {BIND_WAIT, SESSIOND_BINDS, SESSION},
    {BIND_WAIT, SESSIOND_REFUSES, BINDABLE},
    {SESSION, SAYS_BIND, SESSION},
    {SESSION, SAYS_IQ, SESSION},
    {SESSION, SAYS_MESSAGE, SESSION},
    {SESSION, SAYS_RESUME, SESSION},
};

static const enum client_state states[MODELS] = {
    [HEADER] = CLIENT_HEADER,
    [FEATURES] = CLIENT_FEATURES,
    [SASL_WAIT] = CLIENT_SASL_WAIT,
    [SASL_TURN] = CLIENT_SASL,
    [HEADER_AGAIN] = CLIENT_HEADER,
    [BINDABLE] = CLIENT_BIND,
    [BIND_WAIT] = CLIENT_BIND_WAIT,
    [SESSION] = CLIENT_SESSION,
    [ENDED] = CLIENT_CLOSING,
};

static struct {
	struct talker p;
	enum model model;
	unsigned failures, refusals;
	bool other;          /* the first header was to the other domain */
	uint64_t auth, bind; /* requests that are open; 0: none */
	enum event waiting[64];
	unsigned n_waiting;
	bool closes; /* the stream's end waits behind them */
} now;

static enum model
next_of(enum model from, enum event event)
{
	for (size_t i = 0; i < COUNT(rules); i++)
		if (rules[i].from == from && rules[i].event == event)
			return rules[i].to;
	return ENDED;
}

static bool
is_answer(enum event e)
{
	return e >= AUTHD_CHALLENGES;
}

/* Answers come only to questions; the stream is pinned to the domain of its first header. */
static bool
is_possible(enum event e)
{
	if (e == SESSIOND_BINDS || e == SESSIOND_REFUSES)
		return now.model == BIND_WAIT;
	if (is_answer(e))
		return now.model == SASL_WAIT;
	/* a second header inside a stream is an element that has no end */
	return (e != SAYS_HEADER && e != SAYS_OTHER_HEADER) || now.model == HEADER ||
	    now.model == HEADER_AGAIN;
}

static void
model_takes(enum event e)
{
	enum model from = now.model;

	if (from == BIND_WAIT && !is_answer(e) && e != SAYS_CLOSE) {
		now.waiting[now.n_waiting++] = e;
		return;
	}
	if (from == HEADER && e == SAYS_OTHER_HEADER)
		now.other = true;
	now.model = next_of(from, e);
	if (from == HEADER_AGAIN && (e == SAYS_OTHER_HEADER) != now.other)
		now.model = ENDED;
	/* A new exchange gives up the one under way, which has failed then; an unknown one fails on top. */
	bool is_exchange = from == SASL_WAIT || from == SASL_TURN;
	now.failures += is_exchange && (e == SAYS_AUTH || e == SAYS_UNKNOWN_AUTH);
	now.failures += (is_exchange || from == FEATURES) && now.model == FEATURES;
	if (now.failures >= FAILURES_MAX)
		now.model = ENDED;
	now.refusals += from == BIND_WAIT && now.model == BINDABLE;
	if (now.refusals == REFUSALS_MAX)
		now.model = ENDED;
	while (from == BIND_WAIT && now.n_waiting > 0 && now.model != ENDED &&
	    now.model != BIND_WAIT) {
		e = now.waiting[0];
		memmove(now.waiting, now.waiting + 1, --now.n_waiting * sizeof(now.waiting[0]));
		model_takes(e);
	}
}

static void
authd_answers(enum event e)
{
	struct msg_AUTH_ANSWER m = {.re = now.auth};

	m.outcome = e == AUTHD_AGREES ? AUTH_SUCCESS
	    : e == AUTHD_REFUSES      ? AUTH_FAILURE
				      : AUTH_CHALLENGE;
	if (e == AUTHD_AGREES) {
		m.jid = S("alice@h");
		m.ticket.b[0] = 7;
	}
	if (e == AUTHD_REFUSES)
		m.condition = SASL_NOT_AUTHORIZED;
	now.auth = 0;
	sends(ROLE_AUTHD, MSG_AUTH_ANSWER, &m);
}

static void
sessiond_answers(enum event e)
{
	struct msg_FAILED failed = {.re = now.bind, .error = BUS_ERROR_LIMIT};
	struct msg_BOUND_TO bound = {.re = now.bind,
	    .conn = now.p.number,
	    .session = {
		.jid = S("alice@h/r"), .epoch = 1, .capability = S("c"), .source = S("192.0.2.1")}};

	bound.session.sid = rig.sid;
	rig.sid.b[0]++;
	now.bind = 0;
	if (e == SESSIOND_BINDS)
		sends(ROLE_SESSIOND, MSG_BOUND_TO, &bound);
	else
		sends(ROLE_SESSIOND, MSG_FAILED, &failed);
}

static void
happens(enum event e)
{
	struct client *c = rig_client(&now.p);

	if (e >= SESSIOND_BINDS)
		sessiond_answers(e);
	else if (is_answer(e))
		authd_answers(e);
	else
		client_input(c, str_z(words[e]));
	rig_turn();
}

/* Only what belongs to where the stream was, or has come to. */
static void
check_bus(enum model before)
{
	const struct frame *f;
	union bus_any m;

	while ((f = bus_rig_next(&rig.bus))) {
		if (f->type == MSG_ACK)
			continue;
		bus_rig_decode(&rig.bus, &m);
		if (f->type == MSG_AUTH_START || f->type == MSG_AUTH_NEXT) {
			assert(before == SASL_TURN ||
			    (f->type == MSG_AUTH_START &&
				(before == FEATURES || before == SASL_WAIT)));
			now.auth = *(uint64_t *)(void *)&m;
		} else if (f->type == MSG_BIND) {
			assert(before == BINDABLE || before == BIND_WAIT);
			assert(str_is(m.BIND.jid, "alice@h") && m.BIND.ticket.b[0] == 7);
			now.bind = m.BIND.req;
		} else if (f->type == MSG_AUTH_ABORT) {
			assert(before == SASL_WAIT || before == SASL_TURN);
		} else if (f->level == 1) {
			/* STANZA, CLOSED, WRITTEN */
			assert(before == SESSION || before == BIND_WAIT);
		}
	}
}

static void
check_state(enum event e)
{
	struct client *c = rig_client(&now.p);
	enum client_state is = c ? c->state : CLIENT_CLOSING;

	if (is != states[now.model])
		bug("after event %d the stream is in state %d, not %d", e, is, states[now.model]);
}

/* sessiond and authd take everything at once. */
static void
acknowledge_all(void)
{
	for (unsigned level = 1; level < LEVELS; level++) {
		bus_rig_ack(&rig.bus, ROLE_SESSIOND, SESSIOND_INC, level, UINT64_MAX / 2);
		bus_rig_ack(&rig.bus, ROLE_AUTHD, AUTHD_INC, level, UINT64_MAX / 2);
	}
	while (bus_rig_next(&rig.bus))
		;
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc, (void)argv;
	rig_setup(NULL);
	rig.settings.door.source_per_minute = rig.settings.door.source_connections = 1000000000;
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	memset(&now, 0, sizeof(now));
	rig_connect(&now.p);
	for (size_t i = 0; i < size && i < COUNT(now.waiting) && now.model != ENDED; i++) {
		enum event e = data[i] % EVENTS;
		enum model before = now.model;
		/* reading has stopped where an answer is awaited: the end of the stream comes later; with TLS the model ends */
		if (!is_possible(e) || e == SAYS_STARTTLS ||
		    (e == SAYS_CLOSE && before == BIND_WAIT))
			continue;
		model_takes(e);
		happens(e);
		check_bus(before);
		check_state(e);
		reads(&now.p);
	}
	if (rig_client(&now.p))
		client_end(rig_client(&now.p), STREAM_OK, NULL);
	rig_hang_up(&now.p);
	acknowledge_all();
	assert(rig.c2sd->n_clients == 0);
	return 0;
}
