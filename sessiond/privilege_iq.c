/* XEP-0356 §6: a component asks somebody in the name of a user, and gets the answer. What is open is kept here alone: when this
 * process dies the component hears nothing, as of any request that got lost. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "bounce.h"
#include "privilege.h"
#include "route.h"

#define NS_PRIVILEGE "urn:xmpp:privilege:2"
#define ASKED_MAX 1000 /* open requests; over it a new one is refused with resource-constraint */
#define ASKED_MS (10 * 60 * 1000)

/* An open request. The id that goes out is ours, so that nobody can guess it. */
struct asked {
	char id[2 * ID_BYTES + 1];
	struct stanza *request; /* of the component; owned; without payload */
	char *inner_id, *to;    /* of the request within */
	uint64_t deadline_ms;
	UT_hash_handle hh;
};

static void
asked_free(struct sessiond *sd, struct asked *a)
{
	HASH_DEL(sd->asked, a);
	free(a->request);
	free(a->inner_id);
	free(a->to);
	free(a);
}

void
privilege_forget_late(struct sessiond *sd)
{
	uint64_t now_ms = clock_mono_ms();
	struct asked *a, *next;

	/* The oldest come first. */
	HASH_ITER(hh, sd->asked, a, next) {
		if (now_ms < a->deadline_ms)
			return;
		asked_free(sd, a);
	}
}

void
privilege_free(struct sessiond *sd)
{
	struct asked *a, *next;

	HASH_ITER(hh, sd->asked, a, next)
		asked_free(sd, a);
}

/* ---- the request ---- */

/* The rules of the XEP, in its order; all are forbidden alike. */
static bool
is_allowed(const struct iq *iq, const struct xml_node *inner)
{
	struct str from, type;
	struct jid_buf buf;
	struct jid jid;
	bool has_from;

	if (!inner || !inner->children || inner->children->next)
		return false;
	from = xml_node_attr(inner, "from", &has_from);
	type = xml_node_attr(inner, "type", NULL);
	return str_is(type, stanza_type_name((enum stanza_type)iq->st->type)) &&
	    (!has_from || (jid_prepare(&jid, &buf, from) && str_eq(jid.full, iq->account->jid))) &&
	    privilege_lets_send(
		iq->act->sd, iq->st->from, (enum stanza_type)iq->st->type, inner->children->ns);
}

static struct asked *
asked_new(const struct iq *iq, struct str inner_id, struct str to)
{
	struct sessiond *sd = iq->act->sd;
	struct asked *a = NEW(struct asked);
	struct stanza request = *iq->st;
	struct id128 id = id_random();

	request.payload = (struct str){0};
	id_hex(&id, a->id);
	a->request = stanza_copy(&request);
	a->inner_id = str_dup(inner_id);
	a->to = str_dup(to);
	a->deadline_ms = clock_mono_ms() + ASKED_MS;
	HASH_ADD_STR(sd->asked, id, a);
	return a;
}

static void
send(const struct iq *iq, const struct xml_node *inner, struct str to)
{
	struct act act = act_own(iq->act->sd);
	struct asked *a = asked_new(iq, xml_node_attr(inner, "id", NULL), to);
	struct stanza st = {.kind = STANZA_IQ,
	    .type = iq->st->type,
	    .from = iq->account->jid,
	    .to = to,
	    .id = str_z(a->id),
	    .payload = xml_node_raw(iq->arena, inner->children)};

	route_stanza(&act, OP_DELIVERY, &st);
}

void
privilege_iq(const struct iq *iq)
{
	const struct xml_node *inner = xml_child(iq->node, "jabber:client", "iq");
	struct jid_buf buf;
	struct jid to;

	if (!is_allowed(iq, inner))
		iq_error(iq, SE_FORBIDDEN);
	else if (!jid_prepare(&to, &buf, xml_node_attr(inner, "to", NULL)))
		iq_error(iq, SE_BAD_REQUEST);
	else if (HASH_COUNT(iq->act->sd->asked) >= ASKED_MAX)
		iq_error(iq, SE_RESOURCE_CONSTRAINT);
	else
		send(iq, inner, to.full);
}

/* ---- the answer ---- */

static void
write_answer(struct buf *out, const struct asked *a, const struct stanza *st)
{
	struct stanza inner = *st;
	struct xml_writer w;

	inner.id = str_z(a->inner_id);
	inner.lang = (struct str){0};
	xw_init(&w, out, S("jabber:client"));
	xw_open(&w, S(NS_PRIVILEGE), S("privilege"));
	xml_write_forwarded(&w, &inner, NULL);
	xw_close(&w);
}

bool
privilege_answer(const struct act *act, const struct stanza *st)
{
	struct act own = act_own(act->sd);
	struct buf payload = {0};
	struct asked *a;

	HASH_FIND(hh, act->sd->asked, st->id.p, st->id.n, a);
	if (!a || !str_is(st->from, a->to))
		return false;
	write_answer(&payload, a, st);
	struct stanza answer = {.kind = STANZA_IQ,
	    .type = TYPE_RESULT,
	    .from = a->request->to,
	    .to = a->request->from,
	    .id = a->request->id,
	    .payload = buf_str(&payload)};
	route_stanza(&own, OP_ANSWER, &answer);
	buf_deinit(&payload);
	asked_free(act->sd, a);
	return true;
}
