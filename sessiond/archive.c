/* See archive.h. */
#include "archive.h"

#include <stdlib.h>

#include "account.h"
#include "base/archive_id.h"
#include "base/arena.h"
#include "base/mem.h"
#include "fate.h"
#include "xml/tree.h"
#include "xml/writer.h"

#define NS_MAM "urn:xmpp:mam:2"

static const char *const defaults[] = {
    [DEFAULT_OF_DOMAIN] = NULL,
    [DEFAULT_ALWAYS] = "always",
    [DEFAULT_NEVER] = "never",
    [DEFAULT_ROSTER] = "roster",
};

/* ---- preferences ---- */

static unsigned
count_jids(const struct xml_node *list)
{
	unsigned n = 0;

	for (const struct xml_node *j = list ? list->children : NULL; j; j = j->next)
		n++;
	return n;
}

/* Prepared copies in the arena; NULL when one of them is no JID. */
static struct str *
read_jids(struct arena *a, const struct xml_node *list)
{
	struct str *jids = arena_alloc(a, (count_jids(list) + 1) * sizeof(*jids));
	unsigned n = 0;

	for (const struct xml_node *j = list ? list->children : NULL; j; j = j->next) {
		struct jid_buf buf;
		struct jid jid;

		if (!str_is(j->name, "jid") || !jid_prepare(&jid, &buf, str_trim(j->text)))
			return NULL;
		jids[n++] = arena_str(a, jid.full);
	}
	return jids;
}

static bool
read_default(const struct xml_node *prefs, enum archive_default *d_r)
{
	struct str word = xml_node_attr(prefs, "default", NULL);

	for (unsigned i = DEFAULT_ALWAYS; i < COUNT(defaults); i++)
		if (str_is(word, defaults[i])) {
			*d_r = (enum archive_default)i;
			return true;
		}
	return false;
}

/* One block with both lists and their strings. */
static void
keep_jids(struct archive_prefs *p, const struct str *always, const struct str *never)
{
	size_t n = p->n_always + p->n_never, bytes = n * sizeof(struct str);
	char *at;

	for (unsigned i = 0; i < p->n_always; i++)
		bytes += always[i].n;
	for (unsigned i = 0; i < p->n_never; i++)
		bytes += never[i].n;
	p->always = mem_new(bytes + 1);
	p->never = p->always + p->n_always;
	at = (char *)(p->always + n);
	for (unsigned i = 0; i < n; i++) {
		struct str s = i < p->n_always ? always[i] : never[i - p->n_always];

		memcpy(at, s.p, s.n);
		p->always[i] = str_of(at, s.n);
		at += s.n;
	}
}

bool
archive_prefs_load(struct archive_prefs *p, struct str data)
{
	struct arena a = {0};
	struct xml_node *prefs = xml_tree_parse(&a, data, S("jabber:client"));
	struct archive_prefs fresh = {0};
	struct str *always = NULL, *never = NULL;
	bool is_right = prefs && read_default(prefs, &fresh.otherwise);

	if (is_right) {
		const struct xml_node *list[] = {
		    xml_child(prefs, NS_MAM, "always"), xml_child(prefs, NS_MAM, "never")};

		fresh.n_always = count_jids(list[0]);
		fresh.n_never = count_jids(list[1]);
		is_right = fresh.n_always <= ARCHIVE_JIDS_MAX && fresh.n_never <= ARCHIVE_JIDS_MAX;
		always = is_right ? read_jids(&a, list[0]) : NULL;
		never = is_right ? read_jids(&a, list[1]) : NULL;
		is_right = always && never;
	}
	if (is_right) {
		keep_jids(&fresh, always, never);
		archive_prefs_clear(p);
		*p = fresh;
	}
	arena_deinit(&a);
	return is_right;
}

void
archive_prefs_clear(struct archive_prefs *p)
{
	free(p->always);
	*p = (struct archive_prefs){0};
}

static void
write_jids(struct xml_writer *w, const char *name, const struct str *jids, unsigned n)
{
	xw_open(w, (struct str){0}, str_z(name));
	for (unsigned i = 0; i < n; i++)
		xw_leaf(w, (struct str){0}, "jid", jids[i]);
	xw_close(w);
}

/* What the settings say of the account's domain alone. */
static struct archive_domain
domain_of(const struct account *a)
{
	const struct sessiond_settings *set = settings_of(a->sd);
	const struct archive_domain *d = set->archive_domains.v;

	for (size_t i = 0; i < set->archive_domains.n; i++)
		if (str_is(jid_split(a->jid).domain, d[i].title))
			return d[i];
	return (struct archive_domain){.archive = 0};
}

