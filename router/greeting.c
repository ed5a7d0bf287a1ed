/* Who is there: HELLO, WELCOME, PEER_UP and PEER_DOWN (BUS.md §3.1–§3.4). On each link PEER_UP of an endpoint comes before
 * every frame of it and PEER_DOWN after every one, because both take the same way as the frames. */
#include <inttypes.h>

#include "base/log.h"
#include "base/mem.h"
#include "hub.h"

#define PEERS_MAX 1024 /* of WELCOME */

void
greeting_send(struct hub_link *l, enum msg_type type, const void *msg)
{
	struct frame f = {
	    .src = frame_endpoint(ROLE_ROUTER, 0),
	    .src_inc = l->hub->inc,
	    .dst = l->number,
	    .dst_inc = l->inc,
	};
	frame_add_message(conn_out(l->conn), &f, bus_message(type), msg);
	conn_kick(l->conn);
}

static struct rec_endpoint_is
link_is(const struct hub_link *l)
{
	return (struct rec_endpoint_is){
	    .role = (uint8_t)l->role,
	    .instance = frame_instance(l->number),
	    .incarnation = l->inc,
	};
}

/* To all others that may talk with it. */
static void
greeting_tell(struct hub_link *about, enum msg_type type)
{
	struct msg_PEER_UP msg = {.peer = link_is(about)};
	_Static_assert(sizeof(msg) == sizeof(struct msg_PEER_DOWN), "the same fields");
	LIST_FOREACH(&about->hub->links, it) {
		struct hub_link *l = CONTAINER_OF(it, struct hub_link, node);
		if (l != about && l->state == LINK_UP && rights_may_talk(l->role, about->role))
			greeting_send(l, type, &msg);
	}
}

void
greeting_tell_down(struct hub_link *l)
{
	log_info("%s.%u is gone", role_name(l->role), frame_instance(l->number));
	greeting_tell(l, MSG_PEER_DOWN);
}

static void
greeting_welcome(struct hub_link *to)
{
	struct hub *h = to->hub;
	struct rec_endpoint_is peers[PEERS_MAX];
	uint32_t n = 0;
	LIST_FOREACH(&h->links, it) {
		struct hub_link *l = CONTAINER_OF(it, struct hub_link, node);
		if (l != to && l->state == LINK_UP && rights_may_talk(l->role, to->role) &&
		    n < PEERS_MAX)
			peers[n++] = link_is(l);
	}
	struct msg_WELCOME msg = {
	    .incarnation = h->inc,
	    .age_ms = loop_now_ms(h->loop) - h->started_ms,
	    .routes = {.items = h->routes, .count = h->n_routes},
	    .peers = {.items = n ? peers : NULL, .count = n},
	};
	greeting_send(to, MSG_WELCOME, &msg);
}

/* The old link of the endpoint, if any, ends before anything else happens with the new one. */
static void
greeting_enter(struct hub_link *l, const struct msg_HELLO *hello)
{
	struct hub *h = l->hub;
	uint16_t number = frame_endpoint(l->role, hello->instance);
	if (h->by_number[number])
		hub_close_link(h->by_number[number]);
	l->number = number;
	l->inc = hello->incarnation;
	greeting_welcome(l);
	l->state = LINK_UP;
	h->by_number[number] = l;
	log_info("%s.%u is there", role_name(l->role), hello->instance);
	greeting_tell(l, MSG_PEER_UP);
}

static void
greeting_wrong_schema(struct hub_link *l, const struct msg_HELLO *hello)
{
	struct hub *h = l->hub;
	h->stats.refused++;
	if (h->refused_inc != hello->incarnation)
		log_error("%s.%u is of another version than the router; upgraded: restart the suite",
		    role_name(l->role), hello->instance);
	h->refused_inc = hello->incarnation;
	hub_close_link(l);
}

static const char *
hello_check(const struct hub_link *l, const struct frame *f, const struct msg_HELLO *hello)
{
	if (hello->role != l->role)
		return "HELLO with the role of another socket";
	if (f->src != frame_endpoint(l->role, hello->instance) || f->src_inc != hello->incarnation ||
	    f->dst != frame_endpoint(ROLE_ROUTER, 0) || hello->incarnation == 0)
		return "HELLO contradicts its header";
	return NULL;
}

bool
greeting_take_hello(struct hub_link *l, const struct frame *f)
{
	struct msg_HELLO hello;
	const char *wrong = frame_check(f);
	if (wrong || f->type != MSG_HELLO || !bus_decode(bus_message(MSG_HELLO), f->body, &hello)) {
		hub_refuse(l, wrong ? wrong : "no HELLO");
		return false;
	}
	if (hello.schema != bus_schema_hash()) {
		greeting_wrong_schema(l, &hello);
		return false;
	}
	wrong = hello_check(l, f, &hello);
	if (wrong) {
		hub_refuse(l, wrong);
		return false;
	}
	greeting_enter(l, &hello);
	return true;
}

void
greeting_check_timeouts(void *hub)
{
	struct hub *h = hub;
	uint64_t now = loop_now_ms(h->loop);
	LIST_FOREACH_SAFE(&h->links, it, next) {
		struct hub_link *l = CONTAINER_OF(it, struct hub_link, node);
		if (l->state == LINK_GREETING && now >= l->since_ms + HELLO_TIMEOUT_MS)
			hub_refuse(l, "no HELLO in time");
	}
}
