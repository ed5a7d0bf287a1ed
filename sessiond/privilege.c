/* See privilege.h. What a component gets goes out as an ordinary stanza for it; what it sends has been stamped by componentd, so its
 * name can be believed. */
#include "privilege.h"

#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "bounce.h"
#include "delegation.h"
#include "nested.h"
#include "route.h"

#define NS_PRIVILEGE "urn:xmpp:privilege:2"
#define NS_ROSTER "jabber:iq:roster"
#define AT(member) offsetof(struct privilege, member)

/* ---- settings ---- */

static bool
split_iq(struct str value, struct str *type_r, struct str *ns_r)
{
	return str_split(value, ' ', type_r, ns_r) && !str_empty(*ns_r) &&
	    (str_is(*type_r, "get") || str_is(*type_r, "set") || str_is(*type_r, "both"));
}

static int
check_iq(const char *value, struct err *err)
{
	struct str type, ns;

	return split_iq(str_z(value), &type, &ns)
	    ? 0
	    : err_set(err, "\"%s\": write get, set or both, a blank, and a namespace", value);
}

const struct setting privilege_table[] = {
    {.name = "roster",
	.type = SETTING_ENUM,
	.offset = AT(roster),
	.def = "none",
	.text = "none|get|set|both",
	.help = "Users' rosters: read them, change them, or both."},
    SETTING_BOOL_ROW(
	"roster_push", AT(roster_push), "true", "It is told of changes, if it may read them."),
    SETTING_BOOL_ROW("message", AT(message), "false",
	"It may send messages in the name of users and of the server."),
    {.name = "presence",
	.type = SETTING_ENUM,
	.offset = AT(presence),
	.def = "none",
	.text = "none|managed_entity|roster",
	.help =
	    "It is told when users come and go; roster: and what they are told of their contacts, which it must be able"
	    " to read."},
    {.name = "iq",
	.type = SETTING_LIST,
	.offset = AT(iq),
	.def = "{}",
	.max = 512,
	.check = check_iq,
	.help = "Requests that it may send in the name of users: \"get NAMESPACE\", set, or both."},
    {.name = NULL},
};

static bool
may_read_roster(const struct privilege *p)
{
	return p->roster == PRIVILEGE_ROSTER_GET || p->roster == PRIVILEGE_ROSTER_BOTH;
}

static bool
is_component(const struct suite *s, struct str name)
{
	for (size_t i = 0; i < s->n_components; i++)
		if (str_is(name, s->components[i]))
			return true;
	return false;
}

int
privilege_check(const struct setting_sections *all, struct err *err)
{
	const struct privilege *p = all->v;

	for (size_t i = 0; i < all->n; i++)
		if (p[i].presence == PRIVILEGE_PRESENCE_ROSTER && !may_read_roster(&p[i]))
			return err_set(err,
			    "privilege \"%s\": presence = roster needs roster = get or both",
			    p[i].title);
	return 0;
}

void
privilege_warn(const struct sessiond *sd)
{
	const struct setting_sections *all = &settings_of(sd)->privileges;
	const struct privilege *p = all->v;

	for (size_t i = 0; i < all->n; i++)
		if (!is_component(&sd->daemon->suite, str_z(p[i].title)))
			log_warn(
			    "privilege \"%s\" is for no component of jackdaw.conf, written as there: it is ignored",
			    p[i].title);
}

/* The next one from number *i on; NULL: there is none. Only components have privileges: another name may be a stranger's. */
static const struct privilege *
next_privilege(const struct sessiond *sd, size_t *i)
{
	const struct setting_sections *all = &settings_of(sd)->privileges;
	const struct privilege *p = all->v;

	while (*i < all->n) {
		const struct privilege *at = &p[(*i)++];

		if (is_component(&sd->daemon->suite, str_z(at->title)))
			return at;
	}
	return NULL;
}

static const struct privilege *
privilege_of(const struct sessiond *sd, struct str component)
{
	const struct privilege *p;

	for (size_t i = 0; (p = next_privilege(sd, &i));)
		if (str_is(component, p->title))
			return p;
	return NULL;
}

/* Of a sender that is the component itself. */
static const struct privilege *
privilege_of_sender(const struct sessiond *sd, struct str from)
{
	struct jid jid = jid_split(from);

	return str_empty(jid.local) && str_empty(jid.resource) ? privilege_of(sd, jid.domain) : NULL;
}

/* ---- what it may, as it is told ---- */

