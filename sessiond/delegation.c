/* See delegation.h. A request waits here for its answer; when this process dies, or nothing comes, its sender hears nothing, as of any
 * request that got lost. */
#include "delegation.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "bounce.h"
#include "grant.h"
#include "route.h"

#define NS_INFO "http://jabber.org/protocol/disco#info"
#define NS_ITEMS "http://jabber.org/protocol/disco#items"
#define INFO_OF_NODES NS_DELEGATION ":bare:disco#info:*"
#define ITEMS_OF_NODES NS_DELEGATION ":bare:disco#items:*"
#define DELEGATED_MAX \
	1000 /* open requests; over it a new one is refused with resource-constraint */
#define DELEGATED_MS (60 * 1000)
#define AT(member) offsetof(struct delegation, member)

/* ---- settings ---- */

const struct setting delegation_table[] = {
    {.name = "component",
	.type = SETTING_STRING,
	.offset = AT(component),
	.def = "",
	.max = 1023,
	.help = "Who answers, by the name in jackdaw.conf; empty: nobody but the server."},
    {.name = "attributes",
	.type = SETTING_LIST,
	.offset = AT(attributes),
	.def = "{}",
	.max = 64,
	.help = "Only requests whose element has all of these attributes."},
    {.name = NULL},
};

bool
delegation_is_of_nodes(struct str title)
{
	return str_is(title, INFO_OF_NODES) || str_is(title, ITEMS_OF_NODES);
}

int
delegation_check_namespace(const char *ns, struct err *err)
{
	if (str_starts(str_z(ns), S(NS_DELEGATION)))
		return err_set(err, "\"%s\" cannot be delegated", ns);
	return 0;
}

static int
check_section(const struct daemon *d, const struct delegation *v, struct err *err)
{
	if (!delegation_is_of_nodes(str_z(v->title)) &&
	    delegation_check_namespace(v->title, err) != 0)
		return err_prefix(err, "delegation");
	if (v->component[0] && d->suite.n_sessiond > 1)
		return err_set(err,
		    "delegation \"%s\": not with several shards (sessiond in jackdaw.conf): the answers come to one of them",
		    v->title);
	return 0;
}

int
delegation_check(const struct daemon *d, const struct sessiond_settings *settings, struct err *err)
{
	const struct delegation *v = settings->delegations.v;

	for (size_t i = 0; i < settings->delegations.n; i++)
		if (check_section(d, &v[i], err) != 0)
			return -1;
	if (settings->client_delegation.n > 0 && d->suite.n_sessiond > 1)
		return err_set(err,
		    "client_delegation: not with several shards (sessiond in jackdaw.conf): the answers come to one of them");
	return 0;
}

static bool
is_component(const struct suite *s, const char *name)
{
	for (size_t i = 0; i < s->n_components; i++)
		if (str_is(str_z(name), s->components[i]))
			return true;
	return false;
}

const struct delegation *
delegation_next(const struct sessiond *sd, size_t *i)
{
	const struct setting_sections *all = &settings_of(sd)->delegations;
	const struct delegation *v = all->v;

	while (*i < all->n) {
		const struct delegation *at = &v[(*i)++];

		if (is_component(&sd->daemon->suite, at->component))
			return at;
	}
	return NULL;
}

static bool
has_attributes(const struct xml_node *n, const struct delegation *d)
{
	bool found = true;

	for (size_t i = 0; found && i < d->attributes.n; i++)
		xml_node_attr(n, d->attributes.v[i], &found);
	return found;
}

/* An account has no nodes of its own, so all are of those who answer for them. Its items without a node are theirs too; its
 * information is ours, and theirs is nested in it. */
static bool
is_about(const struct iq *iq, const struct delegation *d)
{
	bool has_node;

	xml_node_attr(iq->node, "node", &has_node);
	if (iq->account && str_is(iq->node->ns, NS_ITEMS) && str_is(str_z(d->title), ITEMS_OF_NODES))
		return true;
	if (iq->account && has_node && str_is(iq->node->ns, NS_INFO) &&
	    str_is(str_z(d->title), INFO_OF_NODES))
		return true;
	return str_is(iq->node->ns, d->title);
}

/* Who answers; NULL: we do. The component's own requests are the server's to answer. */
static const char *
manager_of(const struct iq *iq)
{
	const struct delegation *d;

	for (size_t i = 0; (d = delegation_next(iq->act->sd, &i));)
		if (is_about(iq, d) && !str_is(jid_split(iq->st->from).domain, d->component) &&
		    has_attributes(iq->node, d))
			return d->component;
	return grant_manager(iq);
}

void
delegation_write(const struct sessiond *sd, struct buf *out, struct str component)
{
	const struct setting_sections *all = &settings_of(sd)->delegations;
	const struct delegation *v = all->v;
	struct xml_writer w;
	bool is_open = false;

	xw_init(&w, out, S("jabber:client"));
	for (size_t i = 0; i < all->n; i++) {
		if (!str_is(component, v[i].component))
			continue;
		if (!is_open)
			xw_open(&w, S(NS_DELEGATION), S("delegation"));
		is_open = true;
		xw_open(&w, (struct str){0}, S("delegated"));
		xw_attr(&w, "namespace", str_z(v[i].title));
		for (size_t j = 0; j < v[i].attributes.n; j++) {
			xw_open(&w, (struct str){0}, S("attribute"));
			xw_attr(&w, "name", str_z(v[i].attributes.v[j]));
			xw_close(&w);
		}
		xw_close(&w);
	}
	if (is_open)
		xw_close(&w);
}

