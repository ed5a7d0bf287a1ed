/* One struct login for each exchange, owned by struct logins, found by the connection it is for.
 * The edge sends one message at a time and waits for the answer; a second one ends the exchange.
 * Whatever becomes of it ends in login_end.
 *
 *   handle_auth_start ─▶ WORKING ─challenge─▶ WAITING ─handle_auth_next─▶ WORKING ─▶ success
 *                           │                                       or failure: login_end
 *                           │ login_end (abort, edge gone, too long)
 *                           ▼
 *                         DEAD  until the thread gives it back: freed */
#include "login.h"

#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "base/list.h"
#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "keys.h"
#include "penalty.h"
#include "roles.h"
#include "sasl.h"
#include "seals.h"
#include "tickets.h"
#include "tls/pool.h"

#define SOURCE_MAX 64

enum login_state {
	LOGIN_WORKING, /* the store or a worker has it, or the loop is at it */
	LOGIN_WAITING, /* for the client */
	LOGIN_DEAD,    /* nobody wants it any more, but a thread still has it */
};

struct login {
	UT_hash_handle hh;
	struct list age; /* in logins.by_age */
	struct handle handle;
	enum login_state state;
	bool lent; /* to a thread */
	struct authd *authd;
	struct ask ask;
	struct endpoint edge;
	struct sasl_server server;
	struct sasl sasl;
	struct store_request find;
	struct tls_job derive;
	uint64_t deadline_ms;
	char source[SOURCE_MAX + 1];
};

struct logins {
	struct authd *authd;
	struct login *map; /* at most `exchanges` of the settings; over it: temporary-auth-failure */
	struct list by_age;
};

static void login_step(struct login *l, enum sasl_step step);

/* ---- life ---- */

static struct login *
login_find(const struct logins *ls, const struct endpoint *edge, uint64_t conn)
{
	const struct handle h = {.edge_incarnation = edge->incarnation, .conn = conn};
	struct login *l;

	HASH_FIND(hh, ls->map, &h, sizeof(h), l);
	return l;
}

static struct login *
login_new(struct logins *ls, const struct bus_in *in, const struct msg_AUTH_START *m)
{
	struct login *l = NEW(struct login);
	const struct authd_settings *s = authd_settings(ls->authd);

	l->authd = ls->authd;
	l->edge = in->from;
	l->handle = (struct handle){.edge_incarnation = in->from.incarnation, .conn = m->conn};
	l->deadline_ms = authd_now_ms(ls->authd) + (uint64_t)s->exchange_seconds * 1000;
	l->server = (struct sasl_server){.fake_key = ls->authd->keys->secrets.fake,
	    .iterations = (uint32_t)s->iterations,
	    .signs_offer = s->sign_offer,
	    .takes_certificates = s->client_certificates};
	str_copy(l->source, sizeof(l->source), m->source);
	HASH_ADD(hh, ls->map, handle, sizeof(l->handle), l);
	list_add(&ls->by_age, &l->age);
	return l;
}

static void
login_free(struct login *l)
{
	store_request_deinit(&l->find);
	sasl_deinit(&l->sasl);
	free(l);
}

/* The one end of a login. Its request, if one is open, must have been answered. */
static void
login_end(struct login *l)
{
	struct logins *ls = l->authd->logins;

	if (l->state == LOGIN_DEAD)
		return;
	ask_drop(&l->ask);
	HASH_DELETE(hh, ls->map, l);
	list_remove(&l->age);
	l->state = LOGIN_DEAD;
	if (!l->lent)
		login_free(l);
}

/* ---- answers ---- */

static void
login_answer(struct login *l, struct msg_AUTH_ANSWER *answer, struct str data)
{
	struct seal *seal = seals_find(l->authd->seals, &l->edge);
	struct buf sealed = {0};

	if (answer->has_data && seal) {
		seal_close(seal, data, &sealed);
		answer->data = buf_str(&sealed);
	}
	ask_answer(&l->ask, MSG_AUTH_ANSWER, answer);
	buf_deinit(&sealed);
}

static void
ask_not_now(struct ask *ask)
{
	struct msg_AUTH_ANSWER answer = {
	    .outcome = AUTH_FAILURE, .condition = SASL_TEMPORARY_AUTH_FAILURE};

	ask_answer(ask, MSG_AUTH_ANSWER, &answer);
}

static void
login_put_off(struct login *l)
{
	ask_not_now(&l->ask);
	login_end(l);
}

static void
login_challenge(struct login *l)
{
	struct msg_AUTH_ANSWER answer = {.outcome = AUTH_CHALLENGE, .has_data = l->sasl.has_output};

	l->state = LOGIN_WAITING;
	login_answer(l, &answer, sasl_output(&l->sasl));
}

