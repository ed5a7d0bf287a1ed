/* See fake_bus.h. Domains: "h" is ours, "remote.example" goes to s2sd, "comp.h" to componentd, others to nobody. With more
 * than one shard, users whose names begin with x live in shard 1. */
#include "fake_bus.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"

struct custody {
	struct list link;
	struct bus *bus;
	struct custody *inner;
	int refs;
	unsigned level;
	bool *acked;
	void (*done)(void *arg);
	void *arg;
};

static struct custody *
custody_make(struct bus *b, unsigned level)
{
	struct custody *c = NEW(struct custody);

	c->bus = b;
	c->refs = 1;
	c->level = level;
	b->custodies++;
	list_add(&b->all, &c->link);
	return c;
}

struct custody *
custody_hold(struct custody *c)
{
	if (c)
		c->refs++;
	return c;
}

void
custody_release(struct custody *c)
{
	struct custody *inner;

	if (!c)
		return;
	if (c->refs <= 0)
		bug("custody let go too often");
	if (--c->refs > 0)
		return;
	inner = c->inner;
	if (c->acked)
		*c->acked = true;
	if (c->done)
		c->done(c->arg);
	c->bus->custodies--;
	list_remove(&c->link);
	free(c);
	custody_release(inner);
}

/* Of use to the other end only. */
void
custody_defer(struct custody *c)
{
	(void)c;
}

void
custody_resume(struct custody *c)
{
	(void)c;
}

struct custody *
custody_new(struct bus *b, struct custody *inner, void (*done)(void *arg), void *arg)
{
	struct custody *c = custody_make(b, inner ? inner->level : 0);

	c->inner = custody_hold(inner);
	c->done = done;
	c->arg = arg;
	return c;
}

/* ---- out ---- */

static bool
is_current(const struct bus *b, const struct endpoint *to)
{
	return to->role != ROLE_C2SD || b->c2sd_incarnation[to->instance] == to->incarnation;
}

static struct sent *
record(struct bus *b, const struct endpoint *to, enum msg_type type, const void *msg,
    const struct opid *op, struct custody *cause)
{
	struct sent *s = NEW(struct sent);

	s->message = bus_message(type);
	if (cause && s->message->level <= cause->level)
		bug("%s under a frame of level %u", s->message->body.name, cause->level);
	if (s->message->binding == BUS_BOUND && to->incarnation == 0)
		bug("%s to nobody in particular", s->message->body.name);
	if (!(s->message->to & 1u << to->role))
		bug("%s to %s", s->message->body.name, role_name(to->role));
	s->to = *to;
	if (op)
		s->op = *op;
	bus_encode(&s->body, s->message, msg);
	if (buf_len(&s->body) > BUS_FRAME_MAX - 256)
		bug("%s is too long", s->message->body.name);
	s->msg = mem_new(s->message->body.size);
	if (!bus_decode(s->message, buf_str(&s->body), s->msg))
		bug("%s cannot be decoded", s->message->body.name);
	s->cause = custody_hold(cause);
	list_add(&b->sent, &s->link);
	return s;
}

void
bus_send(struct bus *b, const struct endpoint *to, enum msg_type type, const void *msg,
    const struct opid *op, struct custody *cause, unsigned flags)
{
	if (is_current(b, to))
		record(b, to, type, msg, op, cause)->flags = flags;
}

uint64_t
bus_request(struct bus *b, const struct endpoint *to, enum msg_type type, void *msg,
    const struct opid *op, struct custody *cause, uint32_t deadline_ms, bus_answer_fn *fn, void *arg)
{
	struct sent *s;

	(void)deadline_ms;
	*(uint64_t *)msg = ++b->next_request;
	s = record(b, to, type, msg, op, cause);
	s->request = b->next_request;
	s->fn = fn;
	s->arg = arg;
	return s->request;
}

