/* The streams of components against a model (INV-3, INV-31), as c2sd/fuzz_negotiate.c has those of clients: each byte of the input is
 * something that the component "a" says, or that comes for it. After each the stream must be where the model says; nothing reaches the
 * bus before the handshake, and then nothing but from addresses of "a". One kind of event takes what follows in the input as bytes: from
 * there on only the second half is checked. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "rig.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define OPENING(to)                           \
	"<stream:stream xmlns='" NS_COMPONENT \
	"' xmlns:stream='http://etherx.jabber.org/streams' to='" to "'>"
#define FROM(from) "<message from='" from "' to='u@h'><body/></message>"
#define SECRET "s"

enum model {
	HEADER,
	PROOF,
	OPEN,
	ENDED,
	ANY, /* bytes that nobody knows were said */
};

enum event {
	SAYS_HEADER,
	SAYS_HEADER_OF_USERS,
	SAYS_HEADER_OF_NOBODY,
	SAYS_HEADER_OF_CLIENTS,
	SAYS_PROOF,
	SAYS_WRONG_PROOF,
	SAYS_OWN,
	SAYS_NO_FROM,
	SAYS_OWN_LOCAL,
	SAYS_OTHER,
	SAYS_USER,
	SAYS_TRICK,
	SAYS_NO_TO,
	SAYS_REMOTE,
	SAYS_IQ,
	SAYS_IQ_TO_B,
	SAYS_CLIENTS_STANZA,
	SAYS_SM,
	SAYS_BLANK,
	SAYS_ERROR,
	SAYS_CLOSE,
	SAYS_BYTES,
	SESSIOND_ROUTES,
	EVENTS,
};

static const char *const words[EVENTS] = {
    [SAYS_HEADER] = OPENING("a"),
    [SAYS_HEADER_OF_USERS] = OPENING("h"),
    [SAYS_HEADER_OF_NOBODY] = OPENING("c"),
    [SAYS_HEADER_OF_CLIENTS] =
	"<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' to='a' version='1.0'>",
    [SAYS_WRONG_PROOF] = "<handshake>0000000000000000000000000000000000000000</handshake>",
    [SAYS_OWN] = FROM("a"),
    [SAYS_NO_FROM] = "<presence to='u@h'/>",
    [SAYS_OWN_LOCAL] = FROM("b@a/b"),
    [SAYS_OTHER] = FROM("b"),
    [SAYS_USER] = FROM("u@h"),
    [SAYS_TRICK] = FROM("a@b/a"),
    [SAYS_NO_TO] = "<message from='a'><body/></message>",
    [SAYS_REMOTE] = "<message to='x@remote' from='a'/>",
    [SAYS_IQ] = "<iq type='set' id='1' to='u@h'><query><set/></query></iq>",
    [SAYS_IQ_TO_B] = "<iq type='get' id='2' to='b'><query/></iq>",
    [SAYS_CLIENTS_STANZA] = "<message xmlns='jabber:client' to='u@h'/>",
    [SAYS_SM] = "<r xmlns='urn:xmpp:sm:3'/>",
    [SAYS_BLANK] = " ",
    [SAYS_ERROR] =
	"<stream:error><reset xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>",
    [SAYS_CLOSE] = "</stream:stream>",
};

/* What each event leads to; what is not here ends the stream. */
static const struct {
	enum model from;
	enum event event;
	enum model to;
} rules[] = {
    {HEADER, SAYS_HEADER, PROOF},
    {HEADER, SAYS_BLANK, HEADER},
    {PROOF, SAYS_BLANK, PROOF},
    {PROOF, SAYS_PROOF, OPEN},
    {OPEN, SAYS_OWN, OPEN},
    {OPEN, SAYS_NO_FROM, OPEN},
    {OPEN, SAYS_OWN_LOCAL, OPEN},
    {OPEN, SAYS_NO_TO, OPEN},
    {OPEN, SAYS_REMOTE, OPEN},
    {OPEN, SAYS_IQ, OPEN},
    {OPEN, SAYS_IQ_TO_B, OPEN},
    {OPEN, SAYS_BLANK, OPEN},
};

static struct {
	struct talker p;
	enum model model;
	bool was_open;
	uint64_t routed;
} now;