static void
write_perm(struct xml_writer *w, const char *access, const char *type)
{
	xw_open(w, (struct str){0}, S("perm"));
	xw_attr(w, "access", str_z(access));
	if (type)
		xw_attr(w, "type", str_z(type));
}

static void
write_roster(struct xml_writer *w, const struct privilege *p)
{
	static const char *const types[] = {"none", "get", "set", "both"};

	if (p->roster == PRIVILEGE_ROSTER_NONE)
		return;
	write_perm(w, "roster", types[p->roster]);
	if (may_read_roster(p))
		xw_attr(w, "push", p->roster_push ? S("true") : S("false"));
	xw_close(w);
}

static void
write_iq(struct xml_writer *w, const struct privilege *p)
{
	if (p->iq.n == 0)
		return;
	write_perm(w, "iq", NULL);
	for (size_t i = 0; i < p->iq.n; i++) {
		struct str type, ns;

		split_iq(str_z(p->iq.v[i]), &type, &ns);
		xw_open(w, (struct str){0}, S("namespace"));
		xw_attr(w, "ns", ns);
		xw_attr(w, "type", type);
		xw_close(w);
	}
	xw_close(w);
}

static void
write_privileges(struct buf *out, const struct privilege *p)
{
	static const char *const presences[] = {NULL, "managed_entity", "roster"};
	struct xml_writer w;

	xw_init(&w, out, S("jabber:client"));
	xw_open(&w, S(NS_PRIVILEGE), S("privilege"));
	write_roster(&w, p);
	if (p->message) {
		write_perm(&w, "message", "outgoing");
		xw_close(&w);
	}
	if (presences[p->presence]) {
		write_perm(&w, "presence", presences[p->presence]);
		xw_close(&w);
	}
	write_iq(&w, p);
	xw_close(&w);
}

/* From each domain whose users it is about. */
static void
tell(const struct act *act, struct str component, const char *id, struct str payload)
{
	const struct suite *suite = &act->sd->daemon->suite;

	for (size_t i = 0; i < suite->n_domains && !str_empty(payload); i++) {
		struct stanza st = {.kind = STANZA_MESSAGE,
		    .from = str_z(suite->domains[i]),
		    .to = component,
		    .id = str_z(id),
		    .payload = payload};
		struct act own = *act;

		own.op = act_op_of(act, OP_ANSWER, str_z(id));
		route_stanza(&own, OP_ANSWER, &st);
	}
}

void
handle_component_up(struct sessiond *sd, const struct bus_in *in, const void *msg)
{
	const struct msg_COMPONENT_UP *m = msg;
	const struct privilege *p = privilege_of(sd, m->name);
	struct act act = act_of(sd, in);
	struct buf payload = {0};

	if (p)
		write_privileges(&payload, p);
	tell(&act, m->name, "privilege", buf_str(&payload));
	buf_clear(&payload);
	delegation_write(sd, &payload, m->name);
	tell(&act, m->name, "delegation", buf_str(&payload));
	nested_component_up(sd, m->name);
	buf_deinit(&payload);
}

/* ---- rosters ---- */

bool
privilege_lets_ask(const struct iq *iq)
{
	const struct privilege *p;

	if (!str_is(iq->node->ns, NS_ROSTER))
		return false;
	p = privilege_of_sender(iq->act->sd, iq->st->from);
	if (!p)
		return false;
	return iq->st->type == TYPE_GET
	    ? may_read_roster(p)
	    : p->roster == PRIVILEGE_ROSTER_SET || p->roster == PRIVILEGE_ROSTER_BOTH;
}

/* An effect of which one stanza may have several, told apart by `what`. */
static void
send_as(const struct act *act, enum op_kind kind, struct str what, const struct stanza *st)
{
	struct act own = *act;

	own.op = act_op_of(act, kind, what);
	route_stanza(&own, kind, st);
}

void
privilege_push_roster(struct account *a, const struct act *act, struct str payload, struct str item)
{
	const struct privilege *p;
	struct buf id = {0};

	for (size_t i = 0; (p = next_privilege(a->sd, &i));) {
		struct stanza st = {.kind = STANZA_IQ,
		    .type = TYPE_SET,
		    .from = a->jid,
		    .to = str_z(p->title),
		    .payload = payload};

		if (!may_read_roster(p) || !p->roster_push)
			continue;
		buf_clear(&id);
		buf_printf(&id, "push%llx", (unsigned long long)++a->sd->pushes);
		st.id = buf_str(&id);
		send_as(act, OP_ROSTER_PUSH, item, &st);
	}
	buf_deinit(&id);
}

