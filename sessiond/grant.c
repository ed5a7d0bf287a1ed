/* See grant.h. */
#include "grant.h"

#include <stdlib.h>
#include <string.h>

#include "account.h"
#include "base/clock.h"
#include "base/mem.h"
#include "delegation.h"
#include "route.h"

#define NS_FORM "jabber:x:data"
#define ASKED_MS (10 * 60 * 1000) /* then another one may ask the session */

/* What the user of a session was asked. */
struct grant_request {
	char challenge[2 * ID_BYTES + 1];
	char *manager; /* owned */
	uint64_t until_ms;
	unsigned n;
	char *ns[GRANTS_MAX]; /* owned */
};

/* ---- what there is ---- */

static void
request_free(struct session *s)
{
	for (unsigned i = 0; s->asked && i < s->asked->n; i++)
		free(s->asked->ns[i]);
	if (s->asked)
		free(s->asked->manager);
	free(s->asked);
	s->asked = NULL;
}

static void
grant_free(struct sessiond *sd, struct grant *g)
{
	list_remove(&g->link);
	nested_end(sd, &g->nested);
	free(g);
}

void
grant_clear(struct session *s)
{
	request_free(s);
	LIST_FOREACH_SAFE(&s->grants, it, nx)
		grant_free(s->sd, CONTAINER_OF(it, struct grant, link));
}

static struct grant *
find_in(const struct session *s, struct str ns)
{
	LIST_FOREACH(&s->grants, it) {
		struct grant *g = CONTAINER_OF(it, struct grant, link);

		if (str_is(ns, g->nested.ns))
			return g;
	}
	return NULL;
}

static struct grant *
find(const struct account *a, struct str ns)
{
	struct grant *g = NULL;

	LIST_FOREACH(&a->sessions, it)
		g = g ? g : find_in(CONTAINER_OF(it, struct session, link), ns);
	return g;
}

/* What the operator has given to a component is nobody else's. */
static bool
may_be_granted(const struct sessiond *sd, struct str ns)
{
	const struct setting_strings *all = &settings_of(sd)->client_delegation;
	const struct delegation *d;
	bool found = false;

	for (size_t i = 0; i < all->n; i++)
		found = found || str_is(ns, all->v[i]);
	for (size_t i = 0; found && (d = delegation_next(sd, &i));)
		found = !str_is(ns, d->title);
	return found;
}

const char *
grant_manager(const struct iq *iq)
{
	const struct sessiond *sd = iq->act->sd;
	struct str from = jid_split(iq->st->from).bare;
	const struct account *a = iq->account;
	const struct grant *g;

	if (!may_be_granted(sd, iq->node->ns))
		return NULL;
	a = a ? a : account_find(sd, from);
	g = a ? find(a, iq->node->ns) : NULL;
	return g && !str_is(from, g->nested.manager) ? g->nested.manager : NULL;
}

/* ---- they are told ---- */

static void
write_grants(struct xml_writer *w, const struct account *a, const char *manager)
{
	LIST_FOREACH(&a->sessions, s) {
		LIST_FOREACH(&CONTAINER_OF(s, struct session, link)->grants, it) {
			const struct nested *n = &CONTAINER_OF(it, struct grant, link)->nested;

			/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): a grant that is freed has left the list */
			if (strcmp(n->manager, manager) != 0)
				continue;
			xw_open(w, (struct str){0}, S("delegated"));
			xw_attr(w, "namespace", str_z(n->ns));
			xw_close(w);
		}
	}
}

/* All that it has of this user now; nothing: it has lost it. */
static void
tell(const struct account *a, const char *manager)
{
	struct act act = act_own(a->sd);
	struct buf payload = {0};
	struct xml_writer w;

	xw_init(&w, &payload, S("jabber:client"));
	xw_open(&w, S(NS_DELEGATION), S("delegation"));
	xw_attr(&w, "to", a->jid);
	write_grants(&w, a, manager);
	xw_close(&w);
	struct stanza st = {.kind = STANZA_MESSAGE,
	    .from = jid_split(a->jid).domain,
	    .to = str_z(manager),
	    .id = S("delegation"),
	    .payload = buf_str(&payload)};
	route_stanza(&act, OP_ANSWER, &st);
	buf_deinit(&payload);
}

static void
revoke_all(struct session *s, const char *manager)
{
	LIST_FOREACH_SAFE(&s->grants, it, nx) {
		struct grant *g = CONTAINER_OF(it, struct grant, link);

		if (strcmp(g->nested.manager, manager) == 0)
			grant_free(s->sd, g);
	}
}

