/* See caps.h. */
#include "caps.h"

#include <stdlib.h>
#include <string.h>

#include "account.h"
#include "archive.h"
#include "base/mem.h"
#include "iq.h"
#include "nested.h"

#define NS_PRIVACY "jabber:iq:privacy"
#define NS_REGISTER "jabber:iq:register"

/* XEP-0157 §3: in the order of their names, as the string wants them. */
static const struct {
	const char *var;
	size_t offset;
} contacts[] = {
    {"abuse-addresses", offsetof(struct sessiond_settings, contact_abuse)},
    {"admin-addresses", offsetof(struct sessiond_settings, contact_admin)},
    {"feedback-addresses", offsetof(struct sessiond_settings, contact_feedback)},
    {"sales-addresses", offsetof(struct sessiond_settings, contact_sales)},
    {"security-addresses", offsetof(struct sessiond_settings, contact_security)},
    {"status-addresses", offsetof(struct sessiond_settings, contact_status)},
    {"support-addresses", offsetof(struct sessiond_settings, contact_support)},
};

/* What is not asked by IQ of the server itself. */
static const char *const extras[] = {NS_PRIVACY, "http://jabber.org/protocol/caps", "msgoffline",
    "urn:xmpp:blocking", "urn:xmpp:carbons:2", "vcard-temp"};

static const char *const account_extras[] = {"urn:xmpp:carbons:2", "urn:xmpp:sid:0"};

static const char *const archive_extras[] = {"urn:xmpp:mam:2", "urn:xmpp:mam:2#extended",
    "urn:xmpp:mam:2#groupchat-field", "http://jabber.org/protocol/rsm"};

/* A feature that the operator has switched off. */
static bool
is_off(const char *ns, const struct sessiond_settings *set)
{
	if (strcmp(ns, NS_REGISTER) == 0)
		return !set->password_change && !set->account_removal;
	return !set->privacy_lists && strcmp(ns, NS_PRIVACY) == 0;
}

static const struct setting_strings *
addresses(const struct sessiond_settings *set, size_t i)
{
	return (const struct setting_strings *)((const char *)set + contacts[i].offset);
}

/* Of what the list has no room for nobody hears. */
static void
add(struct features *f, struct str ns)
{
	if (f->n < FEATURES_MAX)
		f->v[f->n++] = ns;
}

/* XEP-0115: with "<" in it the string would be ambiguous. */
static void
add_nested(void *features, const struct xml_node *feature)
{
	struct str var = xml_node_attr(feature, "var", NULL);

	if (!str_empty(var) && str_find(var, '<') == var.n)
		add(features, var);
}

static int
by_name(const void *a, const void *b)
{
	return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

static void
finish(struct features *f, const struct sessiond *sd, const struct account *a)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < f->n; i++)
		if (!nested_replaces(sd, a, f->v[i]))
			f->v[kept++] = f->v[i];
	f->n = kept;
	nested_each(sd, a, "feature", add_nested, f);
	qsort(f->v, f->n, sizeof(f->v[0]), by_name);
	kept = 0;
	for (unsigned i = 0; i < f->n; i++)
		if (i == 0 || !str_eq(f->v[kept - 1], f->v[i]))
			f->v[kept++] = f->v[i];
	f->n = kept;
}

static void
add_table(struct features *f, enum iq_place place, const struct sessiond_settings *set)
{
	for (const struct iq_entry *e = iq_table; e->name; e++)
		if (e->place == place && e->is_feature && !is_off(e->ns, set))
			add(f, str_z(e->ns));
}

void
caps_server_features(struct features *f, const struct sessiond *sd)
{
	const struct sessiond_settings *set = settings_of(sd);

	f->n = 0;
	add_table(f, IQ_SERVER, set);
	for (size_t i = 0; i < COUNT(extras); i++)
		if (!is_off(extras[i], set))
			add(f, str_z(extras[i]));
	finish(f, sd, NULL);
}

void
caps_account_features(struct features *f, const struct account *a)
{
	f->n = 0;
	add_table(f, IQ_ACCOUNT, settings_of(a->sd));
	for (size_t i = 0; i < COUNT(account_extras); i++)
		add(f, str_z(account_extras[i]));
	for (size_t i = 0; i < COUNT(archive_extras) && archive_is_on(a); i++)
		add(f, str_z(archive_extras[i]));
	if (archive_is_searchable(a))
		add(f, S("urn:xmpp:fulltext:0"));
	finish(f, a->sd, a);
}

static bool
has_contacts(const struct sessiond_settings *set)
{
	for (size_t i = 0; i < COUNT(contacts); i++)
		if (addresses(set, i)->n)
			return true;
	return false;
}

static void
write_field(struct xml_writer *w, const char *var, const char *type, const char *const *v, size_t n)
{
	xw_open(w, (struct str){0}, S("field"));
	xw_attr(w, "var", str_z(var));
	xw_attr_if(w, "type", str_z(type));
	for (size_t i = 0; i < n; i++)
		xw_leaf(w, (struct str){0}, "value", str_z(v[i]));
	xw_close(w);
}

void
caps_write_contacts(struct xml_writer *w, const struct sessiond_settings *set)
{
	static const char *const type[] = {CAPS_SERVER_INFO};

	if (!has_contacts(set))
		return;
	xw_open(w, S("jabber:x:data"), S("x"));
	xw_attr(w, "type", S("result"));
	write_field(w, "FORM_TYPE", "hidden", type, 1);
	for (size_t i = 0; i < COUNT(contacts); i++)
		if (addresses(set, i)->n)
			write_field(w, contacts[i].var, "list-multi", addresses(set, i)->v,
			    addresses(set, i)->n);
	xw_close(w);
}

/* RFC 6121 §2.6.1, §3.4.3 */
#define ROSTER_FEATURES                              \
	"<ver xmlns='urn:xmpp:features:rosterver'/>" \
	"<sub xmlns='urn:xmpp:features:pre-approval'/>"

/* XEP-0352 §4.1 */
void
caps_tell(struct sessiond *sd, const struct endpoint *edge)
{
	struct buf caps = {0};
	struct msg_FEATURES m = {.node = S(CAPS_NODE),
	    .features = settings_of(sd)->client_state
		? S(ROSTER_FEATURES "<csi xmlns='urn:xmpp:csi:0'/>")
		: S(ROSTER_FEATURES)};

	caps_string(&caps, sd);
	m.caps = buf_str(&caps);
	bus_send(bus_of(sd), edge, MSG_FEATURES, &m, NULL, NULL, 0);
	buf_deinit(&caps);
}

void
caps_tell_all(struct sessiond *sd)
{
	for (unsigned i = 0; i < EDGES_MAX; i++) {
		struct endpoint edge = {.role = ROLE_C2SD, .instance = (uint8_t)i};

		edge.incarnation = bus_incarnation_of(bus_of(sd), ROLE_C2SD, edge.instance);
		if (edge.incarnation)
			caps_tell(sd, &edge);
	}
}
