/* Requests that wait for their answer, by number. A request ends in one of these ways, each of which calls fn once,
 * or by bus_cancel, which does not:
 *
 *   answered; deadline; its peer died (bound); waited too long (stable); not sent, for its peer is another by now;
 *   acknowledged or withdrawn without an answer; the bus is freed */
#include <stdlib.h>

#include "base/mem.h"
#include "bus/bus_private.h"

/* Numbers are given in order, so they spread over the buckets by themselves. */
static struct list *
request_bucket(struct bus *b, uint64_t number)
{
	return &b->requests_by_number[number % REQUEST_BUCKETS];
}

static struct request *
request_find(struct bus *b, uint64_t number)
{
	LIST_FOREACH(request_bucket(b, number), it) {
		struct request *r = CONTAINER_OF(it, struct request, bucket);
		if (r->number == number)
			return r;
	}
	return NULL;
}

static void
request_remove(struct bus *b, struct request *r)
{
	list_remove(&r->bucket);
	list_remove(&r->node);
	b->stats.pending_requests--;
}

/* Who asked is told that there will be no answer. What was never sent must not take effect later. */
static void
request_fail(struct bus *b, struct request *r)
{
	request_remove(b, r);
	if (r->kept && !r->kept->was_sent)
		sender_withdraw(b, r->kept);
	r->fn(r->arg, NULL, NULL);
	free(r);
}

static struct request *
request_new(struct bus *b, struct peer *p, uint32_t deadline_ms)
{
	struct request *r = NEW(struct request);
	r->number = ++b->next_request;
	r->deadline_ms = deadline_ms ? bus_now(b) + deadline_ms : 0;
	r->peer = p;
	list_init(&r->bucket);
	list_init(&r->node);
	list_add(request_bucket(b, r->number), &r->bucket);
	list_add(&b->requests_list, &r->node);
	b->stats.pending_requests++;
	return r;
}

uint64_t
bus_request(/* NOLINT(readability-function-size): all of a frame, and who waits for it */
    struct bus *b, const struct endpoint *to, enum msg_type type, void *msg, const struct opid *op,
    struct custody *cause, uint32_t deadline_ms, bus_answer_fn *fn, void *arg)
{
	const struct bus_message *m = bus_message(type);
	if (!m || m->body.fields[0].kind != FIELD_req)
		bug("bus: message %d is no request", type);
	struct peer *p = peer_of(b, frame_endpoint(to->role, to->instance));
	struct request *r = request_new(b, p, deadline_ms);
	r->fn = fn;
	r->arg = arg;
	r->bound = m->binding == BUS_BOUND;
	*(uint64_t *)msg = r->number;
	r->kept = bus_keep(b, to, m, msg, op, cause);
	if (r->kept) {
		r->kept->request = r->number;
	} else {
		r->failed = true;
		b->expire = true;
		bus_stir(b);
	}
	return r->number;
}

void
bus_cancel(struct bus *b, uint64_t number)
{
	struct request *r = request_find(b, number);
	if (!r)
		return;
	request_remove(b, r);
	if (r->kept && !r->kept->was_sent)
		sender_withdraw(b, r->kept);
	free(r);
}

/* An answer to no open request is late and means nothing. False: the request was made to someone else. */
bool
requests_answer(struct bus *b, const struct bus_in *in, uint64_t number, const void *msg)
{
	struct request *r = request_find(b, number);
	if (!r)
		return true;
	if (r->peer->number != frame_endpoint(in->from.role, in->from.instance))
		return false;
	request_remove(b, r);
	r->fn(r->arg, in, msg);
	free(r);
	return true;
}

/* A frame is acknowledged after its answer (BUS.md §5). If there was none it was lost on its way to us, who were
 * presumed dead, and will not come. */
void
requests_frame_gone(struct bus *b, uint64_t number)
{
	struct request *r = request_find(b, number);
	if (!r)
		return;
	uint64_t deadline_ms = bus_now(b) + UNANSWERED_MS;
	r->kept = NULL;
	if (!r->deadline_ms || r->deadline_ms > deadline_ms)
		r->deadline_ms = deadline_ms;
}

void
requests_fail(struct bus *b, uint64_t number)
{
	struct request *r = request_find(b, number);
	if (r)
		request_fail(b, r);
}

static void
requests_fail_all(struct bus *b, struct list *failed)
{
	while (!list_empty(failed))
		request_fail(b, CONTAINER_OF(failed->next, struct request, node));
}

/* Moves first, calls then: fn may make and cancel requests. */
void
requests_peer_died(struct bus *b, struct peer *p)
{
	struct list failed;
	list_init(&failed);
	LIST_FOREACH_SAFE(&b->requests_list, it, next) {
		struct request *r = CONTAINER_OF(it, struct request, node);
		if (!r->bound || r->peer != p)
			continue;
		list_remove(&r->node);
		list_add(&failed, &r->node);
	}
	requests_fail_all(b, &failed);
}

void
requests_tick(struct bus *b)
{
	struct list failed;
	list_init(&failed);
	b->expire = false;
	LIST_FOREACH_SAFE(&b->requests_list, it, next) {
		struct request *r = CONTAINER_OF(it, struct request, node);
		if (!r->failed && (!r->deadline_ms || b->now_ms < r->deadline_ms))
			continue;
		list_remove(&r->node);
		list_add(&failed, &r->node);
	}
	requests_fail_all(b, &failed);
}

void
requests_init(struct bus *b)
{
	list_init(&b->requests_list);
	for (unsigned i = 0; i < REQUEST_BUCKETS; i++)
		list_init(&b->requests_by_number[i]);
}

void
requests_free(struct bus *b)
{
	while (!list_empty(&b->requests_list)) {
		struct request *r = CONTAINER_OF(b->requests_list.next, struct request, node);
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): request_fail takes it off the list */
		r->kept = NULL;
		request_fail(b, r);
	}
}

/* ---- answers ---- */

void
bus_answer(struct bus *b, const struct endpoint *to, uint64_t request, enum msg_type type,
    void *msg, const struct opid *op, struct custody *cause)
{
	const struct bus_message *m = bus_message(type);
	if (!m || m->body.fields[0].kind != FIELD_re)
		bug("bus: message %d is no answer", type);
	*(uint64_t *)msg = request;
	bus_send(b, to, type, msg, op, cause, 0);
}

void
bus_answer_done(struct bus *b, const struct endpoint *to, uint64_t request, uint64_t count,
    struct custody *cause)
{
	struct msg_DONE msg = {.count = count};
	bus_answer(b, to, request, MSG_DONE, &msg, NULL, cause);
}

/* The text is cut between characters. */
void
bus_answer_failed(struct bus *b, const struct endpoint *to, uint64_t request, enum bus_error error,
    const char *text, struct custody *cause)
{
	struct str s = str_z(text);
	size_t n = 0, len;
	while (n < s.n && (len = str_utf8_len(str_from(s, n))) > 0 && n + len <= 256)
		n += len;
	struct msg_FAILED msg = {.error = (uint8_t)error, .text = str_of(s.p, n)};
	bus_answer(b, to, request, MSG_FAILED, &msg, NULL, cause);
}
