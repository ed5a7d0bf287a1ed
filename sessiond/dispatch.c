/* Which frame goes to which function, and what the bus tells besides. */
#include "archive.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "bind.h"
#include "bounce.h"
#include "caps.h"
#include "detach.h"
#include "gate.h"
#include "inbound.h"
#include "inbound_routes.h"
#include "load.h"
#include "operator.h"
#include "privilege.h"
#include "register.h"
#include "resume.h"
#include "route.h"
#include "settle.h"
#include "sm.h"
#include "store.h"
#include "teardown.h"

static void handle_csi(struct sessiond *sd, const struct bus_in *in, const void *msg);
static void handle_written(struct sessiond *sd, const struct bus_in *in, const void *msg);

/* early: handled before the gate is open. */
static const struct {
	handler_fn *fn;
	bool early;
} functions[MSG_TYPE_MAX] = {
    [MSG_REG] = {handle_reg, true},
    [MSG_REG_END] = {handle_reg_end, true},
    [MSG_BIND] = {handle_bind, false},
    [MSG_STANZA] = {handle_stanza, false},
    [MSG_WRITTEN] = {handle_written, false},
    [MSG_SM_ENABLE] = {handle_sm_enable, false},
    [MSG_RESUME] = {handle_resume, false},
    [MSG_CLIENT_ACK] = {handle_client_ack, false},
    [MSG_CSI] = {handle_csi, false},
    [MSG_CLOSED] = {handle_closed, false},
    [MSG_COMPONENT_UP] = {handle_component_up, false},
    [MSG_ROUTE] = {handle_route, false},
    [MSG_ROUTE_BACK] = {handle_route, false},
    [MSG_ROUTE_BOUNCE] = {handle_route, false},
    [MSG_STORE_FAILED] = {handle_store_failed, true},
    [MSG_SEARCHABLE] = {handle_searchable, true},
    [MSG_ACCOUNT_CHANGED] = {handle_account_changed, false},
    [MSG_USER_REMOVE] = {handle_user_remove, false},
    [MSG_SESSION_LIST] = {handle_session_list, false},
    [MSG_SESSION_KICK] = {handle_session_kick, false},
};

static void
dispatch(void *ctx, const struct bus_in *in, const void *msg)
{
	struct sessiond *sd = ctx;
	unsigned type = in->message->type;

	if (functions[type].early || gate_passes(sd, in, functions[type].fn))
		functions[type].fn(sd, in, msg);
	sessions_reap(sd);
}

#define EDGE (1u << ROLE_C2SD)
#define STORE (1u << ROLE_STORAGED)
#define AUTH (1u << ROLE_AUTHD)
#define OTHERS (1u << ROLE_SESSIOND | 1u << ROLE_S2SD | 1u << ROLE_COMPONENTD)
#define CTL (1u << ROLE_CTL)

const struct bus_handler sessiond_handlers[] = {
    {MSG_REG, EDGE, dispatch},
    {MSG_REG_END, EDGE, dispatch},
    {MSG_BIND, EDGE | AUTH | STORE | OTHERS, dispatch},
    {MSG_STANZA, EDGE | AUTH | STORE | OTHERS, dispatch},
    {MSG_WRITTEN, EDGE | STORE, dispatch},
    {MSG_SM_ENABLE, EDGE, dispatch},
    {MSG_RESUME, EDGE | AUTH | STORE | OTHERS, dispatch},
    {MSG_CLIENT_ACK, EDGE | STORE, dispatch},
    {MSG_CSI, EDGE | STORE, dispatch},
    {MSG_CLOSED, EDGE | STORE | OTHERS, dispatch},
    {MSG_COMPONENT_UP, OTHERS, dispatch},
    {MSG_ROUTE, EDGE | AUTH | STORE | OTHERS, dispatch},
    {MSG_ROUTE_BACK, EDGE | AUTH | STORE | OTHERS, dispatch},
    {MSG_ROUTE_BOUNCE, EDGE | AUTH | STORE, dispatch},
    {MSG_STORE_FAILED, EDGE | OTHERS, dispatch},
    {MSG_SEARCHABLE, 0, dispatch},
    {MSG_ACCOUNT_CHANGED, EDGE | STORE | OTHERS, dispatch},
    {MSG_USER_REMOVE, EDGE | STORE | OTHERS, dispatch},
    {MSG_SESSION_LIST, CTL, dispatch},
    {MSG_SESSION_KICK, EDGE | AUTH | STORE | OTHERS | CTL, dispatch},
    {0},
};

