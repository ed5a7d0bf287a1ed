/* Links and what passes between them. A frame is checked by its header and copied once, from the input buffer to the
 * receiver's output buffer; nothing is kept, and nothing is allocated per frame.
 *
 *   GREETING --HELLO--> UP --closed, refused, superseded--> CLOSED
 *   GREETING --5 s, anything else--> CLOSED
 *
 * hub_close_link is the one teardown. A link's memory belongs to its connection and ends with it. */
#include "hub.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/id.h"
#include "base/log.h"
#include "base/mem.h"

#define CHECK_EVERY_MS 1000

struct hub *
hub_new(struct loop *loop)
{
	struct hub *h = NEW(struct hub);
	id_init();
	h->loop = loop;
	h->inc = id_random_u64();
	h->started_ms = loop_now_ms(loop);
	h->trace = log_trace_on("bus");
	list_init(&h->links);
	h->hello_timer = loop_timer_new(loop, greeting_check_timeouts, h);
	loop_timer_start(h->hello_timer, CHECK_EVERY_MS, CHECK_EVERY_MS);
	return h;
}

void
hub_free(struct hub **hp)
{
	struct hub *h = *hp;
	if (!h)
		return;
	for (unsigned role = 0; role < ROLE_COUNT; role++)
		door_free(&h->doors[role]);
	LIST_FOREACH_SAFE(&h->links, it, next)
		hub_close_link(CONTAINER_OF(it, struct hub_link, node));
	loop_timer_free(&h->hello_timer);
	buf_deinit(&h->route_names);
	free(h->routes);
	free(h);
	*hp = NULL;
}

struct hub_link *
hub_find(const struct hub *h, uint16_t number)
{
	return frame_role(number) < ROLE_COUNT ? h->by_number[number] : NULL;
}

struct hub_stats
hub_stats(const struct hub *h)
{
	return h->stats;
}

unsigned
hub_n_links(const struct hub *h)
{
	unsigned n = 0;
	for (unsigned i = 0; i < COUNT(h->by_number); i++)
		n += h->by_number[i] != NULL;
	return n;
}

/* ---- the end of a link ---- */

void
hub_close_link(struct hub_link *l)
{
	if (l->state == LINK_CLOSED)
		return;
	bool was_up = l->state == LINK_UP;
	l->state = LINK_CLOSED;
	list_remove(&l->node);
	if (was_up) {
		l->hub->by_number[l->number] = NULL;
		greeting_tell_down(l);
	}
	conn_close(l->conn, 0);
	if (l->hub->doors[l->role])
		door_link_ended(l->hub->doors[l->role]);
}

void
hub_refuse(struct hub_link *l, const char *why)
{
	l->hub->stats.refused++;
	log_warn("%s.%u: link closed: %s", role_name(l->role), frame_instance(l->number), why);
	hub_close_link(l);
}

/* ---- frames ---- */

/* Counts a sender's share of a long queue. False when it is too much. */
static bool
hub_count_share(struct hub_link *to, uint16_t src, uint32_t length)
{
	if (conn_queued(to->conn) < QUEUE_SOFT_BYTES)
		return true;
	if (!to->shares)
		to->shares = mem_new_array(ROLE_COUNT << 8, sizeof(*to->shares));
	to->shares[src] += length;
	return to->shares[src] <= QUEUE_SHARE_BYTES;
}

/* A frame to who is not there, or not this incarnation any more, is dropped: its sender keeps it. */
static bool
hub_forward(struct hub_link *from, const struct frame *f)
{
	struct hub *h = from->hub;
	struct hub_link *to = h->by_number[f->dst];
	if (!to || to->inc != f->dst_inc || to == from) {
		h->stats.dropped++;
		return true;
	}
	if (!hub_count_share(to, f->src, f->length)) {
		hub_refuse(from, "ignores its windows");
		return false;
	}
	buf_add_str(conn_out(to->conn), f->bytes);
	conn_kick(to->conn);
	h->stats.forwarded++;
	return true;
}

/* Close the link of an endpoint whose frame its receiver refused: only for the incarnation that is connected, and
 * only when the two may talk at all. */