void
grant_session_ended(struct session *s)
{
	request_free(s);
	while (!list_empty(&s->grants)) {
		const struct grant *g = CONTAINER_OF(s->grants.next, struct grant, link);
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): a grant that is freed has left the list */
		char *manager = str_dup(str_z(g->nested.manager));

		revoke_all(s, manager);
		tell(s->account, manager);
		free(manager);
	}
}

/* ---- the question ---- */

static enum stanza_error
check_request(const struct iq *iq, struct jid_buf *buf, struct jid *to_r)
{
	unsigned n = 0;

	if (!jid_prepare(to_r, buf, xml_node_attr(iq->node, "to", NULL)) || !jid_is_bare(to_r) ||
	    str_empty(to_r->local) || !str_eq(to_r->domain, iq->st->to))
		return SE_BAD_REQUEST;
	for (const struct xml_node *c = iq->node->children; c; c = c->next, n++) {
		if (!str_is(c->name, "delegate") || !str_is(c->ns, NS_DELEGATION) || n == GRANTS_MAX)
			return SE_BAD_REQUEST;
		if (!may_be_granted(iq->act->sd, xml_node_attr(c, "namespace", NULL)))
			return SE_FORBIDDEN;
	}
	return n > 0 ? SE_NONE : SE_BAD_REQUEST;
}

/* Users hear only of those whom they have something to do with. */
static bool
is_known(const struct account *a, struct str manager)
{
	const struct contact *c = roster_find(&a->roster, manager);

	return c && c->is_listed && (contact_has_to(c) || contact_has_from(c)) &&
	    !account_denies(a, manager, PRIVACY_MESSAGE);
}

static bool
may_be_asked(const struct session *s)
{
	return session_is_available(s) && !session_is_away(s) && s->priority >= 0 &&
	    (!s->asked || clock_mono_ms() > s->asked->until_ms);
}

static struct session *
session_to_ask(const struct account *a)
{
	struct session *best = NULL;

	LIST_FOREACH(&a->sessions, it) {
		struct session *s = CONTAINER_OF(it, struct session, link);

		if (may_be_asked(s) && (!best || s->priority > best->priority))
			best = s;
	}
	return best;
}

static void
request_new(struct session *s, struct str manager, const struct xml_node *query)
{
	struct grant_request *r = NEW(struct grant_request);
	struct id128 id = id_random();

	request_free(s);
	id_hex(&id, r->challenge);
	r->manager = str_dup(manager);
	r->until_ms = clock_mono_ms() + ASKED_MS;
	for (const struct xml_node *c = query->children; c; c = c->next)
		r->ns[r->n++] = str_dup(xml_node_attr(c, "namespace", NULL));
	s->asked = r;
}

/* ---- its form ---- */

static void
write_label(struct buf *out, const char *ns)
{
	static const struct {
		const char *ns, *name;
	} names[] = {
	    {"http://jabber.org/protocol/pubsub", "Publishing and subscribing (PEP)"},
	    {"jabber:iq:private", "Private storage"},
	    {"jabber:iq:roster", "Contact list"},
	    {"urn:xmpp:blocking", "Block list"},
	    {"urn:xmpp:mam:2", "Message archive"},
	    {"vcard-temp", "vCard"},
	};

	for (size_t i = 0; i < COUNT(names); i++)
		if (strcmp(ns, names[i].ns) == 0)
			buf_printf(out, "%s (%s)", names[i].name, ns);
	if (buf_len(out) == 0)
		buf_add_z(out, ns);
}

static void
write_hidden(struct xml_writer *w, const char *var, const char *value)
{
	xw_open(w, (struct str){0}, S("field"));
	xw_attr(w, "type", S("hidden"));
	xw_attr(w, "var", str_z(var));
	xw_leaf(w, (struct str){0}, "value", str_z(value));
	xw_close(w);
}

static void
write_choice(struct xml_writer *w, const char *ns)
{
	static const char *const words[] = {"No", "Yes"}, *const values[] = {"0", "1"};
	struct buf label = {0};

	write_label(&label, ns);
	xw_open(w, (struct str){0}, S("field"));
	xw_attr(w, "type", S("list-single"));
	xw_attr(w, "label", buf_str(&label));
	xw_attr(w, "var", str_z(ns));
	xw_leaf(w, (struct str){0}, "value", S("0"));
	for (size_t i = 0; i < COUNT(words); i++) {
		xw_open(w, (struct str){0}, S("option"));
		xw_attr(w, "label", str_z(words[i]));
		xw_leaf(w, (struct str){0}, "value", str_z(values[i]));
		xw_close(w);
	}
	xw_close(w);
	buf_deinit(&label);
}