static void
handle_written(struct sessiond *sd, const struct bus_in *in, const void *msg)
{
	struct bus_list targets = ((const struct msg_WRITTEN *)msg)->targets;
	struct act act = act_of(sd, in);
	struct rec_target t;

	while (bus_list_next(&targets, &bus_record_target, &t)) {
		struct session *s = sessions_by_handle(sd, in->from.incarnation, t.conn);

		if (!s || outbound_written(s, &act, t.k))
			continue;
		bus_protocol_error(in->bus, in, "WRITTEN of what was never sent");
		return;
	}
}

static void
handle_csi(struct sessiond *sd, const struct bus_in *in, const void *msg)
{
	const struct msg_CSI *m = msg;
	struct session *s = sessions_by_handle(sd, in->from.incarnation, m->conn);
	struct act act = act_of(sd, in);

	if (s)
		hold_set(s, &act, m->active);
}

/* ---- events ---- */

static void
on_linked(void *ctx, bool up)
{
	struct sessiond *sd = ctx;

	if (!up)
		return;
	if (sd->linked_at_ms == 0)
		sd->linked_at_ms = clock_mono_ms();
	register_ask_key(sd);
	load_ask(sd);
}

static void
edge_is_up(struct sessiond *sd, const struct endpoint *edge)
{
	caps_tell(sd, edge);
	register_edge_up(sd, edge);
}

static void
on_peer_new(void *ctx, const struct endpoint *peer)
{
	if (peer->role == ROLE_C2SD)
		edge_is_up(ctx, peer);
}

static void
on_peer_gone(void *ctx, const struct endpoint *peer)
{
	if (peer->role == ROLE_C2SD)
		register_edge_gone(ctx, peer);
}

/* BUS.md §6.1 */
static void
on_lost(void *ctx, const struct endpoint *peer, const struct bus_message *m, const void *msg,
    const struct opid *op, struct custody *cause)
{
	(void)op;
	if (m->type == MSG_DELIVER)
		detach_lost(ctx, peer, msg, cause);
}

static void
on_proven(void *ctx, const struct endpoint *peer, const struct opid *op)
{
	settle_proven(ctx, peer, op);
}

static void
on_settled(void *ctx, const struct endpoint *peer, const struct rec_settled *id)
{
	settle_told(ctx, peer, id);
}

static void
route_has_failed(struct act *act, const struct stanza *st, enum bus_failure why)
{
	bool is_local = route_is_local_domain(act->sd, jid_split(st->to).domain);
	const enum stanza_error errors[] = {
	    /* Of type wait for servers and components: they come back (F-30). */
	    [BUS_NEVER_SENT] = is_local ? SE_SERVICE_UNAVAILABLE : SE_REMOTE_SERVER_TIMEOUT,
	    [BUS_MAYBE_DONE] = SE_REMOTE_SERVER_TIMEOUT,
	    [BUS_POISON] = SE_INTERNAL_SERVER_ERROR,
	};

	bounce(act, st, errors[why]);
}

/* storaged cannot answer what it dies of. */
static void
store_is_poison(struct sessiond *sd, const struct opid *op, const struct msg_STORE *m)
{
	struct msg_STORE_FAILED failed = {.error = BUS_ERROR_INTERNAL, .owed = m->owed, .st = m->st};

	store_failed(sd, op, &failed);
}

/* BUS.md §11 */
static void
on_failed(void *ctx, const struct bus_message *m, const void *msg, const struct opid *op,
    struct custody *cause, enum bus_failure why)
{
	struct act act = {.sd = ctx, .custody = cause, .op = *op, .level = m->level};

	if (m->type == MSG_ROUTE)
		route_has_failed(&act, &((const struct msg_ROUTE *)msg)->st, why);
	else if (m->type == MSG_STORE)
		store_is_poison(ctx, op, msg);
	else
		log_debug("%s has failed", m->body.name);
}

const struct bus_events sessiond_events = {
    .linked = on_linked,
    .peer_new = on_peer_new,
    .peer_gone = on_peer_gone,
    .lost = on_lost,
    .failed = on_failed,
    .proven = on_proven,
    .settled = on_settled,
};