static enum model
next_of(enum model from, enum event event)
{
	if (from == ANY || from == ENDED)
		return from;
	if (event == SAYS_BYTES)
		return ANY;
	if (event == SESSIOND_ROUTES)
		return from;
	for (size_t i = 0; i < COUNT(rules); i++)
		if (rules[i].from == from && rules[i].event == event)
			return rules[i].to;
	return ENDED;
}

/* A second header inside a stream is an element without an end, and only a stream has an id to prove oneself with. */
static bool
is_possible(enum event e)
{
	bool is_header = e <= SAYS_HEADER_OF_CLIENTS;

	return !(is_header && now.model != HEADER) && !(e == SAYS_PROOF && !rig_stream(&now.p));
}

static void
says_proof(void)
{
	char text[128], hex[41];

	rig_digest(&now.p, SECRET, hex);
	snprintf(text, sizeof(text), "<handshake>%s</handshake>", hex);
	rig_says(&now.p, str_z(text));
}

static void
route_one(void)
{
	const struct stanza st = {.kind = STANZA_MESSAGE,
	    .type = TYPE_CHAT,
	    .from = S("u@h/r"),
	    .to = S("x@a"),
	    .payload = S("<body>hello</body>")};

	rig_routes(&st, ++now.routed);
}

/* How many bytes of the input it took. */
static size_t
happens(enum event e, struct str rest)
{
	size_t n = rest.n < 64 ? rest.n : 64;

	if (e == SAYS_PROOF)
		says_proof();
	else if (e == SESSIOND_ROUTES)
		route_one();
	else if (e != SAYS_BYTES)
		rig_says(&now.p, str_z(words[e]));
	else
		rig_says(&now.p, str_of(rest.p, n));
	return e == SAYS_BYTES ? n : 0;
}

static void
check_stanza(const struct stanza *st)
{
	assert(now.was_open);
	assert(str_is(jid_split(st->from).domain, "a"));
}

static void
check_bus(void)
{
	const struct frame *f;
	union bus_any m;

	while ((f = bus_rig_next(&rig.bus))) {
		if (f->type == MSG_ACK)
			continue;
		bus_rig_decode(&rig.bus, &m);
		if (f->type == MSG_COMPONENT_UP)
			assert(now.was_open && str_is(m.COMPONENT_UP.name, "a"));
		else if (f->type == MSG_ROUTE)
			check_stanza(&m.ROUTE.st);
		else
			assert(f->type == MSG_ROUTE_BACK &&
			    str_is(jid_split(m.ROUTE_BACK.st.from).domain, "a"));
	}
}

static void
check_stage(enum event e)
{
	static const enum stream_stage stages[] = {
	    [HEADER] = STAGE_HEADER, [PROOF] = STAGE_PROOF, [OPEN] = STAGE_OPEN, [ENDED] = STAGE_CLOSING};
	const struct stream *s = rig_stream(&now.p);
	enum stream_stage is = s ? s->stage : STAGE_CLOSING;

	now.was_open |= is == STAGE_OPEN;
	if (now.model != ANY && is != stages[now.model])
		bug("after event %d the stream is in stage %d, not %d", e, is, stages[now.model]);
}

/* F-21, F-23: a header, then stanzas, and in the end at most an error. (Of what a stanza says anything may come back in it.) */
static void
check_heard(void)
{
	talker_hear(&now.p);
	assert(!strstr(now.p.text, "<stream:features"));
	assert(now.was_open || !strstr(now.p.text, "jabber:client"));
	assert(now.was_open || !strstr(now.p.text, "<handshake"));
	now.p.n = 0;
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc, (void)argv;
	rig_setup(NULL);
	log_set_level(LOG_ERROR);
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	now.model = HEADER;
	now.was_open = false;
	rig_connect(&now.p);
	for (size_t i = 0; i < size && i < 256 && now.model != ENDED && !now.p.ended; i++) {
		enum event e = data[i] % EVENTS;

		if (!is_possible(e))
			continue;
		now.model = next_of(now.model, e);
		i += happens(e, str_of((const char *)data + i + 1, size - i - 1));
		check_stage(e);
		check_bus();
		check_heard();
	}
	rig_hang_up(&now.p);
	rig_acknowledges();
	assert(rig.componentd->n_streams == 0);
	return 0;
}
