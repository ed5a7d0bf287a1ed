/* See operator.h. A kick raises the account's generation, so that no edge can register the session again. */
#include "operator.h"

#include <stdio.h>
#include <stdlib.h>

#include "account.h"
#include "base/log.h"
#include "base/mem.h"
#include "capability.h"
#include "detach.h"
#include "teardown.h"

/* ---- list ---- */

#define PAGE_MAX 500
#define PAGE_BYTES (512 * 1024)

static int
by_jid(const void *a, const void *b)
{
	const struct session *const *x = a, *const *y = b;

	return str_cmp((*x)->jid.full, (*y)->jid.full);
}

/* All sessions behind `after`, in order; to be freed. */
static const struct session **
sorted_sessions(const struct sessiond *sd, struct str after, unsigned *n_r)
{
	const struct session **list =
	    mem_new_array(sessions_count(sd) + 1, sizeof(struct session *));
	unsigned n = 0;

	for (struct session *s = sd->by_sid; s; s = s->hh_sid.next)
		if (str_cmp(s->jid.full, after) > 0)
			list[n++] = s;
	qsort(list, n, sizeof(struct session *), by_jid);
	*n_r = n;
	return list;
}

static struct rec_session_info
info_of(const struct session *s, char *edge, size_t cap)
{
	snprintf(edge, cap, "%s.%u", role_name(s->edge.role), s->edge.instance);
	return (struct rec_session_info){
	    .jid = s->jid.full,
	    .source = str_z(s->source),
	    .since_us = s->since_us,
	    .attached = true,
	    .priority = (uint8_t)s->priority,
	    .edge = str_z(edge),
	};
}

void
handle_session_list(struct sessiond *sd, const struct bus_in *in, const void *msg)
{
	const struct msg_SESSION_LIST *m = msg;
	unsigned n, i;
	size_t bytes = 0;
	const struct session **list = sorted_sessions(sd, m->after, &n);
	struct rec_session_info *infos = mem_new_array(PAGE_MAX, sizeof(*infos));
	char(*edges)[32] = mem_new_array(PAGE_MAX, sizeof(*edges));
	struct msg_SESSIONS answer;

	for (i = 0; i < n && i < PAGE_MAX && bytes < PAGE_BYTES; i++) {
		infos[i] = info_of(list[i], edges[i], sizeof(edges[i]));
		bytes += list[i]->jid.full.n + 256;
	}
	answer = (struct msg_SESSIONS){
	    .more = i < n, .sessions = {.items = infos, .count = (uint32_t)i}};
	bus_answer(in->bus, &in->from, m->req, MSG_SESSIONS, &answer, NULL, in->custody);
	free(list);
	free(infos);
	free(edges);
}

/* ---- generations ---- */

static void
renew_capabilities(struct account *a, const struct act *act, uint64_t generation)
{
	a->generation = generation;
	LIST_FOREACH(&a->sessions, it) {
		struct session *s = CONTAINER_OF(it, struct session, link);
		uint8_t mac[CAPABILITY_BYTES];
		struct msg_CAPABILITY m = {.conn = s->handle.conn,
		    .capability = str_of(mac, sizeof(mac)),
		    .generation = generation};

		s->generation = generation;
		if (session_is_away(s)) {
			detach_save(s, act->custody);
			continue;
		}
		session_capability(s, mac);
		bus_send(bus_of(a->sd), &s->edge, MSG_CAPABILITY, &m, NULL, act->custody, 0);
	}
}

/* Ends the account's sessions, or the one with this resource. */
static unsigned
end_sessions(struct account *a, const struct act *act, struct str resource, enum stream_error error)
{
	unsigned n = 0;

	LIST_FOREACH_SAFE(&a->sessions, it, nx) {
		struct session *s = CONTAINER_OF(it, struct session, link);

		if (!str_empty(resource) && !str_eq(resource, s->jid.resource))
			continue;
		session_end(s, act, END_TAKEN, error);
		n++;
	}
	return n;
}

void
handle_account_changed(struct sessiond *sd, const struct bus_in *in, const void *msg)
{
	const struct msg_ACCOUNT_CHANGED *m = msg;
	struct account *a = account_find(sd, m->jid);
	struct act act = act_of(sd, in);

	if (!a)
		return;
	if (m->close_sessions)
		end_sessions(a, &act, (struct str){0}, STREAM_NOT_AUTHORIZED);
	renew_capabilities(a, &act, m->generation);
}

/* ---- kick ---- */

struct kick {
	struct act act;
	struct endpoint from;
	uint64_t request;
	unsigned n;
	struct account *account; /* pinned */
};

static void
on_raised(void *arg, const struct bus_in *in, const void *msg)
{
	struct kick *k = arg;
	struct bus *b = bus_of(k->act.sd);
	struct bus_list list;
	struct rec_generation g;

	if (in && in->message->type == MSG_GENERATIONS) {
		list = ((const struct msg_GENERATIONS *)msg)->accounts;
		while (bus_list_next(&list, &bus_record_generation, &g))
			if (str_eq(g.jid, k->account->jid))
				renew_capabilities(k->account, &k->act, g.generation);
	} else {
		log_warn("the generation of %.*s was not raised", STR_ARG(k->account->jid));
	}
	bus_answer_done(b, &k->from, k->request, k->n, k->act.custody);
	account_unpin(k->account);
	act_drop(&k->act);
	free(k);
}

static void
raise_generation(
    struct account *a, const struct bus_in *in, const struct act *act, uint64_t request, unsigned n)
{
	struct endpoint authd = {.role = ROLE_AUTHD};
	struct msg_GENERATION_RAISE m = {.jid = a->jid};
	struct kick *k = NEW(struct kick);

	k->act = act_keep(act);
	k->from = in->from;
	k->request = request;
	k->n = n;
	k->account = a;
	account_pin(a);
	bus_request(
	    in->bus, &authd, MSG_GENERATION_RAISE, &m, NULL, in->custody, 10000, on_raised, k);
}

void
handle_session_kick(struct sessiond *sd, const struct bus_in *in, const void *msg)
{
	const struct msg_SESSION_KICK *m = msg;
	struct jid who = jid_split(m->jid);
	struct account *a = account_find(sd, who.bare);
	struct act act = act_of(sd, in);
	unsigned n = a ? end_sessions(a, &act, who.resource, STREAM_POLICY_VIOLATION) : 0;

	if (n == 0)
		bus_answer_done(in->bus, &in->from, m->req, 0, in->custody);
	else
		raise_generation(a, in, &act, m->req, n);
}
