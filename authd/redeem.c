/* What sessiond asks: whose ticket this is, the key of capabilities, generations. */
#include "redeem.h"

#include <stdlib.h>

#include "ask.h"
#include "base/log.h"
#include "base/mem.h"
#include "keys.h"
#include "login.h"
#include "roles.h"
#include "tickets.h"

void
handle_redeem(void *ctx, const struct bus_in *in, const void *msg)
{
	struct authd *a = ctx;
	const struct msg_REDEEM *m = msg;
	const struct handle h = {.edge_incarnation = m->edge_incarnation, .conn = m->conn};
	struct msg_REDEEMED answer = {0};
	struct ask ask;

	ask_hold(&ask, a, in, m->req);
	switch (tickets_redeem(
	    a->tickets, &m->ticket, &h, authd_now_ms(a), &answer.jid, &answer.generation)) {
	case TICKET_GOOD:
		answer.admin = suite_is_admin(&a->daemon->suite, answer.jid);
		ask_answer(&ask, MSG_REDEEMED, &answer);
		break;
	case TICKET_UNKNOWN:
		ask_failed(&ask, BUS_ERROR_NOT_FOUND, "the ticket has expired or is void");
		break;
	case TICKET_FOREIGN:
		log_warn(
		    "sessiond.%u brought a ticket for another connection than it was minted for",
		    in->from.instance);
		ask_failed(&ask, BUS_ERROR_FORBIDDEN, "the ticket is of another connection");
		break;
	}
}

void
handle_cap_key_get(void *ctx, const struct bus_in *in, const void *msg)
{
	struct authd *a = ctx;
	const struct msg_CAP_KEY_GET *m = msg;
	struct msg_CAP_KEY answer = {.key = str_of(a->keys->secrets.capability, STORE_SECRET_BYTES)};
	struct ask ask;

	ask_hold(&ask, a, in, m->req);
	ask_answer(&ask, MSG_CAP_KEY, &answer);
}

/* ---- generations ---- */

struct generations {
	struct ask ask;
	struct store_request get;
	struct str *names;
	size_t n_names;
};

static void
generations_free(struct generations *g)
{
	for (size_t i = 0; i < g->n_names; i++)
		free((char *)(uintptr_t)g->names[i].p);
	free(g->names);
	store_request_deinit(&g->get);
	free(g);
}

static void
generations_answer(struct ask *ask, struct rec_generation *items, size_t n)
{
	struct msg_GENERATIONS answer = {.accounts = {.items = items, .count = (uint32_t)n}};

	ask_answer(ask, MSG_GENERATIONS, &answer);
}

static void
on_generations(struct store_request *r)
{
	struct generations *g = CONTAINER_OF(r, struct generations, get);
	struct rec_generation *items = mem_new_array(r->n_rows, sizeof(*items));

	for (size_t i = 0; i < r->n_rows; i++)
		items[i] = (struct rec_generation){.jid = str_of(r->rows[i].jid, r->rows[i].jid_n),
		    .generation = r->rows[i].generation};
	if (r->result == STORE_OK)
		generations_answer(&g->ask, items, r->n_rows);
	else
		ask_refused(&g->ask, r->result);
	free(items);
	generations_free(g);
}

void
handle_generations_get(void *ctx, const struct bus_in *in, const void *msg)
{
	struct authd *a = ctx;
	const struct msg_GENERATIONS_GET *m = msg;
	struct generations *g = NEW(struct generations);
	struct bus_list it = m->accounts;
	struct rec_account one;

	ask_hold(&g->ask, a, in, m->req);
	g->names = mem_new_array(m->accounts.count, sizeof(*g->names));
	while (bus_list_next(&it, &bus_record_account, &one))
		g->names[g->n_names++] = str_of(str_dup(one.jid), one.jid.n);
	g->get = (struct store_request){.verb = STORE_GENERATIONS,
	    .names = g->names,
	    .n_names = g->n_names,
	    .done = on_generations};
	store_submit(a->store, &g->get);
}

static void
on_raised(struct store_request *r)
{
	struct generations *g = CONTAINER_OF(r, struct generations, get);
	struct rec_generation one = {.jid = r->jid, .generation = r->generation};

	if (r->result == STORE_OK)
		logins_void(g->ask.authd->logins, r->jid, r->generation);
	if (r->result == STORE_OK || r->result == STORE_NOT_FOUND)
		generations_answer(&g->ask, &one, r->result == STORE_OK);
	else
		ask_refused(&g->ask, r->result);
	generations_free(g);
}

void
handle_generation_raise(void *ctx, const struct bus_in *in, const void *msg)
{
	struct authd *a = ctx;
	const struct msg_GENERATION_RAISE *m = msg;
	struct generations *g = NEW(struct generations);

	ask_hold(&g->ask, a, in, m->req);
	g->names = mem_new_array(1, sizeof(*g->names));
	g->names[g->n_names++] = str_of(str_dup(m->jid), m->jid.n);
	g->get = (struct store_request){.verb = STORE_RAISE, .jid = g->names[0], .done = on_raised};
	store_submit(a->store, &g->get);
}
