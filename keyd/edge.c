/* Requests of an edge, one packet at a time, and the list of certificates, one packet at a time. A refusal is an
 * answer and costs nothing but itself; only a packet that is no request costs the connection (INV-29). The rate is per
 * role: it keeps an edge that was taken over from using keyd up for the others. Called by peer.c. */

#include "edge.h"

#include <sodium.h>
#include <string.h>

#include "base/id.h"
#include "base/mem.h"
#include "sign.h"

void
edge_init(struct edge *e, const char *name, enum edge_scope scope, uint32_t rate, uint64_t now_ms)
{
	*e = (struct edge){.name = name, .scope = scope, .rate = rate, .refilled_ms = now_ms};
	e->tokens_milli = 2000 * (uint64_t)rate;
}

/* A millisecond brings rate thousandths of a signature. */
static bool
take_token(struct edge *e, uint64_t now_ms)
{
	uint64_t most = 2000 * (uint64_t)e->rate;
	uint64_t passed = now_ms - e->refilled_ms;

	e->refilled_ms = now_ms;
	e->tokens_milli = passed >= 2000 ? most : e->tokens_milli + passed * e->rate;
	if (e->tokens_milli > most)
		e->tokens_milli = most;
	if (e->tokens_milli < 1000)
		return false;
	e->tokens_milli -= 1000;
	return true;
}

static bool
is_for(const struct edge *e, bool for_components)
{
	return e->scope == EDGE_ALL || (e->scope == EDGE_COMPONENTS && for_components);
}

/* A key that is not for the edge is as unknown to it as one that does not exist. */
static enum keywire_status
sign(struct edge *e, const struct store *s, const struct keywire_request *r, uint64_t now_ms,
    struct buf *signature)
{
	const struct key *k = store_key(s, r->key_id);

	if (k == NULL || !is_for(e, k->for_components))
		return KEYWIRE_UNKNOWN_KEY;
	if (!take_token(e, now_ms))
		return KEYWIRE_BUSY;
	return sign_request(k->key, k->pk, r, signature);
}

enum edge_verdict
edge_handle(
    struct edge *e, const struct store *s, struct str packet, uint64_t now_ms, struct buf *out)
{
	struct keywire_request r;
	struct buf signature = {0};

	if (!keywire_get_request(packet, &r)) {
		e->malformed++;
		return EDGE_HANG_UP;
	}
	if (r.type == KEYWIRE_WATCH)
		return EDGE_WATCH;
	struct keywire_answer a = {.tag = r.tag};
	a.status = sign(e, s, &r, now_ms, &signature);
	a.signature = buf_str(&signature);
	e->answered[a.status]++;
	keywire_put_answer(out, &a);
	buf_deinit(&signature);
	return EDGE_ANSWER;
}

uint64_t
edge_refused(const struct edge *e)
{
	uint64_t n = e->malformed + e->strangers;

	for (int status = KEYWIRE_OK + 1; status < KEYWIRE_STATUS_COUNT; status++)
		n += e->answered[status];
	return n;
}

/* The chain of this edge with this index; NULL: it has fewer. */
static const struct chain *
chain_at(const struct edge *e, const struct store *s, size_t index)
{
	LIST_FOREACH(&s->chains, it) {
		const struct chain *c = CONTAINER_OF(it, const struct chain, link);

		if (is_for(e, c->for_components) && index-- == 0)
			return c;
	}
	return NULL;
}

static size_t
count_chains(const struct edge *e, const struct store *s)
{
	size_t n = 0;

	LIST_FOREACH(&s->chains, it)
		n += is_for(e, CONTAINER_OF(it, const struct chain, link)->for_components);
	return n;
}

static void
put_ticket(const struct edge *e, const struct store *s, struct buf *out)
{
	uint8_t ticket[KEYWIRE_TICKET_SIZE];

	crypto_generichash(ticket, sizeof ticket, (const uint8_t *)e->name, strlen(e->name),
	    s->ticket, sizeof s->ticket);
	keywire_put_push(out,
	    &(struct keywire_push){.type = KEYWIRE_TICKET, .body = str_of(ticket, sizeof ticket)});
	secret_wipe(ticket, sizeof ticket);
}

bool
push_next(const struct edge *e, const struct store *s, struct push_cursor *c, struct buf *out)
{
	size_t n = count_chains(e, s);

	if (c->generation != s->generation)
		*c = (struct push_cursor){.generation = s->generation};
	if (c->step > n + 2)
		return false;
	if (c->step == 0) {
		keywire_put_push(out, &(struct keywire_push){.type = KEYWIRE_BEGIN});
	} else if (c->step <= n) {
		const struct chain *chain = chain_at(e, s, c->step - 1);
		keywire_put_push(out,
		    &(struct keywire_push){
			KEYWIRE_CHAIN, chain->key->id, str_z(chain->domain), buf_str(&chain->pem)});
	} else if (c->step == n + 1) {
		put_ticket(e, s, out);
	} else {
		keywire_put_push(out, &(struct keywire_push){.type = KEYWIRE_END});
	}
	c->step++;
	return true;
}

void
push_again(struct push_cursor *c)
{
	c->step--;
}
