/* See register.h. REG makes a session that nobody believes yet; REG_END has all of an edge checked: first their
 * capabilities, then, in batches, whether their generations are still in force. What does not pass gets RELEASE. */
#include "register.h"

#include <stdlib.h>

#include "account.h"
#include "base/log.h"
#include "base/mem.h"
#include "capability.h"
#include "detach.h"
#include "gate.h"
#include "offline.h"
#include "record.h"
#include "route.h"
#include "load.h"
#include "teardown.h"

#define BATCH_MAX 1000 /* accounts of a GENERATIONS_GET */

/* A batch while authd is asked. */
struct check {
	struct sessiond *sd;
	unsigned instance;
	uint64_t incarnation;
	struct list sessions;
};

/* ---- sessions that are not believed ---- */

static void
release(const struct session *s, enum stream_error error)
{
	struct msg_RELEASE m = {.conn = s->handle.conn, .error = (uint8_t)error};

	bus_send(bus_of(s->sd), &s->edge, MSG_RELEASE, &m, NULL, NULL, 0);
}

static void
discard(struct session *s)
{
	list_remove(&s->link);
	session_free(&s);
}

static void
refuse(struct session *s, const char *why)
{
	log_warn(
	    "%s registers %.*s, %s: released", role_name(s->edge.role), STR_ARG(s->jid.full), why);
	release(s, STREAM_NOT_AUTHORIZED);
	discard(s);
}

static void
discard_all(struct list *sessions)
{
	LIST_FOREACH_SAFE(sessions, it, nx)
		discard(CONTAINER_OF(it, struct session, link));
}

/* ---- an edge that is presumed dead ---- */

static void
note_taken(struct edge *e, uint64_t conn)
{
	if (e->n_taken == e->cap_taken) {
		e->cap_taken = e->cap_taken ? 2 * e->cap_taken : 64;
		e->taken = mem_grow(e->taken, e->cap_taken * sizeof(*e->taken));
	}
	e->taken[e->n_taken++] = conn;
}

static void
note_all_taken(struct sessiond *sd, struct edge *e)
{
	LIST_FOREACH(&e->sessions, it)
		note_taken(e, CONTAINER_OF(it, struct session, link)->handle.conn);
	for (struct session *s = sd->by_handle; s; s = s->hh_handle.next)
		if (s->handle.incarnation == e->incarnation)
			note_taken(e, s->handle.conn);
}

static void
forget_taken(struct edge *e)
{
	free(e->taken);
	e->taken = NULL;
	e->n_taken = e->cap_taken = 0;
}

/* It does not know (its own link was down), and its clients would wait for ever for what goes elsewhere (BUS.md §3.7). */
static void
release_taken(struct sessiond *sd, struct edge *e, const struct endpoint *edge)
{
	struct msg_RELEASE m = {.error = STREAM_RESET};

	if (e->n_taken)
		log_info("%s.%u was not dead: %zu sessions are released", role_name(edge->role),
		    edge->instance, e->n_taken);
	for (size_t i = 0; i < e->n_taken; i++) {
		m.conn = e->taken[i];
		bus_send(bus_of(sd), edge, MSG_RELEASE, &m, NULL, NULL, 0);
	}
	forget_taken(e);
}

/* ---- REG ---- */

void
handle_reg(struct sessiond *sd, const struct bus_in *in, const void *msg)
{
	const struct msg_REG *m = msg;
	struct edge *e = &sd->edges[in->from.instance];
	struct session *s;

	if (e->state == EDGE_STALE) {
		struct msg_RELEASE r = {.conn = m->conn, .error = STREAM_RESET};

		bus_send(in->bus, &in->from, MSG_RELEASE, &r, NULL, in->custody, 0);
		return;
	}
	if (e->state != EDGE_REGISTERING) {
		bus_protocol_error(in->bus, in, "a registration after REG_END");
		return;
	}
	s = record_session(sd, &in->from, m->conn, &m->session);
	if (m->session.capability.n == sizeof(s->mac))
		memcpy(s->mac, m->session.capability.p, sizeof(s->mac));
	list_add(&e->sessions, &s->link);
}

/* ---- checking ---- */