void
bus_cancel(struct bus *b, uint64_t request)
{
	LIST_FOREACH(&b->sent, it)
		if (CONTAINER_OF(it, struct sent, link)->request == request)
			CONTAINER_OF(it, struct sent, link)->fn = NULL;
}

void
bus_answer(struct bus *b, const struct endpoint *to, uint64_t request, enum msg_type type,
    void *msg, const struct opid *op, struct custody *cause)
{
	*(uint64_t *)msg = request;
	bus_send(b, to, type, msg, op, cause, 0);
}

void
bus_answer_done(struct bus *b, const struct endpoint *to, uint64_t request, uint64_t count,
    struct custody *cause)
{
	struct msg_DONE m = {.count = count};

	bus_answer(b, to, request, MSG_DONE, &m, NULL, cause);
}

void
bus_answer_failed(struct bus *b, const struct endpoint *to, uint64_t request, enum bus_error error,
    const char *text, struct custody *cause)
{
	struct msg_FAILED m = {.error = (uint8_t)error, .text = str_z(text)};

	bus_answer(b, to, request, MSG_FAILED, &m, NULL, cause);
}

struct sent *
sent_take(struct bus *b)
{
	struct sent *s;

	if (list_empty(&b->sent))
		return NULL;
	s = CONTAINER_OF(b->sent.next, struct sent, link);
	list_remove(&s->link);
	list_add(&b->waiting, &s->link);
	return s;
}

void
sent_ack(struct bus *b, struct sent *s)
{
	struct custody *cause = s->cause;

	(void)b;
	list_remove(&s->link);
	buf_deinit(&s->body);
	free(s->msg);
	free(s);
	custody_release(cause);
}

void
sent_answer(struct bus *b, struct sent *s, enum msg_type type, void *msg)
{
	const struct bus_message *m = bus_message(type);
	struct custody *c = custody_make(b, BUS_LEVEL_MAX);
	struct bus_in in = {.bus = b, .from = s->to, .message = m, .op = s->op, .custody = c};
	struct buf body = {0};
	void *copy = m ? mem_new(m->body.size) : NULL;

	in.from.incarnation = 1;
	if (m) {
		*(uint64_t *)msg = s->request;
		bus_encode(&body, m, msg);
		if (!bus_decode(m, buf_str(&body), copy))
			bug("the answer %s cannot be decoded", m->body.name);
		in.body = buf_str(&body);
	}
	if (s->fn)
		s->fn(s->arg, m ? &in : NULL, copy);
	free(copy);
	buf_deinit(&body);
	custody_release(c);
	sent_ack(b, s);
}

/* ---- in ---- */

bool
fake_receive(struct bus *b, const struct endpoint *from, enum msg_type type, const void *msg,
    const struct opid *op, bool *acked_r)
{
	const struct bus_message *m = bus_message(type);
	struct custody *c = custody_make(b, m->level);
	struct bus_in in = {.bus = b, .from = *from, .message = m, .custody = c};
	const struct bus_handler *h = sessiond_handlers;
	bool acked = false, *where = acked_r ? acked_r : NULL;
	struct buf body = {0};
	void *copy = mem_new(m->body.size);
	bool now;

	if (op)
		in.op = *op;
	if (where)
		*where = false;
	c->acked = where ? where : &acked;
	while (h->type && h->type != type)
		h++;
	if (!h->type)
		bug("nobody handles %s", m->body.name);
	bus_encode(&body, m, msg);
	if (!bus_decode(m, buf_str(&body), copy))
		bug("%s cannot be decoded", m->body.name);
	in.body = buf_str(&body);
	h->handle(b->sd, &in, copy);
	free(copy);
	buf_deinit(&body);
	if (c->refs > 1 && !where)
		c->acked = NULL;
	custody_release(c);
	now = where ? *where : acked;
	return now;
}

void
bus_protocol_error(struct bus *b, const struct bus_in *in, const char *what)
{
	(void)in;
	b->errors++;
	snprintf(b->what, sizeof(b->what), "%s", what);
}