static int
policy_of(const struct account *a)
{
	int own = domain_of(a).archive;

	return own ? own - 1 : settings_of(a->sd)->archive;
}

bool
archive_has_prefs(const struct account *a)
{
	int own = domain_of(a).preferences;

	return own ? own == SWITCH_ON : settings_of(a->sd)->archive_preferences;
}

/* Those that count. */
static const struct archive_prefs *
prefs_of(const struct account *a)
{
	static const struct archive_prefs none;

	return archive_has_prefs(a) ? &a->archive : &none;
}

void
archive_prefs_write(const struct account *a, struct buf *out)
{
	const struct archive_prefs *p = prefs_of(a);
	const char *otherwise = defaults[p->otherwise];
	struct xml_writer w;

	if (!otherwise)
		otherwise = policy_of(a) == ARCHIVE_ROSTER ? "roster" : "always";
	xw_init(&w, out, S("jabber:client"));
	xw_open(&w, S(NS_MAM), S("prefs"));
	xw_attr(&w, "default", str_z(otherwise));
	write_jids(&w, "always", p->always, p->n_always);
	write_jids(&w, "never", p->never, p->n_never);
	xw_close(&w);
}

/* ---- which messages ---- */

bool
archive_is_on(const struct account *a)
{
	return policy_of(a) != ARCHIVE_OFF;
}

bool
archive_is_searchable(const struct account *a)
{
	struct str line, rest = buf_str(&a->sd->searchable);

	while (!str_empty(rest)) {
		str_split(rest, '\n', &line, &rest);
		if (str_eq(line, jid_split(a->jid).domain))
			return archive_is_on(a);
	}
	return false;
}

void
handle_searchable(struct sessiond *sd, const struct bus_in *in, const void *msg)
{
	struct bus_list list = ((const struct msg_SEARCHABLE *)msg)->domains;
	struct rec_account domain;

	(void)in;
	buf_clear(&sd->searchable);
	while (bus_list_next(&list, &bus_record_account, &domain))
		buf_printf(&sd->searchable, "%.*s\n", STR_ARG(domain.jid));
}

/* XEP-0441 §2.3: a bare JID covers its resources. */
static bool
lists(const struct str *jids, unsigned n, struct str other)
{
	for (unsigned i = 0; i < n; i++)
		if (str_eq(jids[i], other) || str_eq(jids[i], jid_split(other).bare))
			return true;
	return false;
}

static bool
is_listed(const struct account *a, struct str other)
{
	const struct contact *c = roster_find(&a->roster, jid_split(other).bare);

	return (c && c->is_listed) || str_eq(jid_split(other).bare, a->jid);
}

static bool
is_wanted(const struct account *a, struct str other)
{
	const struct archive_prefs *p = prefs_of(a);

	if (lists(p->never, p->n_never, other))
		return false;
	if (lists(p->always, p->n_always, other))
		return true;
	switch (p->otherwise) {
	case DEFAULT_ALWAYS:
		return true;
	case DEFAULT_NEVER:
		return false;
	case DEFAULT_ROSTER:
		return is_listed(a, other);
	case DEFAULT_OF_DOMAIN:
		break;
	}
	return policy_of(a) == ARCHIVE_ALWAYS || is_listed(a, other);
}

bool
archive_wants(const struct account *a, const struct stanza *st, struct str other)
{
	return archive_is_on(a) && (message_traits(st) & TRAIT_ARCHIVE) && is_wanted(a, other);
}

/* ---- ids ---- */

void
archive_write_id(struct buf *out, const struct id128 *origin, uint64_t n, struct str owner)
{
	struct id128 id = archive_id(origin, n, owner);
	char hex[2 * ID_BYTES + 1];
	struct xml_writer w;

	id_hex(&id, hex);
	xw_init(&w, out, S("jabber:client"));
	xw_open(&w, S("urn:xmpp:sid:0"), S("stanza-id"));
	xw_attr(&w, "by", owner);
	xw_attr(&w, "id", str_z(hex));
	xw_close(&w);
}

const struct stanza *
archive_stamp(struct archive_stamp *s, const struct account *a, const struct act *act,
    const struct stanza *st, bool is_archived)
{
	*s = (struct archive_stamp){.st = *st};
	if (!is_archived)
		return st;
	buf_add_str(&s->payload, st->payload);
	archive_write_id(&s->payload, &act->op.origin, act->op.n, a->jid);
	s->st.payload = buf_str(&s->payload);
	s->st.facts |= FACT_STANZA_ID;
	return &s->st;
}

void
archive_stamp_free(struct archive_stamp *s)
{
	buf_deinit(&s->payload);
}