/* BUS.md §9.3: of two copies the one with the higher epoch counts, a row that of the same; done is the highest of all. */
static bool
wins_over_copy(struct session *s, struct session *same)
{
	uint64_t done = s->done > same->done ? s->done : same->done;
	bool wins = s->epoch > same->epoch;
	struct session *winner = wins ? s : same;

	winner->done = winner->in_last = done;
	if (wins)
		detach_discard(same);
	return wins;
}

/* Of two that want the same resource the younger one. */
static bool
wins_place(struct session *s)
{
	struct act own = act_own(s->sd);
	struct account *a = account_get(s->sd, s->jid.bare);
	struct session *same = sessions_by_sid(s->sd, &s->sid);
	struct session *other = account_session(a, s->jid.resource);

	if (same)
		return wins_over_copy(s, same);
	if (other && s->since_us <= other->since_us)
		return false;
	if (other)
		session_end(other, &own, END_TAKEN, STREAM_CONFLICT);
	return true;
}

static void
believe(struct session *s)
{
	struct act own = act_own(s->sd);
	struct account *a;

	if (sessions_by_handle(s->sd, s->handle.incarnation, s->handle.conn) || !wins_place(s)) {
		release(s, STREAM_CONFLICT);
		discard(s);
		return;
	}
	list_remove(&s->link);
	a = account_get(s->sd, s->jid.bare);
	sessions_attach(s, a);
	if (session_is_available(s) && s->priority >= 0)
		offline_flush(a, &own, s);
	if (hold_is_on(s))
		hold_renew(s);
}

/* authd answers in the order of the question, so the search mostly finds at once. */
static bool
is_in_force(struct msg_GENERATIONS *m, struct bus_list *at, const struct session *s)
{
	struct rec_generation g;

	for (uint32_t i = 0; i < m->accounts.count; i++) {
		if (!bus_list_next(at, &bus_record_generation, &g)) {
			*at = m->accounts;
			bus_list_next(at, &bus_record_generation, &g);
		}
		if (str_eq(g.jid, s->jid.bare))
			return g.generation == s->generation;
	}
	return false;
}

static void
judge(struct check *c, const struct msg_GENERATIONS *answer)
{
	struct msg_GENERATIONS m = *answer;
	struct bus_list at = m.accounts;

	LIST_FOREACH_SAFE(&c->sessions, it, nx) {
		struct session *s = CONTAINER_OF(it, struct session, link);

		if (is_in_force(&m, &at, s))
			believe(s);
		else
			refuse(s, "whose account has changed");
	}
}

static void
edge_is_ready(struct sessiond *sd, struct edge *e)
{
	e->state = EDGE_READY;
	gate_check(sd);
}

/* authd did not answer: the tick asks again. */
static void
put_back(struct edge *e, struct check *c)
{
	LIST_FOREACH_SAFE(&c->sessions, it, nx) {
		list_remove(it);
		list_add(&e->sessions, it);
	}
}

/* It was presumed dead meanwhile, and may be back. */
static void
give_up(struct edge *e, struct check *c)
{
	LIST_FOREACH(&c->sessions, it) {
		const struct session *s = CONTAINER_OF(it, struct session, link);

		if (e->state == EDGE_STALE)
			release(s, STREAM_RESET);
		else
			note_taken(e, s->handle.conn);
	}
}

static void
on_generations(void *arg, const struct bus_in *in, const void *msg)
{
	struct check *c = arg;
	struct sessiond *sd = c->sd;
	struct edge *e = &sd->edges[c->instance];
	bool is_current = e->incarnation == c->incarnation && e->state == EDGE_CHECKING;
	bool is_answer = in && in->message->type == MSG_GENERATIONS;

	if (is_current && is_answer)
		judge(c, msg);
	else if (is_current)
		put_back(e, c);
	else if (e->incarnation == c->incarnation)
		give_up(e, c);
	discard_all(&c->sessions);
	free(c);
	if (is_current && --e->checks == 0 && list_empty(&e->sessions))
		edge_is_ready(sd, e);
}

static void
ask(struct check *c)
{
	struct endpoint authd = {.role = ROLE_AUTHD};
	struct rec_account *list = mem_new_array(BATCH_MAX, sizeof(*list));
	struct msg_GENERATIONS_GET m = {.accounts = {.items = list}};

	LIST_FOREACH(&c->sessions, it)
		list[m.accounts.count++].jid = CONTAINER_OF(it, struct session, link)->jid.bare;
	bus_request(
	    bus_of(c->sd), &authd, MSG_GENERATIONS_GET, &m, NULL, NULL, 0, on_generations, c);
	free(list);
}

