/* See bus_actor.h. */
#include "bus_actor.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

struct bus_actor actor;
static struct bus_rig *const r = &actor.r;
static const struct endpoint storaged = {.role = ROLE_STORAGED};

void
actor_send_store(struct custody *cause, unsigned flags)
{
	struct msg_STORE s = {.st = {.payload = S("<body/>")}};
	bus_send(r->bus, &storaged, MSG_STORE, &s, NULL, cause, flags);
}

void
actor_send_release(uint64_t inc, uint64_t conn, struct custody *cause)
{
	struct endpoint edge = {.role = ROLE_C2SD, .incarnation = inc};
	struct msg_RELEASE m = {.conn = conn};
	bus_send(r->bus, &edge, MSG_RELEASE, &m, NULL, cause, 0);
}

static void
handle_stanza(void *ctx, const struct bus_in *in, const void *msg)
{
	assert_ptr_equal(ctx, &actor);
	(void)msg;
	actor.handled++;
	actor.last_n = in->op.n;
	if (actor.hold)
		actor.held[actor.n_held++] = custody_hold(in->custody);
	if (actor.defer)
		custody_defer(in->custody);
	if (actor.emit)
		actor_send_store(in->custody, BUS_PATIENT);
}

static void
handle_other(void *ctx, const struct bus_in *in, const void *msg)
{
	(void)ctx, (void)msg;
	actor.handled++;
	actor.last_n = in->op.n;
}

static void
on_linked(void *ctx, bool up)
{
	(void)ctx;
	buf_printf(&actor.log, "linked %d;", up);
}

static void
on_peer_new(void *ctx, const struct endpoint *peer)
{
	(void)ctx;
	buf_printf(&actor.log, "new %s %u;", role_name(peer->role), (unsigned)peer->incarnation);
	if (peer->role == ROLE_C2SD)
		actor_send_release(peer->incarnation, 77, NULL);
}

static void
on_peer_gone(void *ctx, const struct endpoint *peer)
{
	(void)ctx;
	buf_printf(&actor.log, "gone %s %u;", role_name(peer->role), (unsigned)peer->incarnation);
	/* to who is dead nothing goes any more */
	if (peer->role == ROLE_C2SD)
		actor_send_release(peer->incarnation, 66, NULL);
}

static void
on_lost(void *ctx, const struct endpoint *peer, const struct bus_message *m, const void *msg,
    const struct opid *op, struct custody *cause)
{
	(void)ctx, (void)op;
	assert_int_equal(m->type, MSG_RELEASE);
	buf_printf(&actor.log, "lost %s %u;", role_name(peer->role),
	    (unsigned)((const struct msg_RELEASE *)msg)->conn);
	if (actor.hold_lost)
		actor.held[actor.n_held++] = custody_hold(cause);
}

static void
on_failed(void *ctx, const struct bus_message *m, const void *msg, const struct opid *op,
    struct custody *cause, enum bus_failure why)
{
	(void)ctx, (void)msg, (void)op, (void)cause;
	buf_printf(&actor.log, "failed %s %d;", m->body.name, why);
	if (actor.replace && why == BUS_POISON)
		actor_send_store(cause, 0);
}

static void
on_credit(void *ctx, enum role role)
{
	(void)ctx;
	actor.credit |= 1u << role;
}

static void
on_settled(void *ctx, const struct endpoint *peer, const struct rec_settled *id)
{
	(void)ctx;
	assert_int_equal(peer->role, ROLE_C2SD);
	assert_int_equal(id->n, 42);
	actor.settled = true;
}

static void
on_proven(void *ctx, const struct endpoint *peer, const struct opid *op)
{
	(void)ctx;
	buf_printf(&actor.log, "proven %s %u;", role_name(peer->role), (unsigned)op->n);
}

static const struct bus_handler handlers[] = {
    {MSG_STANZA, 1u << ROLE_STORAGED, handle_stanza},
    {MSG_REG, 0, handle_other},
    {MSG_REG_END, 0, handle_other},
    {0, 0, NULL},
};
static const struct bus_events events = {
    .linked = on_linked,
    .peer_new = on_peer_new,
    .peer_gone = on_peer_gone,
    .lost = on_lost,
    .failed = on_failed,
    .credit = on_credit,
    .settled = on_settled,
    .proven = on_proven,
};

/* linked, with c2sd.0 (incarnation 7) and storaged.0 (8) */
int
actor_setup(void **state)
{
	(void)state;
	memset(&actor, 0, sizeof(actor));
	actor.config = (struct bus_config){
	    .role = ROLE_SESSIOND, .handlers = handlers, .events = &events, .ctx = &actor};
	bus_rig_start(r, &actor.config);
	bus_rig_link(r);
	bus_rig_up(r, ROLE_C2SD, 0, 7);
	bus_rig_up(r, ROLE_STORAGED, 0, 8);
	bus_rig_expect(r, MSG_RELEASE, 1);
	bus_rig_ack(r, ROLE_C2SD, 7, 5, 1);
	buf_clear(&actor.log);
	return 0;
}

int
actor_teardown(void **state)
{
	(void)state;
	bus_rig_stop(r);
	buf_deinit(&actor.log);
	return 0;
}

void
actor_gets_stanza(uint64_t inc, uint64_t seq)
{
	struct msg_STANZA s = {.n = seq, .st = {.payload = S("<body/>")}};
	bus_rig_peer(r, ROLE_C2SD, inc, seq, MSG_STANZA, &s);
}

void
actor_expect_log(const char *text)
{
	if (!str_is(buf_str(&actor.log), text))
		fail_msg("events: %.*s", STR_ARG(buf_str(&actor.log)));
	buf_clear(&actor.log);
}

void
actor_fill_window(void)
{
	while (bus_has_credit(r->bus, ROLE_STORAGED))
		actor_send_store(NULL, 0);
	while (bus_rig_next(r))
		;
}

void
actor_expect_complaint(enum role role, uint64_t inc, const char *what)
{
	struct msg_COMPLAIN c;
	bus_rig_expect(r, MSG_COMPLAIN, 0);
	bus_rig_decode(r, &c);
	assert_int_equal(c.peer.role, role);
	assert_int_equal(c.peer.incarnation, inc);
	assert_true(str_is(c.what, what));
}