/* Only what a guess can cause; what is our doing costs the client nothing. */
static bool
is_guess(enum sasl_condition why)
{
	return why != SASL_TEMPORARY_AUTH_FAILURE && why != SASL_ABORTED &&
	    why != SASL_INVALID_MECHANISM && why != SASL_ENCRYPTION_REQUIRED;
}

static void
login_fail(struct login *l, enum sasl_condition why)
{
	struct authd *a = l->authd;
	uint64_t now = authd_now_ms(a);
	struct str source = str_z(l->source), who = l->sasl.jid;
	struct msg_AUTH_ANSWER answer = {.outcome = AUTH_FAILURE, .condition = why};

	answer.wait_ms = is_guess(why) ? penalty_failed(a->penalty, source, who, now)
				       : penalty_source(a->penalty, source, now);
	log_info("login as %.*s from %s failed: %s (%s)%s",
	    STR_ARG(str_empty(who) ? S("nobody") : who), l->source, sasl_condition_name(why),
	    sasl_mechanism_name(&l->sasl), answer.wait_ms ? "; the answer waits" : "");
	login_answer(l, &answer, (struct str){0});
	login_end(l);
}

static void
login_succeed(struct login *l)
{
	struct authd *a = l->authd;
	uint64_t now = authd_now_ms(a);
	struct msg_AUTH_ANSWER answer = {.outcome = AUTH_SUCCESS, .has_data = l->sasl.has_output};
	uint64_t life_ms = (uint64_t)authd_settings(a)->ticket_seconds * 1000;

	/* A source that is being penalized for its guesses does not learn sooner that one was
	 * right. */
	answer.wait_ms = penalty_source(a->penalty, str_z(l->source), now);
	if (!tickets_mint(a->tickets, l->sasl.jid, l->sasl.generation, &l->handle,
		now + answer.wait_ms + life_ms, &answer.ticket)) {
		log_warn("too many tickets are waiting to be redeemed; putting logins off");
		login_put_off(l);
		return;
	}
	penalty_succeeded(a->penalty, l->sasl.jid);
	log_info("%.*s logged in from %s (%s)", STR_ARG(l->sasl.jid), l->source,
	    sasl_mechanism_name(&l->sasl));
	answer.jid = l->sasl.jid;
	login_answer(l, &answer, sasl_output(&l->sasl));
	login_end(l);
}

/* ---- work on the threads ---- */

/* True when the login was given up meanwhile; it is gone then. */
static bool
login_came_back(struct login *l)
{
	l->lent = false;
	if (l->state != LOGIN_DEAD)
		return false;
	login_free(l);
	return true;
}

static void
on_found(struct store_request *r)
{
	struct login *l = CONTAINER_OF(r, struct login, find);
	bool found = r->result == STORE_OK;

	if (login_came_back(l))
		return;
	if (!found && r->result != STORE_NOT_FOUND) {
		log_error("login as %.*s: credentials.db failed", STR_ARG(l->sasl.jid));
		login_put_off(l);
		return;
	}
	enum sasl_step step = sasl_found(&l->sasl, found ? &r->credentials : NULL, r->generation);
	credentials_wipe(&r->credentials);
	login_step(l, step);
}

static void
login_find_account(struct login *l)
{
	l->find = (struct store_request){.verb = STORE_FIND, .jid = l->sasl.jid, .done = on_found};
	l->lent = true;
	store_submit(l->authd->store, &l->find);
}

static void
on_derive(struct tls_job *job)
{
	sasl_derive(&CONTAINER_OF(job, struct login, derive)->sasl);
}

static void
on_derived(struct tls_job *job)
{
	struct login *l = CONTAINER_OF(job, struct login, derive);

	if (login_came_back(l))
		return;
	if (job->cancelled)
		login_put_off(l);
	else
		login_step(l, sasl_derived(&l->sasl));
}

static void
login_derive(struct login *l)
{
	l->derive = (struct tls_job){.run = on_derive, .done = on_derived};
	l->lent = tls_pool_submit(l->authd->pool, &l->derive);
	if (!l->lent)
		login_put_off(l);
}

static void
login_step(struct login *l, enum sasl_step step)
{
	switch (step) {
	case STEP_CHALLENGE:
		login_challenge(l);
		break;
	case STEP_FIND:
		login_find_account(l);
		break;
	case STEP_DERIVE:
		login_derive(l);
		break;
	case STEP_SUCCESS:
		login_succeed(l);
		break;
	case STEP_FAILURE:
		login_fail(l, l->sasl.condition);
		break;
	}
}

/* ---- messages ---- */

