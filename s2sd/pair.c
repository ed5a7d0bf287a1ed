/* See pair.h. */
#include "pair.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attempt.h"
#include "base/jid.h"
#include "base/mem.h"
#include "bounce.h"
#include "names.h"
#include "pace.h"
#include "proof.h"

#define SOCKET_BYTES \
	(256 * 1024) /* of a socket's queue, from which on stanzas wait in the pair's */

static void pair_go(struct pair *p);

/* ---- items ---- */

static void
item_free(struct item *i)
{
	pace_count(i->pair, -(ptrdiff_t)i->bytes);
	i->pair->n_items--;
	if (i->is_written)
		i->pair->written -= i->bytes;
	list_remove(&i->link);
	if (s2sd_bus(i->pair->s2sd)) /* with the bus all custodies have gone */
		custody_release(i->custody);
	free(i->st);
	free(i);
}

void
item_fail(struct item *i, enum stanza_error error, const char *why)
{
	struct outgoing o = {.st = i->st, .custody = i->custody, .op = i->op, .level = i->level};

	bounce(i->pair->s2sd, &o, error, why);
	item_free(i);
}

static void
item_new(struct pair *p, const struct outgoing *o, size_t bytes)
{
	struct item *i = NEW(struct item);

	i->pair = p;
	i->st = stanza_copy(o->st);
	i->custody = o->custody ? custody_hold(o->custody) : NULL;
	i->op = o->op;
	i->level = o->level;
	i->bytes = bytes;
	i->since_ms = s2sd_now_ms(p->s2sd);
	pace_count(p, (ptrdiff_t)bytes);
	p->n_items++;
	list_add(&p->queue, &i->link);
}

/* ---- pairs ---- */

#define KEY_SIZE (2 * JID_PART_MAX + 2)

static void
key_of(char key[KEY_SIZE], struct str local, struct str remote)
{
	snprintf(key, KEY_SIZE, "%.*s %.*s", STR_ARG(local), STR_ARG(remote));
}

struct pair *
pair_find(const struct s2sd *d, struct str local, struct str remote)
{
	char key[KEY_SIZE];
	struct pair *p;

	key_of(key, local, remote);
	HASH_FIND_STR(d->pairs, key, p);
	return p;
}

static struct pair *
pair_new(struct s2sd *d, struct str local, struct str remote)
{
	struct pair *p = NEW(struct pair);
	char key[KEY_SIZE];

	p->s2sd = d;
	p->local = str_dup(local);
	p->remote = str_dup(remote);
	list_init(&p->queue);
	key_of(key, local, remote);
	p->key = str_dup(str_z(key));
	HASH_ADD_KEYPTR(hh, d->pairs, p->key, strlen(p->key), p);
	return p;
}

void
pair_free(struct pair *p)
{
	attempt_free(&p->attempt);
	LIST_FOREACH_SAFE(&p->queue, it, nx)
		item_free(CONTAINER_OF(it, struct item, link));
	if (p->stream)
		p->stream->pair = NULL;
	HASH_DEL(p->s2sd->pairs, p);
	free(p->key);
	free(p->local);
	free(p->remote);
	free(p);
}

void
pair_reap(struct pair *p)
{
	if (p->n_items == 0 && !p->attempt && !p->stream)
		pair_free(p);
}

void
pair_fail(struct pair *p, enum stanza_error error, const char *why)
{
	LIST_FOREACH_SAFE(&p->queue, it, nx)
		item_fail(CONTAINER_OF(it, struct item, link), error, why);
}

/* ---- the stream ---- */

static void
take_stream(struct pair *p, struct stream *s)
{
	p->stream = s;
	p->why[0] = '\0';
	s->pair = p;
	s->used_ms = s2sd_now_ms(p->s2sd);
	pair_pump(p);
}

/* XEP-0288: what we send to is what has been proved to us, in the other direction. */
static void
prove_reverse(struct stream *s)
{
	struct proof *proof = s->is_bidi ? proof_new(s, str_z(s->local), str_z(s->remote)) : NULL;

	if (proof)
		proof_is_valid(s, proof);
}