/* ---- open requests ---- */

/* The id that goes out is ours, so that nobody can guess it. */
struct delegated {
	char id[2 * ID_BYTES + 1];
	struct stanza *request; /* owned; without payload */
	char *manager;          /* owned */
	uint64_t deadline_ms;
	UT_hash_handle hh;
};

static void
delegated_free(struct sessiond *sd, struct delegated *r)
{
	HASH_DEL(sd->delegated, r);
	free(r->request);
	free(r->manager);
	free(r);
}

static struct delegated *
delegated_new(const struct iq *iq, const char *manager)
{
	struct delegated *r = NEW(struct delegated);
	struct stanza request = *iq->st;
	struct id128 id = id_random();

	request.payload = (struct str){0};
	id_hex(&id, r->id);
	r->request = stanza_copy(&request);
	r->manager = str_dup(str_z(manager));
	r->deadline_ms = clock_mono_ms() + DELEGATED_MS;
	HASH_ADD_STR(iq->act->sd->delegated, id, r);
	return r;
}

void
delegation_expire(struct sessiond *sd)
{
	uint64_t now_ms = clock_mono_ms();
	struct delegated *r, *next;

	/* The oldest come first. */
	HASH_ITER(hh, sd->delegated, r, next) {
		struct act act = act_own(sd);

		if (now_ms < r->deadline_ms)
			return;
		bounce(&act, r->request, SE_SERVICE_UNAVAILABLE);
		delegated_free(sd, r);
	}
}

void
delegation_free(struct sessiond *sd)
{
	struct delegated *r, *next;

	HASH_ITER(hh, sd->delegated, r, next)
		delegated_free(sd, r);
}

/* ---- the request ---- */

static void
write_request(struct buf *out, const struct stanza *st)
{
	struct stanza inner = *st;
	struct xml_writer w;

	inner.lang = (struct str){0};
	xw_init(&w, out, S("jabber:client"));
	xw_open(&w, S(NS_DELEGATION), S("delegation"));
	xml_write_forwarded(&w, &inner, NULL);
	xw_close(&w);
}

static void
pass_on(const struct iq *iq, const char *manager)
{
	struct act act = act_own(iq->act->sd);
	struct delegated *r = delegated_new(iq, manager);
	struct buf payload = {0};

	write_request(&payload, iq->st);
	struct stanza st = {.kind = STANZA_IQ,
	    .type = TYPE_SET,
	    .from = jid_split(iq->st->to).domain,
	    .to = str_z(manager),
	    .id = str_z(r->id),
	    .payload = buf_str(&payload)};
	route_stanza(&act, OP_DELIVERY, &st);
	buf_deinit(&payload);
}

bool
delegation_takes(const struct iq *iq)
{
	const char *manager = manager_of(iq);

	if (!manager)
		return false;
	if (HASH_COUNT(iq->act->sd->delegated) >= DELEGATED_MAX)
		iq_error(iq, SE_RESOURCE_CONSTRAINT);
	else
		pass_on(iq, manager);
	return true;
}

/* ---- the answer ---- */

/* What the XEP demands of it: that it is the answer to this request. */
static bool
is_answer(const struct xml_node *n, const struct stanza *request)
{
	struct str from;
	bool has_from;

	if (!n)
		return false;
	from = xml_node_attr(n, "from", &has_from);
	return str_eq(xml_node_attr(n, "to", NULL), request->from) &&
	    (!has_from || str_eq(from, request->to)) &&
	    str_eq(xml_node_attr(n, "id", NULL), request->id) &&
	    str_is(xml_node_attr(n, "type", NULL), "result");
}

static const struct xml_node *
forwarded_iq(struct arena *a, const struct stanza *st)
{
	struct xml_node *n = xml_find(
	    xml_tree_parse(a, st->payload, S("jabber:client")), NS_DELEGATION, "delegation");

	n = n ? xml_child(n, "urn:xmpp:forward:0", "forwarded") : NULL;
	return n ? xml_child(n, "jabber:client", "iq") : NULL;
}

static void
send_answer(
    const struct act *act, struct arena *a, const struct xml_node *n, const struct stanza *request)
{
	struct buf payload = {0};

	for (const struct xml_node *c = n->children; c; c = c->next)
		buf_add_str(&payload, xml_node_raw(a, c));
	struct stanza answer = {.kind = STANZA_IQ,
	    .type = TYPE_RESULT,
	    .from = request->to,
	    .to = request->from,
	    .id = request->id,
	    .payload = buf_str(&payload)};
	route_stanza(act, OP_ANSWER, &answer);
	buf_deinit(&payload);
}

void
delegation_answer(const struct act *act, const struct stanza *st)
{
	struct act own = act_own(act->sd);
	struct arena a = {0};
	const struct xml_node *n;
	struct delegated *r;

	HASH_FIND(hh, act->sd->delegated, st->id.p, st->id.n, r);
	if (!r || !str_is(st->from, r->manager))
		return;
	n = st->type == TYPE_RESULT ? forwarded_iq(&a, st) : NULL;
	if (is_answer(n, r->request))
		send_answer(&own, &a, n, r->request);
	else
		bounce(&own, r->request, SE_SERVICE_UNAVAILABLE);
	arena_deinit(&a);
	delegated_free(act->sd, r);
}
