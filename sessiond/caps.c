/* See caps.h. */
#include "caps.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "iq.h"

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

bool
caps_is_off(const char *ns, const struct sessiond_settings *set)
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

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

unsigned
caps_server_features(const char *list[FEATURES_MAX], const struct sessiond_settings *set)
{
	unsigned n = 0, kept = 0;

	for (const struct iq_entry *e = iq_table; e->name && n < FEATURES_MAX; e++)
		if (e->place == IQ_SERVER && e->is_feature && !caps_is_off(e->ns, set))
			list[n++] = e->ns;
	for (size_t i = 0; i < COUNT(extras) && n < FEATURES_MAX; i++)
		if (!caps_is_off(extras[i], set))
			list[n++] = extras[i];
	qsort(list, n, sizeof(*list), by_name);
	for (unsigned i = 0; i < n; i++)
		if (i == 0 || strcmp(list[kept - 1], list[i]) != 0)
			list[kept++] = list[i];
	return kept;
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

#define SERVER_INFO "http://jabber.org/network/serverinfo"

void
caps_write_contacts(struct xml_writer *w, const struct sessiond_settings *set)
{
	static const char *const type[] = {SERVER_INFO};

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

static void
add_values(struct buf *out, const struct setting_strings *s)
{
	const char **sorted = mem_new_array(s->n + 1, sizeof(*sorted));

	for (size_t i = 0; i < s->n; i++)
		sorted[i] = s->v[i];
	qsort(sorted, s->n, sizeof(*sorted), by_name);
	for (size_t i = 0; i < s->n; i++)
		buf_printf(out, "%s<", sorted[i]);
	free(sorted);
}

void
caps_string(struct buf *out, const struct sessiond_settings *set)
{
	const char *list[FEATURES_MAX];
	unsigned n = caps_server_features(list, set);

	buf_add_z(out, "server/im//Jackdaw<");
	for (unsigned i = 0; i < n; i++)
		buf_printf(out, "%s<", list[i]);
	if (has_contacts(set))
		buf_add_z(out, SERVER_INFO "<");
	for (size_t i = 0; i < COUNT(contacts); i++) {
		if (addresses(set, i)->n == 0)
			continue;
		buf_printf(out, "%s<", contacts[i].var);
		add_values(out, addresses(set, i));
	}
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

	caps_string(&caps, settings_of(sd));
	m.caps = buf_str(&caps);
	bus_send(bus_of(sd), edge, MSG_FEATURES, &m, NULL, NULL, 0);
	buf_deinit(&caps);
}