static void
on_ready(void *ctx, struct stream *s)
{
	struct pair *p = ctx;

	p->attempt = NULL;
	stream_is_known(s);
	prove_reverse(s);
	sm_begin(s);
	take_stream(p, s);
}

static struct stream *
find_bidi(const struct pair *p)
{
	LIST_FOREACH(&p->s2sd->open, it) {
		struct stream *s = CONTAINER_OF(it, struct stream, link);
		struct proof *proof;

		if (s->is_out || !s->is_bidi || s->pair || s->state != S2S_OPEN)
			continue;
		proof = proof_find(s, str_z(p->local), str_z(p->remote));
		if (proof && proof->state == PROOF_VALID)
			return s;
	}
	return NULL;
}

static void
on_failed(void *ctx, enum stanza_error error, const char *why)
{
	struct pair *p = ctx;
	struct stream *s = find_bidi(p);

	p->attempt = NULL;
	if (s) {
		take_stream(p, s);
		return;
	}
	str_copy(p->why, sizeof(p->why), str_z(why));
	pair_fail(p, error, why);
	pair_reap(p);
}

static const struct attempt_events events = {.ready = on_ready, .failed = on_failed};

static void
pair_go(struct pair *p)
{
	struct attempt_for f = {
	    .local = str_z(p->local), .remote = str_z(p->remote), .events = &events, .ctx = p};
	struct stream *s;

	if (p->stream || p->attempt || list_empty(&p->queue)) {
		pair_pump(p);
		return;
	}
	if (p->s2sd->run >= S2SD_CLOSING)
		return;
	s = find_bidi(p);
	if (s)
		take_stream(p, s);
	else
		p->attempt = attempt_new(p->s2sd, &f);
}

void
pair_offer(struct s2sd *d, struct stream *s, struct str local, struct str remote)
{
	struct pair *p = pair_find(d, local, remote);

	if (!p || !s->is_bidi || s->pair || p->stream)
		return;
	/* Both have begun at the same time: the one with the lesser name goes on, or each would give up the other one's. */
	if (p->attempt && strcmp(p->local, p->remote) < 0)
		return;
	attempt_free(&p->attempt);
	take_stream(p, s);
}

/* ---- sending ---- */

static enum stanza_error
check(const struct s2sd *d, struct pair *p, const struct outgoing *o, size_t bytes)
{
	const struct s2sd_settings *set = s2sd_settings(d);

	if (!policy_sends_from(set, str_z(p->local)) || !policy_sends_to(set, str_z(p->remote)))
		return SE_NOT_ALLOWED;
	return pace_admits(p, o->custody, bytes) ? SE_NONE : SE_RESOURCE_CONSTRAINT;
}

void
pair_send(struct s2sd *d, const struct outgoing *o)
{
	struct str local = jid_split(o->st->from).domain, remote = jid_split(o->st->to).domain;
	struct pair *p = pair_find(d, local, remote);
	size_t bytes = sizeof(struct item) + o->st->from.n + o->st->to.n + o->st->payload.n;
	enum stanza_error error;

	if (!p)
		p = pair_new(d, local, remote);
	error = check(d, p, o, bytes);
	if (error != SE_NONE) {
		bounce(d, o, error,
		    error == SE_NOT_ALLOWED ? "federation with this domain is not allowed"
					    : "too much waits for this domain");
		pair_reap(p);
		return;
	}
	item_new(p, o, bytes);
	pair_go(p);
}

static void
write_item(struct stream *s, struct item *i)
{
	list_remove(&i->link);
	i->is_written = true;
	i->pair->written += i->bytes;
	i->mark = 0;
	xml_write_stanza(wire_out(&s->wire), i->st);
	list_add(&s->sent, &i->link);
	sm_sent(s);
	i->is_counted = s->sm.is_out;
	i->sm = s->sm.sent;
	if (list_empty(&s->fresh))
		list_add(&s->s2sd->fresh, &s->fresh);
	stream_touch(s);
}

