/* See rig.h. */
#include "rig.h"

#include <sodium.h>
#include <stdio.h>
#include <unistd.h>

#include "base/enc.h"
#include "base/log.h"
#include "base/mem.h"
#include "links.h"

struct rig rig;

static const char *const DOMAINS[] = {"h", "other", NULL};
static const char *const MECHANISMS[] = {"SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN"};

static void
use_defaults(void)
{
	rig.settings = (struct c2sd_settings){
	    .mechanisms = {MECHANISMS, COUNT(MECHANISMS)},
	    .stranger =
		{.bytes = 10240, .elements = 32, .depth = 8, .attributes = 32, .dict_bytes = 65536},
	    .stanza = {.bytes = 262144,
		.elements = 4096,
		.depth = 64,
		.attributes = 128,
		.dict_bytes = 262144},
	    .door = {.connections = 1000,
		.strangers = 4096,
		.source_connections = 20,
		.source_per_minute = 60,
		.stall_seconds = 60},
	    .rate = {.bytes_per_second = 500000, .burst_bytes = 1048576},
	    .tls_seconds = 10,
	    .preauth_seconds = 30,
	    .idle_seconds = 300,
	    .dead_seconds = 900,
	    .linger_seconds = 5,
	    .auth_failures = 3,
	    .bind_failures = 10,
	    .away_bytes = 262144,
	    .out_bytes = 2097152,
	};
}

static void
start_bus(void)
{
	struct msg_SEAL_KEY key;
	struct msg_REG_END end;

	rig.config = (struct bus_config){
	    .role = ROLE_C2SD, .handlers = c2sd_handlers, .events = &c2sd_events, .ctx = rig.c2sd};
	bus_rig_start(&rig.bus, &rig.config);
	rig.daemon.bus = rig.bus.bus;
	bus_rig_link(&rig.bus);
	bus_rig_up(&rig.bus, ROLE_AUTHD, 0, AUTHD_INC);
	takes(MSG_SEAL_KEY, &key);
	assert_true(seal_start_server(
	    &rig.authd, rig.authd_public, rig.authd_secret, (const uint8_t *)key.public_key.p));
	bus_rig_up(&rig.bus, ROLE_SESSIOND, 0, SESSIOND_INC);
	takes(MSG_REG_END, &end);
	assert_int_equal(end.count, 0);
	acknowledges(1);
}

int
rig_setup(void **state)
{
	(void)state;
	log_set_level(LOG_ERROR);
	id_init();
	rig = (struct rig){.sid = {{1}}};
	use_defaults();
	rig.daemon.settings = &rig.settings;
	rig.daemon.suite.domains = DOMAINS;
	rig.daemon.suite.n_domains = 2;
	rig.daemon.loop = loop_new();
	rig.c2sd = c2sd_new(&rig.daemon);
	rig.gate = (struct gate){.edge = rig.c2sd, .tls = LISTENER_OPTIONAL};
	crypto_kx_keypair(rig.authd_public, rig.authd_secret);
	memcpy(rig.c2sd->authd_public, rig.authd_public, SEAL_KEY_BYTES);
	rig.c2sd->tls = tls_context_new(NULL);
	reports_start(rig.c2sd);
	rig.c2sd->hook = loop_hook_new(rig.daemon.loop, c2sd_turn, rig.c2sd);
	shaper_start(&rig.c2sd->shaper, rig.daemon.loop);
	start_bus();
	return 0;
}

int
rig_teardown(void **state)
{
	(void)state;
	bus_rig_stop(&rig.bus);
	rig.daemon.bus = NULL;
	c2sd_stop(&rig.daemon);
	loop_free(&rig.daemon.loop);
	assert_null(rig.daemon.state);
	seal_deinit(&rig.authd);
	buf_deinit(&rig.opened);
	return 0;
}

/* ---- clients ---- */

void
rig_connect_to(struct talker *p, enum listener_tls tls)
{
	struct visitor v = {.address = "192.0.2.1"};
	int fd = talker_open(p);

	rig.gate.tls = tls;
	assert_true(door_enter(&rig.c2sd->door, &v, c2sd_now_ms(rig.c2sd)));
	client_new(&rig.gate, fd, &v);
	p->number = rig.c2sd->last_number;
}

void
rig_connect(struct talker *p)
{
	rig_connect_to(p, LISTENER_OPTIONAL);
}

void
rig_hang_up(struct talker *p)
{
	talker_close(p);
	rig_turn();
}

static struct client *
find_in(struct list *clients, uint64_t number)
{
	LIST_FOREACH(clients, it) {
		struct client *c = CONTAINER_OF(it, struct client, link);

		if (c->number == number)
			return c;
	}
	return NULL;
}

struct client *
rig_client(const struct talker *p)
{
	struct client *c = find_in(&rig.c2sd->preauth, p->number);

	if (!c)
		c = find_in(&rig.c2sd->bound, p->number);
	return c ? c : find_in(&rig.c2sd->closing, p->number);
}

void
rig_turn(void)
{
	talker_wait(&rig.daemon);
}

static void
read_all(struct talker *p)
{
	rig_turn();
	talker_hear(p);
}

void
says(struct talker *p, const char *text)
{
	size_t n = strlen(text);

	assert_int_equal(write(p->fd, text, n), n);
	rig_turn();
}