/* Takes the next batch from the edge's list. */
static void
check_batch(struct sessiond *sd, struct edge *e)
{
	struct check *c = NEW(struct check);
	unsigned n = 0;

	c->sd = sd;
	c->instance = (unsigned)(e - sd->edges);
	c->incarnation = e->incarnation;
	list_init(&c->sessions);
	LIST_FOREACH_SAFE(&e->sessions, it, nx) {
		if (n++ == BATCH_MAX)
			break;
		list_remove(it);
		list_add(&c->sessions, it);
	}
	e->checks++;
	ask(c);
}

static void
check_edge(struct sessiond *sd, struct edge *e)
{
	LIST_FOREACH_SAFE(&e->sessions, it, nx) {
		struct session *s = CONTAINER_OF(it, struct session, link);

		if (!session_has_capability(s))
			refuse(s, "without its capability");
	}
	while (!list_empty(&e->sessions))
		check_batch(sd, e);
	if (e->checks == 0)
		edge_is_ready(sd, e);
}

void
handle_reg_end(struct sessiond *sd, const struct bus_in *in, const void *msg)
{
	struct edge *e = &sd->edges[in->from.instance];

	(void)msg;
	if (e->state != EDGE_REGISTERING)
		return;
	e->state = EDGE_CHECKING;
	register_check_all(sd);
}

void
register_check_all(struct sessiond *sd)
{
	if (!sd->has_cap_key || sd->load != LOAD_DONE)
		return;
	for (unsigned i = 0; i < EDGES_MAX; i++) {
		struct edge *e = &sd->edges[i];

		if (e->state == EDGE_CHECKING && e->checks == 0)
			check_edge(sd, e);
	}
	gate_check(sd);
}

/* ---- the key ---- */

static void
on_cap_key(void *arg, const struct bus_in *in, const void *msg)
{
	struct sessiond *sd = arg;
	const struct msg_CAP_KEY *m = msg;

	sd->asks_cap_key = false;
	if (!in || in->message->type != MSG_CAP_KEY || m->key.n != CAP_KEY_BYTES)
		return; /* the tick asks again */
	memcpy(sd->cap_key, m->key.p, CAP_KEY_BYTES);
	sd->has_cap_key = true;
	register_check_all(sd);
}

void
register_ask_key(struct sessiond *sd)
{
	struct endpoint authd = {.role = ROLE_AUTHD};
	struct msg_CAP_KEY_GET m = {.req = 0};

	if (sd->has_cap_key || sd->asks_cap_key)
		return;
	sd->asks_cap_key = true;
	bus_request(bus_of(sd), &authd, MSG_CAP_KEY_GET, &m, NULL, NULL, 0, on_cap_key, sd);
}

/* ---- edges come and go ---- */

void
register_edge_up(struct sessiond *sd, const struct endpoint *edge)
{
	struct edge *e = &sd->edges[edge->instance];
	bool was_dead = e->state == EDGE_GONE && e->incarnation == edge->incarnation;

	e->state = was_dead ? EDGE_STALE : EDGE_REGISTERING;
	e->incarnation = edge->incarnation;
	e->checks = 0;
	discard_all(&e->sessions);
	if (was_dead)
		release_taken(sd, e, edge);
	else
		forget_taken(e);
}

void
register_edge_gone(struct sessiond *sd, const struct endpoint *edge)
{
	struct edge *e = &sd->edges[edge->instance];

	if (e->incarnation != edge->incarnation)
		return;
	e->state = EDGE_GONE;
	note_all_taken(sd, e);
	discard_all(&e->sessions);
	gate_forget(sd, edge);
	sessions_lose_edge(sd, edge->incarnation);
	gate_check(sd);
}

void
register_free(struct sessiond *sd)
{
	for (unsigned i = 0; i < EDGES_MAX; i++) {
		discard_all(&sd->edges[i].sessions);
		forget_taken(&sd->edges[i]);
	}
	secret_wipe(sd->cap_key, sizeof(sd->cap_key));
}
