/* See rig.h. */
#include "rig.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "tls/digest.h"

struct rig rig;

static const char *const DOMAINS[] = {"h", NULL};
static const char *const COMPONENTS[] = {"a", "b", NULL};

static void
use_defaults(void)
{
	rig.settings = (struct componentd_settings){
	    .components = {rig.components, COUNT(rig.components)},
	    .secret = "s",
	    .conflict = CONFLICT_REFUSE_NEW,
	    .door = {.connections = 1000,
		.strangers = 1000,
		.source_connections = 1000000000,
		.source_per_minute = 1000000000,
		.stall_seconds = 60},
	    .stanza = {.bytes = 524288,
		.elements = 16384,
		.depth = 64,
		.attributes = 128,
		.dict_bytes = 1048576},
	    .preauth_bytes = 10240,
	    .handshake_seconds = 10,
	    .keepalive_seconds = 30,
	    .linger_seconds = 2,
	    .wait_seconds = 40,
	    .queue_bytes = 262144,
	    .queues_bytes = 2097152,
	};
	for (size_t i = 0; i < COUNT(rig.components); i++)
		rig.components[i] = (struct component_settings){.title = COMPONENTS[i],
		    .secret = "",
		    .conflict = CONFLICT_USUAL,
		    .validate_from = true};
}

static void
start_bus(void)
{
	static const struct rec_route routes[] = {
	    {.domain = S(""), .role = ROLE_S2SD, .instances = 1},
	    {.domain = S("a"), .role = ROLE_COMPONENTD, .instances = 1},
	    {.domain = S("b"), .role = ROLE_COMPONENTD, .instances = 1},
	    {.domain = S("h"), .role = ROLE_SESSIOND, .instances = 1},
	};
	const struct msg_ROUTES m = {.routes = {.items = routes, .count = COUNT(routes)}};

	rig.config = (struct bus_config){.role = ROLE_COMPONENTD,
	    .handlers = componentd_handlers,
	    .events = &componentd_events,
	    .ctx = rig.componentd};
	bus_rig_start(&rig.bus, &rig.config);
	rig.daemon.bus = rig.bus.bus;
	bus_rig_link(&rig.bus);
	assert_true(bus_rig_router(&rig.bus, MSG_ROUTES, &m));
	bus_rig_up(&rig.bus, ROLE_SESSIOND, 0, SESSIOND_INC);
	bus_rig_up(&rig.bus, ROLE_S2SD, 0, S2SD_INC);
}

int
rig_setup(void **state)
{
	(void)state;
	log_set_level(LOG_ERROR);
	id_init();
	rig = (struct rig){.seq = {0}};
	use_defaults();
	rig.daemon.settings = &rig.settings;
	rig.daemon.suite = (struct suite){
	    .domains = DOMAINS, .n_domains = 1, .components = COMPONENTS, .n_components = 2};
	rig.daemon.loop = loop_new();
	rig.componentd = componentd_new(&rig.daemon);
	door_set(&rig.componentd->door, &rig.settings.door);
	components_refresh(rig.componentd);
	rig.componentd->hook = loop_hook_new(rig.daemon.loop, componentd_turn, rig.componentd);
	rig.gate = (struct gate){.edge = rig.componentd, .tls = LISTENER_CLEAR};
	start_bus();
	return 0;
}

int
rig_teardown(void **state)
{
	(void)state;
	bus_rig_stop(&rig.bus);
	rig.daemon.bus = NULL;
	componentd_stop(&rig.daemon);
	loop_free(&rig.daemon.loop);
	assert_null(rig.daemon.state);
	return 0;
}

/* ---- components ---- */

void
rig_connect(struct talker *p)
{
	struct visitor v = {.address = "192.0.2.1"};
	int fd = talker_open(p);

	assert_true(door_enter(&rig.componentd->door, &v, componentd_now_ms(rig.componentd)));
	stream_new(&rig.gate, fd, &v);
	p->number = rig.componentd->last_number;
}

void
rig_hang_up(struct talker *p)
{
	talker_close(p);
	rig_turn();
}

static struct stream *
find_in(struct list *streams, uint64_t number)
{
	LIST_FOREACH(streams, it) {
		struct stream *s = CONTAINER_OF(it, struct stream, link);

		if (s->number == number)
			return s;
	}
	return NULL;
}

struct stream *
rig_stream(const struct talker *p)
{
	struct stream *s = find_in(&rig.componentd->strangers, p->number);
	struct component *it, *next;

	if (!s)
		s = find_in(&rig.componentd->closing, p->number);
	HASH_ITER(hh, rig.componentd->components, it, next)
		if (!s)
			s = find_in(&it->streams, p->number);
	return s;
}

void
rig_turn(void)
{
	talker_wait(&rig.daemon);
}

void
rig_says(struct talker *p, struct str text)
{
	(void)!write(p->fd, text.p, text.n);
	rig_turn();
}

void
rig_digest(const struct talker *p, const char *secret, char hex[41])
{
	uint8_t digest[DIGEST_SHA1_BYTES];
	char id[2 * ID_BYTES + 1], text[sizeof(id) + 64];

	id_hex(&rig_stream(p)->id, id);
	snprintf(text, sizeof(text), "%s%s", id, secret);
	digest_sha1(str_z(text), digest);
	for (size_t i = 0; i < sizeof(digest); i++)
		snprintf(hex + 2 * i, 3, "%02x", digest[i]);
}

/* ---- the bus ---- */

void
rig_routes(const struct stanza *st, uint64_t n)
{
	struct msg_ROUTE m = {.st = *st};
	unsigned level = bus_message(MSG_ROUTE)->level;
	struct frame f = {.type = MSG_ROUTE,
	    .src = frame_endpoint(ROLE_SESSIOND, 0),
	    .src_inc = SESSIOND_INC,
	    .dst = rig.bus.bus->number,
	    .dst_inc = RIG_INC,
	    .seq = ++rig.seq[level],
	    .origin = {{1}},
	    .n = n,
	    .kind = OP_STANZA};

	bus_rig_frame(&rig.bus, &f, &m);
	rig_turn();
}

void
rig_acknowledges(void)
{
	for (unsigned level = 1; level < LEVELS; level++) {
		bus_rig_ack(&rig.bus, ROLE_SESSIOND, SESSIOND_INC, level, UINT64_MAX / 2);
		bus_rig_ack(&rig.bus, ROLE_S2SD, S2SD_INC, level, UINT64_MAX / 2);
	}
	while (bus_rig_next(&rig.bus))
		;
}
