/* The bus: what goes out of the suite comes as ROUTE and ROUTE_BACK, what comes in leaves as ROUTE. */
#include "base/jid.h"
#include "base/log.h"
#include "bounce.h"
#include "names.h"

/* Anybody of the suite may send as whom it serves; nothing goes out as somebody else. */
static void
handle_route(void *ctx, const struct bus_in *in, const void *msg)
{
	const struct msg_ROUTE *m = msg; /* ROUTE_BACK has the same body */
	struct s2sd *d = ctx;
	struct outgoing o = {
	    .st = &m->st, .custody = in->custody, .op = in->op, .level = in->message->level};

	if (str_empty(m->st.from) || str_empty(m->st.to) ||
	    !s2sd_is_local(d, jid_split(m->st.from).domain)) {
		bus_protocol_error(in->bus, in, "a sender that is not of this suite");
		return;
	}
	if (d->run == S2SD_RUNNING ||
	    (d->run == S2SD_DRAINING && in->message->type == MSG_ROUTE_BACK))
		pair_send(d, &o);
	else
		custody_hold(in->custody); /* for ever: it is the next process's */
}

bool
links_have_credit(const void *s2sd)
{
	return bus_has_credit(s2sd_bus(s2sd), ROLE_SESSIOND);
}

static void
on_linked(void *ctx, bool up)
{
	log_info("link to the router: %s", up ? "up" : "down");
	listen_resume(ctx);
}

static void
on_peer_new(void *ctx, const struct endpoint *peer)
{
	(void)peer;
	listen_resume(ctx);
}

static void
on_credit(void *ctx, enum role role)
{
	struct s2sd *d = ctx;

	if (role == ROLE_SESSIOND)
		wires_resume_starved(&d->wires);
	listen_resume(d);
}

/* Nobody took what a server has sent (BUS.md §11): it gets the error, on the way back. */
static void
route_has_failed(
    struct s2sd *d, const struct stanza *st, struct custody *cause, enum bus_failure why)
{
	static const enum stanza_error ERRORS[] = {
	    [BUS_NEVER_SENT] = SE_SERVICE_UNAVAILABLE,
	    [BUS_MAYBE_DONE] = SE_REMOTE_SERVER_TIMEOUT,
	    [BUS_POISON] = SE_INTERNAL_SERVER_ERROR,
	};
	struct buf payload = {.data = NULL};
	struct xml_writer w;
	struct stanza answer = {
	    .kind = st->kind, .type = TYPE_ERROR, .from = st->to, .to = st->from, .id = st->id};
	struct outgoing o = {.st = &answer, .custody = cause};

	if (!stanza_may_bounce(st))
		return;
	xw_init(&w, &payload, S(NS_SERVER));
	xml_write_error(&w, ERRORS[why], S(""));
	answer.payload = buf_str(&payload);
	pair_send(d, &o);
	buf_deinit(&payload);
}

static void
on_failed(void *ctx, const struct bus_message *m, const void *msg, const struct opid *op,
    struct custody *cause, enum bus_failure why)
{
	(void)op;
	if (m->type == MSG_ROUTE)
		route_has_failed(ctx, &((const struct msg_ROUTE *)msg)->st, cause, why);
}

const struct bus_events s2sd_events = {
    .linked = on_linked,
    .peer_new = on_peer_new,
    .credit = on_credit,
    .failed = on_failed,
};

#define SUITE (1u << ROLE_SESSIOND | 1u << ROLE_COMPONENTD)

const struct bus_handler s2sd_handlers[] = {
    {.type = MSG_ROUTE, .emits = SUITE, .handle = handle_route},
    {.type = MSG_ROUTE_BACK, .emits = SUITE, .handle = handle_route},
    {.type = 0},
};
