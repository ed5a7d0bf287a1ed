/* Which message goes where; the table says from whom by messages.def, and to whom a handler may
 * send. */
#include "authd.h"

#include "account.h"
#include "base/log.h"
#include "login.h"
#include "notice.h"
#include "redeem.h"
#include "seals.h"
#include "tickets.h"

#define SWEEP_TICKS 5
#define TO(role) (1u << ROLE_##role)

static void
handle_seal_key(void *ctx, const struct bus_in *in, const void *msg)
{
	struct authd *a = ctx;
	const struct msg_SEAL_KEY *m = msg;

	if (!seals_set(a->seals, &in->from, m->public_key))
		log_warn("%s.%u sent a public key that is no good", role_name(in->from.role),
		    in->from.instance);
}

const struct bus_handler authd_handlers[] = {
    {MSG_SEAL_KEY, 0, handle_seal_key},
    {MSG_AUTH_START, TO(C2SD), handle_auth_start},
    {MSG_AUTH_NEXT, TO(C2SD), handle_auth_next},
    {MSG_AUTH_ABORT, 0, handle_auth_abort},
    {MSG_REGISTER, TO(C2SD), handle_register},
    {MSG_REDEEM, TO(SESSIOND), handle_redeem},
    {MSG_CAP_KEY_GET, TO(SESSIOND), handle_cap_key_get},
    {MSG_GENERATIONS_GET, TO(SESSIOND), handle_generations_get},
    {MSG_GENERATION_RAISE, TO(SESSIOND), handle_generation_raise},
    {MSG_PASSWORD_SET, TO(SESSIOND), handle_password_set},
    {MSG_USER_REMOVE_SELF, TO(SESSIOND), handle_user_remove_self},
    {MSG_USER_ADD, TO(CTL), handle_user_add},
    {MSG_USER_PASSWD, TO(CTL), handle_user_passwd},
    {MSG_USER_DEL, TO(CTL), handle_user_del},
    {MSG_USER_LIST, TO(CTL), handle_user_list},
    {0, 0, NULL},
};

/* The routing table is there: now it is known which sessiond has which account. */
static void
on_routes(void *ctx)
{
	struct authd *a = ctx;

	notices_pump(a->notices);
}

static void
on_linked(void *ctx, bool up)
{
	if (up)
		on_routes(ctx);
}

static void
on_peer_gone(void *ctx, const struct endpoint *peer)
{
	struct authd *a = ctx;

	if (peer->role == ROLE_C2SD)
		logins_edge_gone(a->logins, peer->incarnation);
}

static void
on_peer_new(void *ctx, const struct endpoint *peer)
{
	struct authd *a = ctx;

	if (peer->role == ROLE_C2SD || peer->role == ROLE_CTL)
		seals_peer_new(a->seals, peer);
}

static void
on_failed(void *ctx, const struct bus_message *m, const void *msg, const struct opid *op,
    struct custody *cause, enum bus_failure why)
{
	struct authd *a = ctx;
	const struct msg_USER_REMOVE *remove = msg;
	const struct msg_ACCOUNT_CHANGED *changed = msg;

	(void)op;
	(void)cause;
	(void)why;
	if (m->type == MSG_USER_REMOVE)
		notices_failed(a->notices, remove->jid, authd_now_ms(a));
	else if (m->type == MSG_ACCOUNT_CHANGED)
		notices_failed(a->notices, changed->jid, authd_now_ms(a));
}

const struct bus_events authd_events = {
    .linked = on_linked,
    .routes = on_routes,
    .peer_new = on_peer_new,
    .peer_gone = on_peer_gone,
    .failed = on_failed,
};

void
authd_tick(struct authd *a)
{
	uint64_t now = authd_now_ms(a);

	logins_tick(a->logins, now);
	notices_tick(a->notices, now);
	disk_tick(a);
	if (++a->ticks % SWEEP_TICKS == 0)
		tickets_sweep(a->tickets, now);
}