static void
write_form(struct xml_writer *w, const struct grant_request *r)
{
	struct buf text = {0};

	buf_printf(&text,
	    "%s asks to answer, in the place of your server, for a part of your account. It can read and change what it is "
	    "given. Agree only if you know who that is and trust them; it ends with this session.",
	    r->manager);
	xw_leaf(w, (struct str){0}, "body", buf_str(&text));
	xw_open(w, S(NS_FORM), S("x"));
	xw_attr(w, "type", S("form"));
	xw_leaf(w, (struct str){0}, "title", S("Somebody asks for a part of your account"));
	xw_leaf(w, (struct str){0}, "instructions", buf_str(&text));
	write_hidden(w, "challenge", r->challenge);
	write_hidden(w, "FORM_TYPE", NS_DELEGATION);
	for (unsigned i = 0; i < r->n; i++)
		write_choice(w, r->ns[i]);
	xw_close(w);
	buf_deinit(&text);
}

/* To this session alone: nothing for the archive, nothing to be kept. */
static void
send_form(struct session *s)
{
	struct act act = act_own(s->sd);
	struct buf payload = {0};
	struct xml_writer w;

	xw_init(&w, &payload, S("jabber:client"));
	write_form(&w, s->asked);
	struct stanza st = {.kind = STANZA_MESSAGE,
	    .from = s->jid.domain,
	    .to = s->jid.full,
	    .id = str_z(s->asked->challenge),
	    .payload = buf_str(&payload)};
	outbound_stanza(s, &act, act_op(&act, OP_ANSWER), &st);
	buf_deinit(&payload);
}

void
grant_ask(const struct iq *iq)
{
	struct str manager = jid_split(iq->st->from).bare;
	struct jid_buf buf;
	struct jid to;
	enum stanza_error e = check_request(iq, &buf, &to);
	const struct account *a;
	struct session *s;

	if (e != SE_NONE) {
		iq_error(iq, e);
		return;
	}
	iq_result(iq, S(""));
	a = account_find(iq->act->sd, to.bare);
	s = a && is_known(a, manager) ? session_to_ask(a) : NULL;
	if (!s)
		return;
	request_new(s, manager, iq->node);
	send_form(s);
}

/* ---- the user's answer ---- */

static struct str
value_of(const struct xml_node *x, const char *var)
{
	for (const struct xml_node *f = x->children; f; f = f->next) {
		const struct xml_node *v = xml_child(f, NS_FORM, "value");

		if (v && str_is(f->name, "field") && str_is(xml_node_attr(f, "var", NULL), var))
			return v->text;
	}
	return S("");
}

/* A namespace has one manager: the last one agreed to. */
static void
take_from_others(struct account *a, const char *ns, const char *manager)
{
	struct grant *g;

	while ((g = find(a, str_z(ns)))) {
		char *old = str_dup(str_z(g->nested.manager));

		grant_free(a->sd, g);
		if (strcmp(old, manager) != 0)
			tell(a, old);
		free(old);
	}
}

static void
grant_new(struct session *s, const char *ns, const char *manager)
{
	struct grant *g = NEW(struct grant);

	take_from_others(s->account, ns, manager);
	list_init(&g->link);
	nested_begin(&g->nested, ns, manager, s->jid.domain, true);
	list_add(&s->grants, &g->link);
	nested_ask(s->sd, &g->nested);
}

static void
take_answer(struct session *s, const struct xml_node *x)
{
	const struct grant_request *r = s->asked;
	bool some = false;

	for (unsigned i = 0; i < r->n; i++) {
		struct str value = value_of(x, r->ns[i]);

		if (!str_is(value, "1") || !may_be_granted(s->sd, str_z(r->ns[i])))
			continue;
		grant_new(s, r->ns[i], r->manager);
		some = true;
	}
	if (some)
		tell(s->account, r->manager);
}

bool
grant_message(const struct act *act, const struct stanza *st)
{
	struct jid from = jid_split(st->from);
	const struct account *a = account_find(act->sd, from.bare);
	struct session *s = a ? account_session(a, from.resource) : NULL;
	struct arena arena = {0};
	const struct xml_node *x;
	bool is_ours;

	if (!s || !s->asked)
		return false;
	x = xml_find(xml_tree_parse(&arena, st->payload, S("jabber:client")), NS_FORM, "x");
	is_ours = x && str_is(value_of(x, "challenge"), s->asked->challenge);
	if (is_ours && str_is(xml_node_attr(x, "type", NULL), "submit"))
		take_answer(s, x);
	if (is_ours)
		request_free(s);
	arena_deinit(&arena);
	return is_ours;
}