static void
login_begin(struct login *l, const struct msg_AUTH_START *m, struct str initial)
{
	const struct sasl_terms terms = {
	    .domain = m->domain,
	    .mechanism = m->mechanism,
	    .offered = m->offered,
	    .tls = m->tls,
	    .exporter = m->exporter,
	    .end_point = m->end_point,
	    .tried_other = m->tried_other,
	    .certified = m->certified,
	};

	if (is_user_domain(&l->authd->daemon->suite, m->domain))
		login_step(l, sasl_begin(&l->sasl, &l->server, &terms, m->has_initial, initial));
	else
		login_fail(l, SASL_NOT_AUTHORIZED);
}

/* An edge that breaks the protocol loses its login; its link is the router's, which others use
 * too. */
static bool
open_sealed(struct authd *a, const struct bus_in *in, struct str sealed, struct buf *plain)
{
	struct seal *seal = seals_find(a->seals, &in->from);

	if (seal && (str_empty(sealed) || seal_open(seal, sealed, plain)))
		return true;
	buf_deinit_secret(plain);
	log_warn(
	    "c2sd.%u sent what is not sealed for us: is its authd.pub the one in our data folder?",
	    in->from.instance);
	return false;
}

void
handle_auth_start(void *ctx, const struct bus_in *in, const void *msg)
{
	struct authd *a = ctx;
	const struct msg_AUTH_START *m = msg;
	struct login *before = login_find(a->logins, &in->from, m->conn);
	struct buf initial = {0};
	struct ask ask;

	if (before)
		login_put_off(before);
	ask_hold(&ask, a, in, m->req);
	if (HASH_COUNT(a->logins->map) >= (unsigned)authd_settings(a)->exchanges ||
	    !open_sealed(a, in, m->initial, &initial)) {
		ask_not_now(&ask);
		return;
	}
	struct login *l = login_new(a->logins, in, m);
	l->ask = ask;
	login_begin(l, m, buf_str(&initial));
	buf_deinit_secret(&initial);
}

void
handle_auth_next(void *ctx, const struct bus_in *in, const void *msg)
{
	struct authd *a = ctx;
	const struct msg_AUTH_NEXT *m = msg;
	struct login *l = login_find(a->logins, &in->from, m->conn);
	struct buf data = {0};
	struct ask ask;

	ask_hold(&ask, a, in, m->req);
	if (!l || l->state != LOGIN_WAITING || !open_sealed(a, in, m->data, &data)) {
		ask_not_now(&ask);
		if (l)
			login_put_off(l);
		return;
	}
	l->ask = ask;
	l->state = LOGIN_WORKING;
	login_step(l, sasl_answer(&l->sasl, buf_str(&data)));
	buf_deinit_secret(&data);
}

void
handle_auth_abort(void *ctx, const struct bus_in *in, const void *msg)
{
	struct authd *a = ctx;
	const struct msg_AUTH_ABORT *m = msg;
	struct login *l = login_find(a->logins, &in->from, m->conn);

	if (l)
		login_end(l);
}

/* ---- all of them ---- */

struct logins *
logins_new(struct authd *a)
{
	struct logins *ls = NEW(struct logins);

	ls->authd = a;
	list_init(&ls->by_age);
	return ls;
}

void
logins_stop(struct logins *ls)
{
	LIST_FOREACH_SAFE(&ls->by_age, it, next)
		login_end(CONTAINER_OF(it, struct login, age));
}

void
logins_free(struct logins **ls)
{
	if (*ls)
		logins_stop(*ls);
	free(*ls);
	*ls = NULL;
}

void
logins_edge_gone(struct logins *ls, uint64_t incarnation)
{
	LIST_FOREACH_SAFE(&ls->by_age, it, next) {
		struct login *l = CONTAINER_OF(it, struct login, age);

		if (l->handle.edge_incarnation == incarnation)
			login_end(l);
	}
}

void
logins_void(struct logins *ls, struct str jid, uint64_t generation)
{
	tickets_void(ls->authd->tickets, jid);
	LIST_FOREACH_SAFE(&ls->by_age, it, next) {
		struct login *l = CONTAINER_OF(it, struct login, age);

		if (l->sasl.generation && l->sasl.generation != generation &&
		    str_eq(l->sasl.jid, jid))
			login_put_off(l);
	}
}

void
logins_tick(struct logins *ls, uint64_t now_ms)
{
	LIST_FOREACH_SAFE(&ls->by_age, it, next) {
		struct login *l = CONTAINER_OF(it, struct login, age);

		if (l->deadline_ms > now_ms)
			break; /* the younger ones have time too */
		login_put_off(l);
	}
}

size_t
logins_count(const struct logins *ls)
{
	return HASH_COUNT(ls->map);
}