void
pair_pump(struct pair *p)
{
	struct stream *s = p->stream;
	size_t most = (size_t)s2sd_settings(p->s2sd)->queue_bytes;

	while (p->stream && p->stream == s && s->state < S2S_HALF_CLOSED &&
	    !list_empty(&p->queue) && wire_queued(&s->wire) < SOCKET_BYTES && p->written < most)
		write_item(s, CONTAINER_OF(p->queue.next, struct item, link));
	if (p->stream && p->stream == s)
		s->used_ms = s2sd_now_ms(p->s2sd);
}

void
pair_mark(struct stream *s)
{
	list_remove(&s->fresh);
	for (struct list *it = s->sent.prev; it != &s->sent; it = it->prev) {
		struct item *i = CONTAINER_OF(it, struct item, link);

		if (i->mark)
			return;
		i->mark = s->wire.out_total;
	}
}

void
pair_written(struct stream *s)
{
	uint64_t taken = wire_taken(&s->wire);

	LIST_FOREACH_SAFE(&s->sent, it, nx) {
		struct item *i = CONTAINER_OF(it, struct item, link);

		if (i->is_counted || !i->mark || i->mark > taken)
			break;
		item_free(i);
	}
	if (s->pair)
		pair_pump(s->pair);
	pair_let_go(s);
}

void
pair_acked(struct stream *s, uint32_t n)
{
	LIST_FOREACH_SAFE(&s->sent, it, nx) {
		struct item *i = CONTAINER_OF(it, struct item, link);

		if (!i->is_counted || (int32_t)(n - i->sm) < 0)
			break;
		item_free(i);
	}
	if (s->pair)
		pair_pump(s->pair);
	pair_let_go(s);
}

void
pair_unacked_is_written(struct stream *s)
{
	LIST_FOREACH(&s->sent, it)
		CONTAINER_OF(it, struct item, link)->is_counted = false;
	pair_written(s);
}

/* ---- the end of a stream ---- */

/* In front of what waits, in the same order. */
static void
take_back(struct stream *s, struct pair *p)
{
	struct list *first = p->queue.next;
	uint64_t taken = wire_taken(&s->wire);

	/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): what was freed has left the list */
	LIST_FOREACH_SAFE(&s->sent, it, nx) {
		struct item *i = CONTAINER_OF(it, struct item, link);

		if (!i->is_counted && i->mark && i->mark <= taken) {
			item_free(i);
			continue;
		}
		if (s->is_over_there)
			i->ends++;
		else
			i->tries++;
		i->is_written = false;
		p->written -= i->bytes;
		list_remove(it);
		list_add(first, it); /* before it */
	}
}

static void
fail_tired(struct pair *p, const char *why)
{
	LIST_FOREACH_SAFE(&p->queue, it, nx) {
		struct item *i = CONTAINER_OF(it, struct item, link);

		if (i->tries >= ITEM_TRIES || i->ends >= ITEM_ENDS)
			item_fail(i, SE_REMOTE_SERVER_TIMEOUT, why);
	}
}

void
pair_unlink(struct stream *s, const char *why)
{
	struct pair *p = s->pair;

	if (!p)
		return;
	s->pair = NULL;
	p->stream = NULL;
	take_back(s, p);
	if (p->s2sd->run >= S2SD_CLOSING)
		return;
	fail_tired(p, why);
	pace_look(p);
	pair_go(p);
	pair_reap(p);
}

void
pair_let_go(struct stream *s)
{
	if (s->state == S2S_HALF_CLOSED && list_empty(&s->sent))
		pair_unlink(s, "");
}

void
pair_retry(struct pair *p)
{
	attempt_free(&p->attempt);
	pair_go(p);
	pair_reap(p);
}

void
pair_tick(struct pair *p, uint64_t now_ms)
{
	uint64_t most_ms = (uint64_t)s2sd_settings(p->s2sd)->queue_seconds * 1000;

	LIST_FOREACH_SAFE(&p->queue, it, nx) {
		struct item *i = CONTAINER_OF(it, struct item, link);

		if (now_ms - i->since_ms >= most_ms)
			item_fail(i, SE_REMOTE_SERVER_TIMEOUT, "it has waited too long");
	}
	pace_look(p);
	if (pace_is_in_the_way(p))
		stream_lost(
		    p->stream, "it takes nothing, and what waits for it is in the way of others");
}