static bool
hub_take_complaint(struct hub_link *from, const struct msg_COMPLAIN *c)
{
	char why[400], text[300];
	struct hub_link *l =
	    hub_find(from->hub, frame_endpoint((enum role)c->peer.role, c->peer.instance));
	if (!l || l == from || l->inc != c->peer.incarnation ||
	    !rights_may_talk(l->role, from->role))
		return true;
	log_escape(text, sizeof(text), c->what);
	snprintf(why, sizeof(why), "%s.%u refused its frame: %s", role_name(from->role),
	    frame_instance(from->number), text);
	hub_refuse(l, why);
	return true;
}

static bool
hub_take_control(struct hub_link *l, const struct frame *f)
{
	union bus_any msg;
	const struct bus_message *m = bus_message(f->type);
	bool known = f->type == MSG_PING || f->type == MSG_COMPLAIN;
	if (!known || !bus_decode(m, f->body, &msg)) {
		hub_refuse(l, known ? "malformed control frame" : "unexpected control frame");
		return false;
	}
	if (f->type == MSG_COMPLAIN)
		return hub_take_complaint(l, &msg.COMPLAIN);
	greeting_send(l, MSG_PING, &msg.PING);
	return true;
}

static void
hub_trace(const struct frame *f)
{
	char arrow[64];
	snprintf(arrow, sizeof(arrow), "%s.%u ->", role_name(frame_role(f->src)),
	    frame_instance(f->src));
	frame_trace(arrow, f->dst, f);
}

static bool
on_frame(void *ctx, const struct frame *f)
{
	struct hub_link *l = ctx;
	if (l->state == LINK_GREETING)
		return greeting_take_hello(l, f);
	const char *wrong = rights_check(l->role, l->number, l->inc, f);
	if (wrong) {
		hub_refuse(l, wrong);
		return false;
	}
	if (l->hub->trace)
		hub_trace(f);
	if (frame_role(f->dst) == ROLE_ROUTER)
		return hub_take_control(l, f);
	return hub_forward(l, f);
}

/* ---- connections ---- */

static void
on_input(struct conn *c, struct str bytes)
{
	struct hub_link *l = conn_user(c);
	const char *error;
	if (!frame_cut(&l->cutter, bytes, on_frame, l, &error) && error && l->state != LINK_CLOSED)
		hub_refuse(l, error);
}

static void
on_drained(struct conn *c)
{
	struct hub_link *l = conn_user(c);
	free(l->shares);
	l->shares = NULL;
}

static void
on_closed(struct conn *c, int error)
{
	struct hub_link *l = conn_user(c);
	(void)error;
	hub_close_link(l);
	frame_cutter_deinit(&l->cutter);
	free(l->shares);
}

static const struct conn_methods methods = {
    .input = on_input, .drained = on_drained, .closed = on_closed};

static void
on_accepted(void *ctx, int fd, enum role role)
{
	struct hub *h = ctx;
	struct conn *c = conn_new(h->loop, fd, &methods, sizeof(struct hub_link));
	struct hub_link *l = conn_user(c);
	l->hub = h;
	l->conn = c;
	l->role = role;
	l->since_ms = loop_now_ms(h->loop);
	conn_set_water(c, QUEUE_SOFT_BYTES / 2, QUEUE_SOFT_BYTES);
	list_add(&h->links, &l->node);
}

void
hub_open_door(struct hub *h, int fd, const struct door_rule *rule)
{
	h->doors[rule->role] = door_new(h->loop, fd, rule, on_accepted, h);
}

/* ---- the routing table ---- */

static void
hub_copy_routes(struct hub *h, const struct rec_route *routes, uint32_t n)
{
	buf_deinit(&h->route_names);
	free(h->routes);
	for (uint32_t i = 0; i < n; i++)
		buf_add_str(&h->route_names, routes[i].domain);
	h->routes = mem_new_array(n, sizeof(*h->routes));
	h->n_routes = n;
	const char *name = buf_str(&h->route_names).p;
	for (uint32_t i = 0; i < n; i++) {
		h->routes[i] = routes[i];
		h->routes[i].domain.p = name;
		if (routes[i].domain.n > 0)
			name += routes[i].domain.n;
	}
}

void
hub_set_routes(struct hub *h, const struct rec_route *routes, uint32_t n)
{
	hub_copy_routes(h, routes, n);
	struct msg_ROUTES msg = {.routes = {.items = h->routes, .count = n}};
	LIST_FOREACH(&h->links, it) {
		struct hub_link *l = CONTAINER_OF(it, struct hub_link, node);
		if (l->state == LINK_UP)
			greeting_send(l, MSG_ROUTES, &msg);
	}
}