void
hears(struct talker *p, const char *part)
{
	char *found;
	size_t taken;

	read_all(p);
	found = strstr(p->text, part);
	if (!found)
		fail_msg("no %s in \"%s\"", part, p->text);
	taken = (size_t)(found - p->text) + strlen(part);
	memmove(p->text, p->text + taken, p->n - taken + 1);
	p->n -= taken;
}

void
reads(struct talker *p)
{
	do {
		p->n = 0;
		read_all(p);
	} while (p->n > 0);
}

void
hears_nothing(struct talker *p)
{
	read_all(p);
	if (p->n || p->ended)
		fail_msg("%s: \"%s\"", p->ended ? "ended" : "heard", p->text);
}

void
is_ended(struct talker *p, const char *condition)
{
	char error[256];

	snprintf(error, sizeof(error),
	    "<stream:error><%s xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>",
	    condition ? condition : "");
	if (condition)
		hears(p, error);
	hears(p, "</stream:stream>");
	assert_int_equal(p->n, 0);
	assert_true(p->ended);
	rig_hang_up(p);
	assert_null(rig_client(p));
}

/* ---- the bus ---- */

void
takes(enum msg_type type, void *msg_r)
{
	const struct frame *f;

	do {
		f = bus_rig_next(&rig.bus);
		if (!f)
			fail_msg("no %s is sent", bus_message(type)->body.name);
	} while (f->type == MSG_ACK);
	if (f->type != type)
		fail_msg("%s is sent, not %s", bus_message(f->type)->body.name,
		    bus_message(type)->body.name);
	bus_rig_decode(&rig.bus, msg_r);
}

struct opid
got_op(void)
{
	const struct frame *f = &rig.bus.frame;

	return (struct opid){.origin = f->origin, .n = f->n, .kind = f->kind};
}

void
takes_nothing(void)
{
	const struct frame *f;

	rig_turn();
	while ((f = bus_rig_next(&rig.bus)))
		if (f->type != MSG_ACK)
			fail_msg("%s is sent", bus_message(f->type)->body.name);
}

static void
send_frame(enum role role, enum msg_type type, void *msg, const struct opid *op)
{
	struct frame f = {.type = (uint16_t)type,
	    .src = frame_endpoint(role, 0),
	    .src_inc = role == ROLE_AUTHD ? AUTHD_INC : SESSIOND_INC,
	    .dst = rig.bus.bus->number,
	    .dst_inc = RIG_INC};

	if (bus_message(type)->level)
		f.seq = ++rig.seq[role][bus_message(type)->level];
	if (op) {
		f.origin = op->origin;
		f.n = op->n;
		f.kind = op->kind;
	}
	bus_rig_frame(&rig.bus, &f, msg);
	rig_turn();
}

void
sends(enum role role, enum msg_type type, void *msg)
{
	send_frame(role, type, msg, NULL);
}

void
delivers(const struct talker *p, uint64_t k, const struct stanza *st, const struct opid *op)
{
	struct rec_target target = {.conn = p->number, .k = k};
	struct msg_DELIVER m = {.targets = {.items = &target, .count = 1}, .st = *st};

	send_frame(ROLE_SESSIOND, MSG_DELIVER, &m, op);
}

void
acknowledges(uint64_t n)
{
	bus_rig_ack(&rig.bus, ROLE_SESSIOND, SESSIOND_INC, 1, n);
	rig_turn();
}

struct str
unseal(struct str sealed)
{
	buf_clear(&rig.opened);
	assert_true(seal_open(&rig.authd, sealed, &rig.opened));
	return buf_str(&rig.opened);
}

/* ---- stages ---- */

void
rig_open(struct talker *p)
{
	rig_connect(p);
	says(p, OPENING);
	hears(p, "</stream:features>");
	assert_int_equal(rig_client(p)->state, CLIENT_FEATURES);
}

void
rig_authenticate(struct talker *p)
{
	struct msg_AUTH_START start;
	struct msg_AUTH_ANSWER answer = {
	    .outcome = AUTH_SUCCESS, .jid = S("alice@h"), .ticket = {{7}}};

	rig_open(p);
	says(p,
	    "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='SCRAM-SHA-256'>eA==</auth>");
	takes(MSG_AUTH_START, &start);
	answer.re = start.req;
	sends(ROLE_AUTHD, MSG_AUTH_ANSWER, &answer);
	hears(p, "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'></success>");
	assert_int_equal(rig_client(p)->state, CLIENT_HEADER);
}

void
rig_bindable(struct talker *p)
{
	rig_authenticate(p);
	says(p, OPENING);
	hears(p, "</stream:features>");
	assert_int_equal(rig_client(p)->state, CLIENT_BIND);
}

void
rig_session(struct talker *p)
{
	struct msg_BIND bind;
	struct msg_BOUND_TO bound = {.session = {.jid = S("alice@h/r"),
					 .epoch = 1,
					 .capability = S("capability"),
					 .generation = 3,
					 .source = S("192.0.2.1")}};

	rig_bindable(p);
	says(p,
	    "<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>r</resource></bind></iq>");
	takes(MSG_BIND, &bind);
	bound.re = bind.req;
	bound.conn = p->number;
	bound.session.sid = rig.sid;
	rig.sid.b[0]++;
	sends(ROLE_SESSIOND, MSG_BOUND_TO, &bound);
	hears(p, "<jid>alice@h/r</jid></bind></iq>");
	assert_int_equal(rig_client(p)->state, CLIENT_SESSION);
	while (bus_rig_next(&rig.bus))
		;
}
