/* ACCOUNT_CHANGED and USER_REMOVE to sessiond. At most UNDER_WAY_MAX are on their way; the rest
 * waits in the store and is read when there is room (notices_pump). A notice under a custody of its
 * own: when sessiond has acknowledged all that comes of it, on_told takes it out of the store. For
 * USER_REMOVE that is the end of the account.
 *
 *   stored ─notice_send─▶ under way ─on_told─▶ TOLD or FORGET in the store ─▶ gone
 *      ▲                      │ notices_failed (poison: the bus gave up)
 *      └──── RETRY_MS ────────┘ */
#include "notice.h"

#include <stdlib.h>

#include "base/list.h"
#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"

#define UNDER_WAY_MAX 500
#define RETRY_MS (60 * 60000) /* with each try sessiond dies three times */

struct notice {
	UT_hash_handle hh;
	struct notices *all;
	struct store_request end; /* TOLD or FORGET */
	char *jid;
	size_t jid_n;
	uint64_t generation;
	enum store_notice kind;
	bool failed;
	bool again; /* it has changed while it was under way */
};

struct notices {
	struct authd *authd;
	struct notice *map; /* under way, by JID */
	struct store_request pending;
	bool reading;
	bool rest;         /* there is more in the store */
	uint64_t retry_ms; /* 0: nothing has failed */
};

static void
notice_free(struct notice *n)
{
	HASH_DELETE(hh, n->all->map, n);
	store_request_deinit(&n->end);
	free(n->jid);
	free(n);
}

static struct notice *
notice_find(const struct notices *ns, struct str jid)
{
	struct notice *n;

	HASH_FIND(hh, ns->map, jid.p, jid.n, n);
	return n;
}

static void
on_ended(struct store_request *r)
{
	struct notice *n = CONTAINER_OF(r, struct notice, end);
	struct notices *ns = n->all;

	disk_note(ns->authd, r->result);
	if (r->result != STORE_OK)
		log_error(
		    "account %s: cannot note that sessiond knows; telling it again at the next start",
		    n->jid);
	else if (n->kind == NOTICE_REMOVE)
		log_info("account %s: removed", n->jid);
	ns->rest = ns->rest || n->again;
	notice_free(n);
	if (ns->rest && !ns->authd->stopping && HASH_COUNT(ns->map) < UNDER_WAY_MAX / 2)
		notices_pump(ns);
}

/* The last holder of the custody has let go: acknowledged, or given up (then notices_failed came
 * first). */
static void
on_told(void *arg)
{
	struct notice *n = arg;

	if (n->failed) {
		notice_free(n);
		return;
	}
	n->end = (struct store_request){
	    .verb = n->kind == NOTICE_REMOVE ? STORE_FORGET : STORE_TOLD,
	    .jid = str_of(n->jid, n->jid_n),
	    .generation = n->generation,
	    .done = on_ended,
	};
	store_submit(n->all->authd->store, &n->end);
}

static void
notice_put(struct notice *n, struct bus *b)
{
	struct str jid = str_of(n->jid, n->jid_n);
	const struct endpoint to = {
	    .role = ROLE_SESSIOND, .instance = (uint8_t)bus_shard(jid, bus_shards(b))};
	const struct msg_USER_REMOVE remove = {.jid = jid};
	const struct msg_ACCOUNT_CHANGED changed = {
	    .jid = jid, .generation = n->generation, .close_sessions = n->kind == NOTICE_CLOSE};
	struct custody *told = custody_new(b, NULL, on_told, n);

	if (n->kind == NOTICE_REMOVE)
		bus_send(b, &to, MSG_USER_REMOVE, &remove, NULL, told, BUS_PATIENT);
	else
		bus_send(b, &to, MSG_ACCOUNT_CHANGED, &changed, NULL, told, BUS_PATIENT);
	custody_release(told);
}

void
notice_send(struct notices *ns, struct str jid, uint64_t generation, enum store_notice kind)
{
	struct bus *b = ns->authd->daemon->bus;
	struct notice *n = notice_find(ns, jid);

	if (n) {
		n->again = n->again || n->kind != kind || n->generation != generation;
		return;
	}
	if (!b || bus_shards(b) == 0 || HASH_COUNT(ns->map) >= UNDER_WAY_MAX) {
		ns->rest = true;
		return;
	}
	n = NEW(struct notice);
	n->all = ns;
	n->jid = str_dup(jid);
	n->jid_n = jid.n;
	n->generation = kind == NOTICE_REMOVE ? 0 : generation;
	n->kind = kind;
	HASH_ADD_KEYPTR(hh, ns->map, n->jid, n->jid_n, n);
	notice_put(n, b);
}

static void
on_pending(struct store_request *r)
{
	struct notices *ns = CONTAINER_OF(r, struct notices, pending);

	ns->reading = false;
	if (r->result != STORE_OK)
		log_error("cannot read which accounts sessiond has to be told of");
	else if (!ns->authd->stopping)
		for (size_t i = 0; i < r->n_rows; i++)
			notice_send(ns, str_of(r->rows[i].jid, r->rows[i].jid_n),
			    r->rows[i].generation, r->rows[i].notice);
	ns->rest = ns->rest || r->more;
	store_request_deinit(r);
}

/* What is under way is at the front of the store's order too, and passed over; so a page always
 * brings something new, or all there is. */
void
notices_pump(struct notices *ns)
{
	struct bus *b = ns->authd->daemon->bus;

	if (ns->reading || !b || bus_shards(b) == 0)
		return;
	ns->reading = true;
	ns->rest = false;
	ns->pending = (struct store_request){.verb = STORE_PENDING, .done = on_pending};
	store_submit(ns->authd->store, &ns->pending);
}

void
notices_failed(struct notices *ns, struct str jid, uint64_t now_ms)
{
	struct notice *n = notice_find(ns, jid);

	if (!n)
		return;
	log_error("account %s: sessiond cannot be told of its %s; trying again later", n->jid,
	    n->kind == NOTICE_REMOVE ? "removal" : "new password");
	n->failed = true;
	ns->retry_ms = now_ms + RETRY_MS;
}

void
notices_tick(struct notices *ns, uint64_t now_ms)
{
	if (ns->retry_ms == 0 || now_ms < ns->retry_ms)
		return;
	ns->retry_ms = 0;
	notices_pump(ns);
}

struct notices *
notices_new(struct authd *a)
{
	struct notices *ns = NEW(struct notices);

	ns->authd = a;
	return ns;
}

void
notices_free(struct notices **nsp)
{
	struct notices *ns = *nsp;
	struct notice *n, *next;

	if (!ns)
		return;
	HASH_ITER(hh, ns->map, n, next)
		notice_free(n);
	store_request_deinit(&ns->pending);
	free(ns);
	*nsp = NULL;
}

size_t
notices_count(const struct notices *ns)
{
	return HASH_COUNT(ns->map);
}