/* ---- the routing table ---- */

unsigned
bus_shard(struct str bare, unsigned shards)
{
	return shards > 1 && bare.n && bare.p[0] == 'x' ? 1 : 0;
}

unsigned
bus_shards(const struct bus *b)
{
	return b->shards;
}

bool
bus_is_local_domain(const struct bus *b, struct str domain)
{
	(void)b;
	return str_is(domain, "h");
}

bool
bus_route(const struct bus *b, const struct jid *to, struct endpoint *endpoint_r)
{
	struct endpoint e = {.role = ROLE_COUNT};

	if (str_is(to->domain, "h"))
		e = (struct endpoint){ROLE_SESSIOND, (uint8_t)bus_shard(to->bare, b->shards), 0};
	else if (str_is(to->domain, "remote.example"))
		e.role = ROLE_S2SD;
	else if (str_is(to->domain, "comp.h"))
		e.role = ROLE_COMPONENTD;
	if (e.role == ROLE_COUNT)
		return false;
	*endpoint_r = e;
	return true;
}

/* ---- the rest ---- */

uint64_t
bus_incarnation_of(const struct bus *b, enum role role, uint8_t instance)
{
	return role == ROLE_C2SD ? b->c2sd_incarnation[instance] : 1;
}

uint64_t
bus_own_incarnation(const struct bus *b)
{
	(void)b;
	return 77;
}

bool
bus_is_linked(const struct bus *b)
{
	(void)b;
	return true;
}

bool
bus_role_up(const struct bus *b, enum role role)
{
	(void)b;
	(void)role;
	return true;
}

bool
bus_has_credit(const struct bus *b, enum role role)
{
	(void)b;
	(void)role;
	return true;
}

void
bus_settle(struct bus *b, const struct endpoint *to, const struct id128 *origin, uint64_t n)
{
	b->settled++;
	b->settled_to = *to;
	b->settled_id = (struct opid){.origin = *origin, .n = n};
}

struct bus_stats
bus_stats(const struct bus *b)
{
	(void)b;
	return (struct bus_stats){.sent = 0};
}

struct bus *
bus_new(struct loop *loop, const struct bus_config *config)
{
	(void)loop;
	(void)config;
	bug("the fake bus is not made by the skeleton");
}

void
bus_free(struct bus **b)
{
	*b = NULL;
}

void
fake_bus_init(struct bus *b, struct sessiond *sd)
{
	list_init(&b->sent);
	list_init(&b->waiting);
	list_init(&b->all);
	b->sd = sd;
	b->shards = 1;
}

void
fake_bus_deinit(struct bus *b)
{
	struct sent *s;

	while (!list_empty(&b->waiting)) {
		s = CONTAINER_OF(b->waiting.next, struct sent, link);
		if (s->fn)
			sent_answer(b, s, 0, NULL);
		else
			sent_ack(b, s);
	}
	while ((s = sent_take(b))) {
		if (s->fn)
			sent_answer(b, s, 0, NULL);
		else
			sent_ack(b, s);
	}
}

void
fake_bus_free(struct bus *b)
{
	struct sent *s;

	for (;;) {
		s = NULL;
		LIST_FOREACH(&b->waiting, it)
			if (CONTAINER_OF(it, struct sent, link)->fn)
				s = CONTAINER_OF(it, struct sent, link);
		if (!s && !(s = sent_take(b)))
			break;
		if (s->fn)
			sent_answer(b, s, 0, NULL);
	}
	LIST_FOREACH_SAFE(&b->waiting, it, nx) {
		s = CONTAINER_OF(it, struct sent, link);
		s->cause = NULL;
		sent_ack(b, s);
	}
	LIST_FOREACH_SAFE(&b->all, it, nx)
		free(CONTAINER_OF(it, struct custody, link));
	b->custodies = 0;
	list_init(&b->all);
}