/* ---- presence ---- */

static void
show(const struct act *act, const struct stanza *st, enum privilege_presence least)
{
	const struct privilege *p;

	for (size_t i = 0; (p = next_privilege(act->sd, &i));) {
		struct stanza copy = *st;

		copy.to = str_z(p->title);
		if (p->presence >= (int)least)
			send_as(act, OP_PRESENCE, st->from, &copy);
	}
}

void
privilege_show_user(const struct act *act, const struct stanza *st)
{
	show(act, st, PRIVILEGE_PRESENCE_MANAGED);
}

static bool
is_contact(const struct account *a, struct str bare)
{
	const struct contact *c = roster_find(&a->roster, bare);

	return c && c->is_listed && contact_has_to(c);
}

void
privilege_show_contact(struct account *a, const struct act *act, const struct stanza *st)
{
	struct jid from = jid_split(st->from);

	if ((st->type != TYPE_AVAILABLE && st->type != TYPE_UNAVAILABLE) ||
	    settings_of(a->sd)->privileges.n == 0 || !is_contact(a, from.bare))
		return;
	show(act, st, PRIVILEGE_PRESENCE_ROSTER);
}

/* ---- messages ---- */

/* The message within, if it is of a form that can be sent: from a bare JID of the domain that was asked. */
static enum stanza_error
read_message(
    const struct xml_node *inner, struct str domain, struct jid_buf bufs[2], struct stanza *st_r)
{
	struct jid from, to;
	enum stanza_type type;

	if (!inner || !jid_prepare(&from, &bufs[0], xml_node_attr(inner, "from", NULL)) ||
	    !jid_prepare(&to, &bufs[1], xml_node_attr(inner, "to", NULL)))
		return SE_BAD_REQUEST;
	if (!jid_is_bare(&from) || !str_eq(from.domain, domain))
		return SE_FORBIDDEN;
	stanza_type_parse(STANZA_MESSAGE, xml_node_attr(inner, "type", NULL), &type);
	*st_r = (struct stanza){.kind = STANZA_MESSAGE,
	    .type = (uint8_t)type,
	    .from = from.full,
	    .to = to.full,
	    .id = xml_node_attr(inner, "id", NULL)};
	return SE_NONE;
}

static void
send_message(const struct act *act, struct arena *a, const struct xml_node *inner, struct stanza *st)
{
	struct buf payload = {0};

	for (const struct xml_node *n = inner->children; n; n = n->next)
		buf_add_str(&payload, xml_node_raw(a, n));
	st->payload = buf_str(&payload);
	st->facts = xml_payload_facts(st->payload, S("jabber:client"));
	route_stanza(act, OP_DELIVERY, st);
	buf_deinit(&payload);
}

bool
privilege_message(const struct act *act, const struct stanza *st)
{
	const struct privilege *p = privilege_of_sender(act->sd, st->from);
	struct arena a = {0};
	struct xml_node *top = xml_tree_parse(&a, st->payload, S("jabber:client"));
	struct xml_node *n = xml_find(top, NS_PRIVILEGE, "privilege");
	struct jid_buf bufs[2];
	struct stanza inner;
	enum stanza_error e = p && p->message ? SE_NONE : SE_FORBIDDEN;
	bool is_ours = n != NULL;

	n = n ? xml_child(n, "urn:xmpp:forward:0", "forwarded") : NULL;
	n = n ? xml_child(n, "jabber:client", "message") : NULL;
	if (is_ours && e == SE_NONE)
		e = read_message(n, jid_split(st->to).domain, bufs, &inner);
	if (is_ours && e != SE_NONE)
		bounce(act, st, e);
	else if (is_ours)
		send_message(act, &a, n, &inner);
	arena_deinit(&a);
	return is_ours;
}

/* ---- requests (privilege_iq.c) ---- */

bool
privilege_lets_send(
    const struct sessiond *sd, struct str component, enum stanza_type type, struct str ns)
{
	const struct privilege *p = privilege_of_sender(sd, component);

	for (size_t i = 0; p && i < p->iq.n; i++) {
		struct str allowed, of;

		split_iq(str_z(p->iq.v[i]), &allowed, &of);
		if (str_eq(of, ns) &&
		    (str_is(allowed, "both") || str_is(allowed, stanza_type_name(type))))
			return true;
	}
	return false;
}
